"""Which epoch was best on the validation part, and whether to go on."""

import math


class Best:
    """The best epoch so far by one validation metric: a loss's lowest value, an accuracy's highest.

    min_delta: an epoch counts as better only if it beats the best by more than this.
    """

    def __init__(self, metric: str, min_delta: float = 0.0):
        self.metric, self.min_delta = metric, min_delta
        self.epoch, self.value = 0, math.inf
        self._sign = -1.0 if metric.endswith("accuracy") else 1.0

    def update(self, epoch: int, metrics: dict[str, float]) -> bool:
        """Take in an epoch's metrics; tell whether it is the best so far."""
        value = self._sign * metrics[self.metric]
        better = value < self.value - self.min_delta
        if better:
            self.epoch, self.value = epoch, value
        return better

    def state(self) -> list[float]:
        """Return what `load` takes."""
        return [self.epoch, self.value]

    def load(self, state: list[float]) -> None:
        """Go on from a state."""
        self.epoch, self.value = int(state[0]), state[1]

    def stale(self, epoch: int) -> int:
        """Return for how many epochs there has been nothing better."""
        return epoch - self.epoch
