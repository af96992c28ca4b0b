"""Metrics that a suite names or derives: what is there, and what is told before anything is trained."""

import math

import pytest

from bench.errors import BenchError
from bench.grammar.declaration import Change
from bench.grammar.derived import Derived, cycle, described, is_known, stored
from bench.grammar.metrics import BY_CLASS, KNOWN, RECORDED, Metric, is_recorded
from bench.suite.declaration import touched

STAGE = "stages: {s: {axes: {a: {x: {}, y: {}}, b: {path: train.epochs, values: [1, 2]}}}}\n"
TABLE = STAGE + "tables: {t: {stage: s, rows: a, columns: b, values: %s}}\n"
CLAIM = STAGE + "claims:\n  c:\n    says: so\n    metric: %s\n    stage: s\n    of: {a: x, b: 1}\n    higher_than: {a: y}\n"
FIGURE = STAGE + "figures:\n  f: {kind: %s}\n"
SCATTER = "scatter, stage: s, where: {a: x, b: 1}, x: test/class_accuracy/*, y: "
MISTAKES = {  # what stands below the five lines of the head, line, message, mend
    "typo in a table": (TABLE % "val/acuracy", 7, "no trial of bench records 'val/acuracy'", "did you mean 'val/accuracy'?"),
    "typo in a claim": (CLAIM % "test/los", 10, "no trial of bench records 'test/los'", "did you mean 'test/loss'?"),
    "typo of a derived one": (
        "metrics: {animals: {mean: test/class_accuracy}}\n" + TABLE % "animal",
        8,
        "records 'animal'",
        "did you mean 'animals'?",
    ),
    "what something else logs": (TABLE % "map", 7, "no trial of bench records 'map'", "`metrics: {map: {}}`"),
    "class metric that is not noted": (
        TABLE % "val/f1/cat",
        7,
        "no trial here records 'val/f1/cat'",
        "add 'f1' to `class_metrics`",
    ),
    "derived from what is not noted": (
        "metrics: {small: {min: train/class_size}}\n" + TABLE % "small",
        8,
        "records 'train/class_size/*'",
        "add 'size' to",
    ),
    "denoising that is not done": (TABLE % "denoise/psnr/noisy", 7, "records 'denoise/psnr/noisy'", "`data.denoise`"),
    "curve of what has no epochs": (
        FIGURE % "curves, stage: s, lines: a, panels: b, metric: test/accuracy",
        8,
        "'test/accuracy' is not recorded every epoch",
        "did you mean 'train/accuracy'?",
    ),
    "bars of no class metric": (
        FIGURE % "classes, stage: s, bars: a, panels: b, metric: test/accuracy",
        8,
        "no trial of bench records 'test/accuracy/*'",
        "did you mean 'test/class_accuracy/*'?",
    ),
    "scatter of a typo": (FIGURE % (SCATTER + "test/class_acuracy/*"), 8, "'test/class_acuracy/*'", "'test/class_accuracy/*'?"),
    "hides a recorded one": ("metrics:\n  val/loss: {minus: [epochs, best_epoch]}\n" + STAGE, 7, "must not hide it", "rename it"),
    "hides one of a class": (
        "metrics:\n  val/f1/cat: {minus: [epochs, best_epoch]}\n" + STAGE,
        7,
        "must not hide it",
        "rename it",
    ),
    "two rules": (
        "metrics:\n  m: {mean: test/class_accuracy, sd: test/class_accuracy}\n" + STAGE,
        7,
        "one rule, not mean and sd",
        "",
    ),
    "classes of a difference": (
        "metrics:\n  m: {minus: [epochs, best_epoch], classes: [a]}\n" + STAGE,
        7,
        "'classes' belong",
        "",
    ),
    "classes of a first epoch": (
        "metrics:\n  m: {first: val/accuracy, at_least: 0.6, classes: [a]}\n" + STAGE,
        7,
        "'classes' belong to mean, sum, sd, min or max",
        "",
    ),
    "first epoch of no level": ("metrics:\n  m: {first: val/accuracy}\n" + STAGE, 7, "'first' needs one level: `at_least:", ""),
    "first epoch of two levels": (
        "metrics:\n  m: {first: val/accuracy, at_least: 0.6, at_most: 0.9}\n" + STAGE,
        7,
        "'first' needs one level",
        "",
    ),
    "a level of nothing": ("metrics:\n  m: {at_least: 0.6}\n" + STAGE, 7, "'at_least' belongs to first", ""),
    "first epoch of a typo": (
        "metrics:\n  m:\n    at_least: 0.6\n    first: val/acuracy\n" + STAGE,
        9,
        "no trial of bench records 'val/acuracy'",
        "did you mean 'val/accuracy'?",
    ),
    "first epoch of what has no epochs": (
        "metrics:\n  m:\n    at_least: 0.6\n    first: test/accuracy\n" + STAGE,
        9,
        "'test/accuracy' is not recorded every epoch",
        "did you mean 'train/accuracy'?",
    ),
    "a level that is not in the unit": (
        "metrics:\n  m:\n    first: val/accuracy\n    at_least: 60\n" + STAGE,
        9,
        "60 is no number for val/accuracy, which is 0 to 1",
        "write 0.6",
    ),
    "confusion of no group": (
        TABLE % "test/confused/pets",
        7,
        "no trial here records 'test/confused/pets'",
        "add the group to `class_groups` of `base.train`: `class_groups: {pets: [CLASS, CLASS]}`",
    ),
    "confusion over groups as if they were classes": (
        "metrics:\n  m: {mean: test/confused}\n" + STAGE,
        7,
        "'test/confused/<class>'",
        "",
    ),
    "predictions of classes that are not noted": (
        "metrics: {late: {sum: test/predicted, classes: [a, b]}}\n" + TABLE % "late",
        8,
        "records 'test/predicted/*'",
        "add 'predicted' to `class_metrics`",
    ),
    "a range that ends before the training": (
        "metrics: {m: {first: val/accuracy, at_least: 0.6, range: [1, 1.5]}}\n" + TABLE % "m",
        6,
        "ends at 1.5, and trials train for 2 epochs",
        "`range: [1, 2]`",
    ),
    "correlation of a typo": (
        "metrics:\n  m:\n    correlation: [val/f1, train/class_sise]\n" + STAGE,
        8,
        "no trial of bench records metrics 'train/class_sise/<class>'",
        "train/class_size",
    ),
    "difference of one": ("metrics:\n  m: {minus: [epochs]}\n" + STAGE, 7, "at least 2 items", ""),
    "difference of a typo": ("metrics:\n  m:\n    minus: [epochs, best_epok]\n" + STAGE, 8, "'best_epok'", "'best_epoch'?"),
    "difference of times": (
        "metrics:\n  m:\n    minus: [wall_clock, epochs]\n" + STAGE,
        8,
        "compared by its ratio",
        "leave it out",
    ),
    "prefix of nothing": (
        "metrics:\n  m: {mean: test/accuracy}\n" + STAGE,
        7,
        "'test/accuracy/<class>'",
        "'test/class_accuracy'?",
    ),
    "prefix with its star": ("metrics:\n  m: {mean: val/f1/*}\n" + STAGE, 7, "'val/f1/*/<class>'", "did you mean 'val/f1'?"),
    "itself": ("metrics:\n  m: {minus: [epochs, m]}\n" + STAGE, 7, "'m' is derived from itself: m → m", "take one of them out"),
    "a circle": (
        "metrics:\n  l: {minus: [m, epochs]}\n  m: {minus: [epochs, n]}\n  n: {minus: [epochs, l]}\n" + STAGE,
        7,
        "'l' is derived from itself: l → m → n → l",
        "",
    ),
    "bad name": ("metrics:\n  a b: {minus: [epochs, best_epoch]}\n" + STAGE, 7, "'a b' cannot stand here", ""),
}

ALL_OF_CLASSES = ("accuracy", "precision", "recall", "f1", "predicted")


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_told_with_line_and_mend(suite, mistake):
    suite.refuses(*MISTAKES[mistake])


def test_derived_metrics_are_named_like_any_other(suite):
    loaded = suite(
        "metrics:\n"
        "  test/animal_accuracy: {mean: test/class_accuracy, classes: [cat, 1]}\n"
        "  gap: {minus: [train/accuracy, test/accuracy]}\n"
        "  gap2: {minus: [gap, test/animal_accuracy]}\n"
        "  top5: {}\n"
        "  worst: {min: top5}\n"
        + TABLE % "[{metric: test/animal_accuracy, unit: '%'}, gap2, top5, worst, top5/cat]"
        + "claims: {c: {says: so, metric: gap, stage: s, of: {a: x, b: 1}, lower_than: {a: y}}}\n"
    )
    derived = loaded.spec.metrics
    assert derived["test/animal_accuracy"].classes == ["cat", "1"] and derived["top5"].logged and not derived["gap"].logged
    assert list(stored("gap2", derived)) == ["train/accuracy", "test/accuracy", "test/class_accuracy/*"]
    assert list(stored("worst", derived)) == ["top5/*"]


def test_an_ensemble_is_not_asked_for_the_metrics_of_classes(suite):
    votes = "{ensemble: {stages: s}, axes: {vote: {soft: {}, hard: {ensemble: {vote: hard}}}}}"
    body = f"stages:\n s: {{axes: {{a: {{x: {{}}}}}}}}\n v: {votes}\n"
    table = "tables: {t: {stage: v, rows: vote, values: [test/accuracy, val/f1/cat]}}\n"
    assert suite(body + table).spec.tables["t"].columns == []
    assert suite(body + table.replace("test/accuracy", "members")).spec.tables
    for metric in ("wall_clock", "train/loss", "train/class_size/cat"):
        suite.refuses(body + table.replace("test/accuracy", metric), 9, f"no trial here records {metric!r}", "trains nothing")
    of_trials = table.replace("stage: v, rows: vote", "stage: s, rows: a").replace("test/accuracy, val/f1/cat", "members")
    suite.refuses(body + of_trials, 9, "no trial here records 'members'", "ensembles alone")


def test_what_a_cell_asks_for_may_be_shown(suite):
    noted = TABLE.replace("x: {}", "x: {train: {class_metrics: [f1]}}") % "val/f1/cat"
    assert suite(noted).spec.tables["t"].values[0].metric == "val/f1/cat"
    denoised = TABLE.replace("x: {}", "x: {data: {denoise: {name: tv}}}") % "denoise/ssim/denoised"
    assert suite(denoised).spec.tables


def test_each_name_is_known_once():
    assert len(set(RECORDED)) == len(RECORDED) and not set(RECORDED) & {f"{prefix}/x" for prefix in BY_CLASS}
    assert is_recorded("test/class_accuracy/cat") and not is_recorded("test/class_accuracy")
    assert is_known("top5/cat", {"top5": Derived()}) and not is_known("gap/cat", {"gap": Derived(minus=["epochs", "best_epoch"])})
    assert cycle("a", {"a": Derived(minus=["b", "c"]), "b": Derived(minus=["c", "c"]), "c": Derived(minus=["b", "epochs"])}) == []


def test_what_is_known_of_a_metric_of_bench():
    accuracy, time = described("test/accuracy", {}), described("wall_clock", {})
    assert (accuracy.better, accuracy.range, accuracy.counts, accuracy.chance) == ("higher", (0, 1), "images", "classes")
    assert accuracy.is_share and not accuracy.is_ratio and not accuracy.is_open
    assert (time.better, time.unit, time.compared, time.chance) == ("lower", "s", "ratio", None)
    assert described("denoise/psnr/noisy", {}).unit == "dB" and described("val/f1/loss", {}).better == "higher"
    assert described("train/class_size/cat", {}).better == described("members", {}).better == ""
    for metric in [*RECORDED, *BY_CLASS]:
        assert any(word in KNOWN for word in metric.split("/")), f"nothing is known of {metric}"


def test_what_is_known_of_a_derived_metric_follows_from_what_it_is_made_of():
    derived = {
        "worst": Derived(min="test/class_accuracy"),
        "spread": Derived(sd="test/class_accuracy"),
        "gap": Derived(minus=["train/accuracy", "test/accuracy"]),
        "change": Derived(minus=["gap", "worst"], better="lower"),
    }
    worst, spread, gap, change = (described(name, derived) for name in derived)
    assert (worst.better, worst.range, worst.counts) == ("higher", (0, 1), "")
    assert (spread.better, spread.range) == ("", (0, 0.5)) and (gap.better, gap.range) == ("", (-1, 1))
    assert (change.better, change.range) == ("lower", (-2, 1))


def test_what_is_known_of_a_metric_that_something_else_logs_is_what_the_suite_says():
    derived = {"top5": Derived(better="higher", range=[0, 1]), "energy": Derived(range=[0, None])}
    assert described("top5", derived) == described("top5/cat", derived) == Metric("higher", (0, 1))
    assert described("energy", derived) == Metric(range=(0, math.inf))
    assert described("balanced_accuracy", {}) == Metric("higher") and described("huber_loss", {}) == Metric("lower")
    assert described("something", {}) == Metric() and Metric().is_open
    with pytest.raises(ValueError, match="lowest, highest"):
        Derived(range=[1, 0])


def test_shares_of_the_same_images_add_up_to_a_share_and_other_metrics_to_a_sum_of_theirs():
    derived = {
        "late": Derived(sum="test/predicted", classes=["5", "6"]),
        "all": Derived(sum="val/predicted"),
        "hits": Derived(sum="test/class_accuracy", classes=["a", "b"]),
        "images": Derived(sum="train/class_size"),
    }
    late, everything, hits, images = (described(name, derived) for name in derived)
    assert late == everything == Metric(range=(0, 1)) and late.is_share
    assert (hits.range, hits.chance, hits.better) == ((0, 2), None, "higher") and images.range == (0, math.inf)
    assert described("test/predicted/cat", {}).counts == "images" and described("test/predicted/cat", {}).better == ""


def test_what_is_known_of_the_network_and_of_groups_of_classes():
    memory, network, pets = (described(name, {}) for name in ("peak_memory", "parameters", "test/confused/pets"))
    assert (memory.better, memory.unit, memory.is_ratio, memory.crowded) == ("lower", "MB", True, False)
    assert (network.better, network.is_ratio, network.step) == ("", False, 1) and described("total_parameters", {}) == network
    assert pets == Metric(range=(0, 1)) and is_recorded("test/confused/pets") and not is_recorded("test/confused")


def test_the_first_epoch_at_a_level_is_a_number_of_epochs_of_which_fewer_are_better():
    rule = Derived(first="val/accuracy", at_least=0.6)
    assert described("to_60", {"to_60": rule}) == Metric("lower", (1, math.inf), "epochs")
    assert described("to_60", {"to_60": rule.model_copy(update={"range": [1, 40]})}).range == (1, 40)
    assert list(stored("to_60", {"to_60": rule})) == ["val/accuracy", "epochs"] and not rule.logged
    curve = [(1, 0.5), (2, 0.6), (3, 0.55), (4, 0.7)]
    assert rule.reached(curve) == 2 and rule.reached(curve[:1]) is None and rule.reached([]) is None
    assert Derived(first="val/accuracy", at_least=57).reached([(1, 0.57)], factor=100) == 1, "whatever 100 times .57 rounds to"
    assert Derived(first="val/loss", at_most=0.55).reached(curve) == 1


def test_the_first_epoch_at_a_level_is_named_like_any_other_and_not_of_ensembles(suite):
    rules = (
        "metrics: {to_60: {first: val/accuracy, at_least: 60}, val/accuracy: {unit: '%'}, map: {}, "
        "to_map: {first: map, at_least: 3}}\n"
    )
    claim = "claims: {c: {says: so, metric: to_60, stage: s, of: {a: x, b: 1}, lower_than: {a: y}}}\n"
    assert suite(rules + TABLE % "[to_60, to_map]" + claim).spec.metrics["to_60"].at_least == 60
    votes = "stages:\n s: {axes: {a: {x: {}}}}\n v: {ensemble: {stages: s}, axes: {vote: {soft: {}, hard: {}}}}\n"
    votes = votes.replace("hard: {}", "hard: {ensemble: {vote: hard}}")
    suite.refuses(rules + votes + "tables: {t: {stage: v, rows: vote, values: to_60}}\n", 10, "'epochs'", "trains nothing")


def test_a_claim_on_a_first_epoch_rests_on_its_metric_too(suite):
    rules = "metrics: {to_60: {first: val/accuracy, at_least: 0.6}, val/loss: {margin: 1}}\n"
    loaded = suite(rules + CLAIM % "to_60")
    changed = {name: [Change(("metrics", name), {"unit": "%"}, None)] for name in ("val/accuracy", "to_60", "val/loss")}
    assert [touched(loaded, changes) for changes in changed.values()] == [{"c"}, {"c"}, set()]


def test_a_group_that_a_cell_asks_for_may_be_shown(suite):
    asked = TABLE.replace("x: {}", "x: {train: {class_groups: {pets: [0, 1]}}}") % "test/confused/pets"
    assert suite(asked).spec.tables["t"].values[0].metric == "test/confused/pets"
    for wrong, message in (("{pets: [0]}", "at least 2"), ("{a/b: [0, 1]}", "'a/b' cannot stand here")):
        suite.refuses(asked.replace("{pets: [0, 1]}", wrong), 6, message, "")


def test_a_suite_says_the_unit_and_the_margin_of_a_metric_once():
    percent = Derived(unit="%", margin=2)
    derived = {
        "test/accuracy": percent,
        "val/loss": Derived(margin=0.1),
        "wall_clock": Derived(margin=0.1),
        "top5": Derived(unit="%"),
    }
    accuracy, loss, time = (described(name, derived) for name in ("test/accuracy", "val/loss", "wall_clock"))
    assert (accuracy.unit, accuracy.margin, accuracy.factor, accuracy.range) == ("%", 2, 100, (0, 1))
    assert (loss.margin, loss.factor, loss.unit) == (0.1, 1, "") and time.margin == 0.1 and time.is_ratio
    assert described("top5", derived).factor == 1, "what is not known to be a share is in percent already"
    gap = {"train/accuracy": percent, "test/accuracy": percent, "gap": Derived(minus=["train/accuracy", "test/accuracy"])}
    assert (described("gap", gap).factor, described("gap", gap).margin) == (100, None), "the margin is not that of the difference"
    assert described("test/accuracy", {}).factor == 1


@pytest.mark.parametrize(
    ("rule", "line", "message"),
    [
        ("test/accuracy: {unit: '%', mean: test/class_accuracy}", 7, "must not hide it"),
        ("test/accuracy: {}", 7, "must not hide it"),
        ("test/accuracy: {margin: 0}", 7, "should be greater than 0"),
        ("test/accuracy: {margin: 2%}", 7, "test/accuracy.margin"),
    ],
)
def test_facts_of_a_recorded_metric_are_no_rule(suite, rule, line, message):
    suite.refuses(f"metrics:\n  {rule}\n" + STAGE, line, message, "")
    assert suite("metrics:\n  test/accuracy: {unit: '%', margin: 2}\n" + STAGE).spec.metrics["test/accuracy"].facts


@pytest.mark.parametrize("metric", ["ood/accuracy", "test/robust/accuracy", "inference/wall_clock", "test/x/f1/cat"])
def test_a_name_like_one_of_bench_says_which_end_is_better_and_no_more(metric):
    assert described(metric, {}) == described(metric, {metric: Derived()}) == Metric(described(metric, {}).better)
    assert described(metric, {}).better


def test_a_metric_that_is_derived_from_itself_is_told_before_a_claim_on_it_is_looked_at(suite):
    claim = "claims: {c: {says: so, metric: m, stage: s, of: {a: x, b: 1}, higher_than: 1}}\n"
    loop = "metrics: {m: {minus: [n, val/loss]}, n: {minus: [m, val/loss]}}\n"
    with pytest.raises(BenchError, match="derived from itself"):
        suite(STAGE + loop + claim)
    whole = "metrics: {test/class_accuracy: {mean: test/class_accuracy}}\n"
    assert suite(STAGE + whole + claim.replace("metric: m", "metric: test/class_accuracy")).claims
    with pytest.raises(BenchError) as error:
        suite(STAGE + claim.replace("metric: m", "metric: tst/accuracy").replace("than: 1", "than: 50"))
    assert "test/accuracy" in error.value.mend


def test_every_metric_that_training_records_is_known():
    """Against the functions that name them."""
    import numpy as np

    from bench.training.metrics import class_groups, class_sizes, of_confusion, of_history

    names = ["a", "b"]
    told = of_confusion("test", np.eye(2), names, ALL_OF_CLASSES)
    told |= of_confusion("val", np.eye(2), names, ALL_OF_CLASSES) | class_sizes(np.array([0, 1]), names)
    told |= of_history([{"val/accuracy": 0.5}])
    assert [metric for metric in told if not is_recorded(metric)] == []
    by_class = {metric.rpartition("/")[0] for metric in told if metric.endswith("/a")}
    assert by_class == set(BY_CLASS)
    groups = class_groups({"pets": ["a", 1]}, ["a", "b", "c"])
    assert is_recorded(*set(of_confusion("test", np.ones((3, 3), int), ["a", "b", "c"], (), groups)) - set(RECORDED))
