"""What the artifacts of a run hold, read with every doubt: a disk may have damaged them."""

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.trackers.record import KeptWeights

if TYPE_CHECKING:
    import numpy as np


class Damaged(ValueError):
    """An artifact does not hold what it should. Its text is the end of a sentence that begins with the artifact."""


@dataclass(frozen=True)
class Predictions:
    """What a trial says of one split. probabilities: [N, C], all finite; targets: integers [N], classes of C; indices: integers
    [N], which images."""

    probabilities: "np.ndarray"
    targets: "np.ndarray"
    indices: "np.ndarray"


def arrays(content: bytes) -> dict[str, "np.ndarray"]:
    """Return the arrays of an archive by name. Raises Damaged."""
    import numpy as np

    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except Exception as error:  # of damaged bytes, which may ask for any size or form
        raise Damaged(f"cannot be read ({type(error).__name__})") from error


def predictions(content: bytes, split: str) -> Predictions:
    """Return the predictions of a split. Raises Damaged."""
    import numpy as np

    stored = arrays(content)
    try:
        result = Predictions(*(stored[f"{split}/{part}"] for part in ("probabilities", "targets", "indices")))
    except KeyError as error:
        raise Damaged(f"has no {error}") from None
    probabilities, targets, indices = result.probabilities, result.targets, result.indices
    alike = probabilities.ndim == 2 and probabilities.dtype.kind == "f" and len(probabilities) > 0 and probabilities.shape[1] > 0
    if not alike or any(array.dtype.kind not in "iu" or array.shape != probabilities.shape[:1] for array in (targets, indices)):
        raise Damaged(f"does not hold a probability of each class, a target and an index for each image of {split!r}")
    if not np.isfinite(probabilities).all() or targets.min() < 0 or targets.max() >= probabilities.shape[1]:
        raise Damaged(f"holds numbers of {split!r} that are no probabilities, or targets that are no class")
    return result


def check_weights(content: bytes, kept: KeptWeights | None) -> None:
    """Raise Damaged where a file of weights is not the one that was kept; of an older version's, where it is not whole."""
    if kept:
        if KeptWeights.of(content) != kept:
            raise Damaged("is not what was kept")
        return
    try:
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])
        end = max((tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"), default=0)
    except Exception as error:
        raise Damaged(f"cannot be read ({type(error).__name__})") from error
    if len(content) != 8 + length + end:
        raise Damaged("is not whole")


def confusion(content: bytes) -> dict[str, Any]:
    """Return the names of the classes under "classes", and each split's matrix, rows true, columns predicted. Raises Damaged."""
    try:
        data = json.loads(content)
        names = tuple(map(str, data["classes"]))
        matrices = {split: [[float(count) for count in row] for row in data[split]] for split in ("val", "test") if split in data}
    except Exception as error:  # a recursion without end, among others
        raise Damaged(f"cannot be read ({type(error).__name__})") from error
    for counts in matrices.values():
        square = len(counts) == len(names) and all(len(row) == len(names) for row in counts)
        if not square or not all(0 <= count < float("inf") for row in counts for count in row):
            raise Damaged("does not count the images of each class")
    if not names:
        raise Damaged("names no class")
    return {"classes": names, **matrices}
