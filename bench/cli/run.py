"""`bench run`: run what a suite still lacks, and print its tables."""

import argparse
import atexit
import gc
import sys
from typing import TYPE_CHECKING

from bench.cli import common

if TYPE_CHECKING:
    from bench.api import Report, RunResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_suite(parser)
    common.add_workers(parser)
    common.add_pack(parser)
    parser.add_argument("--time-limit", type=float, metavar="SECONDS", help="end a trial after so long (default: the suite's)")
    parser.add_argument("--retry", action="store_true", help="run trials again that diverged, ran out of memory or timed out")
    parser.add_argument(
        "--exploratory", action="store_true", help="add seeds that were not declared when the first ones ran; the report says so"
    )
    common.add_pilot(parser)
    parser.add_argument("--wait", action="store_true", help="wait until another run of this suite has ended, then go on")
    parser.add_argument(
        "--take-over", action="store_true", help="go on in the place of another run of this suite, which then ends"
    )
    parser.add_argument(
        "--keep-going", action="store_true", help="run all trials of a cell, also where several have crashed with the same error"
    )
    parser.add_argument(
        "--upgrade-store",
        action="store_true",
        help="bring a store of another version of MLflow to the form of this one; of a file a copy is kept",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before a run that takes long on this machine")


def main(args: argparse.Namespace) -> int:
    from bench.cli.display import Display

    atexit.register(_leave)
    suite = common.load(args)
    with Display(args) as display:
        result = suite.run(
            **common.resources(args),
            time_limit=args.time_limit,
            retry=args.retry,
            exploratory=args.exploratory,
            wait=args.wait,
            take_over=args.take_over,
            upgrade_store=args.upgrade_store,
            keep_going=args.keep_going,
            pilot=args.pilot,
            listener=display,
        )
        report = None if result.kept else result.report()  # while the display can tell that the store does not answer
    if kept := result.kept:
        print(
            f"interrupted while the store does not answer; kept on disk for the next run: {common.number(kept, 'result')}",
            file=sys.stderr,
        )
        print(f"the rest: {common.command(args, 'run')}", file=sys.stderr)
        return 130
    assert report
    print()
    if args.pilot:
        return _pilot(args, result, report)
    print(report.render(with_runs=False))
    print(f"\nthis report again:  {common.command(args, 'report')}")
    if url := suite.runs_url():
        needed = suite.tracker.needs_ui
        print(f"the runs by cell:   {f'{needed}, then ' if needed else ''}{url}")
    if result.interrupted:
        print(f"interrupted; the rest: {common.command(args, 'run')}", file=sys.stderr)
        return 130
    return 0 if report.complete else 3


def _pilot(args: argparse.Namespace, result: "RunResult", report: "Report") -> int:
    """Print what the pilot says of sizes, and return the exit code."""
    rest = common.command(args, "run")
    if result.interrupted:
        print(f"interrupted; the rest: {rest} --pilot", file=sys.stderr)
        return 130
    print(report.render_pilot() or "The pilot has no result yet.")
    waiting = {job.trial.cell.stage: job.reason for _, job in result.plan.pilot if job.state == "waiting"}
    for stage, reason in waiting.items():
        print(f"\nthe pilot of stage {stage} still waits {reason}, of trials that count")
    if not any(record.run for record in report.records):
        print("\nthe sizes in `seeds:` may be changed until the first trial that counts has run")
    print(f"\nthe study:  {rest}")
    return 0 if result.plan.complete else 3


def _leave() -> None:
    """Spare the interpreter a last look at all that MLflow and others have imported, of more than a second. (Triton, which
    PyTorch brings, would then say that it leaked; it is in this process only where weights are looked for or votes counted.)"""
    if "torch" not in sys.modules:
        gc.freeze()
