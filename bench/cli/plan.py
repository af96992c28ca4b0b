"""`bench plan`: what `bench run` would do, and how long it would take."""

import argparse

from bench.cli import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_suite(parser)
    common.add_workers(parser)
    common.add_pack(parser)
    common.add_pilot(parser)
    common.add_json(parser)
    parser.add_argument("--no-probe", action="store_true", help="do not check models and data nor measure speed: answer at once")


def main(args: argparse.Namespace) -> int:
    from bench.cli.describe import text

    forecast = common.load(args).plan(probe=not args.no_probe, pilot=args.pilot, **common.resources(args))
    if args.json:
        common.show_json(forecast.as_dict())
    else:
        print("\n".join([text(forecast, args), *forecast.packs.told(forecast.plan)]))
        if sizes := forecast.render_sizes():
            print(f"\n{sizes}")
    return 0
