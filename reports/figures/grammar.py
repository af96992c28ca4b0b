"""What a suite may have drawn: the shapes of `figures:`."""

from typing import Annotated, Literal

from pydantic import Field

from bench.config import Config
from bench.grammar.parts import Labels, Words


class _Figure(Config):
    title: str | None = None


class Dots(_Figure):
    """Every seed as a dot, with mean and interval: a panel for each value of a table."""

    kind: Literal["dots"]
    table: str


class Boxes(_Figure):
    """A box plot of each cell of a table, with every seed as a dot: a panel for each value."""

    kind: Literal["boxes"]
    table: str


class Forest(_Figure):
    """The contrasts of a table, or all claims, each with its interval."""

    kind: Literal["forest"]
    table: str | None = None


class CriticalDifference(_Figure):
    """Mean ranks of a table's columns over its rows, the tasks, with the critical difference (Demsar 2006)."""

    kind: Literal["critical-difference"]
    table: str


class OfStage(_Figure):
    """Draws cells of a stage."""

    stage: str
    where: dict[str, Labels] = {}
    """Only cells with these labels."""
    panels: Words = []
    """Axes whose levels stand side by side."""


class Curves(OfStage):
    """Learning curves: the mean over seeds, with its interval as a band."""

    kind: Literal["curves"]
    metric: Words = ["train/loss", "val/accuracy"]
    """Metrics that were recorded every epoch, a row of panels each."""
    lines: Words
    """Axes whose levels are the lines."""


class Classes(OfStage):
    """A bar a class, with interval."""

    kind: Literal["classes"]
    metric: str = "test/class_accuracy"
    """The metrics `METRIC/<class>`."""
    bars: Words = []
    """Axes whose levels stand beside each other within a class."""
    sorted: bool = False
    """The class with the largest mean first, instead of the order of their names."""


class Confusion(OfStage):
    """The confusion matrix, its rows shares of the true class, the mean over seeds."""

    kind: Literal["confusion"]
    split: Literal["val", "test"] = "test"


class Images(OfStage):
    """Test images of a stage that denoises: the original, with noise and denoised, one below the other, with their PSNR."""

    kind: Literal["images"]
    rows: Words = []
    """Axes whose levels are denoised rows of their own, such as one of denoisers."""


class Trials(OfStage):
    """All trials of a search: the validation curve bold, the training curve thin, in the key the best value of each."""

    kind: Literal["trials"]
    metric: Literal["accuracy", "loss"] = "accuracy"


class Scatter(OfStage):
    """Two metrics against each other, with the least-squares line and r.

    A dot is a cell; or a class, where both metrics are `PREFIX/*`. Seeds are averaged first.
    """

    kind: Literal["scatter"]
    x: str
    y: str


Figure = Annotated[
    Dots | Boxes | Forest | CriticalDifference | Curves | Classes | Confusion | Images | Trials | Scatter,
    Field(discriminator="kind"),
]
