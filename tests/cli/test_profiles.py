"""Profiles on the command line: what they are stands first, and what they drop is listed."""

import json
import re

import pytest

SUITE = """\
suite: tiny
title: A tiny suite
data: {source: digits, subset: {train: 96, val: 48, test: 48}}
base:
  model: {name: simple_cnn, args: {filters: [4, 4, 4], hidden: 8}}
  train: {epochs: 2, batch_size: 32, optimizer: {name: sgd, lr: 0.05}}
seeds: 3
stages:
  s: {axes: {lr: {path: train.optimizer.lr, values: [0.01, 0.05]}}}
  t: {axes: {epochs: {path: train.epochs, values: [1, 3]}}}
claims:
  faster: {says: a high rate learns more, metric: val/accuracy, stage: s, of: {lr: 0.05}, higher_than: {lr: 0.01}}
  longer: {says: the longer the better, metric: val/accuracy, stage: t, of: {epochs: 3}, higher_than: {epochs: 1}}
  shorter: {says: and the worse, metric: val/accuracy, stage: t, of: {epochs: 1}, lower_than: {epochs: 3}}
profiles:
  small:
    about: "not a replication: a smoke test"
    base: {train: {epochs: 1}}
    stages: {t: null}
    claims: {longer: {drop: its stage takes too long}, shorter: null}
  bare: {seeds: 2}
"""
SMALL = (
    "not a replication: a smoke test. It differs from the suite itself: epochs 1 instead of 1 to 3; 1 stage left out (t); "
    "cells 2 instead of 4; 2 claims not asked."
)
NO_REASON = "left out by the profile, no reason given"


def test_the_first_line_of_a_plan_says_what_the_profile_is(bench):
    bench.write(SUITE)
    assert bench("plan", "tiny.yaml", "--no-probe").out.startswith("tiny, profile default: A tiny suite\n")
    plan = bench("plan", "tiny.yaml", "--profile", "small", "--no-probe")
    assert plan.out.startswith(f"tiny, profile small: {SMALL}\n  A tiny suite\n")
    bare = bench("status", "tiny.yaml", "--profile", "bare")
    assert bare.out.startswith("tiny, profile bare: not the suite itself. It differs: seeds 2 instead of 3.\n")
    assert json.loads(bench("plan", "tiny.yaml", "--profile", "small", "--no-probe", "--json").out)["about"] == SMALL
    assert json.loads(bench("plan", "tiny.yaml", "--no-probe", "--json").out)["about"] == ""


def test_a_run_and_its_report_say_it_and_list_what_was_dropped(bench):
    bench.write(SUITE)
    run = bench("run", "tiny.yaml", "--profile", "small", "--executor", "inline")
    assert run.code == 0, run.err
    assert run.out.startswith(f"tiny, profile small: {SMALL}\n")
    assert f"# A tiny suite\n\n**Profile small**: {SMALL}\n\n" in run.out
    assert re.search(r"Claims of the report\. 3 claims: 1 [a-z ]+, 2 not asked in this profile\.", run.out)
    last = [line for line in run.out.splitlines() if line.startswith("| **")][:3]
    assert "its stage takes too long" in last[1] and NO_REASON in last[2] and "“and the worse”" in last[2]
    said = json.loads(bench("report", "tiny.yaml", "--profile", "small", "--json").out)
    assert said["about"] == f"Profile small: {SMALL}" and said["claims"]["longer"]["verdict"] == "not asked"
    for format, ending in (("markdown", "md"), ("latex", "tex"), ("html", "html"), ("json", "json"), ("csv", "csv")):
        assert bench("report", "tiny.yaml", "--profile", "small", "--format", format, "-o", "out").code == 0
        check = bench("report", "tiny.yaml", "--profile", "small", "--check", f"out/tiny.small.{ending}")
        assert (check.code, check.out) == (0, f"out/tiny.small.{ending}: agrees with the stored runs\n")


def test_claims_that_only_leaves_out_are_listed_too(bench):
    bench.write(SUITE)
    report = bench("report", "tiny.yaml", "--only", "s")
    assert "2 not asked." in report.out and report.out.count("left out by --only") == 2


def test_claims_as_a_frame(bench, monkeypatch):
    import bench as api

    monkeypatch.chdir(bench.folder)
    frame = api.load(bench.write(SUITE), "small", tracker=f"sqlite:///{bench.folder}/mlflow.db").report().claims()
    assert frame[["claim", "verdict", "why"]].values.tolist()[1:] == [
        ["longer", "not asked", "its stage takes too long"],
        ["shorter", "not asked", NO_REASON],
    ]
    assert frame.holds.isna().all() and frame.n.dtype == "int64" and frame.preliminary.dtype == "bool"


def test_validate_notes_claims_that_are_dropped_without_a_reason(bench):
    bench.write(SUITE)
    answer = bench("validate", "tiny.yaml", "--no-code")
    assert answer.code == 0 and "  claim longer: not asked: its stage takes too long\n" in answer.out
    notes = [line for line in answer.out.splitlines() if line.startswith("note: ")]
    mend = "say why: `claims: {NAME: {drop: REASON}}` instead of null"
    assert notes == [f"note: tiny.yaml (small): claims left out without a reason: shorter; {mend}"]


FRESH = """\
suite: tiny
title: A tiny suite
data: {source: digits, subset: {train: 96, val: 48, test: 48}}
base: {model: {name: simple_cnn}, train: {epochs: 1, optimizer: {name: sgd, lr: 0.1}}}
stages:
  here: {axes: {a: {x: {train: {batch_size: 64}}}}}
  s: {axes: {a: {x: {}}}}
profiles:
  p: {stages: {s: {patch: {data: DATA, model: MODEL}}}}
"""


@pytest.mark.parametrize(
    ("data", "model", "told", "mend"),
    [
        ("{source: cifar10}", "{name: simple_cnn}", "CIFAR10 is not there", "`bench data prepare tiny.yaml --profile p`"),
        ("{source: cifar100}", "{name: simple_cnn}", "CIFAR100 is not there", "`bench data prepare tiny.yaml --profile p`"),
        ("{source: folder, path: cifar100-test}", "{name: simple_cnn}", "there is no such file", "--profile p` to make it in"),
        ("{source: folder, path: photos.zip}", "{name: simple_cnn}", "there is no such file", "check 'path'"),
        ("{source: 'own:table', files: [t.csv]}", "{name: simple_cnn}", "no such file: t.csv", "put it beside the suite, or"),
        ("{source: digits}", "{name: 'own:Net', files: [w.txt]}", "no such file: w.txt", "put it beside the suite, or"),
        ("{source: digits}", "{name: simple_cnn, weights: w.pth}", "weights file w.pth is missing", "put it there, or into"),
        ("{source: digits}", "{name: vgg11, weights: vgg11.pth}", "weights file vgg11.pth is missing", "saves timm's there"),
        ("{source: digits}", "{name: vgg11, pretrained: true}", "weights of vgg11 are not in", "fetches them"),
    ],
)
def test_what_is_not_on_a_fresh_machine_is_a_note(bench, tmp_path, data, model, told, mend):
    (tmp_path / "own.py").write_text("def table():\n    raise SystemExit\n\ndef Net(in_shape, classes):\n    raise SystemExit\n")
    text = FRESH.replace("DATA", data).replace("MODEL", model)
    bench.write(text)
    home = {"BENCH_DATA": str(tmp_path / "data"), "HF_HOME": str(tmp_path / "hub"), "TORCH_HOME": str(tmp_path / "torch")}
    answer = bench("validate", "tiny.yaml", **home)
    assert answer.code == 0 and "error" not in answer.err
    (note,) = [line for line in answer.out.splitlines() if line.startswith("note: ")]
    assert note.startswith("note: tiny.yaml (p): ") and told in note and mend in note, note
    bench.write(text.replace("simple_cnn}, train", "simple_cm}, train"))
    wrong = bench("validate", "tiny.yaml", **home)
    assert wrong.code == 1 and "unknown model 'simple_cm'" in wrong.err, "what is here is checked all the same"
