"""A table of text, and pieces that several of them share."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from bench.reports.numbers import digits, number
from bench.reports.statistics import Comparison

NOTHING = "–"
TESTS = {
    "t": "paired t-test",
    "resampled": "paired t-test for overlapping splits (Nadeau and Bengio)",
    "splits": "t-test over seeds and splits (crossed error)",
    "sign-flip": "exact sign-flip test",
    "welch": "Welch's t-test",
    "crossed": "t-test over seeds and images (crossed error)",
    "mcnemar": "McNemar's test over images",
    "pearson": "Pearson correlation",
    "spearman": "Spearman correlation",
    "permutation": "exact permutation test within seeds",
    "pitman-morgan": "Pitman-Morgan test of two standard deviations",
}
SHORT = {"percentage points": "pp"}
"""Units as they stand beside numbers."""
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class Text(NamedTuple):
    """A cell of a grid. bold: its first line. runs: ids of the runs that the number comes from. verdict: which one it tells.
    anchor: the name of this place, in formats with links. link: the anchor of the place that tells more."""

    lines: tuple[str, ...]
    bold: bool = False
    runs: tuple[str, ...] = ()
    verdict: str = ""
    anchor: str = ""
    link: str = ""


@dataclass
class TextGrid:
    """A table of text. Notes are numbered from 1, the other remarks stand below them.

    title: how the caption begins; no two grids of a report begin alike.
    """

    title: str
    caption: str
    header: list[str]
    rows: list[list[Text]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def mark(self, note: str) -> str:
        """Return the superscript of a note, adding the note if it is new."""
        if note not in self.notes:
            self.notes.append(note)
        return str(self.notes.index(note) + 1).translate(SUPERSCRIPTS)

    @property
    def numbered(self) -> list[str]:
        """The notes, each behind its mark."""
        return [f"{str(i).translate(SUPERSCRIPTS)} {note}" for i, note in enumerate(self.notes, 1)]

    @property
    def footnotes(self) -> list[str]:
        """All that stands below the table."""
        return self.numbered + self.remarks


def tests_told(test: str, results: Iterable[Comparison]) -> str:
    """Return how some results were tested. test: what was asked for."""
    done = dict.fromkeys(TESTS[result.test] for result in results if result.p is not None)
    return " or ".join(done) or TESTS[test]


def estimate(grid: TextGrid, result: Comparison) -> tuple[str, ...]:
    """Return the lines of an estimate, if there is one: with its interval, and below every seed's own."""
    sign = not result.ratio and not result.correlates
    if result.difference is None:
        return (NOTHING,)
    if result.ci_low is None or result.ci_high is None:
        first = number(result.difference, digits(result.difference, 3), sign=sign)
        first += grid.mark(result.reason) if result.reason else ""
        return (first,)
    places = digits((result.ci_high - result.ci_low) / 2, 2)
    first = (
        f"{number(result.difference, places, sign=sign)} ({number(result.ci_low, places)} to {number(result.ci_high, places)})"
    )
    deltas = " ".join(number(delta, places, sign=sign) for delta in result.deltas.values())
    return (first, deltas) if deltas else (first,)
