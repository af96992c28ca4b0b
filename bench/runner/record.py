"""What is written of a trial: tags, params and artifacts."""

import getpass
import os
import platform
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil
import yaml

from bench.config import SECTIONS
from bench.runner.plan import Job, Plan
from bench.runner.planner import rules
from bench.runner.pool import Pool
from bench.runner.worker import Ended

WEIGHTS = "weights.safetensors"
"""The artifact of a trial whose weights another stage starts from."""
TAG_VERSIONS = ("bench-suites", "mlflow", "optuna", "numpy")


def coordinator() -> str:
    """Return what names this process for as long as it lives: host, process id and start time."""
    return f"{platform.node()}:{os.getpid()}:{psutil.Process().create_time():.2f}"


def alive(name: str) -> bool | None:
    """Tell whether the coordinator of that name still runs; None where it is another machine's."""
    host, _, rest = name.rpartition(":")
    host, _, pid = host.rpartition(":")
    if host != platform.node():
        return None
    try:
        return f"{psutil.Process(int(pid)).create_time():.2f}" == rest
    except (psutil.NoSuchProcess, ValueError):
        return False


def tags(plan: Plan, job: Job, pool: Pool, co_workers: int) -> dict[str, str]:
    """Return the tags of a job's run, all known before it starts. co_workers: workers that run side by side."""
    cell, seed, fingerprint = job.trial
    hello = pool.hello()
    also = [f"{other.stage}: {other.name}" for other in job.cells if other is not cell]
    head = commit(str(Path(plan.suite.document.file).resolve().parent))
    return {
        "mlflow.source.name": Path(plan.suite.document.file).name,
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": head,
        "mlflow.user": _user(),
        "cell": cell.name,
        "stage": cell.stage,
        "suite": plan.suite.name,
        "profile": plan.suite.profile,
        **{f"axis.{axis}": label for axis, label in cell.labels.items()},
        **({"also": "; ".join(also)} if also else {}),
        "seed": str(seed),
        "seeds": plan.suite.schedule(cell.stage).text,
        "fingerprint": fingerprint,
        **_links(plan, job),
        "device": hello.device,
        "workers": str(co_workers),
        "threads": str(pool.threads),
        "precision": cell.config.train.precision,
        "commit": head,
        "coordinator": coordinator(),
        "versions": ", ".join(f"{name} {number}" for name, number in {**hello.versions, **_versions()}.items()),
    }


def _links(plan: Plan, job: Job) -> dict[str, str]:
    """Return the tags that say what of other stages a job rests on, and what a search drew."""
    found: dict[str, str] = {}
    cell = job.trial.cell
    if kept := plan.kept_by(cell):
        found["start"] = kept.text
    if job.origin:
        found["weights"] = f"{job.origin.trial.cell.stage}: {job.origin.trial.cell.name}, seed {job.origin.trial.seed}"
    if job.search:
        found["search"] = rules(plan.suite.spec.stages[cell.stage].search)
        found |= {f"search.{name}": text for name, text in job.parameters.items()}
    return found


def kept(artifacts: dict[str, bytes]) -> dict[str, str]:
    """Return the tag that says that a run has kept its weights."""
    return {"kept": "weights"} if WEIGHTS in artifacts else {}


def together(ended: Ended) -> dict[str, str]:
    """Return the tags that say in a program of how many trials one was trained, and how that was computed; none of one alone."""
    return {"pack": str(ended.pack), "backend": ended.backend} if ended.pack > 1 else {}


def note(outcome: str, message: str) -> dict[str, str]:
    """Return the tags that say why there is no result: one to search by, and one shown at the top of the run's page."""
    return {"message": message, "mlflow.note.content": f"**{outcome}**: {message}"} if message else {}


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
    return dict(_flat({"ensemble": job.trial.cell.ensemble.config.model_dump(mode="json")}))


def members_yaml(job: Job, members: Sequence[Job]) -> bytes:
    """Return the rules of a vote and who voted, the best first, as YAML."""
    voters = [{"run": one.run.run_id, "fingerprint": one.trial.fingerprint, "trial": one.name} for one in members]
    said = {"ensemble": job.trial.cell.ensemble.config.model_dump(mode="json"), "members": voters}
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


@cache
def commit(folder: str) -> str:
    """Return the git commit of a folder, with `+changes` where its tree differs from it; `unknown` outside git."""
    try:
        run = {"cwd": folder, "capture_output": True, "text": True, "timeout": 10}
        head = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], **run)
        if head.returncode:
            return "unknown"
        dirty = subprocess.run(["git", "status", "--porcelain", "--untracked-files=no"], **run).stdout.strip()
        return head.stdout.strip() + ("+changes" if dirty else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        return "unknown"


@cache
def _versions() -> dict[str, str]:
    found = {}
    for name in TAG_VERSIONS:
        try:
            found["bench" if name == "bench-suites" else name] = version(name)
        except PackageNotFoundError:
            continue
    return found
