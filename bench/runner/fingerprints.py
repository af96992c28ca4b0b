"""What a trial's result depends on, beyond its configuration: the content of files, and who votes."""

import hashlib
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench import components
from bench.config import Data
from bench.config.base import declared_files
from bench.errors import BenchError
from bench.grammar.cells import Cell, Section
from bench.paths import file_hash
from bench.registry import own_digest
from bench.runner.executors import open_executor
from bench.runner.messages import Prepare

logger = logging.getLogger("bench")
SILENT = 3600.0
"""Seconds for which reading a data set, or denoising, may say nothing: that may take long."""


def identity(section: Section[Any]) -> str:
    """Return the content hash of the files that a section reads; "" where its name alone says what they hold.

    CIFAR and digits are fixed by their names (CIFAR's files are checked against the official MD5), so a report can be
    written where they are not at hand. Hub weights are fixed by theirs. A part of the user's own is known by its file.
    """
    with components.beside(section.folder):
        return "\n".join(_contents(section))


def _contents(section: Section[Any]) -> list[str]:
    hashes = [own_digest(name) for name in section.own]
    for at, file in declared_files(section.config):
        try:
            hashes.append(components.files_digest([file]))
        except BenchError as error:
            raise error.at(section.place(at)) from None
    weights = getattr(section.config, "weights", None)
    if isinstance(section.config, Data) and (section.config.path or ":" in section.config.source):
        try:
            hashes.append(_digest(section))
        except BenchError as error:
            raise error.at(section.place(("path" if section.config.path else "source",))) from None
    if isinstance(weights, str):
        try:
            hashes.append(file_hash(Path(weights)) if Path(weights).is_file() else "no such file")
        except OSError as error:
            message = f"cannot be read: {error.strerror}"
            raise BenchError(message, where=weights, mend="make the weights file readable") from None
    return hashes


def _digest(section: Section[Data]) -> str:
    """Return the hash of a data set's arrays, made ready unless they are. A source of the user's own is called in a process of
    its own: it may hang, or end the process that it is in."""
    from bench import data

    if ":" not in section.config.source:
        return data.prepare(section.config, say=logger.info).digest
    if dataset := data.find(section.config):
        return dataset.digest
    with open_executor("local", workers=1, device="cpu") as worker:
        request = Prepare(section.config, folder=section.folder)
        (digest, _), *_ = worker.map([request], progress=logger.info, limit=SILENT)
    return digest


def ensemble_fingerprint(cell: Cell, seed: int, voters: Iterable[str]) -> str:
    """Return the hash of what determines a vote: its rules, and the trials that may vote, by their fingerprints."""
    said = cell.voting.config.model_dump_json(exclude={"stages"})
    if measured := cell.train.config.class_metrics:
        said += f"\n{measured}"
    if groups := cell.train.config.class_groups:
        said += f"\n{groups}"
    return hashlib.sha256("\n".join([said, str(seed), *sorted(voters)]).encode()).hexdigest()[:32]
