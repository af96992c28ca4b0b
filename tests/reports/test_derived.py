"""Metrics derived from recorded ones, against the numbers that two reports print, and against NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.grammar.derived import Derived
from bench.reports.records.collect import collect
from bench.reports.records.derived import absent, class_pairs, measured, of_classes

ANIMALS = ("bird", "cat", "deer", "dog", "frog", "horse")
# "Deep learning project", Table 4: test accuracy of each class, average and standard deviation (the last one is not its numbers)
TABLE_4 = {
    "CNN": ([52.4, 65.2, 41.5, 62.4, 60.2, 80.1, 63.8, 77.0, 72.0, 69.2], 64.4, 10.8),
    "ResNet": ([85.1, 92.2, 79.1, 87.9, 74.8, 92.8, 93.4, 83.8, 94.5, 94.1], 87.8, 6.5),
    "ResNet LRS": ([88.1, 96.4, 84.2, 92.9, 87.9, 94.5, 95.4, 93.0, 95.6, 95.7], 92.37, 6.0),
}
CLASSES = ("bird", "car", "cat", "deer", "dog", "frog", "horse", "plane", "ship", "truck")
PREFIX = "test/class_accuracy"


def stored(values):
    return {f"{PREFIX}/{name}": value for name, value in zip(CLASSES, values, strict=True)}


@pytest.mark.parametrize("model", ["CNN", "ResNet"])
def test_the_average_and_the_population_sd_that_a_report_prints(model):
    values, average, sd = TABLE_4[model]
    assert measured("a", stored(values), {"a": Derived(mean=PREFIX)}) == pytest.approx(average, abs=0.051)
    assert measured("s", stored(values), {"s": Derived(sd=PREFIX)}) == pytest.approx(sd, abs=0.055)


def test_the_printed_variance_of_the_cnn_is_over_the_population_of_classes():
    assert measured("s", stored(TABLE_4["CNN"][0]), {"s": Derived(sd=PREFIX)}) ** 2 == pytest.approx(117.7, abs=0.05)


@pytest.mark.parametrize(("model", "animals", "vehicles"), [("CNN", 60.0, 70.9), ("ResNet LRS", 90.5, 95.2)])
def test_the_group_means_that_a_report_prints(model, animals, vehicles):
    derived = {
        "animals": Derived(mean=PREFIX, classes=list(ANIMALS)),
        "vehicles": Derived(mean=PREFIX, classes=["car", "plane", "ship", "truck"]),
        "gap": Derived(minus=["vehicles", "animals"]),
    }
    found = {name: measured(name, stored(TABLE_4[model][0]), derived) for name in derived}
    assert (found["animals"], found["vehicles"]) == pytest.approx((animals, vehicles), abs=0.1)
    assert found["gap"] == pytest.approx(found["vehicles"] - found["animals"])


@settings(deadline=None)
@given(st.dictionaries(st.text("abc/", min_size=1), st.floats(-1e6, 1e6), min_size=1))
def test_rules_over_classes_are_numpys(values):
    told = {f"p/{name}": value for name, value in values.items()} | {"p": 7.0, "pp/a": 3.0}
    for rule, function in (("mean", np.mean), ("sum", np.sum), ("sd", np.std), ("min", np.min), ("max", np.max)):
        expected = function(list(values.values()))
        assert measured("m", told, {"m": Derived(**{rule: "p"})}) == pytest.approx(expected, rel=1e-9, abs=1e-6)
    assert of_classes(told, "p") == values


def test_a_correlation_over_classes_is_scipys():
    from scipy.stats import pearsonr

    sizes, f1 = {"a": 10.0, "b": 30.0, "c": 20.0, "e": 5.0}, {"a": 0.5, "b": 0.6, "c": 0.8, "d": 0.1}
    told = {f"size/{name}": value for name, value in sizes.items()} | {f"f1/{name}": value for name, value in f1.items()}
    derived = {"r": Derived(correlation=["f1", "size"]), "none": Derived(correlation=["f1", "gone"])}
    assert measured("r", told, derived) == pytest.approx(pearsonr([0.5, 0.6, 0.8], [10, 30, 20])[0])
    assert measured("none", told, derived) is None and absent("none", told, derived) == "no metrics 'gone/<class>'"
    same = dict.fromkeys(told, 1.0)
    assert measured("r", same, derived) is None and absent("r", same, derived) == "f1 or size is the same for all classes"


def test_a_metric_that_cannot_be_computed_is_none_and_says_why():
    derived = {
        "typo": Derived(mean=PREFIX, classes=["brid"]),
        "gap": Derived(minus=["train/accuracy", "typo"]),
        "sizes": Derived(mean="train/class_size"),
        "top5": Derived(),
    }
    told = stored(TABLE_4["CNN"][0]) | {"train/accuracy": 0.9, "huge": 1e200}
    assert [measured(name, told, derived) for name in (*derived, "huge", "none")] == [None] * 6
    assert absent("typo", told, derived) == "'typo' is over class 'brid', which the runs do not have (did you mean 'bird'?)"
    assert absent("gap", told, derived) == absent("typo", told, derived)
    assert absent("gap", {"train/accuracy": 0.9}, derived) == f"no metrics '{PREFIX}/<class>'"
    assert absent("sizes", told, derived) == "no metrics 'train/class_size/<class>'"
    assert absent("top5", told, derived) == "no metric 'top5'" and absent("huge", told, derived) == "huge is 1e+200"
    assert measured("top5", told | {"top5": 0.5}, derived) == 0.5


def test_only_finished_trials_have_derived_metrics(make):
    derived = {"gap": Derived(minus=["train/accuracy", "test/accuracy"])}
    trials = [make.expected(model="m", seed=seed) for seed in (0, 1)]
    told = {"train__accuracy": 0.9, "test__accuracy": 0.75}
    runs = [make.run(trials[0], **told), make.run(trials[1], status="FAILED", outcome="diverged", **told)]
    done, failed = collect(trials, runs, derived)
    assert done.value("gap") == pytest.approx(0.15) and done.why("other") == "no metric 'other'"
    assert failed.value("gap") is None and failed.why("gap") == "diverged"


def curves_of(*by_run):
    """Return what reads the curves of made-up runs, and the list of what it is asked for. by_run: of each run its curves."""
    asked = []

    def histories(run_ids, metrics):
        asked.append((run_ids, metrics))
        return {run_id: found for run_id, found in by_run if run_id in run_ids}

    return histories, asked


def test_the_first_epoch_at_a_level_is_read_from_the_stored_curves_once(make):
    derived = {
        "to_60": Derived(first="val/accuracy", at_least=60),
        "to_loss": Derived(first="val/loss", at_most=0.5),
        "to_70": Derived(first="val/accuracy", at_least=70),
        "between": Derived(minus=["to_70", "to_60"]),
        "val/accuracy": Derived(unit="%"),
    }
    trials = [make.expected(model="m", seed=seed) for seed in range(4)]
    runs = [make.run(trial, val__accuracy=0.5) for trial in trials[:3]]
    runs[2] = make.run(trials[2], status="FAILED", outcome="diverged", val__accuracy=0.9)
    accuracy, loss = [(1, 0.3), (2, 0.61), (3, 0.58), (4, 0.72)], [(1, 0.9), (2, 0.4)]
    histories, asked = curves_of(
        (runs[0].run_id, {"val/accuracy": accuracy, "val/loss": loss}),
        (runs[1].run_id, {"val/accuracy": accuracy[:1]}),
    )
    first, slow, failed, missing = collect(trials, runs, derived, histories)
    assert asked == [([runs[0].run_id, runs[1].run_id], ["val/accuracy", "val/loss"])]
    assert [first.value(name) for name in ("to_60", "to_loss", "to_70", "between")] == [2, 2, 4, 2]
    assert slow.value("to_60") is None and slow.why("to_60") == "val/accuracy never reached 60"
    assert slow.why("between") == "val/accuracy never reached 70" and slow.why("to_loss") == "no epochs of 'val/loss'"
    assert failed.value("to_60") is None and failed.why("to_60") == "diverged" and missing.value("to_60") is None


def test_curves_are_read_only_where_a_metric_needs_them(make):
    histories, asked = curves_of()
    trial = make.expected(model="m")
    collect([trial], [make.run(trial, val__accuracy=0.5)], {"gap": Derived(minus=["train/accuracy", "val/accuracy"])}, histories)
    collect([trial], [], {"to_60": Derived(first="val/accuracy", at_least=0.6)}, histories)
    assert asked == []


def test_pairs_are_of_the_classes_that_have_both_averaged_over_runs():
    runs = [{"a/x": 1.0, "a/y": 5.0, "b/x": 10.0}, {"a/x": 3.0, "b/x": 30.0, "b/z": 1.0}]
    assert class_pairs(runs, "a/*", "b/*") == {"x": (2.0, 20.0)}
