"""The base of every configured part, and the types of its numbers."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, WithJsonSchema

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0, le=1)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(gt=0)]
Seed = Annotated[int, Field(ge=0)]
SplitName = Literal["train", "val", "test"]
ClassName = Annotated[int, Field(ge=0)] | str
"""A class by its number, from 0, or by its name. After `data.classes` only those that it keeps are counted."""


class Config(BaseModel):
    """Base of all parts: unknown keys are errors, values do not change after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


OWN_NAME = r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*"
"""What a part of the user's own is called: `module:name`."""


def _importable(name: str) -> str:
    if not re.fullmatch(OWN_NAME, name):
        raise ValueError("should be `module:name`, in English letters, digits and '_'")
    return name


PartName = Annotated[str, AfterValidator(lambda name: _importable(name) if ":" in name else name)]
"""A name that we know, or `module:name`."""


Files = tuple[Annotated[str, Field(min_length=1)], ...]
"""Data files that a part of the user's own reads: beside the suite, else in the folder of data sets. Their content belongs to the
part: an edit of one makes another part of it."""


class Own(Config):
    """A part of the user's own: `module:name`, a Python file beside the suite (or an installed module) and a name in it."""

    name: Annotated[str, AfterValidator(_importable), WithJsonSchema({"type": "string", "pattern": ":"})]
    args: dict[str, Any] = {}
    """Keyword arguments; the part gets them as the attributes of its options."""
    files: Files = ()
    """Data files that it reads, beside the suite: an edit of one counts as one of the part."""


def declared_files(config: Config, at: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the data files that the parts of a configuration declare, each with its place in it."""
    for name, value in config:
        if name == "files":
            yield from (((*at, name, number), file) for number, file in enumerate(value))
            continue
        for number, inner in enumerate(value) if isinstance(value, tuple) else [(None, value)]:
            if isinstance(inner, Config):
                yield from declared_files(inner, (*at, name) if number is None else (*at, name, number))


def label(value: Any) -> str:
    """Return the text by which a scalar is known as a label: true, 0.01, adam."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and float(short := f"{value:g}") == value:
        return short  # 1e+09, not 1000000000.0
    return "none" if value is None else str(value)


def named(*parts: type[Config]) -> Any:
    """Return the type of one of several parts, told apart by `name`; or of a part of the user's own, `module:name`."""
    tags = {get_args(part.model_fields["name"].annotation)[0]: part for part in parts}
    union: Any = Annotated[Own, Tag("module:name")]
    for tag, part in tags.items():
        union = union | Annotated[part, Tag(tag)]

    def tag_of(value: Any) -> Any:
        name = value.get("name") if isinstance(value, dict) else getattr(value, "name", None)
        return "module:name" if isinstance(name, str) and ":" in name else name

    return Annotated[union, Discriminator(tag_of)]
