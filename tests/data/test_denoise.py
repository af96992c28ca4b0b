"""Denoised images on disk: made once, found again, made anew where they are damaged; and denoisers of the user's own."""

import multiprocessing
import sys

import numpy as np
import pytest
import torch

from bench.config import Data
from bench.data.denoise import DENOISERS, denoised, store
from bench.data.pipeline import parts, pending
from bench.errors import BenchError

OWN = """
from pathlib import Path
import time, torch

def {name}(images, options):
    with Path({log!r}).open("a") as log:
        print(len(images), images.dtype, *images.shape[1:], file=log)
    time.sleep(getattr(options, "seconds", 0))
    return {result}
"""


@pytest.fixture
def images():
    return torch.randint(0, 256, (10, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def root(tmp_path, monkeypatch):
    """An empty data root."""
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def own(root, tmp_path, monkeypatch):
    """Write a denoiser of the user's own; return (a section that names it, the lines that its calls log)."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def made(result="1 - images", module="mine", **args):
        log = tmp_path / f"{module}.log"
        (tmp_path / f"{module}.py").write_text(OWN.format(name="invert", log=str(log), result=result))
        sys.modules.pop(module, None)
        data = Data(source="digits", denoise={"name": f"{module}:invert", "args": args})
        return data, lambda: log.read_text().split("\n")[:-1] if log.exists() else []

    return made


def files(root):
    return sorted(root.glob("cache/denoised/*"))


def test_every_denoiser_of_the_configuration_is_there():
    from bench.config.denoise import DENOISERS as configured

    names = {part.model_fields["name"].annotation.__args__[0] for part in configured}
    assert set(DENOISERS) == names
    assert all(DENOISERS.describe().values())


@pytest.mark.parametrize("name", list(DENOISERS))
def test_bytes_go_in_and_come_out_whatever_the_denoiser(images, root, name):
    changes = {"depth": 1, "iterations": 2} if name == "dip" else {}
    found = denoised(images, Data(source="digits", denoise={"name": name} | changes))
    assert (found.dtype, found.shape, found.device.type) == (torch.uint8, images.shape, "cpu")
    assert not torch.equal(found, images)


def test_a_denoiser_gets_floats_from_0_to_1_and_its_result_is_rounded_and_clipped(images, own):
    data, calls = own()
    assert torch.equal(denoised(images, data), 255 - images)
    assert calls() == ["10 torch.float32 3 8 8"]
    louder, _ = own("images * 1.9 - 0.1", module="louder")
    expected = (images.double() * 1.9 - 25.5).round().clamp(0, 255).to(torch.uint8)
    assert (denoised(images, louder).int() - expected.int()).abs().max() <= 1
    assert torch.equal(denoised(images, louder) == 255, expected == 255)


def test_what_was_done_is_found_again(images, own, root):
    data, calls = own()
    told = []
    first = denoised(images, data, told.append)
    assert told == ["denoised 10 of 10 images (mine:invert)"]
    assert torch.equal(denoised(images.clone(), data, told.append), first)
    assert len(calls()) == len(told) == len(files(root)) == 1  # no lock nor anything unfinished is left


def test_other_images_other_settings_and_a_changed_denoiser_are_another_result(images, own):
    data, calls = own()
    denoised(images, data)
    denoised(images.flip(0), data)
    assert len(calls()) == 2
    denoised(images, data.model_copy(update={"denoise": data.denoise.model_copy(update={"args": {"seconds": 0}})}))
    assert len(calls()) == 3
    changed, _ = own("images.flip(3)")
    assert torch.equal(denoised(images, changed), images.flip(3))


def test_the_splits_are_not_part_of_what_is_kept(images, root):
    for splits in (["train"], ["val", "test"]):
        denoised(images, Data(source="digits", denoise={"name": "tv", "splits": splits}))
    assert len(files(root)) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-200]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes().replace(bytes([7]), bytes([8]))),
        lambda path: np.savez(path, images=np.zeros((9, 3, 8, 8), np.uint8)),
        lambda path: np.savez(path, images=np.zeros((10, 3, 8, 8))),
        lambda path: np.savez(path, other=np.zeros(3)),
    ],
)
def test_a_damaged_file_is_made_anew(images, own, root, damage):
    data, calls = own()
    first, told = denoised(images, data, warn=pytest.fail), []
    damage(files(root)[0])
    assert torch.equal(denoised(images, data, warn=told.append), first)
    assert told == [f"the denoised images in {files(root)[0]} are damaged, and are made anew"]
    assert torch.equal(denoised(images, data), first)
    assert len(calls()) == 2


def test_an_interrupted_call_goes_on_from_the_last_whole_file(images, own, monkeypatch):
    monkeypatch.setattr(store, "CHUNK", 4)
    monkeypatch.setattr(store, "STEP", 2)
    data, calls = own()
    counts, told = [], []

    def interrupt(count):
        counts.append(count)
        if sum(counts) == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        denoised(images, data, step=interrupt)
    assert [int(call.split()[0]) for call in calls()] == counts == [2, 2, 2]
    assert torch.equal(denoised(images, data, told.append), 255 - images)
    assert [int(call.split()[0]) for call in calls()[3:]] == [2, 2, 2]
    assert [line.split(" of ")[0] for line in told] == ["denoised 6", "denoised 8", "denoised 10"]


def test_of_two_processes_the_second_takes_what_the_first_has_made(images, own, root):
    data, calls = own(seconds=0.5)
    started = multiprocessing.get_context("fork")  # a new Python would take seconds to import torch
    answers = started.SimpleQueue()

    def work():
        told = []
        answers.put((torch.equal(denoised(images, data, told.append), 255 - images), told))

    processes = [started.Process(target=work) for _ in range(2)]
    for process in processes:
        process.start()
    found = sorted((answers.get() for _ in processes), key=lambda answer: len(answer[1]))
    for process in processes:
        process.join()
    done = "denoised 10 of 10 images (mine:invert)"
    assert found == [(True, [done]), (True, ["another process is preparing the same denoised images: waiting for it", done])]
    assert len(calls()) == len(files(root)) == 1


@pytest.mark.parametrize(
    ("result", "why"),
    [
        ("images[:, :, :4]", r"a tensor of shape \[10, 3, 4, 8\] for images \[10, 3, 8, 8\]"),
        ("images / 0", "values that are not finite"),
        ("images.numpy()", "ndarray, not a tensor"),
    ],
)
def test_a_denoiser_that_does_not_return_images_is_told(images, own, root, result, why):
    data, _ = own(result)
    with pytest.raises(BenchError, match=why) as caught:
        denoised(images, data)
    assert "the same shape" in caught.value.mend
    assert not files(root)


@pytest.mark.parametrize("error", ["PermissionError(13, 'no', 'blur.npy')", "ValueError('no')", "RuntimeError('no')"])
def test_what_a_denoiser_raises_is_told_as_its_own(images, own, root, error):
    data, _ = own(f"(_ for _ in ()).throw({error})")
    with pytest.raises(BenchError, match=f"denoiser 'mine:invert' raises {error.split('(')[0]}: ") as caught:
        denoised(images, data)
    assert caught.value.where == "data.denoise" and not files(root)


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("out of memory"), BenchError("no", where="here")])
def test_a_lack_of_memory_and_our_own_errors_stay_what_they_are(images, root, monkeypatch, error):
    def fails(images, options):
        raise error

    monkeypatch.setitem(DENOISERS._parts, "tv", fails)
    with pytest.raises(type(error)) as caught:
        denoised(images, Data(source="digits", denoise={"name": "tv"}))
    assert caught.value is error


def test_a_root_that_cannot_be_written_is_told(images, root):
    root.parent.mkdir(exist_ok=True)
    root.write_text("a file")
    with pytest.raises(BenchError, match="cannot prepare the denoised images"):
        denoised(images, Data(source="digits", denoise={"name": "tv"}))


def test_pending_is_what_a_trial_would_have_to_wait_for(make_dataset, own):
    dataset = make_dataset([30, 30], [10, 10], size=(8, 8))
    data, calls = own()
    data = data.model_copy(update={"noise": Data(source="x", noise={"variance": 0.04}).noise})
    waiting = pending(data, 0, dataset)
    assert sorted(map(len, waiting)) == [12, 20, 48] and not calls()
    for images in waiting:
        denoised(images, data)
    assert pending(data, 0, dataset) == []
    assert sum(map(len, pending(data, 1, dataset))) == 80  # another seed, another noise
    made = parts(dataset, data, 0)
    assert len(calls()) == 3
    assert torch.equal(made["test"].images, 255 - made["test"].noisy)


def test_pending_heeds_the_splits_and_appended_images_are_not_denoised(make_dataset, root):
    dataset = make_dataset([30, 30], [10, 10], size=(8, 8))
    data = Data(
        source="x", denoise={"name": "tv", "splits": ["train"]}, append={"share": 0.5, "augment": [{"name": "flip", "p": 1}]}
    )
    assert [len(images) for images in pending(data, 0, dataset)] == [48]


@pytest.mark.parametrize(
    ("denoise", "where", "message"),
    [
        ({"name": "wavelet", "wavelet": "bd4"}, "data.denoise.wavelet", "unknown wavelet 'bd4'"),
        ({"name": "wavelet", "wavelet": "morl"}, "data.denoise.wavelet", "unknown wavelet 'morl'"),
        ({"name": "dip", "depth": 5}, "data.denoise.depth", "32x32 pixels are too small for a network that halves 5 times"),
        ({"name": "wavelet", "wavelet": "sym4"}, "", ""),
        ({"name": "wavelet", "wavelet": "DB2"}, "", ""),
        ({"name": "dip", "depth": 4}, "", ""),
        ({"name": "tv"}, "", ""),
    ],
)
def test_a_worker_tells_what_a_denoiser_cannot_do_before_anything_runs(monkeypatch, make_dataset, denoise, where, message):
    from bench.config import Model, Train, TrialConfig
    from bench.runner import requests
    from bench.runner.messages import Inspect

    dataset = make_dataset([30, 30], [10, 10], size=(32, 32))
    monkeypatch.setattr(requests, "_dataset", lambda data: dataset)
    data = Data(source="digits", denoise=denoise, resize={"size": 64})
    config = TrialConfig(data=data, model=Model(name="simple_cnn"), train=Train.model_validate({"epochs": 1}))
    errors = requests.answer(Inspect(config), None, "cpu").errors
    assert [(section, error.where) for section, error in errors] == ([("data", where)] if where else [])
    assert not errors or (message in errors[0][1].message and errors[0][1].mend)


def test_a_worker_denoises_ahead_and_tells_how_far_it_is(own, monkeypatch):
    from bench.config import Model, Train, TrialConfig
    from bench.runner.messages import Denoise, Denoised
    from bench.runner.requests import answer

    monkeypatch.setattr(store, "STEP", 100)
    data, calls = own()
    data = data.model_copy(update={"subset": Data(source="x", subset={"train": 150, "val": 50, "test": 60}).subset})
    config = TrialConfig(data=data, model=Model(name="simple_cnn"), train=Train.model_validate({"epochs": 1}))
    sent = []
    channel = type("Channel", (), {"tell": staticmethod(sent.append)})
    assert answer(Denoise(config, 0), channel, "cpu") == 260
    assert sent == [Denoised("mine:invert, noise 0, seed 0", done, 260) for done in (100, 150, 200, 260)]
    before = len(calls())
    assert answer(Denoise(config, 0), channel, "cpu") == 0
    assert len(calls()) == before and len(sent) == 4
