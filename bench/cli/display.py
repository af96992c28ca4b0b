"""How a run looks while it goes: a live display on a terminal, plain lines elsewhere."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench.cli.common import duration
from bench.runner.plan import Job, Plan

SHOWN = ("val/accuracy", "val/loss", "train/loss")
"""The metric to show of a running trial: the first of these that it has."""


class _Tally:
    """What every display needs: counts, and the time that is left."""

    def __init__(self, plan: Plan, workers: int):
        self.todo = {id(job): job.seconds or 0.0 for job in plan.todo()}
        self.epochs = {id(job): job.trial.cell.config.train.epochs for job in plan.todo()}
        self.total, self.workers = len(self.todo), workers
        self.began = time.monotonic()
        self.outcomes: Counter[str] = Counter()
        self.share: dict[int, float] = {}  # of each running trial, how much is done
        self.expected_done = 0.0

    def started(self, job: Job) -> None:
        self.share[id(job)] = 0.0

    def progressed(self, job: Job, epoch: int, metrics: dict[str, float]) -> None:
        self.share[id(job)] = epoch / self.epochs[id(job)]

    def ended(self, job: Job, outcome: str, message: str, metrics: dict[str, float]) -> None:
        self.share.pop(id(job), None)
        self.expected_done += self.todo.pop(id(job), 0.0)
        self.outcomes[outcome] += 1

    def left(self) -> float | None:
        """Return the estimated seconds that are left: the plan's estimate, corrected by how it has held so far."""
        done = self.expected_done + sum(self.todo[key] * share for key, share in self.share.items())
        rest = sum(self.todo.values()) - sum(self.todo[key] * share for key, share in self.share.items())
        if not done:
            return rest / self.workers if rest else None
        spent = time.monotonic() - self.began
        longest = max((self.todo[key] * (1 - self.share.get(key, 0.0)) for key in self.todo), default=0.0)
        pace = spent * self.workers / done
        return max(rest / self.workers, longest) * pace

    def counts(self) -> str:
        finished, pruned = self.outcomes["finished"], self.outcomes["pruned"]
        failed = sum(self.outcomes.values()) - finished - pruned
        left = self.left()
        eta = f", about {duration(left)} left" if left is not None and self.todo else ""
        ended = f", {pruned} pruned" if pruned else ""
        return f"{finished}/{self.total} done{ended}, {failed} failed, {len(self.share)} running{eta}"


def _metric(metrics: dict[str, float]) -> str:
    return next((f"{name} {metrics[name]:.4f}" for name in SHOWN if name in metrics), "")


class _Lines(_Tally):
    """A line for every trial that ends, and one a minute in between."""

    def __init__(self, plan: Plan, workers: int):
        super().__init__(plan, workers)
        self.told = self.began

    def progressed(self, job: Job, epoch: int, metrics: dict[str, float]) -> None:
        super().progressed(job, epoch, metrics)
        if time.monotonic() - self.told > 60:
            self._tell(f"{job.name}: epoch {epoch}, {_metric(metrics)}")

    def ended(self, job: Job, outcome: str, message: str, metrics: dict[str, float]) -> None:
        super().ended(job, outcome, message, metrics)
        seconds = f" in {metrics['wall_clock']:.1f} s" if "wall_clock" in metrics else ""
        note = _metric(metrics) if outcome == "finished" else f"{outcome}: {message}"
        self._tell(f"{job.name}: {note}{seconds}")

    def _tell(self, text: str) -> None:
        print(f"[{self.counts()}] {text}", flush=True)
        self.told = time.monotonic()


class _Live(_Tally):
    """A bar for the suite and a line for every running trial; failures scroll by above."""

    def __init__(self, plan: Plan, workers: int):
        from rich.console import Console
        from rich.live import Live

        super().__init__(plan, workers)
        self.lines: dict[int, str] = {}
        self.live = Live(console=Console(), refresh_per_second=4, get_renderable=self._render)

    def _render(self):
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        done = sum(self.outcomes.values()) + sum(self.share.values())
        return Group(
            ProgressBar(total=self.total, completed=done, width=60),
            Text(self.counts()),
            *(Text(f"  {line}", no_wrap=True, overflow="ellipsis") for line in self.lines.values()),
        )

    def started(self, job: Job) -> None:
        super().started(job)
        self.lines[id(job)] = f"{job.name}: starting"

    def progressed(self, job: Job, epoch: int, metrics: dict[str, float]) -> None:
        super().progressed(job, epoch, metrics)
        epochs = self.epochs[id(job)]
        self.lines[id(job)] = f"{job.name}: epoch {epoch}/{epochs}, {_metric(metrics)}"

    def ended(self, job: Job, outcome: str, message: str, metrics: dict[str, float]) -> None:
        super().ended(job, outcome, message, metrics)
        self.lines.pop(id(job), None)
        if outcome != "finished":
            self.live.console.print(f"{job.name}: {outcome}: {message}", markup=False, highlight=False)


@contextmanager
def display(plan: Plan, workers: int) -> Iterator[_Tally]:
    """Show a run while it goes, on standard output."""
    if sys.stdout.isatty():
        shown = _Live(plan, workers)
        with shown.live:
            yield shown
    else:
        yield _Lines(plan, workers)


@contextmanager
def denoising() -> Iterator[Callable[[tuple[str, int, int]], None]]:
    """Show how far denoising is: bars on a terminal, a line every ten seconds elsewhere; nothing where there is nothing to do."""
    from rich.console import Console
    from rich.progress import Progress

    told = 0.0
    terminal = sys.stdout.isatty()
    bars = Progress(console=Console(), disable=not terminal)
    tasks = {}

    def progress(state: tuple[str, int, int]) -> None:
        nonlocal told
        which, done, total = state
        if which not in tasks:
            tasks[which] = bars.add_task(f"denoising ({which})", total=total)
        bars.update(tasks[which], completed=done, visible=done < total)
        if not terminal and (time.monotonic() - told > 10 or done == total):
            print(f"denoising ({which}): {done:,} of {total:,} images", flush=True)
            told = time.monotonic()

    with bars:
        yield progress
