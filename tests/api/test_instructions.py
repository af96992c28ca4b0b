"""Processors round as their instruction sets do: which one trained is on record, and a report over several says so."""

import json
import os

import torch

import bench

MIXED = "mixed instruction sets"


def computing() -> str:
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "")
    return torch.backends.cpu.get_cpu_capability() + (f" (oneDNN: {limit})" if limit else "")


def test_the_instruction_set_is_recorded_and_one_alone_is_not_told(shown):
    runs = shown.tracker.runs("shown")
    assert {run.tags["instructions"] for run in runs} == {computing()}
    assert shown.report().data.summary.instructions == [computing()]
    assert json.loads(shown.report().render("json"))["summary"]["instructions"] == [computing()]
    assert MIXED not in shown.report().render()


def test_a_limit_that_was_set_is_recorded_too(write, inline, monkeypatch):
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    suite = bench.load(write())
    suite.run(**inline)
    assert {run.tags["instructions"] for run in suite.tracker.runs("tiny")} == {computing()}
    assert computing().endswith(" (oneDNN: AVX2)")


def test_a_report_over_two_instruction_sets_says_so(write, shelf):
    suite = bench.load(write(), tracker=shelf)
    shelf.fill(suite, lambda job: {"val/accuracy": 0.5}, instructions="AVX2")
    assert MIXED not in suite.report().render() and suite.report().data.summary.instructions == ["AVX2"]
    shelf.stored[0].tags["instructions"] = "AVX512"
    told = next(line for line in suite.report().render().splitlines() if MIXED in line)
    assert "AVX2; AVX512" in told and "rounds in its own way" in told
    assert json.loads(suite.report().render("json"))["summary"]["instructions"] == ["AVX2", "AVX512"]
    for format in ("html", "latex"):
        assert MIXED in suite.report().render(format)


def test_runs_that_do_not_say_so_are_not_another_set(write, shelf):
    suite = bench.load(write(), tracker=shelf)
    shelf.fill(suite, lambda job: {"val/accuracy": 0.5}, instructions="AVX2")
    del shelf.stored[0].tags["instructions"]
    assert suite.report().data.summary.instructions == ["AVX2"] and MIXED not in suite.report().render()
    shelf.stored[1].tags.update(instructions="AVX512", outcome="diverged")
    assert MIXED not in suite.report().render(), "of a trial without a result nothing is shown"
