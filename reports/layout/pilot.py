"""The table of how many seeds each claim needs, by its pilot."""

from collections.abc import Sequence

from bench.reports.claims.pilot import PilotSize
from bench.reports.layout.grid import NOTHING, SHORT, Text, TextGrid
from bench.reports.numbers import digits, number


def sizes(found: Sequence[PilotSize]) -> TextGrid | None:
    """Lay out how many seeds each claim needs; None without a pilot's results."""
    if not found:
        return None
    title = "Seeds needed, by the pilot"
    how = "to settle each comparison with 80 % power at its declared margin, by the SD of its differences over the pilot's "
    how += "seeds; in brackets by the upper 80 % bound of that SD, which few seeds tell badly. Bold: more than are declared. The "
    how += "pilot counts in nothing else"
    header = ["claim", "comparison", "SD", "n", "margin", "seeds needed", "seeds declared"]
    grid = TextGrid(title, f"{title}, {how}.", header)
    for size in found:
        claim = (size.claim, size.label) if size.label else (size.claim,)
        texts = [size.contrast, _spread(size), str(size.n), size.at or NOTHING]
        grid.rows.append([Text(claim), *(Text((text,)) for text in texts), _needed(grid, size), Text((_declared(size),))])
    return grid


def _spread(size: PilotSize) -> str:
    if size.sd is None:
        return NOTHING
    unit = SHORT.get(size.unit, size.unit)
    return f"{number(size.sd, digits(size.sd, 2))} {unit}".strip()


def _needed(grid: TextGrid, size: PilotSize) -> Text:
    if size.seeds is None:
        return Text((NOTHING + grid.mark(size.why[:1].upper() + size.why[1:] + "."),))
    up_to = "" if size.at_most == size.seeds else f" ({size.at_most or 'over 10,000'})"
    text = f"{size.seeds}{up_to}{' an arm' if size.apart else ''}"
    return Text((text,), bold=size.seeds > size.declared[-1])


def _declared(size: PilotSize) -> str:
    return " to ".join(dict.fromkeys(str(count) for count in (size.declared[0], size.declared[-1])))
