"""What the artifacts of a run hold, read with every doubt: a disk may have damaged them."""

import hashlib
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


@dataclass(frozen=True)
class Correct:
    """Which images of a split a trial recognised. by_image: image → whether it did. said: a hash of the classes that it
    predicted, image by image: equal where all predictions are."""

    by_image: dict[int, bool]
    said: str


def correct(content: bytes, split: str) -> Correct:
    """Return which images of a split were recognised, from predictions or from what `as_bits` made of them. Raises Damaged."""
    stored = arrays(content)
    if f"{split}/correct" not in stored:
        return _judged(predictions(content, split))
    try:
        bits, indices, said = (stored[f"{split}/{part}"] for part in ("correct", "indices", "said"))
    except KeyError as error:
        raise Damaged(f"has no {error}") from None
    fits = indices.ndim == 1 and indices.dtype.kind in "iu" and len(indices) > 0
    if not fits or bits.dtype != "uint8" or bits.shape != ((len(indices) + 7) // 8,) or said.dtype != "uint8":
        raise Damaged(f"does not hold a bit and an index for each image of {split!r}")
    return Correct(dict(zip(indices.tolist(), _unpacked(bits, len(indices)), strict=True)), said.tobytes().hex())


def as_bits(content: bytes) -> bytes:
    """Return what tests over images need of predictions, in an archive that is much smaller: for each split `/correct`, a bit
    an image, `/indices`, which images, and `/said`, a hash of the predicted classes. Raises Damaged."""
    import numpy as np

    packed: dict[str, Any] = {}
    for split in sorted({name.partition("/")[0] for name in arrays(content)}):
        judged = correct(content, split)
        packed[f"{split}/correct"] = np.packbits(np.array(list(judged.by_image.values()), dtype=bool))
        packed[f"{split}/indices"] = np.array(list(judged.by_image), dtype=np.int64)
        packed[f"{split}/said"] = np.frombuffer(bytes.fromhex(judged.said), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **packed)
    return buffer.getvalue()


def _judged(of_split: Predictions) -> Correct:
    labels = dict(zip(of_split.indices.tolist(), of_split.probabilities.argmax(1).tolist(), strict=True))
    right = of_split.probabilities.argmax(1) == of_split.targets
    said = hashlib.sha256(json.dumps(sorted(labels.items())).encode()).hexdigest()
    return Correct(dict(zip(of_split.indices.tolist(), right.tolist(), strict=True)), said)


def _unpacked(bits: "np.ndarray", count: int) -> list[bool]:
    import numpy as np

    return [bool(bit) for bit in np.unpackbits(bits, count=count)]


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
