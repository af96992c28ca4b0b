"""A plan as one reads it."""

import argparse
from typing import TYPE_CHECKING

from bench.cli import common

if TYPE_CHECKING:
    from bench.api import Forecast, Plan


def text(forecast: "Forecast", args: argparse.Namespace) -> str:
    """Return the plan as one reads it."""
    plan, workers = forecast.plan, forecast.workers
    suite = plan.suite
    name, title = f"{suite.name}, profile {suite.profile}", suite.spec.title
    lines = [f"{name}: {about}", f"  {title}"] if (about := forecast.about) else [f"{name}: {title}"]
    lines += [line for stage in suite.cells for line in _stage(forecast, stage)]
    lines += more_seeds(forecast)
    shared = len(plan.entries) - len(plan.jobs)
    if shared:
        lines.append(f"  {shared} trials are the same as others and run once")
    lines += _reasons(forecast, args)
    lines += faults(plan)
    lines += [f"  {kept.stage} starts from {kept.text_with_ties}" for kept in plan.kept if kept.tied]
    if plan.weights_kept:
        lines.append(f"  weights kept for other stages: at most {size(plan.weights_kept)}")
    if plan.weights_refused:
        lines.append(
            f"  weights of trials that other stages may start from would take {size(plan.weights_refused)} and are not kept: "
            "what is needed is trained once more"
        )
    waiting = {job.trial.cell.stage: job.reason for job in plan.jobs.values() if job.state == "waiting"}
    lines += [f"  {stage} waits {reason}" for stage, reason in waiting.items()]
    todo = plan.todo()
    later = len(plan.ahead()) - len(todo)
    then = f", then {later} that wait for them" if later else ""
    place = f" on {workers} worker{'s' * (workers != 1)}, {forecast.device}" if workers else ""
    lines.append(f"to do: {len(todo)} trials{then}{place}")
    if workers and todo and forecast.seconds is not None:
        slowest = max(plan.ahead(), key=lambda job: job.seconds or 0)
        lines.append(
            f"estimated time: {common.duration(forecast.seconds)} "
            f"(longest trial {common.duration(slowest.seconds or 0)}: {slowest.name})"
        )
        if forecast.unknown:
            lines.append(f"  and {forecast.unknown} trials of which the time is unknown")
        if plan.to_denoise:
            before = common.duration(plan.denoising / workers)
            lines.append(f"  of which denoising {plan.to_denoise:,} images before: at most {before}")
    lines += [f"warning: {warning}" for warning in forecast.warnings]
    return "\n".join(lines)


def size(count: int) -> str:
    """Return bytes as one reads them: 12 kB, 3.4 MB, 1.2 GB."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count / 1e3:.0f} kB"


def more_seeds(forecast: "Forecast") -> list[str]:
    """Return the line that says why there are more seeds than at the first look, if there are."""
    unresolved = forecast.plan.unresolved
    return [f"  more seeds, for claims that were unresolved: {', '.join(unresolved)}"] if unresolved else []


def faults(plan: "Plan") -> list[str]:
    """Return lines that name the cells that cannot be trained, or measured; and why."""
    lines = [f"  {fault.outcome} before training: {cell}\n    {fault.error}" for cell, fault in plan.faults().items()]
    return lines + [f"  no estimate: {cell}\n    {error}" for cell, error in plan.unmeasured.items()]


def _stage(forecast: "Forecast", stage: str) -> list[str]:
    """Return a stage's size and the states of its trials; of its pilot too, on a line of its own."""
    suite, plan = forecast.suite, forecast.plan
    spec, schedule, cells = suite.spec.stages[stage], suite.schedule(stage), len(suite.cells[stage])
    states = [job.state for trial, job in plan.counting if trial.cell.stage == stage]
    pilot = [job.state for trial, job in plan.pilot if trial.cell.stage == stage]
    lines = []
    if pilot:
        lines.append(f"  {stage}, pilot: {cells} cells x {len(schedule.pilot)} seeds = {len(pilot)} trials ({_counts(pilot)})")
    if plan.pilot_only:
        return lines
    if spec.search:
        size = f"search, {len(states)} trials"
    elif spec.ensemble:
        size = f"{len(states)} ensembles"
    else:
        seeds = " to ".join(dict.fromkeys(str(len(schedule.looks[i])) for i in (0, -1)))
        size = f"{cells} cells x {seeds} seeds = {len(states)} trials"
    return [*lines, f"  {stage}: {size} ({_counts(states)})"]


def _counts(states: list[str]) -> str:
    return ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))


def _reasons(forecast: "Forecast", args: argparse.Namespace) -> list[str]:
    """Return why trials cannot be run, failed, or are run elsewhere: cells of one reason together."""
    reasons: dict[tuple, dict[str, None]] = {}
    for job in forecast.plan.jobs.values():
        if job.state in ("unavailable", "failed", "running") or job.reason_kind == "lost":
            cell = f"{job.trial.cell.stage}[{job.trial.cell.name}]"
            reasons.setdefault((job.state, job.reason, job.reason_kind), {})[cell] = None
    lines = []
    for (state, reason, kind), cells in reasons.items():
        names = ", ".join(list(cells)[:3]) + (f" and {len(cells) - 3} more cells" if len(cells) > 3 else "")
        lines.append(f"  {state}: {names}\n    {reason}")
        if kind == "hub-weights":
            lines.append(f"    `{common.command(args, 'data prepare')}` fetches hub weights; the other cells run without them")
    return lines
