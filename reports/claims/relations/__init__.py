"""What a claim can say of its subject. To add a relation: a module with `RELATIONS`, and its name in `MODULES`."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Self

from pydantic import create_model, model_validator

from bench.reports.claims.base import Relation
from bench.reports.claims.grammar import CLASS, ClaimSpec

MODULES = (
    "beyond",
    "bound",
    "same",
    "along",
    "each_step",
    "best",
    "correlated",
)
"""In the order in which the JSON Schema lists what they bring."""
RELATIONS: dict[str, Relation] = {
    relation.name: relation for name in MODULES for relation in import_module(f"{__name__}.{name}").RELATIONS
}
"""name → relation."""


def _such_as(kind: str) -> str:
    return next(name for name, relation in RELATIONS.items() if relation.kind == kind)


class _Base(ClaimSpec):
    __doc__ = ClaimSpec.__doc__

    @property
    def relation(self) -> Relation:
        """Its relation."""
        return next(relation for name, relation in RELATIONS.items() if getattr(self, name) is not None)

    @property
    def than(self) -> Any:
        """What stands behind its relation."""
        return getattr(self, self.relation.name)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        said = [name for name in RELATIONS if getattr(self, name) is not None]
        if len(said) != 1:
            listing = ", ".join(RELATIONS)
            what = f"two relations, {said[0]} and {said[1]}: make two claims" if said else f"no relation: add one of {listing}"
            raise ValueError(f"has {what}")
        if (self.metric is None) == (self.spread is None):
            raise ValueError(
                "needs a `metric` or a `spread`" if self.metric is None else "has a `metric` and a `spread`: keep one"
            )
        relation = self.relation
        if self.spread is not None and not relation.of_spread:
            raise ValueError(f"`{relation.name}` cannot be of a spread, only of a metric")
        if self.spread is not None and self.test is not None:
            raise ValueError("a spread has a test of its own (Pitman-Morgan): leave `test` out")
        if self.test is not None and self.test not in relation.tests:
            raise ValueError(f"`{relation.name}` is tested by {' or '.join(relation.tests)}, not by {self.test}")
        for key, of in (("scale", "an axis"), ("across", "a metric"), ("within", "a metric")):
            if getattr(self, key) and relation.kind != of:
                raise ValueError(f"`{key}` belongs to relations with {of}, such as {_such_as(of)}, not to `{relation.name}`")
        of_each_class = CLASS in self.each
        if of_each_class and (not self.each[CLASS] or relation.kind == "a metric"):
            raise ValueError("`each: class` names its classes: `each: {class: [cat, dog]}`")
        if of_each_class != self.measure.endswith("/*") and relation.kind != "a metric":
            raise ValueError("a metric that ends in /* goes with `each: {class: […]}`, and only such a one")
        relation.check(self)
        return self


if TYPE_CHECKING:
    Claim = Any  # which keys it has, only the registry knows
else:
    Claim = create_model(
        "Claim",
        __base__=_Base,
        __doc__=ClaimSpec.__doc__,
        **{name: (relation.value | None, None) for name, relation in RELATIONS.items()},
    )
"""A claim, as a suite says it."""
