"""Which metrics there are: what every trial records, and what a suite derives from that when a report is made."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from bench.config import Config
from bench.grammar.parts import Labels

MetricName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]*$")]

EACH_EPOCH = tuple(f"{split}/{what}" for split in ("train", "val") for what in ("loss", "accuracy"))
TIMES = ("wall_clock", "images_per_second")
RECORDED = (
    *EACH_EPOCH, "test/loss", "test/accuracy",
    *(f"{split}/{what}" for split in ("val", "test") for what in ("precision", "recall", "f1")),
    "val/mean_accuracy", "convergence_epoch", "epochs", "best_epoch", *TIMES, "members",
    *(f"denoise/{what}/{of}" for what in ("psnr", "ssim") for of in ("noisy", "denoised")),
)  # fmt: skip
"""What trials of bench record."""
VOTED = tuple(f"{split}/{what}" for split in ("val", "test") for what in ("accuracy", "loss", "precision", "recall", "f1"))
"""What ensembles record of these, soft ones the losses too; and `members`, how many voted, which only they do."""
BY_CLASS = {
    "test/class_accuracy": "accuracy",
    "train/class_size": "size",
    **{f"{split}/{what}": what for split in ("val", "test") for what in ("precision", "recall", "f1")},
}
"""PREFIX of the metrics `PREFIX/<class>` → the item of `train.class_metrics` that asks for them."""
Over = Literal["mean", "sd", "min", "max"]
OVER: tuple[Over, ...] = ("mean", "sd", "min", "max")


class Derived(Config):
    """A metric computed from others when a report is made: over classes, or a difference. `{}`: one that something else logs."""

    mean: str | None = None
    """PREFIX: the mean of the metrics `PREFIX/<class>`."""
    sd: str | None = None
    """PREFIX: their standard deviation. The classes are all that there are, no sample of them: ddof=0."""
    min: str | None = None
    """PREFIX: the smallest of them."""
    max: str | None = None
    """PREFIX: the largest of them."""
    classes: Labels | None = None
    """Only these classes, by name; all where left out."""
    minus: Annotated[list[str], Field(min_length=2, max_length=2)] | None = None
    """[a, b]: a minus b."""

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        rules = [rule for rule in (*OVER, "minus") if getattr(self, rule) is not None]
        if len(rules) > 1:
            raise ValueError(f"should have one rule, not {' and '.join(rules)}")
        if self.classes is not None and self.over is None:
            raise ValueError("'classes' belong to mean, sd, min or max")
        return self

    @property
    def over(self) -> tuple[Over, str] | None:
        """What is computed over classes, and the prefix of their metrics; None of other rules."""
        return next(((rule, prefix) for rule in OVER if (prefix := getattr(self, rule)) is not None), None)

    @property
    def logged(self) -> bool:
        """Whether something else logs it, so that nothing is computed."""
        return self.over is None and self.minus is None


def is_recorded(metric: str) -> bool:
    """Whether trials of bench may record a metric, as far as one can tell without their classes."""
    return metric in RECORDED or any(metric.startswith(f"{prefix}/") for prefix in BY_CLASS)


def is_known(metric: str, derived: Mapping[str, Derived]) -> bool:
    """Whether a metric is recorded, derived, or declared as logged by something else (of the whole, or of each class)."""
    return is_recorded(metric) or metric in derived or any(metric.startswith(f"{name}/") for name in _logged(derived))


def is_prefix(prefix: str, derived: Mapping[str, Derived]) -> bool:
    """Whether there are metrics `PREFIX/<class>`."""
    return prefix in BY_CLASS or prefix in _logged(derived)


def stored(metric: str, derived: Mapping[str, Derived]) -> Iterator[str]:
    """Yield the recorded metrics that a metric is made from, those of classes as `PREFIX/*`. There must be no cycle."""
    rule = derived.get(metric)
    if rule is None or rule.logged:
        yield metric
    elif rule.over:
        yield f"{rule.over[1]}/*"
    else:
        for part in rule.minus or ():
            yield from stored(part, derived)


def cycle(metric: str, derived: Mapping[str, Derived]) -> list[str]:
    """Return the metrics from one back to itself through differences; [] where it does not lead back."""

    def leads(path: list[str]) -> list[str]:
        for part in (derived[path[-1]].minus or ()) if path[-1] in derived else ():
            if part == metric:
                return [*path, part]
            if part not in path and (found := leads([*path, part])):
                return found
        return []

    return leads([metric])


def _logged(derived: Mapping[str, Derived]) -> list[str]:
    return [name for name, rule in derived.items() if rule.logged]
