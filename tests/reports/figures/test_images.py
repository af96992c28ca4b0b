"""Figures of images: which are shown, what stands under them, and what is said where there are none."""

import io

import numpy as np
import pytest
from pydantic import TypeAdapter
from skimage.metrics import peak_signal_noise_ratio

from bench.reports.figures.base import FigureSource
from bench.reports.figures.build import build, draw, render
from bench.reports.figures.drawing.style import WIDTH
from bench.reports.figures.kinds import Figure as Spec
from bench.reports.records.collect import collect


class Store:
    def __init__(self):
        self.files = {}

    def artifact(self, run_id, name):
        return self.files.get((run_id, name))

    def unreachable(self, run_id):
        return ""


def packed(**arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def arrays(seed, method, count=4, height=8, width=8):
    """The same clean and noisy images of a seed, whatever the method."""
    random = np.random.default_rng(seed)
    clean = random.integers(0, 256, (count, height, width, 3)).astype(np.uint8)
    noisy = np.clip(clean + np.rint(random.normal(0, 40, clean.shape)), 0, 255).astype(np.uint8)
    weight = {"dip": 0.2, "tv": 0.5}[method]
    return {"clean": clean, "noisy": noisy, "denoised": (clean * (1 - weight) + noisy * weight).astype(np.uint8)}


@pytest.fixture
def study(make):
    """Return a maker of (records, store): two noises, two methods; `missing` names artifacts that are not there."""

    def made(seeds=2, missing=lambda noise, method, seed: False, failed=lambda noise, method, seed: False, **shape):
        planned, runs, store = [], [], Store()
        for noise in ("0.01", "0.04"):
            for method in ("dip", "tv"):
                for seed in range(seeds):
                    trial = make.expected(stage="denoising", noise=noise, denoise=method, seed=seed)
                    planned.append(trial)
                    if failed(noise, method, seed):
                        runs.append(make.run(trial, status="FAILED", outcome="diverged"))
                        continue
                    runs.append(make.run(trial, val__accuracy=0.5))
                    if not missing(noise, method, seed):
                        content = packed(**arrays(seed + 10 * (noise == "0.04"), method, **shape))
                        store.files[runs[-1].run_id, "images.npz"] = content
        return collect(planned, runs), store

    return made


def drawn(records, store, **changes):
    told = {"kind": "images", "stage": "denoising", "rows": "denoise", "panels": "noise"} | changes
    told = {key: value for key, value in told.items() if value is not None}
    return build("pictures", TypeAdapter(Spec).validate_python(told), FigureSource(records, store=store))


def test_rows_are_the_original_the_noisy_and_every_denoised_version(study):
    figure = drawn(*study())
    assert [panel.label for panel in figure.data.panels] == ["noise = 0.01", "noise = 0.04"]
    for panel, seed in zip(figure.data.panels, (0, 10), strict=True):
        assert [strip.label for strip in panel.strips] == ["original", "with noise", "dip", "tv"]
        stored = arrays(seed, "dip")
        others = [stored["clean"], stored["noisy"], stored["denoised"], arrays(seed, "tv")["denoised"]]
        for strip, expected in zip(panel.strips, others, strict=True):
            assert [picture.pixels for picture in strip.pictures] == [image.tobytes() for image in expected]
            assert {(picture.height, picture.width) for picture in strip.pictures} == {(8, 8)}
        for strip, images in zip(panel.strips[1:], others[1:], strict=True):
            ratios = [peak_signal_noise_ratio(first, second) for first, second in zip(stored["clean"], images, strict=True)]
            assert [picture.caption for picture in strip.pictures] == [f"{ratio:.1f} dB" for ratio in ratios]
        assert {picture.caption for picture in panel.strips[0].pictures} == {""}
    assert figure.title == "Images before and after denoising, stage denoising"
    assert "of seed 0, each column the same one" in figure.caption and "PSNR" in figure.caption
    assert figure.data.notes == ()


def test_without_rows_of_their_own_there_is_one_denoised_row(study):
    figure = drawn(*study(), rows=None, where={"denoise": "tv", "noise": "0.04"})
    assert [[strip.label for strip in panel.strips] for panel in figure.data.panels] == [["original", "with noise", "denoised"]]


def test_an_image_that_nothing_was_done_to_is_equal(study):
    records, store = study(seeds=1)
    same = arrays(0, "dip")["clean"]
    for key in store.files:
        store.files[key] = packed(clean=same, noisy=same, denoised=same)
    panel = drawn(records, store).data.panels[0]
    assert {picture.caption for strip in panel.strips[1:] for picture in strip.pictures} == {"equal"}


def test_the_seed_shown_is_the_first_that_most_methods_have(study):
    figure = drawn(*study(missing=lambda noise, method, seed: (method, seed) == ("tv", 0)))
    assert "of seed 1," in figure.caption
    assert [len(panel.strips) for panel in figure.data.panels] == [4, 4]
    assert figure.data.notes == ("tv: n=1 of 2 seeds (1 without stored images).",)


def test_a_method_without_images_is_told_and_the_others_are_shown(study):
    figure = drawn(*study(failed=lambda noise, method, seed: method == "tv" and noise == "0.04"))
    assert [strip.label for strip in figure.data.panels[1].strips] == ["original", "with noise", "dip"]
    assert figure.data.notes == ("tv, noise = 0.04: no result (2 diverged).",)


def test_a_method_that_stored_other_images_is_told(study):
    records, store = study(seeds=1)
    key = next(key for key in store.files if "0.04" in key[0] and "tv" in key[0])
    store.files[key] = packed(**arrays(99, "tv"))
    figure = drawn(records, store)
    assert [len(panel.strips) for panel in figure.data.panels] == [4, 3]
    assert figure.data.notes == ("tv, noise = 0.04: its images are others, and are not shown.",)


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"no archive",
        packed(clean=np.zeros((2, 8, 8, 3), np.uint8)),
        packed(**{version: np.zeros((2, 8, 8, 3)) for version in ("clean", "noisy", "denoised")}),
        packed(**{version: np.zeros((2, 3, 8, 8), np.uint8) for version in ("clean", "noisy", "denoised")}),
        packed(**{version: np.zeros((0, 8, 8, 3), np.uint8) for version in ("clean", "noisy", "denoised")}),
        packed(clean=np.zeros((2, 8, 8, 3), np.uint8), noisy=np.zeros((3, 8, 8, 3), np.uint8), denoised=np.zeros(1)),
        packed(**arrays(0, "dip"))[:-40],
    ],
)
def test_images_that_cannot_be_read_are_none(study, content, silent):
    records, store = study(seeds=1)
    store.files = {key: content for key in store.files if content is not None}
    figure = drawn(records, store)
    assert figure.data.panels == ()
    assert figure.caption.endswith("No trial has stored images.")
    assert figure.data.notes == tuple(f"{method}: no result (1 without stored images)." for method in ("dip", "tv"))
    assert draw(figure).get_size_inches()[0] <= WIDTH


def test_without_a_store_there_is_a_note(study):
    records, _ = study()
    assert drawn(records, None).data.panels == ()


@pytest.mark.parametrize(
    "shape", [{"count": 1}, {"count": 9}, {"height": 30, "width": 20}, {"count": 2, "height": 4, "width": 64}]
)
@pytest.mark.parametrize("changes", [{}, {"rows": None, "panels": ["noise", "denoise"]}])
def test_the_drawing_fits_the_column_and_shows_every_pixel(study, shape, changes, silent):
    figure = drawn(*study(seeds=1, **shape), **changes)
    drawing = draw(figure)
    assert drawing.get_size_inches()[0] <= WIDTH + 1e-9
    pictures = [picture for panel in figure.data.panels for strip in panel.strips for picture in strip.pictures]
    assert len(drawing.axes) == len(pictures) <= 6 * 16
    for ax, picture in zip(drawing.axes, pictures, strict=True):
        shown = np.asarray(ax.images[0].get_array())
        times = shown.shape[1] // picture.width
        assert shown.shape[1] >= 128
        assert shown[::times, ::times].tobytes() == picture.pixels
        box = ax.get_position()
        assert 0 <= box.x0 < box.x1 <= 1 and 0 <= box.y0 < box.y1 <= 1
        size = drawing.get_size_inches()
        assert box.height * size[1] / (box.width * size[0]) == pytest.approx(picture.height / picture.width, rel=0.01)


def test_panels_that_share_their_rows_name_them_once(study):
    drawing = draw(drawn(*study(seeds=1)))
    texts = [text.get_text() for ax in drawing.axes for text in ax.texts if "original" in text.get_text()]
    assert len(texts) == 1
    titles = [ax.get_title() or ax.get_title(loc="left") for ax in drawing.axes]
    assert [title for title in titles if title] == ["noise = 0.01", "noise = 0.04"]


@pytest.mark.parametrize("format", ["svg", "pdf", "png"])
def test_the_same_images_give_the_same_file(study, format):
    figure = drawn(*study(seeds=1))
    assert render(figure, format) == render(figure, format)
