"""What a trial's seed draws of its data, as `data.vary` says."""

import numpy as np
import pytest
import torch

from bench.config import Data
from bench.data import parts, redrawn
from bench.data.reuse import KeptParts

CPU = torch.device("cpu")


def of(**settings):
    return Data(source="x", **settings)


def held(dataset, data, seed, part="val"):
    return set(parts(dataset, data, seed)[part].indices.tolist())


def test_the_split_is_that_of_the_seed(make_dataset):
    dataset = make_dataset([40, 40], [9, 9])
    data = of(vary=("split",))
    same = of(vary=("split",), augment=[{"name": "flip"}], noise={"variance": 0.01})
    assert held(dataset, data, 3) == held(dataset, same, 3), "all arms of a seed have it"
    splits = [held(dataset, data, seed) for seed in range(5)]
    assert all(a != b for i, a in enumerate(splits) for b in splits[:i])
    assert held(dataset, data, 0, "test") == held(dataset, data, 1, "test"), "an official test set stays"
    assert held(dataset, of(vary=("split",), split={"seed": 1}), 0) != splits[0], "the setting's own seed still counts"
    assert len(held(dataset, of(), 0) ^ held(dataset, of(), 1)) == 0


def test_each_setting_varies_by_itself(make_dataset):
    dataset = make_dataset([40, 40, 40, 40])
    settings = {
        "classes": 2,
        "sizes": {"smallest": 10, "largest": 20, "total": 30},
        "label_noise": {"share": 0.2},
        "reduce": {"classes": [0], "keep": 0.5},
        "environments": {"by": "random"},
    }
    alone = of(**settings).model_dump()
    for name in ("split", *settings):
        drawn = [of(**settings, vary=(name,)).drawn(seed) for seed in (0, 0, 1)]
        assert drawn[0] == drawn[1] != drawn[2] and not drawn[0].vary
        changed = {key for key, value in drawn[0].model_dump().items() if value != alone[key]}
        assert changed - {"classes_seed"} == ({name} - {"classes"}), "nothing else is drawn with it"
        assert all(len(part) for part in parts(dataset, of(**settings, vary=(name,)), 1).values())


def test_another_split_keeps_the_classes_unless_they_vary_too(make_dataset):
    dataset = make_dataset([20] * 10)
    source = dataset.train_labels

    def chosen(seed, *vary):
        return set(source[parts(dataset, of(classes=4, vary=vary), seed)["train"].indices])

    assert chosen(0) == chosen(0, "split") == chosen(1, "split") == chosen(2, "split")
    assert len({frozenset(chosen(seed, "classes")) for seed in range(6)}) > 3


def test_nothing_varies_that_is_not_named():
    data = of(split={"seed": 3})
    assert data.drawn(7) is data
    assert of(label_noise={"share": 0.1}, vary=("split",)).drawn(1).label_noise.seed == 0


def test_kept_parts_tell_seeds_apart(make_dataset):
    dataset, kept = make_dataset([30, 30]), KeptParts()
    data = of(vary=("split",))
    first, second = (kept(dataset, data, seed, CPU) for seed in (0, 1))
    assert set(first["val"].indices) != set(second["val"].indices)
    assert kept(dataset, data, 0, CPU) is first
    assert kept(dataset, of(), 0, CPU) is kept(dataset, of(), 1, CPU)


@pytest.mark.parametrize(
    ("settings", "official", "anew"),
    [
        ({}, True, {}),
        ({"vary": ("split",)}, True, {"val": (16, 64)}),
        ({"vary": ("split",)}, False, {"val": (13, 51), "test": (16, 51)}),
        ({"vary": ("split",), "pool": True}, True, {"val": (16, 64), "test": (20, 64)}),
        ({"vary": ("split",), "subset": {"test": 8}}, True, {"val": (16, 64), "test": (8, 64)}),
        ({"vary": ("label_noise",), "label_noise": {"share": 0.1}}, True, {}),
        ({"vary": ("split",), "copies": {"classes": [0], "variances": [0.1, 0.2]}}, True, {"val": (16, 64)}),
    ],
)
def test_which_parts_have_other_images_with_each_seed(make_dataset, settings, official, anew):
    dataset = make_dataset([40, 40], [10, 10] if official else None)
    assert redrawn(dataset, of(**settings)) == anew, "copies are no images more"
    for name in ("val", "test"):
        indices = [parts(dataset, of(**settings), seed)[name].indices for seed in (0, 1)]
        assert np.array_equal(*indices) != (name in anew)
