"""Small pieces of the grammar that several shapes share: names, labels, lists, seeds."""

from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from bench.config import Config, Count, Fraction
from bench.config.base import label
from bench.grammar.schedule import MOST_PILOTS

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]*$")]
Label = Annotated[str, BeforeValidator(label), WithJsonSchema({"type": ["string", "number", "boolean"]})]


def listed(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else [value]


def unique(values: list[Any]) -> list[Any]:
    """Return the values, or raise ValueError where one stands twice."""
    for i, value in enumerate(values):
        if value in values[:i]:
            raise ValueError(f"{value!r} stands twice")
    return values


def _one_or_more(schema: dict[str, Any]) -> WithJsonSchema:
    """Return the schema of a list that may be written as its only item."""
    return WithJsonSchema({"anyOf": [schema, {"type": "array", "items": schema, "minItems": 1}]})


def _seeds(value: Any, or_more: str = "") -> list[int]:
    """Return the seeds as a list; a number n stands for 0 … n-1. or_more: what else there may be, for the error."""
    many = isinstance(value, list)
    for seed in value if many else [value]:
        if not isinstance(seed, int) or isinstance(seed, bool) or seed < (0 if many else 1):
            raise ValueError(f"should be how many seeds, from 1, or a list of different seeds, from 0{or_more}")
    return unique(value) if many else list(range(value))


_COUNT_SCHEMA, _SEED_SCHEMA = {"type": "integer", "minimum": 1}, {"type": "integer", "minimum": 0}
_SEED_LIST_SCHEMA = {"type": "array", "items": _SEED_SCHEMA, "minItems": 1, "uniqueItems": True}
SeedList = Annotated[list[int], Field(min_length=1)]


class SeedPlan(Config):
    """Seeds in two parts, or on demand: a pilot that sets sizes and never counts, and the seeds that count."""

    pilot: Annotated[int, Field(ge=2, le=MOST_PILOTS)] | None = None
    """How many seeds run first, of their own; from their spread the report says how many the claims need."""
    count: Annotated[
        SeedList | None,
        BeforeValidator(lambda value: None if value is None else _seeds(value)),
        WithJsonSchema({"anyOf": [_COUNT_SCHEMA, _SEED_LIST_SCHEMA]}),
    ] = None
    """How many seeds (0, 1, …) count, or which."""
    looks: Annotated[list[Count], Field(min_length=2)] | None = None
    """How many seeds (0, 1, …) there are at each look: after each only the claims that are still unresolved get more."""
    alpha: Fraction | None = None
    """Significance level of all looks together, each tests at its share; the suite's where left out."""

    @field_validator("looks")
    @classmethod
    def _growing(cls, looks: list[int] | None) -> list[int] | None:
        if any(later <= earlier for earlier, later in pairwise(looks or ())):
            raise ValueError("should grow from look to look")
        return looks

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if (self.count is None) == (self.looks is None):
            raise ValueError("should say either `count: 5`, how many seeds count, or `looks: [5, 8, 12]`")
        if self.alpha is not None and self.looks is None:
            raise ValueError("'alpha' belongs to looks; of all else it stands at the top of the suite")
        return self


def _planned(value: Any) -> bool:
    return isinstance(value, (dict, SeedPlan))


Seeds = Annotated[
    Annotated[SeedList, Tag("fixed")] | Annotated[SeedPlan, Tag("planned")],
    Discriminator(lambda value: "planned" if _planned(value) else "fixed"),
    BeforeValidator(lambda value: value if _planned(value) else _seeds(value, ", or {looks: [5, 8, 12]}")),
    WithJsonSchema({"anyOf": [_COUNT_SCHEMA, _SEED_LIST_SCHEMA, {"x-ref": "SeedPlan"}]}),
]

LABEL_SCHEMA = {"type": ["string", "number", "boolean"]}
Words = Annotated[
    list[str], Field(min_length=1), AfterValidator(unique), BeforeValidator(listed), _one_or_more({"type": "string"})
]
Labels = Annotated[list[Label], Field(min_length=1), AfterValidator(unique), BeforeValidator(listed), _one_or_more(LABEL_SCHEMA)]
