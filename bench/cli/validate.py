"""`bench validate`: check suite files."""

import argparse
import sys

from bench.cli import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("suites", metavar="SUITE", nargs="+", help="suite files")
    parser.add_argument("--profile", metavar="NAME", help="only with this profile (default: with none, and with each)")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="PATH=VALUE", help="override a setting")
    parser.description = (
        "Check suite files, and that their models and data can be used. The Python files that a suite names (custom components) "
        "are imported and run for that: give --no-code to a suite that you do not trust."
    )
    parser.add_argument(
        "--no-code", action="store_true", help="check the grammar alone: nothing of the suite's folder is imported or run"
    )
    parser.add_argument(
        "--schema",
        action="store_true",
        help="also write SUITE.schema.json beside each suite: with it, editors complete the suite's own axes, labels and metrics",
    )
    common.add_json(parser)


def main(args: argparse.Namespace) -> int:
    from bench import api

    result = api.validate(args.suites, args.profile, args.overrides, code=not args.no_code)
    schemas = api.write_schemas(result.suites) if args.schema else []
    if args.json:
        errors = [str(error) for error in result.errors]
        claims = {f"{suite.document.file} ({suite.profile})": readings for suite, readings in result.readings()}
        dropping = {f"{suite.document.file} ({suite.profile})": suite.not_asked for suite in result.suites if suite.not_asked}
        not_asked = {name: {claim.name: claim.why for claim in dropped} for name, dropped in dropping.items()}
        said = {"valid": result.valid, "errors": errors, "notes": result.notes, "claims": claims, "not_asked": not_asked}
        common.show_json(said)
    else:
        for suite, readings in result.readings():
            trials = sum(len(cells) * len(suite.seeds(stage)) for stage, cells in suite.cells.items())
            pilot = sum(len(cells) * len(suite.schedule(stage).pilot) for stage, cells in suite.cells.items())
            before = f", and {pilot} of the pilot" if pilot else ""
            print(f"{suite.document.file} ({suite.profile}): {len(suite.cells)} stages, {trials} trials{before}")
            print("".join(f"  claim {name}: {text}\n" for name, text in readings.items()), end="")
            print("".join(f"  claim {claim.name}: not asked: {claim.why}\n" for claim in suite.not_asked), end="")
        for path in schemas:
            print(f"{path}: first line of the suite: # yaml-language-server: $schema={path.name}")
        for name, notes in result.notes.items():
            print("".join(f"note: {name}: {note}\n" for note in notes), end="")
        for error in dict.fromkeys(map(str, result.errors)):
            print(f"error: {error}", file=sys.stderr)
    return 0 if result.valid else 1
