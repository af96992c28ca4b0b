"""`bench report`: a suite's claims, tables and figures, from what the tracker holds."""

import argparse
from pathlib import Path

from bench.cli import common
from bench.errors import BenchError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from bench.api.formats import FORMATS, IMAGES

    common.add_suite(parser)
    parser.add_argument("--format", choices=FORMATS, action="append", help="default markdown; may be given several times")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="write SUITE.PROFILE.md (.tex, …) there, print nothing")
    parser.add_argument(
        "--figures", choices=IMAGES, action="append", help="with -o: write the figures too; may be given several times"
    )
    parser.add_argument(
        "--check",
        type=Path,
        metavar="FILE",
        help="compare FILE, a report or part of one, with the stored runs, and the suite with its lock file",
    )
    parser.add_argument(
        "--mlflow-url", metavar="URL", help="the MLflow server that has the runs: HTML links each number to their pages there"
    )
    common.add_json(parser)


def main(args: argparse.Namespace) -> int:
    formats = list(dict.fromkeys([*(args.format or ()), *(["json"] if args.json else ())])) or ["markdown"]
    if args.figures and not args.output:
        raise BenchError("figures need a folder to lie in", where="--figures", mend="add -o DIR")
    report = common.load(args).report(
        figures=not args.check and bool(args.figures or "html" in formats), mlflow_url=args.mlflow_url
    )
    if args.check:
        differences = report.check(args.check)
        for difference in differences:
            print(f"{args.check}: {difference}")
        if not differences:
            print(f"{args.check}: agrees with the stored runs")
        unlocked = report.check_lock()
        for difference in unlocked:
            print(difference)
        return 1 if differences or unlocked else 0
    if args.output:
        for path in report.write(args.output, formats, args.figures or ()):
            print(path)
    else:
        for format in formats:
            print(report.render(format))
    return 0 if report.complete else 3
