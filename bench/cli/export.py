"""`bench export`: a suite's runs, files and report, as a bundle."""

import argparse
from pathlib import Path

from bench.cli import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_suite(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", required=True, help="the bundle, such as bundle.zip")
    parser.add_argument("--full", action="store_true", help="add probabilities, weights, and superseded runs")
    parser.add_argument(
        "--anonymous",
        action="store_true",
        help="leave out user, host, paths and commits, and refuse where the suite, its components or logs still tell some",
    )
    parser.add_argument("--anyway", action="store_true", help="with --anonymous: only list what still tells some")


def main(args: argparse.Namespace) -> int:
    done = common.load(args).export(args.output, full=args.full, anonymous=args.anonymous, anyway=args.anyway)
    for title, lines in (("still tells", done.left), ("lacks", done.missing), ("could not take along", done.absent)):
        for line in lines:
            print(f"{title}: {line}")
    size = done.path.stat().st_size / 2**20
    print(f"{done.path}: {common.number(done.runs, 'run')}, {size:.1f} MB")
    return 0 if done.complete and not done.missing else 3
