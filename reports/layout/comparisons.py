"""The tables of comparisons: every contrast of a table of results."""

from collections import Counter, defaultdict

from reports.arms import TIMES
from reports.contrasts import Context, Contrast
from reports.layout.grid import NOTHING, TESTS, Grid, Text, estimate
from reports.numbers import digits, number, p_is, probability
from reports.tables import Block, Table


def comparisons(table: Table, block: Block) -> Grid:
    """Lay out every contrast of a block; those without any shared seed stand as remarks, by reason."""
    ratio = block.metric in TIMES
    unit = {"": "", "%": " (percentage points)"}.get(block.unit, f" ({block.unit})")
    what = "first divided by second" if ratio else "first minus second"
    level = f"{100 * (1 - table.alpha):.3g} %"
    title = f"{table.title}: comparisons of {block.metric}{'' if ratio else unit}"
    grid = Grid(
        title,
        f"{title}, {what}, with every seed's own below: {TESTS[table.test]} over seeds{' of the log-ratio' if ratio else ''}; "
        f"Holm within each family of m; * Holm p at or below {table.alpha:.3g}. Detectable: the "
        f"{'factor' if ratio else 'difference'} that these seeds find with 80 % power at alpha/m.{_exact(table, block)}",
        ["family", "m", "contrast", f"{'ratio' if ratio else 'difference'} ({level} CI)", "t", "p", "Holm p", "exact p", "d_z",
         "detectable", "n"],
    )  # fmt: skip
    sizes = Counter(contrast.family for contrast in block.contrasts if contrast.holm is not None)
    untested = defaultdict(list)
    for contrast in block.contrasts:
        if contrast.result.difference is None:
            name = f"{contrast.left} vs {contrast.right}"
            untested[contrast.result.reason].append((name, contrast.family))
        else:
            grid.rows.append(_row(grid, contrast, sizes[contrast.family], table.alpha))
    for reason, names in untested.items():
        grid.remarks.append(f"Not compared ({reason}): {_which(names, len(block.contrasts))}.")
    if told := [f"{one.family}: {_omnibus(one)}" for one in block.context]:
        grid.remarks.append(f"All arms of a family at once, as context, not as a gate: {'; '.join(told)}.")
    return grid


def _row(grid: Grid, contrast: Contrast, m: int, alpha: float) -> list[Text]:
    result = contrast.result
    significant = contrast.holm is not None and contrast.holm <= alpha
    tested = [NOTHING] * 3
    if result.p is not None:
        tested = [number(result.t, 2), probability(result.p), probability(contrast.holm) + ("*" if significant else "")]
    exact = NOTHING if result.exact_p is None else probability(result.exact_p)
    d_z = NOTHING if result.d_z is None else number(result.d_z, 2)
    found = contrast.detectable
    detectable = NOTHING if found is None or significant else number(found, digits(found, 2))
    return [
        *[Text((text,)) for text in (contrast.family, str(m or NOTHING), f"{contrast.left} vs {contrast.right}")],
        Text(estimate(grid, result), runs=contrast.run_ids),
        *[Text((text,)) for text in (*tested, exact, d_z, detectable, str(result.n))],
    ]


def _omnibus(one: Context) -> str:
    anova, friedman = one.anova, one.friedman
    told = [f"F({anova.df1:g}, {anova.df2:g}) = {number(anova.statistic, 2)}, {p_is(anova.p)}"] if anova.p is not None else []
    exact = friedman.p_exact
    if exact is not None or friedman.p_chi2 is not None:
        p = f"exact {p_is(exact)}" if exact is not None else p_is(friedman.p_chi2)
        told.append(f"Friedman {number(friedman.statistic, 2)}, {p}")
    return ", ".join(told) or anova.reason


def _which(names: list[tuple[str, str]], total: int) -> str:
    """Name what was not compared: every pair, or the pairs of each arm that always fails, without a line for each."""
    if len(names) == total:
        return "any pair"
    by_name = defaultdict(list)
    for name, family in names:
        by_name[name].append(family)
    return "; ".join(f"{name} ({', '.join(families)})" for name, families in by_name.items())


def _exact(table: Table, block: Block) -> str:
    """Say how small the exact p can get, where that is above alpha or is what is tested."""
    tested = [one.result for one in block.contrasts if one.result.smallest_p is not None]
    if not tested:
        return ""
    fewest = min(tested, key=lambda result: result.n)
    if fewest.smallest_p <= table.alpha and table.test != "sign-flip":
        return " Exact p: sign-flip."
    return f" Exact p: sign-flip; the smallest that n={fewest.n} seeds allow is {fewest.smallest_p:.4g}."
