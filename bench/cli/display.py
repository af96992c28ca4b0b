"""How a run looks while it goes: a live display on a terminal, plain lines elsewhere."""

import argparse
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from bench import clock
from bench.api import Denoised, Forecast, Job, Listener, Outage, Outcome, Plan, Summary
from bench.cli.common import duration, number
from bench.cli.describe import faults, more_seeds, text
from bench.errors import BenchError

if TYPE_CHECKING:
    from rich.progress import TaskID

LONG = 3600.0
"""Estimated seconds above which a run without a GPU asks first."""
STORE_AGAIN = 30.0
"""Seconds between two lines that say that the store is still unreachable, where nothing moves on the screen."""
SHOWN = ("val/accuracy", "val/loss", "train/loss")
"""The metric to show of a running trial: the first of these that it has."""


class _Tally:
    """What every display needs: counts, and the time that is left."""

    def __init__(self, plan: Plan, workers: int):
        self.todo = {id(job): job.seconds or 0.0 for job in plan.todo()}
        self.epochs = {id(job): job.trial.cell.config.train.epochs for job in plan.todo()}
        self.total, self.workers = len(self.todo), workers
        self.began = clock.now()
        self.outcomes: Counter[Outcome] = Counter()
        self.share: dict[int, float] = {}  # of each running trial, how much is done
        self.expected_done = 0.0

    def open(self) -> None:
        """Begin to show."""

    def close(self) -> None:
        """Leave the terminal as it should stay."""

    def started(self, job: Job) -> None:
        self.share[id(job)] = 0.0

    def progressed(self, job: Job, epoch: int, metrics: dict[str, float]) -> None:
        self.share[id(job)] = epoch / self.epochs[id(job)]

    def ended(self, job: Job, outcome: Outcome, message: str, metrics: dict[str, float]) -> None:
        self.share.pop(id(job), None)
        self.expected_done += self.todo.pop(id(job), 0.0)
        self.outcomes[outcome] += 1

    def left(self) -> float | None:
        """Return the estimated seconds that are left: the plan's estimate, corrected by how it has held so far."""
        done = self.expected_done + sum(self.todo[key] * share for key, share in self.share.items())
        rest = sum(self.todo.values()) - sum(self.todo[key] * share for key, share in self.share.items())
        if not done:
            return rest / self.workers if rest else None
        spent = clock.now() - self.began
        longest = max((self.todo[key] * (1 - self.share.get(key, 0.0)) for key in self.todo), default=0.0)
        pace = spent * self.workers / done
        return max(rest / self.workers, longest) * pace

    def note(self, text: str) -> None:
        """Say something beside the counts."""
        print(text, flush=True)

    def store(self, text: str) -> None:
        """Say how the store is; "" for well."""

    def counts(self) -> str:
        finished, pruned = self.outcomes[Outcome.FINISHED], self.outcomes[Outcome.PRUNED]
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
        self.store_told, self.store_since = "", 0.0

    def store(self, text: str) -> None:
        if bool(text) == bool(self.store_told) and time.monotonic() - self.store_since < STORE_AGAIN:
            return  # it says little more than before
        if text or self.store_told:
            self._tell(text or "the store takes results again")
            self.store_told, self.store_since = text, time.monotonic()

    def progressed(self, job: Job, epoch: int, metrics: dict[str, float]) -> None:
        super().progressed(job, epoch, metrics)
        if time.monotonic() - self.told > 60:
            self._tell(f"{job.name}: epoch {epoch}, {_metric(metrics)}")

    def ended(self, job: Job, outcome: Outcome, message: str, metrics: dict[str, float]) -> None:
        super().ended(job, outcome, message, metrics)
        seconds = f" in {metrics['wall_clock']:.1f} s" if "wall_clock" in metrics else ""
        note = _metric(metrics) if outcome is Outcome.FINISHED else f"{outcome}: {message}"
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
        self.trouble = ""
        self.live = Live(console=Console(), refresh_per_second=4, get_renderable=self._render)

    def open(self) -> None:
        self.live.start()

    def close(self) -> None:
        self.live.stop()

    def _render(self):
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        done = sum(self.outcomes.values()) + sum(self.share.values())
        return Group(
            ProgressBar(total=self.total, completed=done, width=60),
            Text(self.counts()),
            *([Text(self.trouble, style="yellow")] if self.trouble else []),
            *(Text(f"  {line}", no_wrap=True, overflow="ellipsis") for line in self.lines.values()),
        )

    def started(self, job: Job) -> None:
        super().started(job)
        self.lines[id(job)] = f"{job.name}: starting"

    def progressed(self, job: Job, epoch: int, metrics: dict[str, float]) -> None:
        super().progressed(job, epoch, metrics)
        epochs = self.epochs[id(job)]
        self.lines[id(job)] = f"{job.name}: epoch {epoch}/{epochs}, {_metric(metrics)}"

    def ended(self, job: Job, outcome: Outcome, message: str, metrics: dict[str, float]) -> None:
        super().ended(job, outcome, message, metrics)
        self.lines.pop(id(job), None)
        if outcome is not Outcome.FINISHED:
            self.live.console.print(f"{job.name}: {outcome}: {message}", markup=False, highlight=False)

    def note(self, text: str) -> None:
        self.live.console.print(text, markup=False, highlight=False)

    def store(self, text: str) -> None:
        self.trouble = text


class _Denoising:
    """How far denoising is: bars on a terminal, a line every ten seconds elsewhere; nothing where there is nothing to do."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import Progress

        self.told, self.terminal = 0.0, sys.stdout.isatty()
        self.bars = Progress(console=Console(), disable=not self.terminal)
        self.tasks: dict[str, TaskID] = {}
        self.bars.start()

    def show(self, images: str, done: int, total: int) -> None:
        if images not in self.tasks:
            self.tasks[images] = self.bars.add_task(f"denoising ({images})", total=total)
        self.bars.update(self.tasks[images], completed=done, visible=done < total)
        if not self.terminal and (time.monotonic() - self.told > 10 or done == total):
            print(f"denoising ({images}): {done:,} of {total:,} images", flush=True)
            self.told = time.monotonic()

    def stop(self) -> None:
        self.bars.stop()


def _of_store(outage: Outage) -> str:
    """Say how the store is."""
    how = "unreachable" if outage.reason else "has not answered"
    why = f" ({outage.reason})" if outage.reason else ""
    return f"store {how} since {outage.since}, {number(outage.waiting, 'result')} waiting{why}"


class Display(Listener):
    """A run on standard output, and the question whether a long one is meant. A context manager: leaving it ends what moves."""

    def __init__(self, args: argparse.Namespace):
        self.args = args
        self.tally: _Tally | None = None
        self.denoising: _Denoising | None = None
        self.faults: set[str] = set()
        self.waits = False
        """Whether it has told that the store does not answer."""

    def __enter__(self) -> "Display":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_denoising()
        if self.tally:
            self.tally.close()

    def _stop_denoising(self) -> None:
        if self.denoising:
            self.denoising.stop()
            self.denoising = None

    def planned(self, forecast: Forecast) -> None:
        self.faults |= set(faults(forecast.plan))
        print("\n".join([text(forecast, self.args), *forecast.packs.told(forecast.plan)]), flush=True)
        self._confirm(forecast)

    def _confirm(self, forecast: Forecast) -> None:
        """Raises BenchError where a run that takes long, without a GPU, is not wanted."""
        seconds = forecast.seconds or 0.0
        if self.args.yes or forecast.kind != "cpu" or seconds < LONG:
            return
        long = f"this would take about {duration(seconds)} on this machine, which has no GPU"
        profiles = ", ".join(forecast.suite.spec.profiles)
        mend = "add --yes to run it all the same" + (f", or choose a smaller --profile ({profiles})" if profiles else "")
        if not sys.stdin.isatty():
            raise BenchError(long, mend=mend)
        if input(f"{long}. Run it? [y/N] ").strip().lower() not in ("y", "yes"):
            raise BenchError("nothing was run", mend=mend)

    def recovered(self, results: int) -> None:
        phrase = f"{number(results, 'result')} of an earlier run"
        print(f"note: {phrase} waited on disk, and {'is' if results == 1 else 'are'} in the store now", flush=True)

    def next_round(self, forecast: Forecast) -> None:
        todo = forecast.plan.todo()
        stages = ", ".join(dict.fromkeys(job.trial.cell.stage for job in todo))
        first = f"next: {len(todo)} trials ({stages})"
        new = [line for line in faults(forecast.plan) if line not in self.faults]
        self.faults |= set(new)
        print("\n".join([first, *more_seeds(forecast), *new, *forecast.packs.told(forecast.plan)]), flush=True)

    def denoised(self, progress: Denoised) -> None:
        self.denoising = self.denoising or _Denoising()
        self.denoising.show(progress.images, progress.done, progress.total)

    def round_began(self, plan: Plan, workers: int) -> None:
        self._stop_denoising()
        self.tally = _Live(plan, workers) if sys.stdout.isatty() else _Lines(plan, workers)
        self.tally.open()

    def started(self, job: Job) -> None:
        if self.tally:
            self.tally.started(job)

    def progressed(self, job: Job, epoch: int, metrics: dict[str, float]) -> None:
        if self.tally:
            self.tally.progressed(job, epoch, metrics)

    def ended(self, job: Job, outcome: Outcome, message: str, metrics: dict[str, float]) -> None:
        if self.tally:
            self.tally.ended(job, outcome, message, metrics)

    def left_out(self, job: Job, message: str) -> None:
        text = f"{job.name}: left out, since several of its cell crashed ({message}); --keep-going runs it"
        if self.tally:
            self.tally.note(text)

    def store(self, outage: Outage | None) -> None:
        text = _of_store(outage) if outage else ""
        if self.tally:
            self.tally.store(text)
        elif bool(text) != self.waits:  # after a round, for what comes next or for the report
            print(text or "the store answers again", flush=True)
        self.waits = bool(text)

    def round_ended(self, summary: Summary) -> None:
        if self.tally:
            self.tally.close()
            self.tally = None
        self.waits = False
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in summary.outcomes.items()) or "nothing finished"
        took = f"the tracker took {summary.tracking:.1f} s of processor time"
        print(f"{outcomes} in {duration(summary.seconds)}; {took}", flush=True)
