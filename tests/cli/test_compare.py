"""`bench compare`: two sets of a suite's results, from stores, profiles and commits; what changed, and what is worse."""

import json
import math
import shutil
import subprocess

import pytest
import yaml

from bench.api.comparing import Address
from bench.trackers import open_tracker

SUITE = """\
suite: tiny
title: A tiny suite
data: {source: digits}
base: {model: {name: simple_cnn}, train: {epochs: 2, optimizer: {name: sgd}}}
seeds: 6
stages:
  s: {axes: {rate: {path: train.optimizer.lr, values: [0.01, 0.1]}}}
tables:
  t: {stage: s, rows: rate, values: [val/accuracy, wall_clock, parameters]}
profiles:
  quick: {data: {subset: {train: 96, val: 48, test: 48}}}
"""
SAID = {"device": "CPU", "workers": "1", "threads": "1", "precision": "float32", "images.val": "400"}
BEFORE, AFTER = "@store:sqlite:///before.db", "@store:sqlite:///mlflow.db"


def log(
    bench, *, store="mlflow", shift=0.0, spread=0.004, seeds=range(6), experiment="tiny", rates=("0.01", "0.1"), config=(), **tags
):
    """Record trials as bench would, of a made-up training whose seeds go together on both sides."""
    file = bench.folder / f"{store}.db"
    if not file.exists():
        shutil.copy(bench.folder / "mlflow.db", file)
    tracker = open_tracker(f"sqlite:///{file}")
    tracker.open(experiment, {})
    for rate in rates:
        for seed in seeds:
            place = {"stage": "s", "cell": f"rate={rate}", "axis.rate": rate, "seed": str(seed)}
            run = tracker.start(f"{rate} {seed}", SAID | place | tags, {})
            metrics = {"val/accuracy": 0.8 + 0.03 * math.sin(seed) + shift + spread * math.cos(7 * seed), "parameters": 100.0}
            stored = {"config.yaml": yaml.safe_dump(config).encode()} if config else {}
            metrics["wall_clock"] = 10 + 0.1 * math.sin(seed + sum(map(ord, store)))
            tracker.finish(run, status="FINISHED", tags={}, metrics=metrics, history=[], artifacts=stored)


@pytest.fixture
def made(bench):
    bench.write(SUITE)
    shutil.copy(bench.folder / "mlflow.db", bench.folder / "before.db")
    return bench


def rows(bench, *words):
    answer = bench("compare", *words, "--format", "json")
    assert answer.err == ""
    data = json.loads(answer.out)
    return answer.code, data, {(row["cell"], row["metric"]): row for row in data["rows"]}


@pytest.mark.parametrize(
    ("shift", "margin", "verdict", "code", "strict"),
    [
        (-0.1, (), "worse", 1, 1),
        (-0.1, ("--margin", "0.01"), "worse", 1, 1),
        (-0.1, ("--margin", "0.5"), "no worse", 0, 0),
        (0.1, (), "better", 0, 0),
        (-0.001, ("--margin", "val/accuracy=0.02"), "no worse", 0, 0),
        (-0.001, ("--margin", "0.001"), "not known", 0, 1),
        (-0.001, (), "not known", 0, 1),
    ],
)
def test_stores_and_what_ci_is_told(made, shift, margin, verdict, code, strict):
    log(made, store="before", spread=0.0)
    log(made, shift=shift)
    sides = (f"tiny.yaml{BEFORE}", f"tiny.yaml{AFTER}", *margin)
    got, data, told = rows(made, *sides)
    assert got == code and {told[cell, "val/accuracy"]["verdict"] for cell in ("rate=0.01", "rate=0.1")} == {verdict}
    row = told["rate=0.1", "val/accuracy"]
    assert (
        row["difference"] == pytest.approx(shift, abs=0.002) and row["test"] == "t" and row["n"] == 6 and row["p"] <= row["holm"]
    )
    assert row["ci_low"] < row["difference"] < row["ci_high"] and data["tests"] == 4
    assert row["confidence"] == pytest.approx(1 - 0.05 / 4)
    assert told["rate=0.1", "parameters"]["verdict"] in ("no worse", "not judged")
    unknown_times = told["rate=0.1", "wall_clock"]["verdict"] == "not known"
    assert made("compare", *sides, "--strict").code == (1 if unknown_times else strict)
    text = made("compare", *sides)
    assert text.code == code and verdict in text.out and max(map(len, text.out.splitlines())) <= 120
    shown = made("compare", *sides, "--format", "markdown").out
    assert shown.startswith("# tiny: ") and f"| {'**worse**' if verdict == 'worse' else verdict}" in shown


def test_seeds_that_do_not_match_are_no_pairs_and_it_says_so(made):
    log(made, store="before")
    log(made, seeds=range(10, 16))
    made.write(SUITE.replace("seeds: 6", "seeds: [0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15]"))
    sides = (f"tiny.yaml{BEFORE}", f"tiny.yaml{AFTER}")
    _, data, told = rows(made, *sides)
    row = told["rate=0.1", "val/accuracy"]
    assert (row["test"], row["n"], row["unpaired"]) == ("welch", 12, "no seed in common") and data["repeats"]["matched"] == 0
    assert "Welch's t-test, as seeds are no pairs: no seed in common" in made("compare", *sides).out


def test_what_changed_and_what_should_have_come_out_the_same(made):
    here = {"train": {"epochs": 2, "optimizer": {"lr": 0.1}}}
    log(made, store="before", rates=["0.1"], config=here, fingerprint="f", versions="torch 2.1, numpy 2.0", commit="a" * 12)
    log(made, rates=["0.1"], config=here, fingerprint="f", shift=0.01, versions="torch 2.2, numpy 2.0", commit="a" * 12)
    other = {"train": {"epochs": 3, "optimizer": {"lr": 0.1}}}
    log(made, store="before", rates=["0.01"], config=here, fingerprint="g")
    log(made, rates=["0.01"], config=other, fingerprint="h", device="GPU")
    # runs are found by fingerprint, or at a commit by their place
    address = "@commit:" + "a" * 12
    _, data, told = rows(made, f"tiny.yaml{BEFORE}{address}", f"tiny.yaml{AFTER}{address}")
    assert data["repeats"] == {"matched": 6, "same_run": 0, "same": 6, "identical": 0, "differing": data["repeats"]["differing"]}
    assert data["repeats"]["differing"][0] == "s: rate=0.1, seed=0 (val/accuracy)"
    assert [(one["what"], one["baseline"], one["candidate"]) for one in data["changes"]] == [("version of torch", "2.1", "2.2")]
    assert {cell for cell, _ in told} == {"rate=0.01", "rate=0.1"}
    assert told["rate=0.01", "val/accuracy"]["why"] == "neither side has a result"


def git(folder, *words):
    said = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *words]
    return subprocess.run(said, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def test_commits_by_name_and_the_baseline_of_ci(made):
    git(made.folder, "init", "-q")
    git(made.folder, "add", "tiny.yaml")
    git(made.folder, "commit", "-q", "-m", "one")
    git(made.folder, "tag", "v1")
    first = git(made.folder, "rev-parse", "--short=12", "HEAD")
    here, other = ({"train": {"epochs": epochs}} for epochs in (2, 3))
    log(made, commit=first, fingerprint="old", config=here)
    assert made("compare", "tiny.yaml", "--baseline", "v2").err.count("runs of these are there: " + first) == 1
    git(made.folder, "commit", "-q", "--allow-empty", "-m", "two")
    second = git(made.folder, "rev-parse", "--short=12", "HEAD")
    log(made, commit=second, fingerprint="new", config=other, shift=-0.1, device="GPU")
    for words in (
        ["tiny.yaml@v1", "@HEAD"],
        [f"tiny.yaml@commit:{first}", f"tiny.yaml@commit:{second[:7]}"],
        ["tiny.yaml@HEAD", "--baseline", "v1"],
    ):
        code, data, told = rows(made, *words)
        assert code == 1 and told["rate=0.1", "val/accuracy"]["verdict"] == "worse"
        assert {"what": "train.epochs", "baseline": "2", "candidate": "3", "cells": 2} in data["changes"]
        assert {one["what"] for one in data["changes"]} == {"train.epochs", "device", "commit"}
        assert told["rate=0.1", "wall_clock"]["verdict"] == "not judged"
        assert "timed under unlike conditions" in told["rate=0.1", "wall_clock"]["why"]
    code, data, _ = rows(made, "tiny.yaml@v1", "@v1")
    assert code == 0 and data["verdicts"]["no worse"] == len(data["rows"]) and data["repeats"]["same_run"] == 12


def test_profiles(made):
    log(made)
    log(made, experiment="tiny.quick", shift=-0.2, **{"images.val": "48"})
    code, _, told = rows(made, "tiny.yaml", "@profile:quick")
    row = told["rate=0.1", "val/accuracy"]
    assert code == 1 and (row["test"], row["unpaired"]) == ("welch", "the splits have other sizes or classes")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["tiny.yaml"], "give two sides, or one and --baseline REF"),
        (["tiny.yaml", "@profile:quick", "--baseline", "v1"], "give two sides, or one"),
        (["tiny.yaml", "@profile:"], "not the address of results"),
        (["tiny.txt", "tiny.txt"], "a side is SUITE.yaml"),
        (["tiny.yaml", "@profile:slow"], "has no profile 'slow'"),
        (["tiny.yaml", "@profile:quick"], "no results of suite 'tiny'"),
        (["tiny.yaml", "tiny.yaml", "--margin", "much"], "is no margin"),
        (["tiny.yaml", "tiny.yaml", "--margin", "-1"], "is no margin"),
        (["tiny.yaml", "tiny.yaml", "--margin", "test/loss=1"], "no table shows 'test/loss'"),
        (["tiny.yaml", "other.yaml"], "two suites"),
    ],
)
def test_what_cannot_be_compared_is_an_error_that_says_what_to_do(made, words, told):
    log(made)
    made.write(SUITE.replace("suite: tiny", "suite: other"), "other.yaml")
    log(made, experiment="other")
    answer = made("compare", *words)
    assert answer.code == 1 and told in answer.err and "Traceback" not in answer.err and answer.out == ""


def test_the_same_trials_in_two_stores_come_out_the_same(bench):
    bench.write(
        SUITE.replace("source: digits", "source: digits, subset: {train: 96, val: 48, test: 48}").replace("seeds: 6", "seeds: 2")
    )
    for store in ("before", "mlflow"):
        assert bench("run", "tiny.yaml", MLFLOW_TRACKING_URI=f"sqlite:///{store}.db").code == 0
    code, data, told = rows(bench, f"tiny.yaml{BEFORE}", f"tiny.yaml{AFTER}")
    assert code == 0 and data["repeats"] == {"matched": 4, "same_run": 0, "same": 4, "identical": 4, "differing": []}
    assert {told[cell, "val/accuracy"]["why"] for cell in ("rate=0.01", "rate=0.1")} == {"identical"}
    assert [one["what"] for one in data["changes"] if one["cells"]] == []


def test_an_address_is_read_in_parts_and_keeps_its_password_to_itself():
    said = Address.parse("x.yaml@store:postgresql://me:secret@host/db@profile:quick@commit:v1")
    assert (said.file, said.store, said.profile, said.commit) == ("x.yaml", "postgresql://me:secret@host/db", "quick", "v1")
    assert "secret" not in said.text and "me:***@host" in said.text
    assert (Address.parse("x.yaml@v1").commit, Address.parse("@v1").file) == ("v1", "")
