"""`bench migrate`: rewrite the claims of suite files in today's grammar."""

import argparse

from bench.cli import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Rewrite the claims of suite files that are in the old grammar (kind, left, right, where), in place, and what profiles "
        "patch of them. Nothing else of a file changes."
    )
    parser.add_argument("suites", metavar="SUITE", nargs="+", help="suite files")
    parser.add_argument("--check", action="store_true", help="write nothing, print the new text, and exit with 1 if it is new")


def main(args: argparse.Namespace) -> int:
    from bench.api.migration import migrate

    changed = False
    for file in args.suites:
        result = migrate(file, write=not args.check)
        changed = changed or bool(result.claims)
        if not result.claims:
            print(f"{file}: nothing to do")
        elif args.check:
            print(result.text, end="")
        else:
            print(f"{file}: {common.number(len(result.claims), 'claim')} rewritten: {', '.join(result.claims)}")
    return 1 if args.check and changed else 0
