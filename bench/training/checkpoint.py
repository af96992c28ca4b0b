"""The state of trials under way as a file, from which they go on to the bit after their process was killed.

A file is a line of JSON, which says whose state it is and can be read without PyTorch, and then what `torch.save` makes of it.
"""

import hashlib
import io
import json
import logging
import math
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench.clock import now as clock
from bench.models.weights import first_line

logger = logging.getLogger("bench")
SHARE = 50
"""A save that took a second is followed by none for so many, however often they are asked for, but where every epoch is."""


class Unusable(Exception):
    """What a checkpoint holds does not fit the trials: they begin anew."""


@dataclass
class Checkpoint:
    """Where trials that train together keep their state.

    path: of the file. trials: what names each of them, such as its fingerprint. made_by: names the program, its libraries and the
    device; a file of others is not used. every: seconds between two saves, at least; 0 saves after each epoch, inf after none.
    """

    path: Path
    trials: tuple[str, ...]
    made_by: str = ""
    every: float = 120.0
    _due: float = field(default=math.inf, init=False)

    def begin(self) -> None:
        """Let the time until the first save begin."""
        self._due = clock() + self.every

    @property
    def is_due(self) -> bool:
        """Whether it is time for a save."""
        return clock() >= self._due

    def save(self, epoch: int, state: dict[str, Any]) -> None:
        """Write the state after an epoch: tensors, plain values, and lists and dicts of these. The file before is replaced when
        the new one is whole. A disk that refuses is no reason to end a trial: it is warned of, and no more is saved."""
        began = clock()
        try:
            self._write(epoch, state)
        except (OSError, RuntimeError, MemoryError) as error:
            logger.warning("trains without checkpoints from here on: %s", first_line(error))
            self._due = math.inf
            return
        done = clock()
        self._due = done + max(self.every, SHARE * (done - began) if self.every else 0.0)

    def _write(self, epoch: int, state: dict[str, Any]) -> None:
        buffer = io.BytesIO()
        torch.save(plain(state), buffer)
        content = buffer.getbuffer()
        header = {"trials": self.trials, "made_by": self.made_by, "epoch": epoch, "sha256": hashlib.sha256(content).hexdigest()}
        part = self.path.with_name(f"{self.path.name}.part")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as file:
                file.write(json.dumps(header).encode() + b"\n")
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path)
        except OSError:
            with suppress(OSError):
                part.unlink()
            raise

    def load(self) -> dict[str, Any] | None:
        """Return the state that was saved last, on the CPU; None where there is none. One that is damaged, or of other trials,
        another program or another device, is warned of and deleted."""
        try:
            with self.path.open("rb") as file:
                header, content = file.readline(), file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            logger.warning("a checkpoint cannot be read, so the trial begins anew: %s", error)
            return None
        try:
            description = json.loads(header)
            if (tuple(description["trials"]), description["made_by"]) != (self.trials, self.made_by):
                raise Unusable("it is of another trial, program or device")
            if description["sha256"] != hashlib.sha256(content).hexdigest():
                raise Unusable("it is damaged")
            state: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        except Exception as error:  # of a damaged file anything may come
            self.refuse(error)
            return None
        return state

    def refuse(self, error: Exception) -> None:
        """Tell why a file is not used, and delete it."""
        logger.warning("a checkpoint is not used, so the trial begins anew (%s): %s", first_line(error), self.path)
        self.remove()

    def remove(self) -> None:
        """Delete the file, if there is one."""
        with suppress(OSError):
            self.path.unlink()

    def part(self, trials: slice) -> "Checkpoint":
        """Return that of some of the trials, which go on without the others."""
        path = self.path.with_stem(f"{self.path.stem}-{trials.indices(len(self.trials))[0]}")
        return Checkpoint(path, self.trials[trials], self.made_by, self.every)


def plain(value: Any) -> Any:
    """Return a state with NumPy's arrays as tensors and its numbers as Python's: `torch.load` takes nothing else from a file."""
    match value:
        case dict():
            return {name: plain(item) for name, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case np.ndarray():
            return torch.from_numpy(np.ascontiguousarray(value))
        case np.generic():
            return value.item()
        case torch.Tensor():
            data = value.detach()
            return data.clone() if data.untyped_storage().nbytes() > data.nbytes else data  # else the whole storage is written
    return value
