"""`bench verify`: whether bundles are whole."""

import argparse

from bench import api
from bench.cli import common
from bench.errors import BenchError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundles", metavar="BUNDLE", nargs="+", help="files that `bench export` has made")


def main(args: argparse.Namespace) -> int:
    damaged = incomplete = False
    for path in args.bundles:
        try:
            found = api.verify(path)
        except BenchError as error:
            print(error)
            damaged = True
            continue
        damaged, incomplete = damaged or bool(found.problems), incomplete or bool(found.missing)
        for problem in found.problems:
            print(f"{path}: {problem}")
        for missing in found.missing:
            print(f"{path}: lacks: {missing}")
        if not found.problems:
            said = found.manifest
            kind = "full" if said.get("full") else "without probabilities and weights"
            runs = common.number(said["runs"], "run")
            print(f"{path}: whole: suite {said['suite']}, profile {said['profile']}, {runs}, {kind}")
    return 1 if damaged else 3 if incomplete else 0
