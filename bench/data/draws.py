"""Random numbers of a data set's own seeds (which class, which image), the same on every machine and without torch."""

import numpy as np


def draws(seed: int, stream: int | str) -> np.random.RandomState:
    """Return random numbers of one purpose, `stream`; those of another purpose are independent of them."""
    # NumPy promises that RandomState's numbers never change between versions, as it does not for its newer Generator.
    purpose = [stream] if isinstance(stream, int) else list(stream.encode())
    return np.random.RandomState(np.random.MT19937(np.random.SeedSequence([seed, *purpose])))


def first_of_each(labels: np.ndarray, rank: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the positions of the counts[c] images of lowest rank of each class c, ascending (all, where there are fewer).

    labels, rank: int64 [N]; counts: int64 [C]. With one rank, smaller counts choose among what larger ones choose.
    """
    by_class = np.lexsort((rank, labels))
    starts = np.cumsum(np.bincount(labels, minlength=len(counts))) - np.bincount(labels, minlength=len(counts))
    sorted_labels = labels[by_class]
    place = np.arange(len(labels)) - starts[sorted_labels]
    return np.sort(by_class[place < counts[sorted_labels]])
