"""`bench status`: how far a suite is."""

import argparse

from bench.cli import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_suite(parser)
    common.add_json(parser)


def main(args: argparse.Namespace) -> int:
    from bench.cli.plan import as_json, text
    from bench.cli.planning import planned
    from bench.trackers import open_tracker

    suite = common.load(args)
    tracker = open_tracker()
    plan = planned(suite, tracker.runs(suite.experiment), tracker)
    if args.json:
        common.show_json(as_json(plan, None, None))
    else:
        print(text(plan, None, None, args))
    return 0 if plan.counts().keys() <= {"done", "pruned"} else 3
