"""Stages that are more than a grid: what they start from, what they search, and how they vote."""

import math
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from bench.config import Config, Count, Monitor, Positive, Seed
from bench.config.base import Probability
from bench.grammar.parts import LABEL_SCHEMA, Label, Labels, Name, Seeds, Words, listed
from bench.grammar.vary import Vary

PATCH_SCHEMA = {"x-ref": "Patch"}  # a definition that pydantic does not know: jsonschema.py adds it, and makes this a $ref
Patch = Annotated[dict[Literal["data", "model", "train", "start", "ensemble"], dict[str, Any]], WithJsonSchema(PATCH_SCHEMA)]
"""A JSON Merge Patch on a trial's configuration: mappings merge, null goes back to the default, all else replaces."""

Axis = Annotated[dict[str, Patch], Field(min_length=1), WithJsonSchema({"x-ref": "Axis"})]
"""label → patch. The other ways to write an axis are turned into this one before validation."""


class Start(Config):
    """Start from the configuration of another stage's best cell: best on validation, by the mean over its seeds.

    Only cells of which every trial finished can be kept. The rest of the patch is laid over that configuration.
    """

    stage: str
    """A stage that stands above this one."""
    each: Annotated[
        list[str],
        BeforeValidator(listed),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
    ] = []
    """Axes that both stages have: for each of their levels the best cell is kept, and what has that level here starts from it."""
    metric: Monitor = "val/accuracy"
    seeds: Literal["fresh"] | None = None
    """fresh: this whole stage runs with seeds that the other one has not, so that the runs that chose the best do not test it."""


class RandomSampler(Config):
    """Independent draws (Bergstra and Bengio 2012)."""

    name: Literal["random"]


class TPESampler(Config):
    """Tree-structured Parzen estimator (Bergstra et al. 2011)."""

    name: Literal["tpe"]
    startup: Count = 10
    """Trials that are drawn at random first."""


class GPSampler(Config):
    """Gaussian process with expected improvement."""

    name: Literal["gp"]
    startup: Count = 10
    """Trials that are drawn at random first."""


class ASHA(Config):
    """Asynchronous successive halving (Li et al. 2020): after min_epochs * factor^k epochs a trial goes on only if it is among
    the best 1/factor of all that have come so far."""

    name: Literal["asha"]
    min_epochs: Count = 1
    factor: Annotated[int, Field(ge=2)] = 4


class MedianStopping(Config):
    """End a trial that is worse than the median of the earlier ones at the same epoch (Golovin et al. 2017)."""

    name: Literal["median"]
    startup: Count = 5
    """Trials before it begins."""
    warmup: Annotated[int, Field(ge=0)] = 0
    """Epochs of a trial before it can be ended."""


SAMPLERS = (RandomSampler, TPESampler, GPSampler)
PRUNERS = (ASHA, MedianStopping)


class Range(Config):
    """A parameter drawn from an interval; whole numbers where both ends are whole."""

    path: Words
    """Dotted path, such as `train.optimizer.lr`; a list sets each of its paths."""
    low: int | float
    high: int | float
    log: bool = False
    """Draw evenly on a log scale."""
    step: Positive | None = None

    @model_validator(mode="after")
    def _low_first(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"low ({self.low:g}) should be below high ({self.high:g})")
        if self.log and self.low <= 0:
            raise ValueError(f"a log scale should begin above 0, not at {self.low:g}")
        if self.log and self.step is not None:
            raise ValueError("a log scale has no step")
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise ValueError("both ends should be finite")
        if self.whole and self.step is not None and self.step % 1:
            raise ValueError(f"a step between whole numbers should be whole, not {self.step:g}")
        return self

    @property
    def whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def between(self) -> float:
        """A value of an interval of fractions that is neither end, nor likely to be whole."""
        return self.low + 0.37 * (self.high - self.low)


def _kind(value: Any) -> str:
    return "range" if isinstance(value, Range) or (isinstance(value, dict) and "path" in value) else "levels"


Parameter = Annotated[
    Annotated[Range, Tag("range")] | Annotated[Axis, Tag("levels")],
    Discriminator(_kind),
    WithJsonSchema({"anyOf": [{"x-ref": "Range"}, {"x-ref": "Axis"}]}),
]


class Search(Config):
    """Optuna draws configurations, and may end trials early. A stage with `axes` too has one search for each of its cells.

    A trial has one seed; of several `seeds` of the stage each trial draws one, as one more parameter.
    """

    space: Annotated[dict[Name, Parameter], Field(min_length=1)]
    """Parameter → an interval, {path, low, high, log}, or levels as of an axis. Later parameters are laid over earlier ones."""
    trials: Count
    """The budget; pruned and failed trials count."""
    sampler: Annotated[RandomSampler | TPESampler | GPSampler, Field(discriminator="name")] = TPESampler(name="tpe")
    pruner: Annotated[ASHA | MedianStopping, Field(discriminator="name")] | None = None
    metric: Monitor = "val/accuracy"
    seed: Seed = 0
    """Of the sampler."""


class Ensemble(Config):
    """The vote of stored trials of other stages, over the share of them that is best on validation. Nothing is trained.

    soft: the class of the largest mean probability. hard: the class that most members chose; of a tie, the one of these with the
    larger mean probability.
    """

    stages: Words
    """Stages that stand above this one; each trial of theirs votes once."""
    vote: Literal["soft", "hard"] = "soft"
    share: Annotated[Probability, Field(gt=0)] = 1.0
    """At least one member."""
    pool: Literal["all", "seed"] = "all"
    """all: every trial, whatever its seed; then there is one ensemble, of one seed. seed: trials of one seed vote together."""
    rank: Monitor = "val/accuracy"
    """Which are best."""


class PathAxis(Config):
    """An axis that sets one setting (or several at once, to the same value) to each of some values."""

    path: Words
    """Dotted path, such as `data.noise.variance`; a list sets each of its paths."""
    values: Annotated[list[Any], Field(min_length=1)] | None = None
    """The values; each is its own label."""
    levels: Annotated[dict[str, Any], Field(min_length=1)] | None = None
    """label: value, where the values would be poor labels."""


AXIS_SCHEMA = {
    "description": "`label: patch` each, or a path and its values, or labels of the suite's own axis of this name (or `all`).",
    "anyOf": [
        {"x-ref": "PathAxis"},
        {"type": "object", "not": {"required": ["path"]}, "additionalProperties": PATCH_SCHEMA, "minProperties": 1},
        {"const": "all"},
        {"type": "array", "items": LABEL_SCHEMA, "minItems": 1},
    ],
}
"""How an axis may be written, for the JSON Schema."""


class Grid(Config):
    """The cells of some axes: their product, thinned out."""

    axes: Annotated[dict[Name, Axis], Field(min_length=1)]
    """Axis name → levels. Where two axes set the same setting, the later one wins."""
    exclude: list[dict[str, Labels]] = []
    """Partial cells; a cell that matches one is left out."""
    when: dict[str, dict[str, Labels]] = {}
    """axis → the labels of other axes for which it varies; in other cells the axis is absent."""
    zip: list[Annotated[list[str], Field(min_length=2)]] = []
    """Groups of axes that advance together, first level with first level, instead of being crossed."""
    ablate: dict[str, Label] | None = None
    """A baseline cell (axis → label): only it and the cells that differ from it in one axis are kept."""


class Stage(Grid):
    """A part of the suite: a grid; or, with `search`, a search; with `sweep`, a chain of grids; with `ensemble`, votes."""

    title: str | None = None
    patch: Patch = {}
    """Laid over the suite's `base` for every cell of the stage, under the levels' patches."""
    seeds: Seeds | None = None
    """Seeds of this stage; the suite's where left out."""
    vary: Vary | None = None
    """What varies with the seeds of this stage; what the suite says where left out."""
    axes: dict[Name, Axis] = {}
    union: list[Grid] = []
    """Several grids whose cells together make the stage, instead of `axes`."""
    search: Search | None = None
    sweep: Annotated[dict[Name, Axis], Field(min_length=1)] | None = None
    """One axis after another, each in a stage of its own, STAGE-AXIS, that starts from the best cell of the one before (for each
    level of `axes`)."""
    keep: Monitor = "val/accuracy"
    """By what a sweep keeps the best."""
    ensemble: Ensemble | None = None
