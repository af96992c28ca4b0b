"""Small pieces of the grammar that several shapes share: names, labels, lists, seeds."""

from itertools import pairwise
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    WithJsonSchema,
    field_validator,
)

from bench.config import Config, Count, Fraction
from bench.config.base import label

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]*$")]
Label = Annotated[str, BeforeValidator(label), WithJsonSchema({"type": ["string", "number", "boolean"]})]


def listed(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else [value]


def _unique(values: list[Any]) -> list[Any]:
    for i, value in enumerate(values):
        if value in values[:i]:
            raise ValueError(f"{value!r} stands twice")
    return values


def _one_or_more(schema: dict[str, Any]) -> WithJsonSchema:
    """Return the schema of a list that may be written as its only item."""
    return WithJsonSchema({"anyOf": [schema, {"type": "array", "items": schema, "minItems": 1}]})


def _seeds(value: Any) -> Any:
    """Return the seeds as a list; a number n stands for 0 … n-1."""
    if isinstance(value, (dict, Looks)):
        return value
    many = isinstance(value, list)
    for seed in value if many else [value]:
        if not isinstance(seed, int) or isinstance(seed, bool) or seed < (0 if many else 1):
            raise ValueError("should be how many seeds, from 1, or a list of different seeds, from 0, or {looks: [5, 8, 12]}")
    return _unique(value) if many else list(range(value))


class Looks(Config):
    """Seeds on demand: after each look only the claims that are still unresolved get more seeds."""

    looks: Annotated[list[Count], Field(min_length=2)]
    """How many seeds (0, 1, …) there are at each look."""
    alpha: Fraction | None = None
    """Significance level of all looks together, each tests at its share; the suite's where left out."""

    @field_validator("looks")
    @classmethod
    def _growing(cls, looks: list[int]) -> list[int]:
        if any(later <= earlier for earlier, later in pairwise(looks)):
            raise ValueError("should grow from look to look")
        return looks


_COUNT_SCHEMA, _SEED_SCHEMA = {"type": "integer", "minimum": 1}, {"type": "integer", "minimum": 0}
_SEED_LIST_SCHEMA = {"type": "array", "items": _SEED_SCHEMA, "minItems": 1, "uniqueItems": True}
Seeds = Annotated[
    Annotated[list[int], Field(min_length=1), Tag("fixed")] | Annotated[Looks, Tag("sequential")],
    Discriminator(lambda value: "sequential" if isinstance(value, (dict, Looks)) else "fixed"),
    BeforeValidator(_seeds),
    WithJsonSchema({"anyOf": [_COUNT_SCHEMA, _SEED_LIST_SCHEMA, {"x-ref": "Looks"}]}),
]

LABEL_SCHEMA = {"type": ["string", "number", "boolean"]}
Words = Annotated[
    list[str], Field(min_length=1), AfterValidator(_unique), BeforeValidator(listed), _one_or_more({"type": "string"})
]
Labels = Annotated[list[Label], Field(min_length=1), AfterValidator(_unique), BeforeValidator(listed), _one_or_more(LABEL_SCHEMA)]
