"""Correction for the number of tests in a family."""


def holm(p: list[float | None]) -> list[float | None]:
    """Return p-values adjusted by Holm's step-down procedure, in the order given. None stays None and does not count.

    Source: Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6.
    """
    tested = sorted((value, i) for i, value in enumerate(p) if value is not None)
    adjusted: list[float | None] = [None] * len(p)
    highest = 0.0
    for rank, (value, i) in enumerate(tested):
        highest = max(highest, min(1.0, (len(tested) - rank) * value))
        adjusted[i] = highest
    return adjusted
