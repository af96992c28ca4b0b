"""The table of where the differences of claims vary."""

from bench.reports.claims.results import ClaimResult, ContrastResult, Variance
from bench.reports.layout.grid import Text, TextGrid
from bench.reports.numbers import digits, number
from bench.reports.report import ReportData

TITLE = "Sources of variance"


def variances(report: ReportData) -> TextGrid | None:
    """Lay out the standard deviations of differences between seeds and between images or splits; None where none is known."""
    found = [(claim, part, part.variance) for claim in report.claims for part in claim.parts if part.variance]
    if not found:
        return None
    how = "of the differences that claims compare: standard deviations of one trial's difference on one image or split, between "
    how += "seeds, between images or splits, and of the rest. Error of seeds: the part of the squared error of the mean "
    how += "difference that more seeds would lower; the rest is that of the images or splits"
    header = ["claim", "comparison", "seeds", "over", "SD of seeds", "SD of images or splits", "SD of the rest", "error of seeds"]
    grid = TextGrid(TITLE, f"{TITLE} {how}.", header)
    grid.rows = [[Text((text,)) for text in _row(*row)] for row in found]
    return grid


def _row(claim: ClaimResult, part: ContrastResult, variance: Variance) -> list[str]:
    name = f"{claim.name}, {part.label}" if part.label else claim.name
    sds = [number(sd, digits(sd, 2)) for sd in (variance.seed_sd, variance.item_sd, variance.rest_sd)]
    over = f"{variance.items:,} {variance.of}"
    return [name, part.contrast, str(variance.seeds), over, *sds, f"{100 * variance.error_of_seeds:.0f} %"]
