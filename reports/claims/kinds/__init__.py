"""The kinds of claims. To add one: a module with a `ClaimKind`, and a line here."""

from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Field

from bench.reports.claims.base import ClaimKind
from bench.reports.claims.kinds import correlation, interaction, trend, two_arms

_ALL: tuple[ClaimKind, ...] = (two_arms.COMPARING, two_arms.EQUIVALENT, trend.KIND, interaction.KIND, correlation.KIND)
KINDS = {name: kind for kind in _ALL for name in kind.names}
"""name → kind, in the order in which the JSON Schema lists them."""

if TYPE_CHECKING:
    Claim = Any  # of which kind, only the registry knows
else:
    Claim = Annotated[Union[tuple(kind.spec for kind in _ALL)], Field(discriminator="kind")]  # noqa: UP007
"""A claim of any kind, as a suite says it."""
