"""How long it will take: from what has run before, else from short probes; and the denoising that goes before all training."""

import logging
from collections.abc import Callable

from bench.config import TrialConfig
from bench.runner.executors.base import Executor
from bench.runner.messages import Denoise, Denoised, Facts, Hello, Probe, ProbeDenoising, Speed
from bench.runner.plan import Job, Plan, State
from bench.runner.preflight import Kind, digests, kind
from bench.suite import Cell
from bench.trackers import StoredRun, record

logger = logging.getLogger("bench")


def denoise(plan: Plan, executor: Executor, progress: Callable[[Denoised], None]) -> None:
    """Denoise the images of every trial that is to do, before any trains; what was denoised before is found on disk."""

    def tell(value: Denoised | str) -> None:
        if isinstance(value, str):
            logger.info(value)
        else:
            progress(value)

    executor.map((Denoise(cell.config, seed) for cell, seed in _image_sets(plan)), tell)


def estimate(plan: Plan, executor: Executor) -> None:
    """Give every job that is to do its estimated seconds: from finished trials of its cell, else from a short probe; and the
    plan those of denoising before them."""
    seen: dict[Kind, list[float]] = {}
    for job in plan.jobs.values():
        if job.state is State.DONE and _timed_alone(job.result, executor.hello()):
            seen.setdefault(digests(job.trial.cell), []).append(job.result.metrics["wall_clock"])
    todo = [job for job in plan.ahead() if not job.trial.cell.ensemble]
    unknown = {_cost_key(job): job.trial.cell for job in todo if digests(job.trial.cell) not in seen}
    probes = dict(zip(unknown, executor.map(Probe(cell.config) for cell in unknown.values()), strict=True))
    for job in todo:
        config, facts = job.trial.cell.config, plan.facts[kind(job.trial.cell)]
        if times := seen.get(digests(job.trial.cell)):
            job.seconds = sum(times) / len(times)
        else:
            job.seconds = _seconds(config, facts, probes[_cost_key(job)])
        job.step = job.seconds / config.train.epochs / max(1, facts.sizes[0] / config.train.batch_size)
    _estimate_denoising(plan, executor)


def _timed_alone(run: StoredRun, here: Hello) -> bool:
    """Tell whether a run says how long a trial takes here, when it trains by itself."""
    return "wall_clock" in run.metrics and record.device(run) == here.device and record.pack(run)[0] == 1


def _estimate_denoising(plan: Plan, executor: Executor) -> None:
    """Count the images, though some may be done already: to find them on disk, all would have to be made first."""
    sets = [(cell.config, plan.facts[kind(cell)]) for cell, _ in _image_sets(plan)]
    kinds = {_denoiser(config): config for config, _ in sets}
    probes = dict(zip(kinds, executor.map(ProbeDenoising(config) for config in kinds.values()), strict=True))
    plan.to_denoise, plan.denoising = 0, 0.0
    for config, facts in sets:
        parts = dict(zip(("train", "val", "test"), facts.sizes, strict=True))
        images = sum(parts[split] for split in getattr(config.data.denoise, "splits", parts))
        plan.to_denoise += images
        plan.denoising += images * probes[_denoiser(config)]


def _denoiser(config: TrialConfig) -> str:
    """What the time of denoising an image depends on."""
    return config.data.model_dump_json(include={"source", "path", "denoise"})


def _image_sets(plan: Plan) -> list[tuple[Cell, int]]:
    """Return a cell and a seed for each different set of images that is to be denoised for the trials that are to do."""
    sets = {}
    for job in plan.todo():
        trial, data = job.trial, job.trial.cell.data
        if trial.known and data.config.denoise and not trial.cell.ensemble:
            drawn = data.config.noise.variance or data.config.copies
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
