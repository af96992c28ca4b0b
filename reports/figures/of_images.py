"""Figures of images: the original, with noise, and denoised."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.reports.figures.cells import Store, lacking, notes, place, some
from bench.reports.figures.data_images import Images, ImagesPanel, Picture, Strip
from bench.reports.records.collect import Record
from bench.reports.tables.build import BETWEEN
from bench.trackers import contents
from bench.trackers.record import Artifact, Outcome

if TYPE_CHECKING:
    from bench.reports.figures.grammar import Images as Spec

ARTIFACT = Artifact.IMAGES
VERSIONS = ("clean", "noisy", "denoised")
NO_IMAGES = "without stored images"
OTHERS = "its images are others, and are not shown"
MOST = 6
"""Most images side by side in a panel."""

Arrays = tuple[np.ndarray, ...]
"""Of each version uint8 [K, H, W, 3]."""


def images(name: str, spec: "Spec", records: Sequence[Record], store: Store | None) -> tuple[Images, str]:
    """Return the images that trials of a stage stored, those of one seed, and the caption."""
    cells = place(name, spec, records, spec.rows)
    by_panel: dict[str, dict[str, dict[int, Arrays]]] = {}
    short = {}
    for (where, arm), cell in cells.items():
        found = {record.seed: arrays for record in cell if (arrays := _stored(record, store))}
        short[where, arm] = lacking(cell, found, NO_IMAGES)
        if found:
            by_panel.setdefault(where, {})[arm] = found
    panels, seeds = [], set()
    for where, arms in by_panel.items():
        seed = _seed(arms)
        seeds.add(seed)
        panel, others = _panel(where, {arm: found[seed] for arm, found in arms.items() if seed in found})
        short |= {(where, arm): OTHERS for arm in others}
        panels.append(panel)
    data = Images(tuple(panels), notes(short, list(dict.fromkeys(where for where, _ in cells))))
    if not panels:
        return data, "No trial has stored images."
    told = f"Images of the test set of seed {some([str(seed) for seed in sorted(seeds)])}, each column the same one"
    rows = f"; rows: the original, with noise, and denoised, by {BETWEEN.join(spec.rows)}" if spec.rows else ""
    return data, f"{told}{rows}. Under them: PSNR against the original."


def _seed(arms: Mapping[str, Mapping[int, Arrays]]) -> int:
    """Return the seed that most arms have, the first of several."""
    counts = Counter(seed for found in arms.values() for seed in found)
    return min(counts, key=lambda seed: (-counts[seed], seed))


def _panel(where: str, arms: Mapping[str, Arrays]) -> tuple[ImagesPanel, list[str]]:
    """Return the panel, and the arms that stored other images than the first."""
    clean, noisy, _ = next(iter(arms.values()))
    strips = [Strip("original", _pictures(clean)), Strip("with noise", _pictures(noisy, clean))]
    others = []
    for arm, (first, second, denoised) in arms.items():
        if np.array_equal(first, clean) and np.array_equal(second, noisy):
            strips.append(Strip(arm or "denoised", _pictures(denoised, clean)))
        else:
            others.append(arm)
    return ImagesPanel(where, tuple(strips)), others


def _pictures(images: np.ndarray, clean: np.ndarray | None = None) -> tuple[Picture, ...]:
    told = [""] * len(images) if clean is None else map(_psnr, images, clean)
    _, height, width, _ = images.shape
    return tuple(Picture(height, width, image.tobytes(), text) for image, text in zip(images, told, strict=True))


def _psnr(image: np.ndarray, clean: np.ndarray) -> str:
    """Return the peak signal-to-noise ratio as it stands under an image."""
    error = float(np.mean((image.astype(float) - clean.astype(float)) ** 2))
    return f"{10 * math.log10(255**2 / error):.1f} dB" if error else "equal"


def _stored(record: Record, store: Store | None) -> Arrays | None:
    """Return the images that a finished trial stored, a few; None where there are none to read."""
    if not (store and record.run and record.outcome is Outcome.FINISHED):
        return None
    try:
        archive = contents.arrays(store.artifact(record.run.run_id, ARTIFACT) or b"")
        found = tuple(archive[version][:MOST] for version in VERSIONS)
    except (contents.Damaged, KeyError, IndexError):
        return None
    shape = found[0].shape
    alike = all(one.dtype == np.uint8 and one.shape == shape for one in found)
    return found if alike and len(shape) == 4 and shape[3] == 3 and all(shape) else None
