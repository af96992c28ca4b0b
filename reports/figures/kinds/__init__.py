"""The kinds of figures. To add one: a module with `KIND`, and its name in `MODULES`."""

from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Field

from bench.reports.figures.base import Kind

MODULES = (
    "dots",
    "boxes",
    "forest",
    "critical_difference",
    "curves",
    "classes",
    "confusion",
    "images",
    "trials",
    "scatter",
    "along",
    "pareto",
    "importances",
)
"""In the order in which the JSON Schema lists them."""
_ALL: list[Kind] = [import_module(f"{__name__}.{name}").KIND for name in MODULES]
KINDS = {kind.name: kind for kind in _ALL}
"""name → kind."""

if TYPE_CHECKING:
    Figure = Any  # of which kind, only the registry knows
else:
    Figure = Annotated[Union[tuple(kind.spec for kind in _ALL)], Field(discriminator="kind")]  # noqa: UP007
"""A figure of any kind, as a suite says it."""
