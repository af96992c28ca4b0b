"""Confusion matrices: the share of each true class that was taken for each class, a number a cell where there is room."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bench.reports.figures.base import (
    FigureSource,
    Kind,
    OfStage,
    check_cells,
)
from bench.reports.figures.cells import Store, absent, lacking, notes, place, seeds_told
from bench.reports.figures.drawing.sheet import MARGIN, NOTHING, Sheet
from bench.reports.figures.drawing.style import GREY, LINE, PALE, SMALL, WIDTH
from bench.reports.figures.drawing.text import rows, width, wrap
from bench.reports.records.collect import Record
from bench.trackers import contents
from bench.trackers.record import Artifact, Outcome

NUMBERED = 20
"""Most classes whose cells carry numbers."""
CELL = 0.172
"""Inches of a cell with a number."""
LARGEST = 0.3
GAP = 0.12
"""Inches between two matrices."""
NUMBERS = 6000
"""Most numbers in a figure."""
LABEL = 1.0
"""Most inches of a class's name."""
AXIS = 0.2
"""Inches of an axis's title."""
BAR = 0.65
"""Inches of the colour bar with its numbers."""
TURNED: dict[str, Any] = {"rotation": 90, "ha": "center", "va": "center"}
NAMED = 40
"""Most classes that are all named; of more, every so many."""
NARROWEST = 1.4
"""Inches of a panel's heading, at least."""
SMALLEST = 2.6
"""Inches of a matrix without numbers."""
NO_MATRIX = "without a stored confusion matrix"


ENLARGED = 8
"""Pixels of a cell, each way."""


class Confusion(OfStage):
    """The confusion matrix, its rows shares of the true class, the mean over seeds."""

    kind: Literal["confusion"]
    split: Literal["val", "test"] = "test"


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
class ConfusionData:
    """Confusion matrices side by side, those of panels that have one."""

    panels: tuple[Matrix, ...]
    notes: tuple[str, ...] = ()


def _data(name: str, spec: Confusion, records: Sequence[Record], store: Store | None) -> tuple[ConfusionData, str]:
    """Return the mean confusion matrix of each panel, and the caption."""
    cells = place(name, spec, records, [])
    by_panel = {where: _mean_matrix(where, cell, spec.split, store) for (where, _), cell in cells.items()}
    short = {(where, where): text for where, (_, text) in by_panel.items()}
    data = ConfusionData(
        tuple(matrix for matrix, _ in by_panel.values() if matrix), notes(short, [""]) if any(by_panel) else tuple(short.values())
    )
    if not data.panels:
        return data, "No trial has stored a confusion matrix."
    caption = "Of the images of a true class (row), the share in % that was taken for each class (column)"
    return data, f"{caption}, on the {spec.split} set: mean over {seeds_told(map(len, cells.values()))}."


def _mean_matrix(where: str, cell: Sequence[Record], split: str, store: Store | None) -> tuple[Matrix | None, str]:
    """Return the mean matrix of a cell, and what is lacking of it."""
    stored = {record.seed: content for record in cell if (content := _stored(record, split, store))}
    known = list(stored.values())
    lack = lacking(cell, stored, absent(cell, stored, NO_MATRIX, store))
    if not known:
        return None, lack
    names = known[0][0]
    same = [counts for other, counts in known if other == names]
    by_seed = [[[count / sum(row) if sum(row) else None for count in row] for row in counts] for counts in same]
    shares = tuple(tuple(_mean([matrix[i][j] for matrix in by_seed]) for j in range(len(names))) for i in range(len(names)))
    if len(same) < len(known):
        lack = ", ".join(text for text in (lack, f"{len(known) - len(same)} with other classes left out") if text)
    return Matrix(where, names, shares, len(same), len(cell)), lack


def _stored(record: Record, split: str, store: Store | None) -> tuple[tuple[str, ...], list[list[float]]] | None:
    """Return the class names and counts [true][predicted] that a finished trial stored; None where there are none to read."""
    if not (store and record.run and record.outcome is Outcome.FINISHED):
        return None
    try:
        content = contents.confusion(store.artifact(record.run.run_id, Artifact.CONFUSION) or b"")
    except contents.Damaged:
        return None
    return (content["classes"], content[split]) if split in content else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def draw(data: ConfusionData):
    """Return the drawing of confusion matrices side by side, as many as fit."""
    if not data.panels:
        sheet = Sheet(0.3, notes=data.notes)
        sheet.say(NOTHING)
        return sheet.figure
    most = max(len(matrix.classes) for matrix in data.panels)
    numbered = most <= NUMBERED and len(data.panels) * most**2 <= NUMBERS
    label = min(LABEL, max(width(name, SMALL) for matrix in data.panels for name in matrix.classes)) + 0.05
    left = MARGIN + AXIS + label
    room = WIDTH - left - (MARGIN if numbered else BAR)  # cells with numbers need no colour bar
    least = max(most * CELL, NARROWEST) if most <= NUMBERED else SMALLEST
    across = max(1, min(len(data.panels), int((room + GAP) / (least + GAP))))
    slot = (room + GAP) / across - GAP
    size = min(slot, most * LARGEST if most <= NUMBERED else 2 * SMALLEST)
    slot = max(size, min(slot, NARROWEST))
    titles = [_title(matrix, slot) for matrix in data.panels]
    head = LINE * max(map(rows, titles)) + 0.08
    below = label + AXIS + 0.1
    down = math.ceil(len(data.panels) / across)
    wide = WIDTH if data.notes else WIDTH - room + across * (slot + GAP) - GAP
    sheet = Sheet(down * (head + size + below), notes=data.notes, wide=wide)
    top = 100 if numbered else _rounded(max(share or 0.0 for matrix in data.panels for row in matrix.shares for share in row))
    mesh = None
    for number, matrix in enumerate(data.panels):
        row, column = divmod(number, across)
        ax = sheet.place(left + column * (slot + GAP), head + row * (head + size + below), size, size)
        mesh = _matrix(ax, matrix, size, top, numbered)
        if column and matrix.classes == data.panels[number - 1].classes:
            ax.tick_params(labelleft=False)
        else:
            ax.text(-left + MARGIN + 0.08, size / 2, "true class", transform=_inches(ax, size), **TURNED)
        ax.text(size / 2, -below + 0.18, "predicted class", transform=_inches(ax, size), ha="center", va="center")
        ax.set_title(titles[number], pad=4)
    if mesh is not None and not numbered:
        bar = sheet.place(wide - BAR + 0.12, head, 0.1, min(size, 2.0))
        sheet.figure.colorbar(mesh, cax=bar, ticks=[0, top / 4, top / 2, 3 * top / 4, top])
        bar.set_ylabel("share of the true class (%)")
        bar.spines["outline"].set_visible(False)
    return sheet.figure


def _inches(ax, size: float):
    """Return the transform of a square of axes in which an inch is an inch."""
    from matplotlib.transforms import Affine2D

    return Affine2D().scale(1 / size) + ax.transAxes


def _rounded(share: float) -> int:
    """Return the end of a colour bar in %."""
    return next((end for end in (10, 20, 40, 60, 80) if 100 * share <= end), 100)


def _title(matrix: Matrix, slot: float) -> str:
    label = [wrap(matrix.label, slot, most=5)] if matrix.label else []
    return "\n".join(label + [f"n={matrix.n} of {matrix.planned}"] * (matrix.n < matrix.planned))


def _matrix(ax, matrix: Matrix, size: float, top: float, numbered: bool):
    """Draw one matrix; return what the colour bar is made from."""
    import numpy as np

    n = len(matrix.classes)
    shares = np.array([[math.nan if share is None else 100 * share for share in row] for row in matrix.shares])
    ax.set_facecolor(PALE)
    look = {"cmap": "Blues", "vmin": 0, "vmax": top}
    # an image, not hundreds of squares; enlarged, since some viewers blur what is small
    large = shares.repeat(ENLARGED, 0).repeat(ENLARGED, 1)
    mesh = ax.imshow(large, extent=(0, n, n, 0), interpolation="none", aspect="auto", **look)
    if numbered:
        ax.hlines(range(n + 1), 0, n, color="white", linewidth=0.5)
        ax.vlines(range(n + 1), 0, n, color="white", linewidth=0.5)
    ax.set(xlim=(0, n), ylim=(n, 0), aspect="auto")
    step = math.ceil(n / NAMED)
    ticks = [i + 0.5 for i in range(0, n, step)]
    type_size = min(SMALL, 0.85 * 72 * size / n * step)
    labels = [wrap(name, LABEL, type_size, most=1) for name in matrix.classes[::step]]
    ax.set_xticks(ticks, labels, rotation=90, size=type_size)
    ax.set_yticks(ticks, labels, size=type_size)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    for i, row in enumerate(shares):
        if np.isnan(row).all():
            ax.text(n / 2, i + 0.5, "no images", ha="center", va="center_baseline", size=type_size, color=GREY)
        elif numbered:
            for j, share in enumerate(row):
                tone = "white" if share > 55 else GREY if share < 0.5 else "black"
                ax.text(j + 0.5, i + 0.5, f"{share:.0f}", ha="center", va="center_baseline", size=type_size - 0.5, color=tone)
    return mesh


def build(name: str, figure: Confusion, source: FigureSource) -> tuple[str, ConfusionData, str]:
    return f"Confusion, stage {figure.stage}", *_data(name, figure, source.records, source.store)


KIND = Kind(Confusion, check_cells, build, draw)
