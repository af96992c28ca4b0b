"""What a suite may have drawn: the shapes of `figures:`."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from bench.config import Config
from bench.suite.parts import Labels, Words


class _Figure(Config):
    title: str | None = None


class Dots(_Figure):
    """Every seed as a dot, with mean and interval: a panel for each value of a table."""

    kind: Literal["dots"]
    table: str


class Forest(_Figure):
    """The contrasts of a table, or all claims, each with its interval."""

    kind: Literal["forest"]
    table: str | None = None


class CriticalDifference(_Figure):
    """Mean ranks of a table's columns over its rows, the tasks, with the critical difference (Demsar 2006)."""

    kind: Literal["critical-difference"]
    table: str


class _OfStage(_Figure):
    stage: str
    where: dict[str, Labels] = {}
    """Only cells with these labels."""
    panels: Words = []
    """Axes whose levels stand side by side."""


class Curves(_OfStage):
    """Learning curves: the mean over seeds, with its interval as a band."""

    kind: Literal["curves"]
    metric: Words = ["train/loss", "val/accuracy"]
    """Metrics that were recorded every epoch, a row of panels each."""
    lines: Words
    """Axes whose levels are the lines."""


class Classes(_OfStage):
    """A bar a class, with interval."""

    kind: Literal["classes"]
    metric: str = "test/class_accuracy"
    """The metrics `METRIC/<class>`."""
    bars: Words
    """Axes whose levels stand beside each other within a class."""


class Confusion(_OfStage):
    """The confusion matrix, its rows shares of the true class, the mean over seeds."""

    kind: Literal["confusion"]
    split: Literal["val", "test"] = "test"


Figure = Annotated[
    Dots | Forest | CriticalDifference | Curves | Classes | Confusion,
    Field(discriminator="kind"),
]


def standard(tables: Iterable[str], claims: bool) -> dict[str, Figure]:
    """Return what is drawn of a suite that does not say: the dots of every table, and its claims."""
    drawn: dict[str, Figure] = {f"{table}-dots": Dots(kind="dots", table=table) for table in tables}
    return drawn | ({"claims": Forest(kind="forest")} if claims else {})
