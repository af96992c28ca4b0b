"""The tables of comparisons: every contrast of a table of results."""

from collections import defaultdict
from collections.abc import Sequence

from bench.grammar.metrics import by_name
from bench.reports.claims.evidence import SPLITS_OVERLAP, THESE_SPLITS
from bench.reports.claims.verdicts import sentence
from bench.reports.layout.contrasts import details, is_own_family, row
from bench.reports.layout.grid import SHORT, TextGrid, tests_told
from bench.reports.numbers import number, p_is
from bench.reports.tables.blocks import MetricBlock
from bench.reports.tables.build import Stack, TableData
from bench.reports.tables.comparisons import FamilyOmnibus, TableCell, TableContrast

MOST_NAMED = 12
MOST_CLASSES = 60
"""Comparisons of single classes from which on they are counted, not listed."""


def comparisons(table: TableData, stack: Stack) -> tuple[TextGrid, TextGrid | None]:
    """Lay out the contrasts of a value: those that somebody asks for, and all others (None where there are none). Those without
    any shared seed stand as remarks, by reason.

    Asked for are those between the arms that compete, and where these have a baseline those with it. Of very many classes the
    contrasts are counted: how many differ, and which way.
    """
    listed, counted = _listed(table, stack)
    asked = [contrast for contrast in listed if _is_asked(table, contrast)]
    others = [contrast for contrast in listed if not _is_asked(table, contrast)]
    if not (_estimated(asked) and _estimated(others)):
        asked, others = listed, []
    first = _grid(table, stack, "comparisons", asked, _counted(table, stack[0]) if counted else [])
    if tests := [f"{omnibus.family}: {_omnibus(omnibus)}" for block in stack for omnibus in block.context]:
        cells = [cell for block in stack for cell in block.cells.values()]
        first.remarks.append(f"All arms of a family at once, as context, not as a gate{_of_splits(cells)}: {'; '.join(tests)}.")
    return first, _grid(table, stack, "other comparisons", others, []) if others else None


def _listed(table: TableData, stack: Stack) -> tuple[list[TableContrast], bool]:
    """Return the contrasts of a value that are listed, and whether those of single classes are counted instead."""
    counted = table.by_class and len(stack[0].contrasts) > MOST_CLASSES
    return [contrast for block in (stack[1:] if counted else stack) for contrast in block.contrasts], counted


def _is_asked(table: TableData, contrast: TableContrast) -> bool:
    return contrast.competing and (table.baseline is None or table.baseline in (contrast.left, contrast.right))


def _estimated(contrasts: list[TableContrast]) -> bool:
    return any(contrast.result.difference is not None for contrast in contrasts)


def _grid(table: TableData, stack: Stack, which: str, listed: list[TableContrast], counts: list[str]) -> TextGrid:
    first = stack[0]
    ratio = by_name(first.metric).is_ratio
    unit = first.difference_unit
    what = "first divided by second" if ratio else "first minus second"
    title = f"{table.title}: {which} of {first.name}{f' ({unit})' if unit else ''}"
    estimated = "ratio" if ratio else "difference"
    tested = tests_told(table.test, [contrast.result for contrast in listed])
    tested += "" if "over seeds" in tested else " over seeds"
    grid = TextGrid(
        title,
        f"{title}, {what}, with every seed's own below: {tested}{' of the log-ratio' if ratio else ''}; "
        f"Holm within each family of m; * Holm p at or below {table.alpha:.3g}.{_corrected(table, listed)} Detectable: the "
        f"{'factor' if ratio else 'difference'} that these seeds find with 80 % power at alpha/m.{_exact(table, listed)}",
        ["family", "m", "contrast", f"{estimated} ({', '.join([*filter(None, [unit]), _level(listed)])})", "t", "p", "Holm p",
         "exact p", "d_z", f"detectable{_short(unit, ratio)}", "n"],
    )  # fmt: skip
    untested = defaultdict(list)
    for contrast in listed:
        if contrast.result.difference is None:
            name = f"{contrast.left} vs {contrast.right}"
            untested[contrast.result.reason].append((name, contrast.family))
        else:
            grid.rows.append(row(grid, contrast, table.alpha))
    for reason, names in untested.items():
        grid.remarks.append(f"Not compared ({reason}): {_which(names, len(listed))}.")
    grid.remarks += counts
    grid.remarks += details(table, listed)
    cells = [cell for block in stack for cell in block.cells.values()]
    alone = any(contrast.result.test != "splits" and contrast.result.p is not None for contrast in listed)
    if alone and any(cell.splits for cell in cells):
        grid.remarks.append(sentence(THESE_SPLITS))
    elif table.test != "t" and any(cell.redrawn for cell in cells):
        grid.remarks.append(sentence(SPLITS_OVERLAP))
    return grid


def _of_splits(cells: Sequence[TableCell]) -> str:
    """Say of which splits tests over the seeds alone speak, where that is not of all."""
    if any(cell.splits for cell in cells):
        return ", over the seeds alone, for these splits"
    return ", for other splits of these images" if any(cell.redrawn for cell in cells) else ""


def comparable(stack: Stack) -> bool:
    """Whether there is anything to say of a value's contrasts: not of what no seed changes, such as sizes of classes."""
    contrasts = [contrast.result.difference for block in stack for contrast in block.contrasts]
    varies = any(len(set(cell.values.values())) > 1 for block in stack for cell in block.cells.values())
    return bool(contrasts) and (varies or None in contrasts)


def _counted(table: TableData, block: MetricBlock) -> list[str]:
    """Say of each pair of arms in how many classes they differ, and which way."""
    pairs: dict[tuple[str, str], list[TableContrast]] = defaultdict(list)
    for contrast in block.contrasts:
        pairs[contrast.left, contrast.right].append(contrast)
    classes = len(block.contrasts) // len(pairs)
    sentences = [
        f"Single classes, a family each; by chance up to {table.alpha:.3g} × {classes} = {table.alpha * classes:.1f} of them "
        "would show a difference. All of these comparisons stand in the JSON and CSV reports."
    ]
    for (left, right), contrasts in pairs.items():
        differences = {
            contrast.line: contrast.result.difference
            for contrast in contrasts
            if contrast.holm is not None and contrast.holm <= table.alpha
        }
        above, below = ([name for name, by in differences.items() if by is not None and (by > 0) == up] for up in (True, False))
        parts = [f"{word} in {len(names)}{_names(names)}" for word, names in (("higher", above), ("lower", below))]
        sentences.append(f"{left} vs {right}: significantly {', '.join(parts)} of {len(contrasts)} classes.")
    return sentences


def _names(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return f" ({', '.join(names[:MOST_NAMED])}{f' and {more} more' if more > 0 else ''})" if names else ""


def _level(contrasts: Sequence[TableContrast]) -> str:
    """Return the confidence of the intervals, where all have the same."""
    levels = {f"{100 * contrast.result.confidence:.4g} % CI" for contrast in contrasts if contrast.result.ci_low is not None}
    return levels.pop() if len(levels) == 1 else "CI"


def _short(unit: str, ratio: bool) -> str:
    """Return the unit of what is detectable, in a few letters, as its column is narrow."""
    text = "factor" if ratio else SHORT.get(unit, unit)
    return f" ({text})" if text else ""


def _corrected(table: TableData, contrasts: Sequence[TableContrast]) -> str:
    """Say at which level intervals are, and what is corrected in a family of its own."""
    text = " Intervals are Bonferroni's, at 1 − alpha/m." if any(contrast.m > 1 for contrast in contrasts) else ""
    text += " The intervals are Student's." if table.test == "sign-flip" else ""
    if any(map(is_own_family, contrasts)):
        text += f" Below the Holm p, that among the comparisons with {table.baseline} alone († at or below {table.alpha:.3g})."
    return text


def _omnibus(omnibus: FamilyOmnibus) -> str:
    anova, friedman = omnibus.anova, omnibus.friedman
    tests = []
    if anova.statistic is not None and anova.p is not None:
        tests.append(f"F({anova.df1:g}, {anova.df2:g}) = {number(anova.statistic, 2)}, {p_is(anova.p)}")
    if friedman.statistic is not None and (p := friedman.p_chi2 if friedman.p_exact is None else friedman.p_exact) is not None:
        exact = "" if friedman.p_exact is None else "exact "
        tests.append(f"Friedman {number(friedman.statistic, 2)}, {exact}{p_is(p)}")
    return ", ".join(tests) or anova.reason


def _which(names: list[tuple[str, str]], total: int) -> str:
    """Name what was not compared: every pair, or the pairs of each arm that always fails, without a line for each."""
    if len(names) == total:
        return "any pair"
    by_name = defaultdict(list)
    for name, family in names:
        by_name[name].append(family)
    return "; ".join(f"{name} ({', '.join(families)})" for name, families in by_name.items())


def _exact(table: TableData, contrasts: list[TableContrast]) -> str:
    """Say how small the exact p can get, where that is above alpha or is what is tested."""
    tested = [(contrast.result.n, least) for contrast in contrasts if (least := contrast.result.smallest_p) is not None]
    if not tested:
        return ""
    n, smallest = min(tested, key=lambda pair: pair[0])
    if smallest <= table.alpha and table.test != "sign-flip":
        return " Exact p: sign-flip."
    return f" Exact p: sign-flip; the smallest that n={n} seeds allow is {smallest:.4g}."
