"""`bench clean`: list the runs that no report needs, and delete them."""

import argparse
import sys
from collections import defaultdict
from typing import TYPE_CHECKING

from bench.cli import common

if TYPE_CHECKING:
    from bench.api import Leftover

MOST = 20
"""Runs of a kind that are named; of more, the first ones and a count."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "List the runs of a suite that no report needs: of whose trial another run counts, failed attempts that were repeated, "
        "and those of no trial of the suite as it is now. Then ask, and delete them. What counts in a report stays, and so does "
        "what was made with other settings if they are given by --set."
    )
    common.add_suite(parser, only=False)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--dry-run", action="store_true", help="only list them")
    how.add_argument("--yes", action="store_true", help="delete them without asking")


def main(args: argparse.Namespace) -> int:
    suite = common.load(args)
    found = suite.leftovers()
    if not found:
        print("no run to delete: every one counts, runs, or was made by something else")
        return 0
    print("\n".join(_listed(found)))
    if args.dry_run or not (args.yes or _agreed(found)):
        print("nothing is deleted")
        return 0
    gone = suite.clean(found)
    print(f"deleted: {_runs(gone)}")
    if command := suite.tracker.bin_command:
        print(f"their files stay in the store's bin until it is emptied: {command}")
    return 0


def _listed(found: "list[Leftover]") -> list[str]:
    kinds: dict[str, list[Leftover]] = defaultdict(list)
    for leftover in found:
        kinds[leftover.why].append(leftover)
    lines = []
    for why, some in kinds.items():
        lines.append(f"{_runs(some)}: {why}")
        lines += [f"  {each.run.run_id}  {each.name}" for each in some[:MOST]]
        lines += [f"  and {len(some) - MOST} more"] if len(some) > MOST else []
    return lines


def _runs(some: "list[Leftover]") -> str:
    """Return how many runs there are, and the size of their artifacts as far as it is known."""
    sizes = [each.size for each in some if each.size is not None]
    known = f", {sum(sizes) / 1e6:,.1f} MB of artifacts" if sizes else ""
    return common.number(len(some), "run") + known


def _agreed(found: "list[Leftover]") -> bool:
    if not sys.stdin.isatty():
        print("add --yes to delete them")
        return False
    return input(f"delete {common.number(len(found), 'run')}? [y/N] ").strip().lower() in ("y", "yes")
