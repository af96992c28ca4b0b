"""Which parameters of a search its results hung on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.grammar.cells import TRIAL, Cells
from bench.grammar.document import DocPath, Document
from bench.reports.figures.base import FigureSource, Kind, OfStage, check_labels, check_places
from bench.reports.figures.cells import place
from bench.reports.figures.drawing.sheet import NOTHING, Sheet
from bench.reports.figures.drawing.style import SMALL, WIDTH, colour, tint
from bench.reports.figures.drawing.text import rows, width, wrap
from bench.reports.records.collect import Record
from bench.reports.tables.grammar import Table as TableSpec
from bench.trackers.record import Outcome

ROW = 0.24
"""Inches of a parameter's bar."""
LABEL = 1.8
"""Most inches of a parameter's name."""
BELOW = 0.42
FEW = 10
"""Finished trials a parameter; with fewer, the order of the parameters is more chance than fact."""


class Importances(OfStage):
    """The importance of each parameter of a search: the share of the objective's variance that it explains by itself.

    By functional ANOVA (Hutter et al. 2014), over the trials that finished.
    """

    kind: Literal["importances"]


@dataclass(frozen=True)
class ImportancesPanel:
    """One search. shares: parameter → its importance in percent, the largest first; empty where there is none."""

    label: str
    shares: Mapping[str, float]
    finished: int
    pruned: int
    other: int

    @property
    def rests_on(self) -> str:
        """What it rests on, in words."""
        left_out = [f"{count} {what}" for count, what in ((self.pruned, "pruned"), (self.other, "without a result")) if count]
        text = f"{self.finished} finished trial{'s' * (self.finished != 1)}"
        return text + (f" ({', '.join(left_out)}, not counted)" if left_out else "")

    @property
    def is_thin(self) -> bool:
        return self.finished < FEW * len(self.shares)


@dataclass(frozen=True)
class ImportancesData:
    """The importances of the parameters of some searches, a panel each."""

    panels: tuple[ImportancesPanel, ...]


def _data(name: str, spec: Importances, source: FigureSource) -> tuple[ImportancesData, str]:
    by_panel: dict[str, list[Record]] = {}
    for (where, _), cell in place(name, spec, source.records, [TRIAL]).items():
        by_panel.setdefault(where, []).extend(cell)
    panels = []
    for where, records in by_panel.items():
        outcomes = [record.outcome for record in records]
        finished, pruned = outcomes.count(Outcome.FINISHED), outcomes.count(Outcome.PRUNED)
        found = source.importances(spec.stage, [record.run for record in records if record.run])
        shares = {parameter: 100 * share for parameter, share in sorted(found.items(), key=lambda item: -item[1])}
        panels.append(ImportancesPanel(where, shares, finished, pruned, len(records) - finished - pruned))
    return ImportancesData(tuple(panels)), _caption(panels)


def _caption(panels: Sequence[ImportancesPanel]) -> str:
    told = "; ".join(f"{panel.label + ': ' if panel.label else ''}{panel.rests_on}" for panel in panels)
    shown = [panel for panel in panels if panel.shares]
    if not shown:
        return f"No importances: they need two finished trials of different results. There are {told or 'no trials'}."
    caption = (
        "Bars: the share of the variance of the search's objective that a parameter explains by itself, by functional ANOVA of"
    )
    caption += f" a random forest (Hutter et al. 2014), within the ranges that were searched. It rests on {told}."
    if any(panel.is_thin for panel in shown):
        caption += f" That is few (below {FEW} a parameter): another search may well order the parameters otherwise."
    return caption


def draw(data: ImportancesData):
    """Return the drawing: a bar a parameter, searches below each other."""
    shown = [panel for panel in data.panels if panel.shares]
    notes = tuple(f"{panel.label}: {NOTHING}, {panel.rests_on}." for panel in data.panels if not panel.shares and shown)
    if not shown:
        sheet = Sheet(0.4)
        sheet.say(NOTHING)
        return sheet.figure
    titles = [wrap(" · ".join(filter(None, (panel.label, panel.rests_on))), WIDTH - 0.2, most=2) for panel in shown]
    names = {name: wrap(name, LABEL, SMALL, most=1) for panel in shown for name in panel.shares}
    left = max(width(text, SMALL) for text in names.values()) + 0.15
    above = [0.06 + 0.16 * rows(title) for title in titles]
    sheet = Sheet(sum(ROW * len(panel.shares) + BELOW for panel in shown) + sum(above), notes=notes)
    top = 0.0
    for panel, title, room in zip(shown, titles, above, strict=True):
        tall = ROW * len(panel.shares)
        ax = sheet.place(left, top + room, WIDTH - left - 0.4, tall)
        ax.text(-left + 0.06, tall + 0.05, title, transform=_inches(ax, sheet), va="bottom")
        places = list(range(len(panel.shares)))
        shares = list(panel.shares.values())
        ax.barh(places, shares, height=0.62, color=tint(0), edgecolor=colour(0), linewidth=0.6)
        for at, share in zip(places, shares, strict=True):
            ax.text(share + 0.8, at, f"{share:.0f} %" if share >= 0.5 else "< 1 %", va="center", size=SMALL)
        ax.set_yticks(places, [names[name] for name in panel.shares])
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(len(places) - 0.5, -0.5)
        ax.set_xlim(0, 100)
        ax.grid(axis="x")
        ax.set_xlabel("importance (% of the variance)")
        top += room + tall + BELOW
    return sheet.figure


def _inches(ax, sheet: Sheet):
    """Return a transform from inches, from the lower left end of some axes."""
    from matplotlib.transforms import ScaledTranslation

    origin = ax.get_position()
    move = ScaledTranslation(origin.x0 * sheet.wide, origin.y0 * sheet.tall, sheet.figure.dpi_scale_trans)
    return sheet.figure.dpi_scale_trans + move


def check(
    document: Document, at: DocPath, figure: Importances, stages: Mapping[str, Cells], tables: Mapping[str, TableSpec]
) -> None:
    check_labels(document, at, figure, stages)
    if TRIAL not in stages[figure.stage].levels:
        raise document.error((*at, "stage"), f"stage {figure.stage!r} is no search", "name a stage with `search:`")
    check_places(document, at, figure, stages, placed=(TRIAL,))


def build(name: str, figure: Importances, source: FigureSource) -> tuple[str, ImportancesData, str]:
    return f"Importances of the parameters of stage {figure.stage}", *_data(name, figure, source)


KIND = Kind(Importances, check, build, draw)
