"""What goes wrong around a run: told in a sentence, with a mend, and nothing lost."""

import os
import shutil
import subprocess

import pytest
import torch

from bench.trackers import open_tracker


def put(bench, old, new):
    bench.write(bench.suite.read_text().replace(old, new))


def test_unknown_model(bench):
    put(bench, "simple_cnn", "simple_cn")
    for verb in ("plan", "run"):
        answer = bench(verb, "tiny.yaml")
        assert answer.code == 1 and "tiny.yaml:4: unknown model 'simple_cn'" in answer.err and "'simple_cnn'" in answer.err


def test_missing_data_is_not_downloaded_in_the_middle(bench, tmp_path):
    put(bench, "digits, subset: {train: 96, val: 48, test: 48}", "cifar10")
    answer = bench("run", "tiny.yaml", BENCH_DATA=str(tmp_path / "empty"))
    assert answer.code == 1 and "tiny.yaml:3" in answer.err and "bench data prepare" in answer.err
    assert not bench.runs()


def test_a_folder_that_is_not_there_is_told_with_its_line(bench, tmp_path):
    put(bench, "source: digits, subset", "source: folder, path: images, subset")
    for verb, code, told in (("validate", 0, "note: tiny.yaml (default): "), ("run", 1, "error: "), ("report", 1, "error: ")):
        answer = bench(verb, "tiny.yaml", BENCH_DATA=str(tmp_path / "sets"))
        said = answer.err if code else answer.out
        assert answer.code == code and f"{told}tiny.yaml:3: {bench.folder / 'images'}: there is no such file" in said, answer
        assert "beside the suite, then in " + str(tmp_path / "sets") in said


def test_truncated_data(bench, cifar10, tmp_path):
    shutil.copytree(cifar10 / "cifar-10-batches-py", tmp_path / "cifar-10-batches-py")
    batch = tmp_path / "cifar-10-batches-py" / "data_batch_3"
    batch.write_bytes(batch.read_bytes()[:100_000])
    put(bench, "digits, subset", "cifar10, subset")
    answer = bench("run", "tiny.yaml", BENCH_DATA=str(tmp_path))
    assert answer.code == 1 and "tiny.yaml:3" in answer.err and "cifar-10-batches-py" in answer.err


def test_a_model_whose_weights_cannot_be_had(bench, tmp_path):
    put(
        bench,
        "lr: {path: train.optimizer.lr, values: [0.05, 0.1]}",
        "lr: {x: {}, y: {model: {name: resnet10t, pretrained: true}}}",
    )
    home = {"HF_HOME": str(tmp_path / "hub"), "TORCH_HOME": str(tmp_path / "torch")}
    plan = bench("plan", "tiny.yaml", **home)
    assert plan.code == 0 and "unavailable: s[lr=y, noise=0]" in plan.out and "4 todo, 4 unavailable" in plan.out
    answer = bench("run", "tiny.yaml", **home)
    assert answer.code == 3 and "4 finished" in answer.out and "unavailable" in answer.tables
    assert len(bench.runs()) == 4


def test_a_corrupt_weights_file(bench):
    put(bench, "{name: simple_cnn}", "{name: simple_cnn, weights: w.pth}")
    (bench.folder / "w.pth").write_bytes(b"not a checkpoint")
    answer = bench("run", "tiny.yaml")
    assert answer.code == 1 and "tiny.yaml:4" in answer.err and "w.pth" in answer.err and not bench.runs()
    torch.save({"somewhere.weight": torch.zeros(2)}, bench.folder / "w.pth")
    answer = bench("run", "tiny.yaml")
    assert answer.code == 1 and "w.pth" in answer.err and not bench.runs()


def test_too_many_threads(bench):
    answer = bench("run", "tiny.yaml", "--workers", "2", "--threads", "4096")
    assert answer.code == 1 and "more than the" in answer.err


def test_cuda_where_there_is_none(bench):
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    answer = bench("run", "tiny.yaml", "--device", "cuda")
    assert answer.code == 1 and "no CUDA device" in answer.err
    answer = bench("run", "tiny.yaml", "--set", "train.precision=bfloat16")
    assert answer.code == 1 and "train.precision bfloat16 needs CUDA" in answer.err and "tiny.yaml" in answer.err


def test_an_unwritable_tracking_store(bench, tmp_path):
    (tmp_path / "file").write_text("in the way")
    answer = bench("run", "tiny.yaml", MLFLOW_TRACKING_URI=f"sqlite:///{tmp_path}/file/mlflow.db")
    assert answer.code == 1 and "mlflow.db" in answer.err
    answer = bench("run", "tiny.yaml", MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert answer.code == 1 and "127.0.0.1:9" in answer.err


def _mount(folder, *options) -> None:
    """Mount a small file system of its own there, or skip."""
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("needs the right to mount")
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "none", folder], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount")


def test_a_full_disk_loses_nothing(bench, tmp_path):
    disk = tmp_path / "disk"
    database = bench.folder / "mlflow.db"
    _mount(disk, f"size={database.stat().st_size // 1024 + 128}k")  # room for some trials, not for all
    try:
        shutil.copy(database, disk)
        answer = bench.anew("run", "tiny.yaml", MLFLOW_TRACKING_URI=f"sqlite:///{disk}/mlflow.db")
        assert answer.code == 1 and "cannot be written" in answer.err
        before = {run.run_id for run in open_tracker(f"sqlite:///{disk}/mlflow.db").runs("tiny") if run.status == "FINISHED"}
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        again = bench.anew("run", "tiny.yaml", MLFLOW_TRACKING_URI=f"sqlite:///{disk}/mlflow.db")
        assert again.code == 0, again.err
        after = {run.run_id for run in open_tracker(f"sqlite:///{disk}/mlflow.db").runs("tiny") if run.status == "FINISHED"}
        assert before < after and len(after) == 8
    finally:
        subprocess.run(["umount", disk], check=False)


def test_a_read_only_folder(bench, tmp_path):
    disk = tmp_path / "disk"
    _mount(disk, "size=8m")
    try:
        shutil.copy(bench.suite, disk)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        bench.folder = disk
        answer = bench("run", "tiny.yaml")
        assert answer.code == 1 and "error: " in answer.err and "mlflow.db" in answer.err
    finally:
        subprocess.run(["umount", disk], check=False)
