"""`bench import`: the runs of a bundle, into this store."""

import argparse
import shlex
from pathlib import Path

from bench import api
from bench.cli import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", metavar="BUNDLE", help="a file that `bench export` has made")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="write the suite's file, and its components, there as well"
    )


def main(args: argparse.Namespace) -> int:
    done = api.import_bundle(args.bundle, folder=args.output)
    print(f"{done.experiment}: {common.number(done.new, 'run')} imported, {done.there} already there")
    for file in done.files:
        print(file)
    profile = [] if done.profile == "default" else ["--profile", done.profile]
    print(shlex.join(["bench", "report", str((args.output or Path()) / done.suite), *profile]))
    return 0
