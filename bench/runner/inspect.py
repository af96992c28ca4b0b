"""Before anything trains: are the data, models and weights there, and how long will it take?"""

from collections.abc import Callable

from bench.config import TrialConfig
from bench.errors import BenchError
from bench.runner.plan import Job, Plan, logger
from bench.runner.pool import Pool
from bench.runner.worker import Facts
from bench.suite import Cell
from bench.suite.links import trained_by
from bench.trackers import StoredRun


def inspect(plan: Plan, pool: Pool, *, contracts: bool = False) -> None:
    """Check every distinct data set and model on a worker, those that a search may draw included. What `plan.facts` tells already
    is not checked again.

    contracts: check too whether parts of the user's own do what is asked of such parts.
    Raises BenchError, with file and line, for an unknown model, missing or unreadable data, and whatever else would fail
    every trial of a cell.
    """
    cells = list({_kind(cell): cell for cell in _distinct(plan) if _kind(cell) not in plan.facts}.values())
    data = {cell.data.config.origin: cell for cell in cells}
    for cell in data.values():  # one by one: two workers would wait for each other's lock
        try:
            pool.map("prepare", [(cell.data.config, False)], progress=logger.info)
        except BenchError as error:
            raise _placed(error, cell, "data") from None
    if not plan.facts:
        _check_held_out(plan, pool)
    found = pool.map("inspect", [(cell.config, contracts) for cell in cells])
    facts = plan.facts | dict(zip(map(_kind, cells), found, strict=True))
    told: dict[str, BenchError] = {}
    for cell in cells:
        for section, error in facts[_kind(cell)].errors:
            placed = _placed(error, cell, section)
            told.setdefault(str(placed), placed)
    if len(told) == 1:
        raise next(iter(told.values()))
    if told:
        raise BenchError("\n".join(told))
    plan.facts = facts


def _check_held_out(plan: Plan, pool: Pool) -> None:
    """Refuse weights that were trained on images which a trial that starts from them holds out: its results would be too good."""
    suite, pairs = plan.suite, {}
    for cell in (cell for stage in suite.cells for cell in suite.all_cells[stage]):
        source = trained_by(suite.document, cell, suite.all_cells)
        if source and source.data.config.origin == cell.data.config.origin and source.data.key != cell.data.key:
            pairs[source.data.key, cell.data.key] = source, cell
    shared = pool.map("shared_images", [(source.data.config, cell.data.config) for source, cell in pairs.values()])
    for (source, cell), images in zip(pairs.values(), shared, strict=True):
        if images:
            raise BenchError(
                f"stage {source.stage!r} trains these weights on {images} of the images that {cell.stage}: {cell.name} holds out",
                where=cell.model.place(("weights",)),
                mend="give both the same `data.split`, `classes`, `sizes` and `subset`, or train the weights on another source",
            )


def denoise(plan: Plan, pool: Pool, progress: Callable[[tuple[str, int, int]], None]) -> None:
    """Denoise the images of every trial that is to do, before any trains; what was denoised before is found on disk.

    progress: receives (which images, how many are done, how many there are to do).
    """
    pool.map("denoise", [(cell.config, seed) for cell, seed in _image_sets(plan)], progress)


def estimate(plan: Plan, pool: Pool) -> None:
    """Give every job that is to do its estimated seconds: from finished trials of its cell, else from a short probe; and the
    plan those of denoising before them."""
    seen: dict[tuple[str, str, str], list[float]] = {}
    for job in plan.jobs.values():
        if job.state == "done" and _timed_alone(job.run, pool):
            seen.setdefault(_digests(job.trial.cell), []).append(job.run.metrics["wall_clock"])
    todo = [job for job in plan.ahead() if not job.trial.cell.ensemble]
    unknown = {_cost_key(job): job.trial.cell for job in todo if _digests(job.trial.cell) not in seen}
    probes = dict(zip(unknown, pool.map("probe", [(cell.config,) for cell in unknown.values()]), strict=True))
    for job in todo:
        config, facts = job.trial.cell.config, plan.facts[_kind(job.trial.cell)]
        if times := seen.get(_digests(job.trial.cell)):
            job.seconds = sum(times) / len(times)
        else:
            job.seconds = _seconds(config, facts, *probes[_cost_key(job)])
        job.step = job.seconds / config.train.epochs / max(1, facts.sizes[0] / config.train.batch_size)
    _estimate_denoising(plan, pool)


def _timed_alone(run: StoredRun, pool: Pool) -> bool:
    """Tell whether a run says how long a trial takes here, when it trains by itself."""
    return "wall_clock" in run.metrics and run.tags.get("device") == pool.hello().device and "pack" not in run.tags


def _estimate_denoising(plan: Plan, pool: Pool) -> None:
    """Count the images, though some may be done already: to find them on disk, all would have to be made first."""
    sets = [(cell.config, plan.facts[_kind(cell)]) for cell, _ in _image_sets(plan)]
    kinds = {_denoiser(config): config for config, _ in sets}
    probes = dict(zip(kinds, pool.map("probe_denoising", [(config,) for config in kinds.values()]), strict=True))
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


def _seconds(config: TrialConfig, facts: Facts, train: float, evaluation: float) -> float:
    """Return the time of one trial that runs all its epochs. train, evaluation: seconds an image."""
    training, validation, test = facts.sizes
    return config.train.epochs * (training * train + validation * evaluation) + test * evaluation


def _distinct(plan: Plan) -> list[Cell]:
    """Return one cell for each distinct configuration."""
    cells = [job.trial.cell for job in plan.jobs.values() if not job.trial.cell.ensemble]
    cells += [cell for stage in plan.suite.cells for cell in plan.suite.all_cells[stage].samples]
    return list({_digests(cell): cell for cell in cells}.values())


def _digests(cell: Cell) -> tuple[str, str, str]:
    return (cell.data.key, cell.model.key, cell.train.key)


def _kind(cell: Cell) -> tuple[str, str, str]:
    """What an inspection depends on."""
    train = cell.train.config
    return (cell.data.key, cell.model.key, train.model_dump_json(include={"precision", "compile", "loss"}))


def _cost_key(job: Job) -> str:
    """What the time of one training step depends on: not the noise, the split or the learning rate."""
    config = job.trial.cell.config
    data = config.data.model_dump_json(include={"source", "path", "resize", "augment"})
    model = config.model.model_dump_json(include={"name", "args", "frozen", "head"})
    fields = {"batch_size", "loss", "precision", "channels_last", "compile", "deterministic"}
    train = config.train.model_dump_json(include=fields)
    return "|".join([data, model, train, config.train.optimizer.name])


def _placed(error: BenchError, cell: Cell, section: str) -> BenchError:
    """Return the error with the line of the suite that asked for what failed."""
    setting = {"data": "source", "model": "name", "train": "loss"}[section]
    part = getattr(cell, section)
    if section == "data" and part.config.path:
        setting = "path"
    for name in part.own:  # an error about a part of the user's own names it
        setting = next((key for key, value in part.config if name in error.message and name in str(value)), setting)
    where = part.place((setting,))
    if error.where.startswith(f"{section}."):  # the error names the setting itself
        return BenchError(f"{error.where}: {error.message}", where=part.place(tuple(error.where.split(".")[1:])), mend=error.mend)
    if error.where and error.where != where:
        return BenchError(f"{error.where}: {error.message}", where=where, mend=error.mend)
    return BenchError(error.message, where=where, mend=error.mend)
