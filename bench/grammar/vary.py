"""What varies with a trial's seed beside training: `vary:` of a suite or a stage."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from bench.config import Config
from bench.config.data import VARIED, Varied
from bench.grammar.parts import listed, unique


class Splits(Config):
    """Several splits, each run with every seed, so that what the seed changes and what the split changes can be told apart."""

    split: Annotated[int, Field(ge=2, le=100)]
    """How many splits: those of `data.split.seed` and of the numbers after it."""


def _crossed(value: Any) -> bool:
    return isinstance(value, dict | Splits)


_NAME = {"enum": list(VARIED)}
Vary = Annotated[
    Annotated[list[Varied], AfterValidator(unique), BeforeValidator(listed), Tag("with the seed")]
    | Annotated[Splits, Tag("crossed")],
    Discriminator(lambda value: "crossed" if _crossed(value) else "with the seed"),
    WithJsonSchema({"anyOf": [_NAME, {"type": "array", "items": _NAME, "uniqueItems": True}, {"x-ref": "Splits"}]}),
]
"""Settings of `data` whose own seed is drawn from the trial's, or `{split: k}`."""
