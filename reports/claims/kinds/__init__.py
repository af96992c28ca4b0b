"""The kinds of claims. To add one: a module with `KINDS`, its `ClaimKind`s, and its name in `MODULES`."""

from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Field

from bench.reports.claims.base import ClaimKind

MODULES = (
    "two_arms",
    "trend",
    "interaction",
    "correlation",
)
"""In the order in which the JSON Schema lists what they bring."""
_ALL: list[ClaimKind] = [kind for name in MODULES for kind in import_module(f"{__name__}.{name}").KINDS]
KINDS = {name: kind for kind in _ALL for name in kind.names}
"""name → kind."""

if TYPE_CHECKING:
    Claim = Any  # of which kind, only the registry knows
else:
    Claim = Annotated[Union[tuple(kind.spec for kind in _ALL)], Field(discriminator="kind")]  # noqa: UP007
"""A claim of any kind, as a suite says it."""
