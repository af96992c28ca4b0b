"""`bench plan`: what `bench run` would do, and how long it would take."""

import argparse

from bench.cli import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_suite(parser)
    common.add_workers(parser)
    common.add_pack(parser)
    common.add_json(parser)
    parser.add_argument("--no-probe", action="store_true", help="do not check models and data nor measure speed: answer at once")


def main(args: argparse.Namespace) -> int:
    from bench.cli.planning import planned
    from bench.runner.inspect import estimate, inspect
    from bench.runner.packs import Packs, choose, parse, timed_stages
    from bench.runner.pool import Pool
    from bench.trackers import open_tracker

    suite = common.load(args)
    tracker = open_tracker()
    plan = planned(suite, tracker.runs(suite.experiment), tracker)
    packs = Packs(parse(args.pack), timed_stages(suite))
    workers, device = None, None
    if plan.todo() and not args.no_probe:
        with Pool(args.workers, args.threads, args.device, len(plan.todo())) as pool:
            workers = len(pool.workers)
            inspect(plan, pool)
            estimate(plan, pool)
            choose(plan, pool, packs)
            device = pool.hello().device
    if args.json:
        common.show_json(as_json(plan, workers, device, packs))
    else:
        print("\n".join([text(plan, workers, device, args), *packs.told(plan)]))
    return 0


def total_seconds(plan, workers: int) -> float:
    """Return the estimated time of all that is to do: denoising, then the trials, shared out, but never less than the longest."""
    seconds = [job.seconds or 0.0 for job in plan.ahead()]
    return plan.denoising / workers + max(sum(seconds) / workers, max(seconds, default=0.0))


def text(plan, workers: int | None, device: str | None, args: argparse.Namespace) -> str:
    """Return the plan as one reads it."""
    suite = plan.suite
    lines = [f"{suite.name}, profile {suite.profile}: {suite.spec.title}"]
    for stage, cells in suite.cells.items():
        seeds = " to ".join(dict.fromkeys(str(len(suite.schedule(stage).looks[i])) for i in (0, -1)))
        states = [job.state for trial, job in plan.entries if trial.cell.stage == stage]
        counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
        spec = suite.spec.stages[stage]
        size = f"{len(cells)} cells x {seeds} seeds = {len(states)} trials"
        if spec.search or spec.ensemble:
            size = f"search, {len(states)} trials" if spec.search else f"{len(states)} ensembles"
        lines.append(f"  {stage}: {size} ({counts})")
    lines += more_seeds(plan)
    shared = len(plan.entries) - len(plan.jobs)
    if shared:
        lines.append(f"  {shared} trials are the same as others and run once")
    reasons = {}
    for job in plan.jobs.values():
        if job.state in ("unavailable", "failed", "running"):
            key = (job.state, job.reason)
            reasons.setdefault(key, {}).setdefault(f"{job.trial.cell.stage}[{job.trial.cell.name}]", None)
    for (state, reason), cells in reasons.items():
        told = ", ".join(list(cells)[:3]) + (f" and {len(cells) - 3} more cells" if len(cells) > 3 else "")
        lines.append(f"  {state}: {told}\n    {reason}")
        if state == "unavailable" and "hub cache" in reason:
            lines.append(f"    `{common.command(args, 'data prepare')}` fetches hub weights; the other cells run without them")
    waiting = {job.trial.cell.stage: job.reason for job in plan.jobs.values() if job.state == "waiting"}
    lines += [f"  {stage} waits {reason}" for stage, reason in waiting.items()]
    todo = plan.todo()
    later = len(plan.ahead()) - len(todo)
    then = f", then {later} that wait for them" if later else ""
    place = f" on {workers} worker{'s' * (workers != 1)}, {device}" if workers else ""
    lines.append(f"to do: {len(todo)} trials{then}{place}")
    if workers and todo:
        slowest = max(plan.ahead(), key=lambda job: job.seconds or 0)
        lines.append(
            f"estimated time: {common.duration(total_seconds(plan, workers))} "
            f"(longest trial {common.duration(slowest.seconds or 0)}: {slowest.name})"
        )
        if plan.to_denoise:
            before = common.duration(plan.denoising / workers)
            lines.append(f"  of which denoising {plan.to_denoise:,} images before: at most {before}")
    lines += [f"warning: {warning}" for warning in warned(suite)]
    return "\n".join(lines)


def more_seeds(plan) -> list[str]:
    """Return the line that says why there are more seeds than at the first look, if there are."""
    return [f"  more seeds, for claims that were unresolved: {', '.join(plan.unresolved)}"] if plan.unresolved else []


def warned(suite) -> list[str]:
    """Return what the declared tests cannot do with the seeds that are planned."""
    from bench.cli.planning import claims, schedules
    from bench.reports.reach import warnings

    votes = {name for name, stage in suite.spec.stages.items() if stage.ensemble and stage.ensemble.pool == "all"}
    tables = {name: table for name, table in suite.spec.tables.items() if table.stage not in votes}  # of one ensemble a cell
    arms = {name: tuple(len(axis) for axis in table_axes(suite, table)) for name, table in tables.items()}
    return warnings(claims(suite), tables, arms, schedules(suite))


def table_axes(suite, table) -> tuple[set, set]:
    """Return the labels of a table's rows and of its columns."""
    shown = suite.all_cells[table.stage].where(table.where)
    return tuple({tuple(cell.labels.get(axis) for axis in axes) for cell in shown} for axes in (table.rows, table.columns))


def as_json(plan, workers: int | None, device: str | None, packs=None) -> dict:
    jobs = [
        {
            "stage": job.trial.cell.stage,
            "cell": job.trial.cell.labels,
            "seed": job.trial.seed,
            "fingerprint": job.trial.fingerprint,
            "state": job.state,
            "reason": job.reason,
            "seconds": job.seconds,
            "pack": packs.width(job) if packs and job.state == "todo" else None,
            "run_id": job.run.run_id if job.run else None,
        }
        for job in plan.jobs.values()
    ]
    return {
        "suite": plan.suite.name,
        "profile": plan.suite.profile,
        "trials": len(plan.trials),
        "states": dict(plan.counts()),
        "workers": workers,
        "device": device,
        "seconds": total_seconds(plan, workers) if workers else None,
        "to_denoise": plan.to_denoise,
        "denoising_seconds": plan.denoising / workers if workers else None,
        "warnings": warned(plan.suite),
        "jobs": jobs,
    }
