"""What `bench report` writes, and the way back: a committed file against the stored runs."""

import io
import json

import pandas as pd
import pytest

from bench.trackers import open_tracker

SUITE = """\
suite: tiny
title: A tiny suite
data: {source: digits}
base: {model: {name: simple_cnn}, train: {epochs: 2, optimizer: {name: sgd}}}
seeds: 3
stages:
  s:
    axes:
      rate: {path: train.optimizer.lr, values: [0.01, 0.1]}
      noise: {path: data.noise.variance, values: [0, 0.04]}
tables:
  t: {title: Accuracy by rate, stage: s, rows: noise, columns: rate, baseline: 0.01, values: [val/accuracy, wall_clock]}
claims:
  rate:
    says: the higher the better
    metric: val/accuracy
    stage: s
    of: {rate: 0.1}
    higher_than: {rate: 0.01}
    each: noise
"""
FORMATS = {"markdown": "md", "latex": "tex", "html": "html", "json": "json", "csv": "csv"}


def log_by_hand(bench, shift=0.0, seeds=3):
    """Log runs as another program would: no fingerprint, the tags alone."""
    tracker = open_tracker(f"sqlite:///{bench.folder}/mlflow.db")
    tracker.open("tiny", {})
    for rate, noise, seed in [(r, n, s) for r in ("0.01", "0.1") for n in ("0", "0.04") for s in range(seeds)]:
        tags = {"stage": "s", "axis.rate": rate, "axis.noise": noise, "seed": str(seed)}
        run = tracker.start(f"{rate} {noise} {seed}", tags | {"device": "CPU", "workers": "1", "threads": "2"}, {})
        accuracy = 0.8 + float(rate) - float(noise) + 0.001 * (seed * (1 + float(rate)) % 7) + (shift if rate == "0.1" else 0)
        history = [{"epoch": e, "seconds": float(e), "val/accuracy": accuracy - 0.1 / e} for e in (1, 2)]
        metrics = {"val/accuracy": accuracy, "wall_clock": 10.0 + seed}
        tracker.finish(run, status="FINISHED", tags={}, metrics=metrics, history=history, artifacts={})


@pytest.fixture
def logged(bench):
    bench.write(SUITE)
    log_by_hand(bench)
    return bench


def test_every_format_with_its_figures_and_the_way_back(logged):
    words = [word for form in FORMATS for word in ("--format", form)]
    answer = logged("report", "tiny.yaml", *words, "-o", "out", "--figures", "svg", "--figures", "pdf")
    assert answer.code == 0, answer.err
    out = logged.folder / "out"
    written = {path.relative_to(out).as_posix() for path in out.rglob("*.*") if path.is_file()}
    figures = {f"tiny.default.figures/{name}.{kind}" for name in ("t-dots", "claims") for kind in ("svg", "pdf")}
    assert written == figures | {f"tiny.default.{ending}" for ending in FORMATS.values()}
    assert sorted(answer.out.split()) == sorted(f"out/{name}" for name in written)
    assert "(<tiny.default.figures/t-dots.svg>)" in (out / "tiny.default.md").read_text()
    assert "tiny.default.figures/claims.pdf" in (out / "tiny.default.tex").read_text()
    page = (out / "tiny.default.html").read_text()
    bars = page.count('<svg class="bar"')  # the claims' forest is drawn by the page itself: the claim's bar, and the axis
    assert (page.count("<svg") - bars, bars) == (1, 2) and "supported" in page and "/runs/" not in page
    named = logged("report", "tiny.yaml", "--format", "html", "--mlflow-url", "http://example.org:5000")
    assert named.code == 0 and "http://example.org:5000/" in named.out and "/runs/" in named.out
    told = json.loads((out / "tiny.default.json").read_text())
    assert told["claims"]["rate"]["verdict"] == "supported" and told["complete"]
    table = pd.read_csv(io.StringIO((out / "tiny.default.csv").read_text()), dtype={"row": str, "column": str})
    values = table[(table.kind == "value") & (table.metric == "val/accuracy")]
    assert len(values) == 12 and values.run_id.nunique() == 12

    for ending in FORMATS.values():
        path = f"out/tiny.default.{ending}"
        same = logged("report", "tiny.yaml", "--check", path)
        assert (same.code, same.out) == (0, f"{path}: agrees with the stored runs\n")
    log_by_hand(logged, shift=0.005)  # the trials are run again, with another result for one arm
    for ending in FORMATS.values():
        other = logged("report", "tiny.yaml", "--check", f"out/tiny.default.{ending}")
        assert other.code == 1 and "Traceback" not in other.err
        place = "row 0.04, 0.1" if ending in ("json", "csv") else "row 0.04, column 0.1"
        found = [line for line in other.out.splitlines() if "Accuracy by rate: val/accuracy" in line]
        assert any(place in line and "0.86" in line for line in found), other.out
        assert not [line for line in found if place.replace("0.1", "0.01") in line]


def test_a_file_that_cannot_be_checked(logged):
    (logged.folder / "notes.md").write_text("# Nothing here\n")
    (logged.folder / "notes.txt").write_text("nothing")
    for name, words in (("notes.md", "notes.md: holds no table"), ("none.md", "none.md: cannot be"), ("notes.txt", "ends with")):
        answer = logged("report", "tiny.yaml", "--check", name)
        assert answer.code == 1 and words in answer.err
    answer = logged("report", "tiny.yaml", "--figures", "svg")
    assert answer.code == 1 and "add -o DIR" in answer.err


def test_a_report_of_one_stage_and_of_nothing(logged, new_bench, tmp_path_factory):
    answer = logged("report", "tiny.yaml", "--only", "s[noise=0]", "--format", "html", "--format", "markdown")
    assert answer.code == 0 and "rate, each" not in answer.out
    empty = new_bench(tmp_path_factory.mktemp("empty"))
    empty.write(SUITE)
    answer = empty("report", "tiny.yaml", "--format", "html", "--format", "markdown")
    assert answer.code == 3 and "unresolved (preliminary)" in answer.out and "12 missing" in answer.out
