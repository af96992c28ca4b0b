"""How long it will take: from what has run before, else from short probes; and the denoising that goes before all training."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from bench.config import TrialConfig
from bench.grammar.cells import Cell
from bench.runner.executors.base import Executor
from bench.runner.fingerprints import SILENT
from bench.runner.messages import Denoise, Denoised, Facts, Fault, Hello, ProbeDenoising, ProbeTraining, Speed
from bench.runner.plan import Job, Kind, Plan, State, digests, full_name, kind
from bench.runner.preflight import blamed, within
from bench.trackers import StoredRun, record

T = TypeVar("T")
logger = logging.getLogger("bench")


def denoise(plan: Plan, executor: Executor, progress: Callable[[Denoised], None]) -> None:
    """Denoise the images of every trial that is to do, before any trains; what was denoised before is found on disk.

    A denoiser that hangs, dies or crashes is a fault of its cell. Raises BenchError for what the user can mend.
    """

    def tell(value: Denoised | str) -> None:
        if isinstance(value, str):
            logger.info(value)
        else:
            progress(value)

    sets = _image_sets(plan)
    answers = executor.attempt((Denoise(cell.config, seed) for cell, seed in sets), tell, limit=SILENT)
    for (cell, _), answer in zip(sets, answers, strict=True):
        if isinstance(answer, Fault):
            if not answer.outcome:
                raise answer.error
            plan.faulty[kind(cell)] = replace(answer, error=blamed(answer.error, cell, ("data",)))


def estimate(plan: Plan, executor: Executor, time_limit: float | None = None) -> None:
    """Give every job that is to do its estimated seconds: from finished trials of its cell, else from a short probe; and the
    plan those of denoising before them.

    time_limit: of a trial, see `within`. Where a probe takes longer or fails, whatever it is, only the estimate is lost: what
    is wrong shows in the trial itself.
    """
    limit = within(time_limit)
    seen: dict[Kind, list[float]] = {}
    for job in plan.jobs.values():
        if job.state is State.DONE and _timed_alone(job.result, executor.hello()):
            seen.setdefault(digests(job.trial.cell), []).append(job.result.metrics["wall_clock"])
    todo = [job for job in plan.ahead() if not job.trial.cell.ensemble and not plan.fault(job.trial.cell)]
    unknown = {_cost_key(job): job.trial.cell for job in todo if digests(job.trial.cell) not in seen}
    unknown = {name: cell for name, cell in unknown.items() if full_name(cell) not in plan.unmeasured}
    speeds = _measured(plan, unknown, executor.attempt([ProbeTraining(cell.config) for cell in unknown.values()], limit=limit))
    for job in todo:
        config, facts = job.trial.cell.config, plan.facts[kind(job.trial.cell)]
        if times := seen.get(digests(job.trial.cell)):
            job.seconds = sum(times) / len(times)
        elif speed := speeds.get(_cost_key(job)):
            job.seconds = _seconds(config, facts, speed)
        if job.seconds is not None:
            job.step = job.seconds / config.train.epochs / max(1, facts.sizes[0] / config.train.batch_size)
    _estimate_denoising(plan, executor, limit)


def _measured(plan: Plan, cells: Mapping[str, Cell], answers: Iterable[T | Fault]) -> dict[str, T]:
    """Return what was measured, by key; the plan takes in why the others could not be. cells: by key, in the answers' order."""
    measurements: dict[str, T] = {}
    for (name, cell), answer in zip(cells.items(), answers, strict=True):
        if isinstance(answer, Fault):
            plan.unmeasured[full_name(cell)] = blamed(answer.error, cell)
        else:
            measurements[name] = answer
    return measurements


def _timed_alone(run: StoredRun, here: Hello) -> bool:
    """Tell whether a run says how long a trial takes here, when it trains by itself."""
    return "wall_clock" in run.metrics and record.device(run) == here.device and record.pack(run)[0] == 1


def _estimate_denoising(plan: Plan, executor: Executor, limit: float) -> None:
    """Count the images, though some may be done already: to find them on disk, all would have to be made first."""
    sets = [cell for cell, _ in _image_sets(plan)]
    kinds = {_denoiser(cell.config): cell for cell in sets}
    requests = [ProbeDenoising(cell.config) for cell in kinds.values()]
    seconds = _measured(plan, kinds, executor.attempt(requests, limit=limit))
    plan.to_denoise, plan.denoising = 0, 0.0
    for cell in sets:
        facts, config = plan.facts[kind(cell)], cell.config
        parts = dict(zip(("train", "val", "test"), facts.sizes, strict=True))
        images = sum(parts[split] for split in getattr(config.data.denoise, "splits", parts))
        plan.to_denoise += images
        plan.denoising += images * seconds.get(_denoiser(config), 0.0)


def _denoiser(config: TrialConfig) -> str:
    """What the time of denoising an image depends on."""
    return config.data.model_dump_json(include={"source", "path", "denoise"})


def _image_sets(plan: Plan) -> list[tuple[Cell, int]]:
    """Return a cell and a seed for each different set of images that is to be denoised for the trials that are to do."""
    sets = {}
    for job in plan.todo():
        trial, data = job.trial, job.trial.cell.data
        if trial.known and data.config.denoise and not trial.cell.ensemble and not plan.fault(trial.cell):
            drawn = data.config.noise.variance or data.config.copies or data.config.vary
            sets[data.key, trial.seed if drawn else 0] = trial.cell, trial.seed  # clean images are those of every seed
    return list(sets.values())


def _seconds(config: TrialConfig, facts: Facts, speed: Speed) -> float:
    """Return the time of one trial that runs all its epochs."""
    training, validation, test = facts.sizes
    epoch = training * speed.training + validation * speed.evaluation
    return config.train.epochs * epoch + test * speed.evaluation


def _cost_key(job: Job) -> str:
    """What the time of one training step depends on: not the noise, the split or the learning rate."""
    config = job.trial.cell.config
    data = config.data.model_dump_json(include={"source", "path", "resize", "augment"})
    model = config.model.model_dump_json(include={"name", "args", "frozen", "head"})
    fields = {"batch_size", "loss", "precision", "channels_last", "compile", "deterministic"}
    train = config.train.model_dump_json(include=fields)
    return "|".join([data, model, train, config.train.optimizer.name])
