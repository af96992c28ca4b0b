"""The README's first command, whole: the quick profile from a fresh folder to the tables."""

import pytest


@pytest.mark.timeout(3600)  # a minute or two on two idle cores
def test_the_quick_profile(bench, root):
    answer = bench.anew("run", str(root / "suites" / "noise_vs_complexity.yaml"), "--profile", "quick")
    assert answer.code == 0, answer.err
    assert "12 trials are the same as others and run once" in answer.out
    assert "54 finished in" in answer.out
    answer.has_shape("quick")
    runs = bench.runs("noise_vs_complexity.quick")
    clean = [run for run in runs if run.tags["cell"] == "model=simple, noise=0"]
    assert len(runs) == 54 and len(clean) == 3
    assert all(run.metrics["val/accuracy"] > 0.9 for run in clean), "the simple CNN learns digits in three epochs"
