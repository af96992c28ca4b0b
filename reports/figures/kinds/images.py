"""Images from before and after denoising: a column an image, a row a version of it, with their PSNR."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bench.grammar.cells import Cells
from bench.grammar.document import DocPath, Document
from bench.grammar.parts import Words
from bench.reports.figures.base import (
    FigureSource,
    Kind,
    OfStage,
    check_labels,
    check_places,
)
from bench.reports.figures.cells import Store, absent, lacking, notes, place, some
from bench.reports.figures.drawing.sheet import MARGIN, NOTHING, Sheet
from bench.reports.figures.drawing.style import GREY, LINE, SMALL, WIDTH
from bench.reports.figures.drawing.text import rows, width, wrap
from bench.reports.records.collect import Record
from bench.reports.tables.build import BETWEEN
from bench.reports.tables.grammar import Table as TableSpec
from bench.trackers import contents
from bench.trackers.record import Artifact, Outcome

if TYPE_CHECKING:
    import numpy as np

LABEL = 0.95
"""Most inches of a row's label."""
SMALLEST, LARGEST = 0.38, 0.85
"""Inches of an image's width."""
GAP = 0.05
"""Between two images."""
APART = 0.2
"""Between two panels."""
UNDER = 0.16
"""Inches of the text under an image."""
PIXELS = 128
"""Least pixels of a stored image's width: with fewer, viewers blur it where they enlarge it."""
VERSIONS = ("clean", "noisy", "denoised")
NO_IMAGES = "without stored images"
OTHERS = "its images are others, and are not shown"
MOST = 6
"""Most images side by side in a panel."""


Arrays = tuple["np.ndarray", ...]
"""Of each version uint8 [K, H, W, 3]."""


class Images(OfStage):
    """Test images of a stage that denoises: the original, with noise and denoised, one below the other, with their PSNR."""

    kind: Literal["images"]
    rows: Words = []
    """Axes whose levels are denoised rows of their own, such as one of denoisers."""


@dataclass(frozen=True)
class Picture:
    """An image. pixels: its RGB bytes, row by row. caption: what stands under it."""

    height: int
    width: int
    pixels: bytes
    caption: str = ""


@dataclass(frozen=True)
class Strip:
    """A row: the same version of several images."""

    label: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class ImagesPanel:
    """Several versions of the same images, one strip below the other."""

    label: str
    strips: tuple[Strip, ...]


@dataclass(frozen=True)
class ImagesData:
    """Images from before and after denoising, panels side by side."""

    panels: tuple[ImagesPanel, ...]
    notes: tuple[str, ...] = ()


def _data(name: str, spec: Images, records: Sequence[Record], store: Store | None) -> tuple[ImagesData, str]:
    """Return the images that trials of a stage stored, those of one seed, and the caption."""
    cells = place(name, spec, records, spec.rows)
    by_panel: dict[str, dict[str, dict[int, Arrays]]] = {}
    short = {}
    for (where, arm), cell in cells.items():
        by_seed = {record.seed: arrays for record in cell if (arrays := _stored(record, store))}
        short[where, arm] = lacking(cell, by_seed, absent(cell, by_seed, NO_IMAGES, store))
        if by_seed:
            by_panel.setdefault(where, {})[arm] = by_seed
    panels, seeds = [], set()
    for where, arms in by_panel.items():
        seed = _seed(arms)
        seeds.add(seed)
        panel, left_out = _panel(where, {arm: by_seed[seed] for arm, by_seed in arms.items() if seed in by_seed})
        short |= {(where, arm): OTHERS for arm in left_out}
        panels.append(panel)
    data = ImagesData(tuple(panels), notes(short, list(dict.fromkeys(where for where, _ in cells))))
    if not panels:
        return data, "No trial has stored images."
    caption = f"Images of the test set of seed {some([str(seed) for seed in sorted(seeds)])}, each column the same one"
    rows = f"; rows: the original, with noise, and denoised, by {BETWEEN.join(spec.rows)}" if spec.rows else ""
    return data, f"{caption}{rows}. Under them: PSNR against the original."


def _seed(arms: Mapping[str, Mapping[int, Arrays]]) -> int:
    """Return the seed that most arms have, the first of several."""
    counts = Counter(seed for by_seed in arms.values() for seed in by_seed)
    return min(counts, key=lambda seed: (-counts[seed], seed))


def _panel(where: str, arms: Mapping[str, Arrays]) -> tuple[ImagesPanel, list[str]]:
    """Return the panel, and the arms that stored other images than the first."""
    import numpy as np

    clean, noisy, _ = next(iter(arms.values()))
    strips = [Strip("original", _pictures(clean)), Strip("with noise", _pictures(noisy, clean))]
    left_out = []
    for arm, (first, second, denoised) in arms.items():
        if np.array_equal(first, clean) and np.array_equal(second, noisy):
            strips.append(Strip(arm or "denoised", _pictures(denoised, clean)))
        else:
            left_out.append(arm)
    return ImagesPanel(where, tuple(strips)), left_out


def _pictures(images: "np.ndarray", clean: "np.ndarray | None" = None) -> tuple[Picture, ...]:
    texts = [""] * len(images) if clean is None else map(_psnr, images, clean)
    _, height, width, _ = images.shape
    return tuple(Picture(height, width, image.tobytes(), text) for image, text in zip(images, texts, strict=True))


def _psnr(image: "np.ndarray", clean: "np.ndarray") -> str:
    """Return the peak signal-to-noise ratio as it stands under an image."""
    error = float(((image.astype(float) - clean.astype(float)) ** 2).mean())
    return f"{10 * math.log10(255**2 / error):.1f} dB" if error else "equal"


def _stored(record: Record, store: Store | None) -> Arrays | None:
    """Return the images that a finished trial stored, a few; None where there are none to read."""
    if not (store and record.run and record.outcome is Outcome.FINISHED):
        return None
    try:
        archive = contents.arrays(store.artifact(record.run.run_id, Artifact.IMAGES) or b"")
        arrays = tuple(archive[version][:MOST] for version in VERSIONS)
    except (contents.Damaged, KeyError, IndexError):
        return None
    shape = arrays[0].shape
    alike = all(array.dtype == "uint8" and array.shape == shape for array in arrays)
    return arrays if alike and len(shape) == 4 and shape[3] == 3 and all(shape) else None


def draw(data: ImagesData):
    """Return the drawing of panels side by side, as many as fit."""
    if not data.panels:
        sheet = Sheet(0.4, notes=data.notes)
        sheet.say(NOTHING)
        return sheet.figure
    strips = [strip for panel in data.panels for strip in panel.strips]
    names = {strip.label: wrap(strip.label, LABEL, SMALL, most=3) for strip in strips}  # the rows of every panel
    label = 0.08 + max(width(line, SMALL) for text in names.values() for line in text.split("\n"))
    columns = max(len(strip.pictures) for strip in strips)
    room = WIDTH - 2 * MARGIN - label
    across = max(1, min(len(data.panels), int((room + APART) / (columns * (SMALLEST + GAP) - GAP + APART))))
    size = min(LARGEST, ((room + APART) / across - APART + GAP) / columns - GAP)
    slot = columns * (size + GAP) - GAP
    high = size * max(picture.height / picture.width for strip in strips for picture in strip.pictures)
    captioned = {strip.label for strip in strips if any(picture.caption for picture in strip.pictures)}
    steps = [max(high, LINE * rows(text)) + (UNDER if name in captioned else GAP) for name, text in names.items()]
    below = [sum(steps[:row]) for row in range(len(steps))]
    titles = [wrap(panel.label, slot, most=3) for panel in data.panels]
    head = LINE * max(map(rows, titles)) + 0.06 if any(titles) else 0.02
    tall = head + sum(steps)
    sheet = Sheet(math.ceil(len(data.panels) / across) * tall, notes=data.notes)
    for number, panel in enumerate(data.panels):
        line, place = divmod(number, across)
        left, top = MARGIN + label + place * (slot + APART), line * tall + head
        known = {strip.label: strip.pictures for strip in panel.strips}
        for row, name in enumerate(names):
            for column, picture in enumerate(known.get(name, ())):
                ax = _picture(sheet, picture, left + column * (size + GAP), top + below[row], size)
                if row == column == 0:
                    ax.set_title(titles[number], pad=4)
                    if place == 0:
                        tall_one = size * picture.height / picture.width
                        for down, text in zip(below, names.values(), strict=True):
                            at = -label / size, 0.5 - down / tall_one
                            ax.text(*at, text, va="center", transform=ax.transAxes, size=SMALL)
    return sheet.figure


def _picture(sheet: Sheet, picture: Picture, left: float, top: float, size: float):
    """Draw one image, with what stands under it; return its axes."""
    ax = sheet.place(left, top, size, size * picture.height / picture.width)
    ax.imshow(_enlarged(picture), interpolation="none", aspect="auto")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    ax.annotate(
        picture.caption,
        (0.5, 0),
        xytext=(0, -1.5),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="center",
        va="top",
        size=SMALL - 1,
        color=GREY,
    )
    return ax


def _enlarged(picture: Picture):
    """Return the pixels as an array, each a square of several."""
    import numpy as np

    pixels = np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 3)
    times = math.ceil(PIXELS / picture.width)
    return pixels.repeat(times, 0).repeat(times, 1)


def check(document: Document, at: DocPath, figure: Images, stages: Mapping[str, Cells], tables: Mapping[str, TableSpec]) -> None:
    check_labels(document, at, figure, stages)
    shown = stages[figure.stage].where(figure.where)
    if not any(not cell.ensemble and cell.data.config.denoise for cell in shown):
        raise document.error(at, "no trial here has denoised images", "name a stage, and a part of it, with `data.denoise`")
    check_places(document, at, figure, stages)


def build(name: str, figure: Images, source: FigureSource) -> tuple[str, ImagesData, str]:
    title = f"Images before and after denoising, stage {figure.stage}"
    return title, *_data(name, figure, source.records, source.store)


KIND = Kind(Images, check, build, draw)
