"""What a trial's result depends on, beyond its configuration: the content of files, and who votes."""

import hashlib
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench import components
from bench.config import Data
from bench.errors import BenchError
from bench.paths import file_hash
from bench.registry import own_digest
from bench.suite import Cell, Section

logger = logging.getLogger("bench")


def identity(section: Section[Any]) -> str:
    """Return the content hash of the files that a section reads; "" where its name alone says what they hold.

    CIFAR and digits are fixed by their names (CIFAR's files are checked against the official MD5), so a report can be
    written where they are not at hand. Hub weights are fixed by theirs. A part of the user's own is known by its file.
    """
    with components.beside(section.folder):
        return "\n".join(_contents(section))


def _contents(section: Section[Any]) -> list[str]:
    found = [own_digest(name) for name in section.own]
    weights = getattr(section.config, "weights", None)
    if isinstance(section.config, Data) and (section.config.path or ":" in section.config.source):
        from bench import data

        try:
            found.append(data.prepare(section.config, say=logger.info).digest)
        except BenchError as error:
            raise error.at(section.place(("path" if section.config.path else "source",))) from None
    if isinstance(weights, str):
        try:
            found.append(file_hash(Path(weights)) if Path(weights).is_file() else "no such file")
        except OSError as error:
            told = f"cannot be read: {error.strerror}"
            raise BenchError(told, where=weights, mend="make the weights file readable") from None
    return found


def ensemble_fingerprint(cell: Cell, seed: int, voters: Iterable[str]) -> str:
    """Return the hash of what determines a vote: its rules, and the trials that may vote, by their fingerprints."""
    said = cell.voting.config.model_dump_json(exclude={"stages"})
    if measured := cell.train.config.class_metrics:
        said += f"\n{measured}"
    return hashlib.sha256("\n".join([said, str(seed), *sorted(voters)]).encode()).hexdigest()[:32]
