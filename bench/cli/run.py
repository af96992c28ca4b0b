"""`bench run`: run what a suite still lacks, and print its tables."""

import argparse
import atexit
import gc
import sys

from bench.cli import common
from bench.errors import BenchError

LONG = 3600.0
"""Estimated seconds above which a run without a GPU asks first."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_suite(parser)
    common.add_workers(parser)
    common.add_pack(parser)
    parser.add_argument("--time-limit", type=float, metavar="SECONDS", help="end a trial after so long (default: the suite's)")
    parser.add_argument("--retry", action="store_true", help="run trials again that diverged, ran out of memory or timed out")
    parser.add_argument(
        "--exploratory", action="store_true", help="add seeds that were not declared when the first ones ran; the report says so"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before a run that takes long on this machine")


def main(args: argparse.Namespace) -> int:
    from bench.cli.planning import planned
    from bench.trackers import open_tracker

    atexit.register(_leave)
    if args.time_limit is not None and args.time_limit <= 0:
        raise BenchError("a time limit is more than 0 seconds", where="--time-limit")
    suite = common.load(args)
    tracker = open_tracker()
    runs = tracker.runs(suite.experiment)
    plan = planned(suite, runs, tracker, retry=args.retry)
    if not plan.todo() and not any(run.status == "RUNNING" for run in runs):
        print(_plan_text(plan, None, args), flush=True)
        return _close(suite, tracker, plan, args, interrupted=False)
    plan, interrupted = _rounds(suite, plan, runs, tracker, args)
    return _close(suite, tracker, plan, args, interrupted)


def _leave() -> None:
    """Spare the interpreter a last look at all that MLflow and others have imported, of more than a second. (Triton, which
    PyTorch brings, would then say that it leaked; it is in this process only where weights are looked for or votes counted.)"""
    if "torch" not in sys.modules:
        gc.freeze()


def _rounds(suite, plan, runs, tracker, args):
    """Run what the plan has to do, then what that makes known: the best of a stage, or a claim that needs more seeds. Returns the
    last plan, and whether it was interrupted."""
    from bench.cli.display import denoising
    from bench.cli.plan import more_seeds
    from bench.cli.planning import planned, refuse_undeclared
    from bench.runner.coordinate import Coordinator, reconcile
    from bench.runner.inspect import denoise, estimate, inspect
    from bench.runner.packs import Packs, choose, parse, timed_stages
    from bench.runner.pool import Pool

    packs = Packs(parse(args.pack), timed_stages(suite))
    if not args.exploratory:
        refuse_undeclared(plan)
    tried: set[str] = set()
    with Pool(args.workers, args.threads, args.device, len(plan.ahead())) as pool:  # they load torch while we load MLflow
        about = f"{suite.spec.title} — {common.command(args, 'report')}"
        tracker.open(suite.experiment, {"suite": suite.name, "profile": suite.profile, "mlflow.note.content": about})
        for run in reconcile(tracker, runs):
            print(f"note: {run.tags.get('cell', run.run_id)} is running at {run.tags.get('coordinator')}", file=sys.stderr)
        while True:
            facts = plan.facts
            plan = planned(suite, tracker.runs(suite.experiment), tracker, retry=args.retry and not tried)
            plan.facts = facts
            inspect(plan, pool)
            todo = plan.todo()
            if {job.trial.fingerprint for job in todo} <= tried:  # settled, or what is left was tried and crashed
                if not tried:
                    print(_plan_text(plan, pool, args), flush=True)
                return plan, False
            if tried and not args.exploratory:
                refuse_undeclared(plan)
            estimate(plan, pool)
            choose(plan, pool, packs)
            if tried:
                stages = ", ".join(dict.fromkeys(job.trial.cell.stage for job in plan.todo()))
                print("\n".join([f"next: {len(todo)} trials ({stages})", *more_seeds(plan), *packs.told(plan)]), flush=True)
            else:
                print("\n".join([_plan_text(plan, pool, args), *packs.told(plan)]), flush=True)
                _confirm(plan, pool, args)
            with denoising() as progress:
                denoise(plan, pool, progress)
            interrupted = _run(Coordinator, plan, tracker, pool, packs, args)
            if interrupted:
                return plan, True
            tried |= {job.trial.fingerprint for job in todo}  # a search's are known by now


def _run(coordinator, plan, tracker, pool, packs, args) -> bool:
    """Run the plan under a progress display. Returns whether it was interrupted."""
    from bench.cli.display import display
    from bench.runner.ensemble import Ensembles

    limit = args.time_limit or plan.suite.spec.time_limit
    workers = min(len(pool.workers), len(plan.todo()))
    with display(plan, workers) as listener:
        summary = coordinator(plan, tracker, pool, listener, limit, packs).run()
        for job, metrics in Ensembles(plan, tracker, pool).run() if not summary.interrupted else ():
            listener.started(job)
            listener.ended(job, "finished", "", metrics)
            summary.outcomes["finished"] += 1
    told = ", ".join(f"{count} {outcome}" for outcome, count in summary.outcomes.items()) or "nothing finished"
    print(
        f"{told} in {common.duration(summary.seconds)}; the tracker took {summary.tracking:.1f} s of processor time", flush=True
    )
    return summary.interrupted


def _plan_text(plan, pool, args) -> str:
    from bench.cli.plan import text

    return text(
        plan,
        min(len(pool.workers), max(1, len(plan.todo()))) if pool else None,
        pool.hello().device if pool else None,
        args,
    )


def _confirm(plan, pool, args) -> None:
    from bench.cli.plan import total_seconds

    seconds = total_seconds(plan, len(pool.workers))
    if args.yes or pool.kind != "cpu" or seconds < LONG:
        return
    long = f"this would take about {common.duration(seconds)} on this machine, which has no GPU"
    profiles = ", ".join(plan.suite.spec.profiles)
    mend = "add --yes to run it all the same" + (f", or choose a smaller --profile ({profiles})" if profiles else "")
    if not sys.stdin.isatty():
        raise BenchError(long, mend=mend)
    if input(f"{long}. Run it? [y/N] ").strip().lower() not in ("y", "yes"):
        raise BenchError("nothing was run", mend=mend)


def _close(suite, tracker, plan, args, interrupted: bool) -> int:
    """Print the report and where to look next; return the exit code."""
    from bench.cli.report import make_report
    from bench.reports import markdown

    report = make_report(suite, tracker.runs(suite.experiment), plan, tracker)
    print()
    print(markdown.render(report, with_runs=False))
    print(f"\nthis report again:  {common.command(args, 'report')}")
    server = tracker.uri.startswith("http")
    print(f"the runs by cell:   {'' if server else 'mlflow ui, then '}{tracker.experiment_url(suite.experiment)}")
    if interrupted:
        print(f"interrupted; the rest: {common.command(args, 'run')}", file=sys.stderr)
        return 130
    return 0 if report.complete else 3
