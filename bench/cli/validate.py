"""`bench validate`: check suite files."""

import argparse
import sys

from bench.cli import common
from bench.errors import BenchError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("suites", metavar="SUITE", nargs="+", help="suite files")
    parser.add_argument("--profile", metavar="NAME", help="only with this profile (default: with none, and with each)")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="PATH=VALUE", help="override a setting")
    parser.add_argument("--grammar", action="store_true", help="check the file alone, not that its models and data can be used")
    common.add_json(parser)


def main(args: argparse.Namespace) -> int:
    from bench.runner.inspect import inspect
    from bench.runner.plan import make_plan
    from bench.runner.pool import Pool
    from bench.suite import load_suite

    checked, errors = [], []
    for path in args.suites:
        try:
            first = load_suite(path, profile=args.profile, overrides=args.overrides)
            profiles = [args.profile] if args.profile else list(first.spec.profiles)
            others = [] if args.profile else [load_suite(path, profile=name, overrides=args.overrides) for name in profiles]
            checked += [first, *others]
        except BenchError as error:
            errors.append(error)
    notes: dict[str, str] = {}
    if checked and not args.grammar:
        with Pool(1, 1, "auto") as pool:
            for suite in checked:
                try:
                    inspect(make_plan(suite, []), pool, contracts=True)
                except BenchError as error:
                    if "bench data prepare" in error.mend:  # data that is not here says nothing about the file
                        notes[f"{suite.document.file} ({suite.profile})"] = f"models and data not checked: {error.message}"
                    else:
                        errors.append(error)
    if args.json:
        common.show_json({"valid": not errors, "errors": [str(error) for error in errors], "notes": notes})
    else:
        for suite in checked:
            trials = sum(len(cells) * len(suite.seeds(stage)) for stage, cells in suite.cells.items())
            print(f"{suite.document.file} ({suite.profile}): {len(suite.cells)} stages, {trials} trials")
        for name, note in notes.items():
            print(f"note: {name}: {note}")
        for error in dict.fromkeys(map(str, errors)):
            print(f"error: {error}", file=sys.stderr)
    return 1 if errors else 0
