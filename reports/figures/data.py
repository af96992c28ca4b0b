"""What a figure shows: everything that is drawn, as numbers and text, so that drawing asks nobody."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.reports.figures.data_images import Images
from bench.reports.figures.data_trials import Trials
from bench.reports.figures.ranges import Range


@dataclass(frozen=True)
class Arm:
    """What has one colour. place: its place among the arms of the whole suite, so that every figure gives it the same one."""

    label: str
    place: int


@dataclass(frozen=True)
class Sample:
    """One quantity by seed. mean: None of none. low, high: the mean's t-interval, None where it has none.

    note: why there is no value at all, where somebody knows.
    """

    values: tuple[float, ...] = ()
    planned: int = 0
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""

    @property
    def spread(self) -> bool:
        """Whether its seeds differ."""
        return len(set(self.values)) > 1


@dataclass(frozen=True)
class DotPanel:
    """One metric. samples: (line, arm label) → sample."""

    label: str
    samples: Mapping[tuple[str, str], Sample]
    range: Range


@dataclass(frozen=True)
class Dots:
    """Every seed of a table: lines one below the other, the arms of each line together, a panel a metric."""

    line_title: str
    lines: tuple[str, ...]
    arm_title: str
    arms: tuple[Arm, ...]
    panels: tuple[DotPanel, ...]


@dataclass(frozen=True)
class Box:
    """A sample's quartiles, and how far its values reach within 1.5 interquartile ranges of them (Tukey)."""

    low: float
    first: float
    median: float
    third: float
    high: float


@dataclass(frozen=True)
class Boxes:
    """Box plots of a table: the arms of each line side by side, a panel a metric. boxes: (panel label, line, arm label) → box."""

    line_title: str
    lines: tuple[str, ...]
    arm_title: str
    arms: tuple[Arm, ...]
    panels: tuple[DotPanel, ...]
    boxes: Mapping[tuple[str, str, str], Box]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Curve:
    """One arm's learning curve. seeds: a curve each, [(epoch, value), …]. steps: the epochs that all seeds have, at which
    mean, low and high stand (low and high None of one seed)."""

    seeds: tuple[tuple[tuple[int, float], ...], ...] = ()
    steps: tuple[int, ...] = ()
    mean: tuple[float, ...] = ()
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class Curves:
    """Learning curves: a row a metric, a column a panel. curves: (metric, panel, arm label) → curve; ranges by metric.

    singles: whether seeds are drawn one by one, too.
    """

    metrics: tuple[str, ...]
    panels: tuple[str, ...]
    arm_title: str
    arms: tuple[Arm, ...]
    curves: Mapping[tuple[str, str, str], Curve]
    ranges: Mapping[str, Range]
    singles: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Classes:
    """Bars by class. samples: (panel, class, arm label) → sample."""

    metric: str
    classes: tuple[str, ...]
    panels: tuple[str, ...]
    arm_title: str
    arms: tuple[Arm, ...]
    samples: Mapping[tuple[str, str, str], Sample]
    range: Range
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ScatterPanel:
    """Points (x, y), and the least-squares line y = slope x + intercept, if there is one. told: their correlation, in words."""

    label: str
    points: tuple[tuple[float, float], ...]
    line: tuple[float, float] | None
    told: str


@dataclass(frozen=True)
class Scatter:
    """Two metrics against each other."""

    x: str
    y: str
    panels: tuple[ScatterPanel, ...]
    ranges: tuple[Range, Range]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Matrix:
    """One confusion matrix. shares: [true][predicted], a row's sum is 1; None in the rows of classes without images.

    n: seeds that it is the mean of, of those planned.
    """

    label: str
    classes: tuple[str, ...]
    shares: tuple[tuple[float | None, ...], ...]
    n: int
    planned: int


@dataclass(frozen=True)
class Confusion:
    """Confusion matrices side by side, those of panels that have one."""

    panels: tuple[Matrix, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One comparison. reference: the value of no difference. band: the margin around it. deltas: a value a seed.

    right: what stands beside it, a text for each heading of its panel. strong: significant after correction.
    """

    label: str
    group: str = ""
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    deltas: tuple[float, ...] = ()
    reference: float = 0.0
    band: Range | None = None
    right: tuple[str, ...] = ()
    strong: bool = False


@dataclass(frozen=True)
class ForestPanel:
    """Comparisons on one axis. ratio: whether it is logarithmic."""

    label: str
    rows: tuple[Row, ...]
    headings: tuple[str, ...]
    range: Range
    ratio: bool = False


@dataclass(frozen=True)
class Forest:
    """Comparisons one below the other, a panel a metric."""

    panels: tuple[ForestPanel, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class RankPanel:
    """Mean ranks of one metric, best first. cliques: methods that do not differ significantly, each a run of neighbours.

    critical: the critical difference. Where ranks is empty, note says why.
    """

    label: str
    ranks: tuple[tuple[str, float], ...] = ()
    cliques: tuple[tuple[str, ...], ...] = ()
    critical: float = 0.0
    tasks: int = 0
    note: str = ""


@dataclass(frozen=True)
class Ranks:
    """Critical-difference diagrams, one a metric."""

    arms: tuple[Arm, ...]
    panels: tuple[RankPanel, ...]
    notes: tuple[str, ...] = ()


Drawn = Dots | Boxes | Curves | Classes | Trials | Scatter | Confusion | Images | Forest | Ranks


@dataclass(frozen=True)
class Figure:
    """A figure of a report. caption: what it shows and how to read it, beginning with its title."""

    name: str
    title: str
    caption: str
    kind: str
    data: Drawn = field(repr=False)
