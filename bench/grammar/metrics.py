"""Which metrics trials record, and what is known of each: its range, its unit, which end is better, how values are compared."""

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal

EACH_EPOCH = tuple(f"{split}/{what}" for split in ("train", "val") for what in ("loss", "accuracy"))
TIMES = ("wall_clock", "images_per_second")
OF_NETWORK = ("parameters", "total_parameters", "peak_memory")
RECORDED = (
    *EACH_EPOCH, "test/loss", "test/accuracy",
    *(f"{split}/{what}" for split in ("val", "test") for what in ("precision", "recall", "f1")),
    "val/mean_accuracy", "convergence_epoch", "epochs", "best_epoch", *OF_NETWORK, *TIMES, "members",
    *(f"denoise/{what}/{of}" for what in ("psnr", "ssim") for of in ("noisy", "denoised")),
)  # fmt: skip
"""What trials of bench record."""
VOTED = tuple(f"{split}/{what}" for split in ("val", "test") for what in ("accuracy", "loss", "precision", "recall", "f1"))
"""What ensembles record of these, soft ones the losses too; and `members`, how many voted, which only they do."""
BY_CLASS = {
    "test/class_accuracy": "accuracy",
    "train/class_size": "size",
    **{f"{split}/{what}": what for split in ("val", "test") for what in ("precision", "recall", "f1", "predicted")},
}
"""PREFIX of the metrics `PREFIX/<class>` → the item of `train.class_metrics` that asks for them."""
CONFUSED = "test/confused"
"""PREFIX of the metrics `PREFIX/<group>`, of the groups of `train.class_groups`."""

Better = Literal["higher", "lower", ""]
SHARE = (0.0, 1.0)
COUNT = (0.0, math.inf)


@dataclass(frozen=True)
class Metric:
    """What is known of a metric.

    better: the better end, "" where nobody knows. range: the lowest and the highest value that it can have. counts: what it is
    a share of, where it counts items: the images of its split, or those of one class. chance: what guessing comes to; "classes"
    for 1 / their number, None where nobody knows. compared: how two arms are, and so how values are averaged: by the difference
    of their means, or by the ratio of their geometric means. margin: the largest difference that does not matter, in its unit.
    crowded: whether what runs beside a trial matters to it, as it does to a time. step: the step of a number that follows from a
    trial's settings, in which seeds may not differ at all; 0 of all others.
    """

    better: Better = ""
    range: tuple[float, float] = (-math.inf, math.inf)
    unit: str = ""
    counts: Literal["", "images", "images of a class"] = ""
    chance: Literal["classes"] | None = None
    compared: Literal["difference", "ratio"] = "difference"
    margin: float | None = None
    crowded: bool = True
    step: float = 0.0

    @property
    def factor(self) -> float:
        """What its values are multiplied by to be in its unit: 100 for a share that a suite declares in percent."""
        return 100.0 if self.unit == "%" and max(map(abs, self.range)) <= 1 else 1.0

    @property
    def is_ratio(self) -> bool:
        """Whether it is compared by ratios, as times are."""
        return self.compared == "ratio"

    @property
    def is_share(self) -> bool:
        return self.range == SHARE

    @property
    def is_open(self) -> bool:
        """Whether its range is not known."""
        return self.range == (-math.inf, math.inf)


def of_differences(unit: str) -> str:
    """Return the unit of differences of values in a unit."""
    return "percentage points" if unit == "%" else unit


KNOWN = {
    "accuracy": Metric("higher", SHARE, counts="images", chance="classes"),
    "mean_accuracy": Metric("higher", SHARE, chance="classes"),
    "class_accuracy": Metric("higher", SHARE, counts="images of a class", chance="classes"),
    "precision": Metric("higher", SHARE),
    "recall": Metric("higher", SHARE),
    "f1": Metric("higher", SHARE),
    "predicted": Metric(range=SHARE, counts="images"),
    "confused": Metric(range=SHARE),
    "loss": Metric("lower"),  # a custom one may be below zero
    "wall_clock": Metric("lower", COUNT, "s", compared="ratio"),
    "images_per_second": Metric("higher", COUNT, "images/s", compared="ratio"),
    "convergence_epoch": Metric("lower", COUNT, "epochs"),
    "epochs": Metric(range=COUNT, unit="epochs"),
    "best_epoch": Metric(range=COUNT, unit="epochs"),
    "members": Metric(range=COUNT),
    "parameters": Metric(range=COUNT, step=1.0),
    "total_parameters": Metric(range=COUNT, step=1.0),
    "peak_memory": Metric("lower", COUNT, "MB", compared="ratio", crowded=False, step=1e-6),  # a byte
    "class_size": Metric(range=COUNT, unit="images"),
    "psnr": Metric("higher", unit="dB"),
    "ssim": Metric("higher", (-1.0, 1.0)),
}
"""word in a metric's name → what is known of it. A split may stand before it, a class after it. One line registers a metric."""


@cache  # a report asks it for every comparison
def by_name(metric: str) -> Metric:
    """Return what a metric's name says of it. Of one that trials of bench do not record, such as `ood/accuracy`, that is the
    better end alone: it may be in another unit, or measured on other images."""
    words = metric.split("/")
    exact = next((KNOWN[word] for word in words if word in KNOWN), None)
    if exact:
        return exact if is_recorded(metric) or metric in (*BY_CLASS, CONFUSED) else Metric(exact.better)
    alike = (KNOWN[known] for word in words for known in KNOWN if word.endswith(known) and KNOWN[known].better)
    return Metric(next(alike, Metric()).better)


def is_recorded(metric: str) -> bool:
    """Whether trials of bench may record a metric, as far as one can tell without their classes."""
    return metric in RECORDED or any(metric.startswith(f"{prefix}/") for prefix in (*BY_CLASS, CONFUSED))
