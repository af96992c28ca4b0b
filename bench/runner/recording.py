"""What is written of a trial: the start of its run, params, and files that say how it was made."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from bench.config import SECTIONS
from bench.grammar.cells import Cell
from bench.runner import provenance
from bench.runner.executors.base import Executor
from bench.runner.messages import Facts
from bench.runner.plan import Job, Plan, kind, search_of
from bench.runner.planner import rules
from bench.trackers import record
from bench.trackers.record import Origin, TrialStart

SPLITS = ("train", "val", "test")


def trial_start(plan: Plan, job: Job, executor: Executor, co_workers: int, members: str = "") -> TrialStart:
    """Return what is known of a job's run before it starts. co_workers: workers that run side by side."""
    cell, seed, fingerprint = job.trial
    suite, hello = plan.suite, executor.hello()
    file = Path(suite.document.file)
    kept = plan.kept_by(cell)
    origin = job.origin.trial if job.origin else None
    facts = _facts(plan, cell)
    return TrialStart(
        suite=suite.name,
        profile=suite.profile,
        stage=cell.stage,
        cell=cell.name,
        labels=cell.labels,
        seed=seed,
        seeds=suite.schedule(cell.stage).text,
        fingerprint=fingerprint,
        device=hello.device,
        instructions=hello.instructions,
        co_workers=co_workers,
        threads=executor.threads,
        precision=cell.config.train.precision,
        commit=provenance.commit(str(file.resolve().parent)),
        coordinator=provenance.coordinator(),
        versions={**hello.versions, **provenance.versions()},
        source=file.name,
        user=provenance.user(),
        also=tuple(f"{other.stage}: {other.name}" for other in job.cells if other is not cell),
        start=kept.text if kept else "",
        weights=Origin(f"{origin.cell.stage}: {origin.cell.name}", origin.seed) if origin else None,
        rules=rules(search_of(suite, cell.stage)) if job.search else "",
        parameters=job.parameters or {},
        members=members,
        images={split: size for split, size in zip(SPLITS, facts.sizes_of(seed), strict=True) if size},
        redrawn=record.redrawn_parts(job.members[0].result) if job.members else facts.redrawn,
        resplit=facts.resplit,
        classes=facts.classes,
        pilot=job.pilot,
    )


def _facts(plan: Plan, cell: Cell) -> Facts:
    """Return what is known of a cell; of one that a search drew, what all cells that were looked at beforehand agree on."""
    known = plan.facts.get(kind(cell))
    if known is not None:
        return known
    samples = [plan.facts[kind(sample)] for sample in plan.suite.all_cells[cell.stage].samples if kind(sample) in plan.facts]
    images = [(facts.sizes, facts.other_sizes, facts.redrawn, facts.classes) for facts in samples]
    return samples[0] if images and all(others == images[0] for others in images) else Facts()


def params(job: Job) -> dict[str, str]:
    """Return the configuration as dotted names and values: what differs from its default, and the optimizer whole.

    MLflow writes a row for each, so defaults that nobody looks for stay out; `config.yaml` has them all.
    """
    config = job.trial.cell.config
    said = {section: getattr(config, section).model_dump(mode="json", exclude_defaults=True) for section in SECTIONS}
    said["train"]["optimizer"] = config.train.optimizer.model_dump(mode="json")
    return dict(_flat(said))


def ensemble_params(job: Job) -> dict[str, str]:
    """Return the rules of a vote as dotted names and values."""
    return dict(_flat({"ensemble": job.trial.cell.voting.config.model_dump(mode="json")}))


def members_yaml(job: Job, members: Sequence[Job], tied: Sequence[Job] = ()) -> bytes:
    """Return the rules of a vote and who voted, the best first, as YAML. tied: who was as good as the last, and has no vote."""

    def entries(jobs: Sequence[Job]) -> list[dict[str, str]]:
        return [{"run": job.result.run_id, "fingerprint": job.trial.fingerprint, "trial": job.name} for job in jobs]

    said = {"ensemble": job.trial.cell.voting.config.model_dump(mode="json"), "members": entries(members)}
    if tied:
        said["as good as the last, but declared after it"] = entries(tied)
    return yaml.safe_dump(said, sort_keys=False, allow_unicode=True).encode()


def config_yaml(job: Job) -> bytes:
    """Return the resolved configuration with stage, cell and seed, as YAML."""
    cell, seed, fingerprint = job.trial
    head = {"stage": cell.stage, "cell": dict(cell.labels), "seed": seed, "fingerprint": fingerprint}
    return yaml.safe_dump({**head, **cell.config.model_dump(mode="json")}, sort_keys=False, allow_unicode=True).encode()


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield dotted names and texts of nested mappings and lists of mappings."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, str(value)
