"""What every measurement needs: arms that take turns, rows of a table, and the machine for which the numbers hold."""

import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ("torch", "torchvision", "lightning", "mlflow", "optuna", "pydantic")


@dataclass
class Row:
    """One measurement beside its baseline.

    ours, theirs: a sample a round, in `unit`; those of one round were taken one after the other. more: whether more is
    better. goal: what our median should reach. ratio_goal: how many times better than the baseline we should be.
    """

    what: str
    unit: str
    ours: list[float]
    baseline: str
    theirs: list[float]
    more: bool = False
    goal: float | None = None
    ratio_goal: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float:
        """How many times better than the baseline: the median over the rounds, each with its own neighbours in time."""
        pairs = zip(self.ours, self.theirs, strict=True)
        return median(a / b if self.more else b / a for a, b in pairs)

    @property
    def goal_text(self) -> str:
        sign = "≥" if self.more else "≤"
        texts = [f"{sign} {self.goal:g} {self.unit}"] if self.goal is not None else []
        texts += [f"ratio ≥ {self.ratio_goal:g}"] if self.ratio_goal is not None else []
        return ", ".join(texts)

    @property
    def met(self) -> bool | None:
        """Whether the goals are reached; None where there is none."""
        met = []
        if self.goal is not None:
            met.append(median(self.ours) >= self.goal if self.more else median(self.ours) <= self.goal)
        if self.ratio_goal is not None:
            met.append(self.ratio >= self.ratio_goal)
        return all(met) if met else None


def in_turn(rounds: int, arms: dict[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Take a sample of every arm, round after round, so that a busy minute of the machine falls on all of them."""
    samples: dict[str, list[float]] = {name: [] for name in arms}
    for number in range(rounds):
        for name, arm in arms.items():
            samples[name].append(arm())
            tell(f"  round {number + 1}/{rounds}, {name}: {shown(samples[name][-1])}")
    return samples


def seconds(run: Callable[[], Any]) -> float:
    """Return how long a call takes."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def on_cores(count: int) -> Iterator[None]:
    """Keep this process, and those that it starts meanwhile, on so many cores (where the system can do that)."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def machine() -> dict[str, Any]:
    """Return what the numbers depend on beside the code. load: the load average over the last minute, now."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M %Z"),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{name: found for name in VERSIONS if (found := _version(name))},
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def markdown(rows: Iterable[Row], where: dict[str, Any]) -> str:
    """Return the table, the machine and the notes."""
    rows = list(rows)
    lines = [
        "| measurement | ours: median (min–max) | baseline | baseline: median (min–max) | ratio | goal | met |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        met = {True: "yes", False: "**no**", None: ""}[row.met]
        cells = [row.what, spread(row.ours, row.unit), row.baseline, spread(row.theirs, row.unit)]
        lines.append("| " + " | ".join([*cells, f"{shown(row.ratio)}x", row.goal_text, met]) + " |")
    rounds = ", ".join(f"{len(row.ours)} ({row.what})" for row in rows)
    lines += [
        "",
        described(where),
        f"Ratio: times better than the baseline, median over rounds in which the arms take turns. Rounds: {rounds}.",
    ]
    return "\n".join([*lines, *[f"* {row.what}: {row.note}" for row in rows if row.note]])


def described(where: dict[str, Any]) -> str:
    """Return a line about the machine."""
    versions = ", ".join(f"{name} {where[name]}" for name in ("python", *VERSIONS) if name in where)
    return (
        f"Machine: {where['cpu']}, {where['cores']} cores, {where['system']}; {versions}; {where['date']}; "
        f"load average at the start {where['load']}."
    )


def as_json(rows: Iterable[Row], where: dict[str, Any]) -> str:
    """Return all samples, and what the table makes of them."""
    found = [{**asdict(row), "ratio": row.ratio, "met": row.met} for row in rows]
    return json.dumps({"machine": where, "rows": found}, indent=2, ensure_ascii=False) + "\n"


def spread(values: list[float], unit: str) -> str:
    return f"{shown(median(values))} {unit} ({shown(min(values))}–{shown(max(values))})"


def shown(value: float) -> str:
    """Return a number with three digits that matter."""
    if not value or not math.isfinite(value):
        return str(value)
    return f"{value:,.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


def _version(name: str) -> str:
    for installed in (name, f"{name}-skinny"):  # MLflow's client alone
        with suppress(PackageNotFoundError):
            return version(installed)
    return ""


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
