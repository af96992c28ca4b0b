"""What a trial was made from, where that is another stage: the best cell that it starts from, weights, votes."""

from bench.trackers import StoredRun
from bench.trackers.record import members, weights


def origins(start: str, run: StoredRun) -> tuple[str, ...]:
    """Return what is known of a trial's origin, as ends of a sentence; the same text for every seed.

    start: the cell that it starts from, as planned: its run tells that of the first of the cells that share it.
    """
    phrases = []
    if start:
        phrases.append(f"starts from the best of {start}")
    if origin := weights(run):
        phrases.append(f"starts from the weights of {origin.cell}")
    if voters := members(run):
        phrases.append(f"is the vote of {voters} trials")
    return tuple(phrases)
