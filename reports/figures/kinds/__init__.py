"""The kinds of figures. To add one: a module with a `Kind`, and a line here."""

from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Field

from bench.reports.figures.kinds import (
    boxes,
    classes,
    confusion,
    critical_difference,
    curves,
    dots,
    forest,
    images,
    scatter,
    trials,
)

KINDS = {
    kind.name: kind
    for kind in (
        dots.KIND,
        boxes.KIND,
        forest.KIND,
        critical_difference.KIND,
        curves.KIND,
        classes.KIND,
        confusion.KIND,
        images.KIND,
        trials.KIND,
        scatter.KIND,
    )
}
"""name → kind, in the order in which the JSON Schema lists them."""

if TYPE_CHECKING:
    Figure = Any  # of which kind, only the registry knows
else:
    Figure = Annotated[Union[tuple(kind.spec for kind in KINDS.values())], Field(discriminator="kind")]  # noqa: UP007
"""A figure of any kind, as a suite says it."""
