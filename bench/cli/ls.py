"""`bench ls`: list suites, models, data sources and other components, a line each."""

import argparse

from bench.cli import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from bench.api.components import KINDS

    parser.add_argument("kinds", metavar="KIND", nargs="*", help=f"{', '.join(KINDS)} (default: all)")
    common.add_json(parser)


def main(args: argparse.Namespace) -> int:
    from bench.api.components import KINDS, components

    by_kind = {kind: components(kind) for kind in args.kinds or KINDS}
    if args.json:
        common.show_json(by_kind)
        return 0
    for kind, parts in by_kind.items():
        print(kind)
        width = max((len(name) for name in parts), default=0)
        for name, line in parts.items():
            print(f"  {name:<{width}}  {line}")
    return 0
