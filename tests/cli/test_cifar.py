"""The suite on the official CIFAR-10 images."""

import pytest
import torch


@pytest.fixture
def suite(root) -> str:
    return str(root / "suites" / "noise_vs_complexity.yaml")


def test_the_full_suite_is_planned_and_asks_first(bench, suite, cifar10):
    if torch.cuda.is_available():
        pytest.skip("only a machine without a GPU is asked")
    home = {"BENCH_DATA": str(cifar10), "HF_HOME": str(cifar10 / "hub")}
    plan = bench("plan", suite, **home)
    assert plan.code == 0
    assert "accuracy: 9 cells x 5 seeds = 45 trials (30 todo, 15 unavailable)" in plan.out
    assert "bench data prepare" in plan.out and "estimated time: " in plan.out
    assert plan.out.split("estimated time: ")[1].split()[1] in ("h", "days") and " images before: at most " in plan.out
    run = bench("run", suite, "--only", "accuracy[model=complex-scratch]", **home)
    assert run.code == 1 and "add --yes" in run.err and "--profile (quick, cpu, cpu-full, gpu)" in run.err
    assert not bench.runs("noise_vs_complexity")


def test_real_images_through_the_whole_pipeline(bench, suite, cifar10):
    small = ("data.subset={train: 600, val: 1000, test: 1000}", "train.epochs=3", "train.optimizer.momentum=0.9", "seeds=2")
    words = ("--only", "accuracy[model=simple]", *(word for setting in small for word in ("--set", setting)))
    answer = bench("run", suite, *words, BENCH_DATA=str(cifar10))
    assert answer.code == 0, answer.err
    runs = bench.runs("noise_vs_complexity")
    assert len(runs) == 6 and all(run.metrics["val/accuracy"] > 0.15 for run in runs), "better than guessing"
    assert "(report: 0.649)" in answer.tables
