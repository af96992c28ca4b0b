"""One comparison of a table as a row, and what stands below its estimate."""

from collections.abc import Sequence

from bench.reports.layout.grid import NOTHING, Text, TextGrid, estimate
from bench.reports.numbers import digits, number, probability
from bench.reports.statistics import Pairing, pairing_pays_from
from bench.reports.tables.build import TableData
from bench.reports.tables.comparisons import TableContrast

STEPWISE = (
    "Holm's procedure reads a p at a larger level than alpha/m once smaller ones of its family are rejected; the interval, at "
    "1 − alpha/m, is wider and holds zero"
)
BY_SIGNS = "the exact sign-flip test decides; Student's interval holds zero"


def row(grid: TextGrid, contrast: TableContrast, alpha: float) -> list[Text]:
    """Return the cells of a comparison; notes go to the grid."""
    result = contrast.result
    significant = contrast.holm is not None and contrast.holm <= alpha
    tested: list[tuple[str, ...]] = [(NOTHING,)] * 3
    if result.p is not None and contrast.holm is not None:
        t = NOTHING if result.t is None else number(result.t, 2)  # a sign-flip test without spread has none
        corrected = [probability(contrast.holm) + ("*" if significant else "")]
        if is_own_family(contrast):
            against = contrast.against_baseline or 0.0
            corrected.append(probability(against) + ("†" if against <= alpha else ""))
        tested = [(t,), (probability(result.p),), tuple(corrected)]
    exact = NOTHING if result.exact_p is None else probability(result.exact_p)
    d_z = NOTHING if result.d_z is None else number(result.d_z, 2)
    effect = contrast.detectable
    detectable = NOTHING if effect is None or significant else number(effect, digits(effect, 2))
    return [
        *[Text((text,)) for text in (contrast.family, str(contrast.m or NOTHING), f"{contrast.left} vs {contrast.right}")],
        Text(_estimate(grid, contrast, alpha), runs=contrast.run_ids),
        *map(Text, tested),
        *[Text((text,)) for text in (exact, d_z, detectable, str(result.n))],
    ]


def _estimate(grid: TextGrid, contrast: TableContrast, alpha: float) -> tuple[str, ...]:
    """Return the lines of an estimate, and below them how its arms go together; marked where test and interval disagree."""
    result = contrast.result
    first, *rest = estimate(grid, result)
    if result.p is None or result.ci_low is None or result.ci_high is None:
        return first, *rest
    zero = 1.0 if result.ratio else 0.0
    if contrast.holm is not None and contrast.holm <= alpha and result.ci_low <= zero <= result.ci_high:
        first += grid.mark(BY_SIGNS if result.p <= alpha / contrast.m else STEPWISE)
    return first, *rest, *together(contrast.pairing, contrast.superiority)


def together(pairing: Pairing | None, superiority: float | None) -> tuple[str, ...]:
    """Return the line that says how two arms go together, if anything is known of that."""
    parts = []
    if pairing and pairing.r is not None:
        parts.append(f"r {number(pairing.r, 2)}")
    if pairing and pairing.efficiency is not None:
        parts.append(f"relative efficiency {number(pairing.efficiency, digits(pairing.efficiency, 2))}")
    if superiority is not None:
        parts.append(f"P(A > B) {number(superiority, 2)}")
    return (", ".join(parts),) if parts else ()


def is_own_family(contrast: TableContrast) -> bool:
    """Whether a comparison with the baseline is also corrected in a family of its own, smaller than that of all pairs."""
    return contrast.against_baseline is not None and contrast.m > 1


def details(table: TableData, contrasts: Sequence[TableContrast]) -> list[str]:
    """Say what stands below the estimates."""
    shown = [contrast for contrast in contrasts if contrast.result.p is not None and contrast.superiority is not None]
    if not shown:
        return []
    text = "Below each estimate, A the first arm and B the second:"
    if any(contrast.pairing for contrast in shown):
        difference = "log A − log B" if shown[0].result.ratio else "A − B"
        pays = pairing_pays_from(table.planned, table.alpha)
        enough = f"; {table.planned} pairs find smaller differences from {number(pays, digits(pays, 2))} on" if pays else ""
        text += (
            f" r, their correlation over seeds; relative efficiency, the variance of {difference} with independent seeds by that "
            f"with shared ones (above 1 pairing gained, below 1 it cost{enough});"
        )
    which = "pairs of seeds" if table.test == "welch" else "seeds"
    return [f"{text} P(A > B), the share of {which} with A above B, ties by half."]
