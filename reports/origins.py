"""What a trial was made from, where that is another stage: the best cell that it starts from, weights, votes."""

import re
from collections.abc import Mapping

SEED = re.compile(r", seed \d+$")


def origins(start: str, tags: Mapping[str, str]) -> tuple[str, ...]:
    """Return what is known of a trial's origin, as ends of a sentence; the same text for every seed.

    start: the cell that it starts from, as planned: a run's tags tell that of the first of the cells that share it.
    """
    told = []
    if start:
        told.append(f"starts from the best of {start}")
    if weights := tags.get("weights"):
        told.append(f"starts from the weights of {SEED.sub('', weights)}")
    if members := tags.get("members"):
        told.append(f"is the vote of {members} trials")
    return tuple(told)
