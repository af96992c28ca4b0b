"""The run schema: what is written of a trial is read back, also from runs of older versions and of something else."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.grammar.schedule import Schedule
from bench.trackers import StoredRun, record
from bench.trackers.record import CONDITIONS, DeclaredSeeds, Origin, Outcome, TrialEnd, TrialStart

OUTCOMES = {
    # outcome: (is it complete, is it run again, is it open, the status of its run)
    Outcome.FINISHED: (True, False, False, "FINISHED"),
    Outcome.PRUNED: (True, False, False, "KILLED"),
    Outcome.DIVERGED: (False, False, False, "FAILED"),
    Outcome.OOM: (False, False, False, "FAILED"),
    Outcome.TIMEOUT: (False, False, False, "FAILED"),
    Outcome.CRASHED: (False, True, True, "FAILED"),
    Outcome.INTERRUPTED: (False, True, True, "KILLED"),
    Outcome.FAILED: (False, True, True, "FAILED"),
    Outcome.RUNNING: (False, False, True, "FAILED"),
    Outcome.UNAVAILABLE: (False, False, False, "FAILED"),
    Outcome.MISSING: (False, False, True, "FAILED"),
}
ENDS = set(Outcome) - {Outcome.RUNNING, Outcome.UNAVAILABLE, Outcome.MISSING}

names = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_-]*", fullmatch=True)
texts = st.text(min_size=1)
cells = texts | st.builds("{}, seed {}{}".format, texts, st.integers(0), st.text())
origins = st.builds(Origin, cells, st.integers(0, 2**64))


def start(**changes) -> TrialStart:
    known = {
        "suite": "tiny",
        "profile": "quick",
        "stage": "s",
        "cell": "lr=0.1",
        "labels": {"lr": "0.1"},
        "seed": 0,
        "seeds": "0, 1",
        "fingerprint": "abc",
        "device": "CPU model",
        "co_workers": 2,
        "threads": 1,
        "precision": "float32",
        "commit": "0123456789ab+changes",
        "coordinator": "host:1:2.00",
        "versions": {"bench": "0.1.0", "torch": "2.11"},
        "source": "tiny.yaml",
        "user": "ada",
    }
    return TrialStart(**known | changes)


def run(tags=None, status="FINISHED") -> StoredRun:
    return StoredRun("f00", status, tags or {})


def test_every_outcome_says_what_it_means():
    said = {one: (one.is_complete, one.is_run_again, one.is_open, one.status) for one in Outcome}
    assert said == OUTCOMES


@pytest.mark.parametrize("outcome", sorted(ENDS))
def test_how_a_trial_ended_is_read_from_its_run(outcome):
    assert record.outcome(run(TrialEnd(outcome).tags(), outcome.status)) is outcome


@pytest.mark.parametrize(
    ("status", "tags", "outcome"),
    [
        ("RUNNING", {}, Outcome.RUNNING),
        ("RUNNING", {"outcome": "finished"}, Outcome.RUNNING),  # its status comes last: it is not complete yet
        ("FINISHED", {}, Outcome.FINISHED),
        ("FAILED", {}, Outcome.FAILED),
        ("KILLED", {}, Outcome.INTERRUPTED),
        ("FINISHED", {"outcome": "splendid"}, Outcome.FINISHED),
        ("FAILED", {"outcome": "FINISHED"}, Outcome.FAILED),
        ("KILLED", {"outcome": "pruned"}, Outcome.PRUNED),
    ],
)
def test_without_a_word_that_is_known_the_status_tells_the_outcome(status, tags, outcome):
    assert record.outcome(run(tags, status)) is outcome


def test_the_tags_of_a_trial_that_begins():
    told = start(
        also=("t: a=1", "u: b=2"),
        start="t: a=1",
        weights=Origin("t: a=1", 3),
        rules="random of lr",
        parameters={"lr": "0.1"},
        members="2 of 3",
        instructions="AVX2",
    )
    assert told.tags() == {
        "source": "tiny.yaml",
        "user": "ada",
        "cell": "lr=0.1",
        "stage": "s",
        "suite": "tiny",
        "profile": "quick",
        "axis.lr": "0.1",
        "also": "t: a=1; u: b=2",
        "seed": "0",
        "seeds": "0, 1",
        "fingerprint": "abc",
        "start": "t: a=1",
        "search": "random of lr",
        "search.lr": "0.1",
        "members": "2 of 3",
        "device": "CPU model",
        "instructions": "AVX2",
        "workers": "2",
        "threads": "1",
        "precision": "float32",
        "commit": "0123456789ab+changes",
        "coordinator": "host:1:2.00",
        "versions": "bench 0.1.0, torch 2.11",
        "weights": "t: a=1, seed 3",
        "weights.cell": "t: a=1",
        "weights.seed": "3",
    }
    left_out = {"also", "start", "search", "search.lr", "members", "instructions", "weights", "weights.cell", "weights.seed"}
    assert told.tags().keys() - start().tags().keys() == left_out, "what is not so has no tag"


@given(
    labels=st.dictionaries(names, texts),
    parameters=st.dictionaries(names | st.just("model.args.width"), texts),
    weights=st.none() | origins,
    rules=st.text(),
    seed=st.integers(0),
    cell=texts,
    stage=names,
)
def test_what_is_written_of_a_trial_is_read_back(labels, parameters, weights, rules, seed, cell, stage):
    told = start(
        labels=labels, parameters=parameters, weights=weights, rules=rules, seed=seed, cell=cell, stage=stage, members="2 of 3"
    )
    stored = run(told.tags())
    assert record.labels(stored) == labels
    assert record.parameters(stored) == parameters
    assert record.weights(stored) == weights
    assert record.rules(stored) == (rules or None)
    assert (record.cell(stored), record.stage(stored), record.seed(stored)) == (cell, stage, str(seed))
    assert record.declared_seeds(stored) == DeclaredSeeds("0, 1", seeds=(0, 1))
    assert (record.fingerprint(stored), record.coordinator(stored)) == ("abc", "host:1:2.00")
    assert (record.device(stored), record.commit(stored)) == ("CPU model", "0123456789ab+changes")
    assert (record.versions(stored), record.members(stored)) == ("bench 0.1.0, torch 2.11", "2 of 3")


def test_a_run_that_something_else_logged_says_nothing():
    stored = run()
    silent = (record.message, record.fingerprint, record.stage, record.seed, record.coordinator, record.device)
    silent += (record.instructions, record.versions, record.commit, record.members)
    assert {read(stored) for read in silent} == {""}
    assert record.labels(stored) == record.parameters(stored) == {}
    assert record.rules(stored) is record.weights(stored) is None
    assert record.cell(stored) == "f00" and record.stage(stored, "train") == "train"
    assert record.pack(stored) == (1, "") and not record.keeps_weights(stored)
    assert record.declared_seeds(stored) == DeclaredSeeds("")


@given(origins)
def test_the_weights_of_older_runs_stand_in_one_tag(origin):
    assert record.weights(run({"weights": f"{origin.cell}, seed {origin.seed}"})) == origin


@pytest.mark.parametrize(
    "tags",
    [
        {"weights": ""},
        {"weights": "imagenet"},
        {"weights": "3"},
        {"weights": ", seed 3"},
        {"weights": "s: lr=0.1, seed x"},
        {"weights.cell": "s: lr=0.1", "weights.seed": "x"},
        {"weights.seed": "3"},
    ],
)
def test_weights_that_are_of_no_trial(tags):
    assert record.weights(run(tags)) is None


@pytest.mark.parametrize("outcome", list(Outcome))
def test_the_tags_of_a_trial_that_ends(outcome):
    assert TrialEnd(outcome).tags() == {"outcome": outcome.value}
    told = TrialEnd(outcome, "why", kept=record.KeptWeights.of(b"weights"), pack=4, backend="vmap").tags()
    kept = {"kept": "weights", "kept.size": "7", "kept.sha256": hashlib.sha256(b"weights").hexdigest()}
    assert told == {"outcome": outcome.value, "message": "why", "pack": "4", "backend": "vmap"} | kept
    assert all(type(text) is str for text in told.values())
    stored = run(told)
    assert (record.message(stored), record.keeps_weights(stored), record.pack(stored)) == ("why", True, (4, "vmap"))
    assert record.kept_weights(stored) == record.KeptWeights.of(b"weights")


def test_a_trial_that_trained_alone_has_no_pack():
    assert record.pack(run(TrialEnd(Outcome.FINISHED, pack=1, backend="vmap").tags())) == (1, "")


@pytest.mark.parametrize("text", ["", "many", "-3", "1.5", "²"])
def test_a_pack_that_is_no_number_is_a_trial_alone(text):
    assert record.pack(run({"pack": text, "backend": "vmap"})) == (1, "")


def test_conditions_are_those_of_the_machine_and_of_the_arithmetic():
    stored = run(start().tags() | TrialEnd(Outcome.FINISHED, pack=4, backend="vmap").tags())
    assert dict(zip(CONDITIONS, record.conditions(stored), strict=True)) == {
        "device": "CPU model",
        "workers": "2",
        "threads": "1",
        "precision": "float32",
        "pack": "4",
    }
    assert record.conditions(run({"device": "CPU model"})) == ("CPU model", "", "", "", "")


def test_instructions_are_those_of_a_processor():
    assert record.instructions(run(start(instructions="AVX512").tags())) == "AVX512"
    assert record.instructions(run(start().tags())) == ""


def test_no_tag_is_of_a_trackers_own():
    written = start(weights=Origin("s", 0)).tags() | TrialEnd(Outcome.CRASHED, "why").tags()
    assert not [name for name in written if name.startswith("mlflow")]


@given(st.lists(st.integers(0), min_size=1, unique=True), st.floats(0, 1, exclude_min=True))
def test_the_seeds_of_one_look_are_read_back(seeds, alpha):
    text = Schedule([seeds], alpha).text
    assert DeclaredSeeds.read(text) == DeclaredSeeds(text, seeds=tuple(seeds))


@given(st.lists(st.integers(1, 50), min_size=2, unique=True), st.floats(0, 1, exclude_min=True))
def test_looks_are_read_back(looks, alpha):
    text = Schedule([list(range(look)) for look in looks], alpha).text
    assert DeclaredSeeds.read(text) == DeclaredSeeds(text, looks=tuple(looks), alpha=f"{alpha:g}")


GARBAGE = ["sometime", "looks , at alpha 0.05", "looks 5, 8", "0, 1,", ", 1", "looks 5,, 8 at alpha 0.05", "1.5"]


@given(st.text() | st.sampled_from(GARBAGE) | st.from_regex(r"looks [\d, ]+ at alpha \S+", fullmatch=True))
def test_any_text_is_a_declaration_that_admits_itself(text):
    assert DeclaredSeeds.read(text).text == text
    assert DeclaredSeeds.read(text).admits(DeclaredSeeds.read(text))


@pytest.mark.parametrize("text", GARBAGE)
def test_text_that_declares_nothing_is_one_of_its_own(text):
    assert DeclaredSeeds.read(text) == DeclaredSeeds(text)


LOOKS = "looks 5, 8, 12 at alpha 0.05"


@pytest.mark.parametrize(
    ("before", "later", "admitted"),
    [
        ("0, 1, 2", "0, 1, 2", True),
        ("0, 1, 2", "2, 0, 1", True),  # the same seeds
        ("0, 1, 2", "0, 1, 2, 3", False),
        ("0, 1, 2", "0, 1", False),
        ("0, 1, 2", "0, 1, 3", False),
        ("0", "0, 1, 2", True),  # nothing can be tested with one seed
        ("7", "0, 1, 2", True),
        ("7", LOOKS, True),
        ("", "0, 1, 2", True),  # nothing was declared
        ("", LOOKS, True),
        ("0, 1, 2", "", False),
        (LOOKS, LOOKS, True),
        (LOOKS, "looks 5, 8 at alpha 0.05", False),
        (LOOKS, "looks 5, 12, 8 at alpha 0.05", False),
        (LOOKS, "looks 5, 8, 12 at alpha 0.1", False),
        (LOOKS, "0, 1, 2, 3, 4", False),
        ("looks 1 at alpha 0.05", "0, 1", False),  # looks tell that something was tested, or will be
        ("0, 1, 2, 3, 4", LOOKS, False),
        ("sometime", "sometime", True),
        ("sometime", "never", False),
        ("sometime", "0, 1", False),
        ("0, 1", "sometime", False),
    ],
)
def test_which_seeds_may_follow(before, later, admitted):
    assert DeclaredSeeds.read(before).admits(DeclaredSeeds.read(later)) is admitted


def ended(name, outcome, holder, status="FINISHED", **tags):
    tags = {"fingerprint": "f", "outcome": outcome, "holder": str(holder)} | tags
    return StoredRun(name, status, tags, {}, 0.0, 1.0)


def test_of_the_finished_runs_of_a_trial_one_counts_and_the_others_are_to_say_that_they_do_not():
    old, new = ended("old", "finished", 1), ended("new", "finished", 2)
    assert [run.run_id for run in record.superseded([new, old])] == ["old"]
    assert record.superseded([new, ended("old", "finished", 1, superseded="yes")]) == []
    closed = ended("closed", "interrupted", 1)  # by holder 2, while holder 1 wrote that it has finished
    assert [run.run_id for run in record.superseded([closed, new])] == ["closed"]
    killed = ended("killed", "finished", 1, "KILLED")  # likewise, the other way round
    assert [run.run_id for run in record.superseded([killed, new])] == ["killed"]
    failed, running = ended("failed", "crashed", 1, "FAILED"), ended("running", "", 3, "RUNNING")
    assert [run.run_id for run in record.superseded([failed, running, new])] == ["failed"]  # the attempt was repeated
    assert record.superseded([failed, running]) == record.superseded([failed, ended("again", "crashed", 2, "FAILED")]) == []
    assert record.superseded([closed]) == record.superseded([closed, ended("killed", "interrupted", 2, "KILLED")]) == []


@pytest.mark.parametrize("schedule", [Schedule([[0, 1, 2]], 0.05), Schedule([[0, 1], [0, 1, 2]], 0.1)])
def test_a_pilot_is_read_back_and_changes_nothing_of_what_counts(schedule):
    piloted = replace(schedule, pilot=range(1_000_000, 1_000_003))
    plain, read = DeclaredSeeds.read(schedule.text), DeclaredSeeds.read(piloted.text)
    assert read == replace(plain, text=f"pilot of 3, then {schedule.text}", pilot=3) and plain.pilot == 0
    assert read.admits(plain) and plain.admits(read)
    more = DeclaredSeeds.read("pilot of 3, then 0, 1, 2, 3")
    assert not read.admits(more) and not plain.admits(more) and not more.admits(plain)


def test_the_run_of_a_pilot_says_so():
    assert record.is_pilot(run(start(pilot=True).tags()))
    assert not record.is_pilot(run(start().tags())) and "pilot" not in start().tags() and not record.is_pilot(run())
