"""What a trial was made from, where that is another stage: the best cell that it starts from, weights, votes."""

import re
from collections.abc import Mapping

SEED = re.compile(r", seed \d+$")


def origins(tags: Mapping[str, str]) -> tuple[str, ...]:
    """Return what a run's tags say of its origin, as ends of a sentence; the same text for every seed."""
    told = []
    if start := tags.get("start"):
        told.append(f"starts from the best of {start}")
    if weights := tags.get("weights"):
        told.append(f"starts from the weights of {SEED.sub('', weights)}")
    if members := tags.get("members"):
        told.append(f"is the vote of {members} trials")
    return tuple(told)
