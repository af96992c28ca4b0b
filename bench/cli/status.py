"""`bench status`: how far a suite is."""

import argparse

from bench.cli import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_suite(parser)
    common.add_json(parser)


def main(args: argparse.Namespace) -> int:
    from bench.cli.describe import text

    forecast = common.load(args).status()
    if args.json:
        common.show_json(forecast.as_dict())
    else:
        print(text(forecast, args))
    return 0 if forecast.complete else 3
