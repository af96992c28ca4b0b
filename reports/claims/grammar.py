"""What every claim may say beside its relation: the subject, what is averaged, what must hold where, and the margin."""

import fractions
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from bench.config import Config
from bench.config.base import label
from bench.grammar.parts import LABEL_SCHEMA, Labels, Name, listed

OPERATORS = ("minus", "divided_by")
"""What takes another arm from the arm around it, or divides by it."""
CLASS = "class"
"""The axis of the classes of a metric that ends in /*."""
Patch = dict[str, Any]
"""An arm as a claim says it: axis → labels, None to drop the axis; `stage` → its name; an operator → the other arm, a patch
itself."""
Test = Literal["t", "sign-flip", "welch", "crossed", "pearson", "spearman"]
"""t: Student's, over paired seeds · sign-flip: exact, over paired seeds · welch: arms whose seeds are not paired · crossed: over
seeds and images, from the stored predictions · pearson, spearman: of a `_with`."""


def _arm(value: Any) -> Patch:
    if not isinstance(value, dict):
        raise ValueError("should be an arm, {AXIS: LABEL}")
    arm: Patch = {}
    for key, said in value.items():
        if key in OPERATORS:
            arm[key] = None if said is None else _arm(said)
        elif key == "stage":
            arm[key] = label(said)
        else:
            arm[key] = None if said is None else [label(item) for item in listed(said)]
            if arm[key] is not None and (not arm[key] or len(set(arm[key])) < len(arm[key])):
                raise ValueError(f"axis {key!r} should have different labels, not {said!r}")
    if sum(arm.get(operator) is not None for operator in OPERATORS) > 1:
        raise ValueError("should have `minus` or `divided_by`, not both")
    return arm


def _number(value: Any) -> float:
    """Return a number; it may be written as a fraction, `1/7`."""
    if isinstance(value, str):
        try:
            value = float(fractions.Fraction(value.replace(" ", "")))
        except (ValueError, ZeroDivisionError):
            raise ValueError(f"should be an arm, {{AXIS: {value}}}, or a number") from None
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300 or value != value:
        raise ValueError("should be an arm, {AXIS: LABEL}, or a number")
    return float(value)


def _arm_or_number(value: Any) -> Any:
    return _arm(value) if isinstance(value, dict) else _number(value)


def _axes(value: Any) -> dict[str, list[str] | None]:
    if isinstance(value, dict):
        if not value:
            raise ValueError("should name an axis")
        return {axis: None if labels is None else [label(item) for item in listed(labels)] for axis, labels in value.items()}
    names = list(listed(value))
    if not names or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise ValueError("should be an axis, a list of different axes, or {AXIS: [LABEL, …]}")
    return dict.fromkeys(names)


def _axes_or_arms(value: Any) -> Any:
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return [_arm(item) for item in value]
    return _axes(value)


class Share(float):
    """A margin that is written in percent: a share of what is compared."""


def _margin(value: Any) -> float:
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            value = Share(float(value.strip().removesuffix("%")) / 100)
        except ValueError:
            raise ValueError("should be a number above 0, or a share such as 10%") from None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e300:
        raise ValueError("should be a number above 0, or a share such as 10%")
    return value if isinstance(value, Share) else float(value)


_ARM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"stage": {"type": "string"}} | {operator: {"type": ["object", "null"]} for operator in OPERATORS},
    "additionalProperties": {"anyOf": [LABEL_SCHEMA, {"type": "array", "items": LABEL_SCHEMA, "minItems": 1}, {"type": "null"}]},
}
_NAMES = {"type": "array", "items": {"type": "string"}, "minItems": 1}
_AXES_SCHEMA: dict[str, Any] = {"anyOf": [{"type": "string"}, _NAMES, {"type": "object"}]}
Arm = Annotated[Any, AfterValidator(_arm), WithJsonSchema(_ARM_SCHEMA)]
"""axis → label; a list of labels is their mean. Also `stage`, and `minus` or `divided_by`: an arm that says what differs."""
ArmOrNumber = Annotated[
    Any, AfterValidator(_arm_or_number), WithJsonSchema({"anyOf": [_ARM_SCHEMA, {"type": "number"}, {"type": "string"}]})
]
"""An arm, which takes over from `of` what it does not say; or a number that was fixed before the runs."""
Axes = Annotated[Any, AfterValidator(_axes), WithJsonSchema(_AXES_SCHEMA)]
"""An axis, several, or those with some of their levels."""
AxesOrArms = Annotated[
    Any,
    AfterValidator(_axes_or_arms),
    WithJsonSchema({"anyOf": [*_AXES_SCHEMA["anyOf"], {"type": "array", "items": _ARM_SCHEMA, "minItems": 1}]}),
]
Margin = Annotated[Any, AfterValidator(_margin), WithJsonSchema({"type": ["number", "string"]})]


class Condition(Config):
    """What must be so for a claim to mean anything. What it does not say it has from its claim, level by level of `each`."""

    above_chance: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """The arm is above chance by so much, in the metric's unit."""
    metric: str | None = None
    stage: str | None = None
    of: Arm | None = None
    higher_than: ArmOrNumber | None = None
    lower_than: ArmOrNumber | None = None
    at_least: ArmOrNumber | None = None
    at_most: ArmOrNumber | None = None
    margin: Margin | None = None
    """Of at_least and at_most."""

    @property
    def relation(self) -> str:
        """What it says of its arm."""
        return next(name for name in CONDITIONS if getattr(self, name) is not None)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(getattr(self, name) is not None for name in CONDITIONS) != 1:
            raise ValueError(f"should have one of {', '.join(CONDITIONS)}")
        return self


CONDITIONS = ("above_chance", "higher_than", "lower_than", "at_least", "at_most")


class ClaimSpec(Config):
    """A conclusion to be tested: a metric of the subject `of`, and exactly one relation, such as `higher_than`."""

    says: Annotated[str, Field(min_length=1)]
    """The report's sentence."""
    metric: str | None = None
    """What is compared: its mean over the seeds. One of `metric` and `spread`."""
    spread: str | None = None
    """The same of a metric's standard deviation over the seeds."""
    stage: str | None = None
    """The stage of every arm that does not name its own; left out where there is only one."""
    of: Arm = Field(default_factory=dict)
    """The subject: axis → label (a list of labels is their mean); left out: all cells."""
    each: Axes = Field(default_factory=dict)
    """Axes: the claim must hold at each of their levels."""
    mean_over: Axes = Field(default_factory=dict)
    """Axes whose levels are averaged, seed by seed."""
    margin: Margin | None = None
    """The largest difference that does not matter, in the metric's unit; a share such as 10% for times and ratios."""
    requires: Annotated[
        list[Condition],
        BeforeValidator(listed),
        WithJsonSchema({"anyOf": [{"x-ref": "Condition"}, {"type": "array", "items": {"x-ref": "Condition"}}]}),
    ] = []
    """What must be so for the claim to mean anything; where it is not, the verdict is `regime not reached`."""
    exclude: list[dict[str, Labels]] = []
    """Cells that are left out, each by some of its labels."""
    scale: Literal["linear", "log", "order"] | None = None
    """Of an `_along`: where levels lie. Left out: linear for numbers, in the listed order for words."""
    across: Axes = Field(default_factory=dict)
    """Of a `_with`: the axes whose levels are its points; `class` for the classes of metrics that end in `/*`."""
    within: Axes = Field(default_factory=dict)
    """Of a `_with`: the blocks inside which points may be exchanged. Without one the correlation is described, not tested."""
    test: Test | None = None
    """Left out: t."""
    family: Name | None = None
    """Claims of one family are corrected together (Holm); a claim alone is its own family."""

    @property
    def measure(self) -> str:
        """The metric of which something is claimed."""
        return str(self.metric or self.spread)


def patched(arm: Mapping[str, Any], patch: Mapping[str, Any]) -> Patch:
    """Return an arm with another laid over it: what that says replaces, None drops, an operator's arm is laid over the one
    there."""
    result = dict(arm)
    for key, said in patch.items():
        if said is None:
            result.pop(key, None)
        elif key in OPERATORS:
            result[key] = patched(arm.get(key) or {}, said)
        else:
            result[key] = said
    return result
