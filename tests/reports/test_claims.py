"""Claims of a suite file on stored runs: verdicts, looks, and what is said where nothing can be tested."""

import io
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_1samp, ttest_ind

from bench.reports.claims.judge import judge
from bench.reports.claims.kinds.trend import ordered
from bench.reports.records.arms import Records
from bench.reports.records.collect import Expected, collect
from bench.runner.planner import make_plan
from bench.suite.load import load_suite
from bench.trackers import StoredRun

SUITE = """\
suite: tiny
title: A tiny suite
data: {{source: digits}}
base: {{model: {{name: simple_cnn}}, train: {{epochs: 1, class_metrics: [accuracy, size]}}}}
seeds: {seeds}
stages:
  s:
    axes:
      model: {{small: {{}}, large: {{train: {{batch_size: 8}}}}}}
      noise: {{path: data.noise.variance, values: [0, 0.01, 0.04]}}
claims:
{claims}
"""
GREATER = "kind: greater, metric: val/accuracy, stage: s, where: {noise: 0}, left: {model: small}, right: {model: large}"
EQUIVALENT = GREATER.replace("greater", "equivalent") + ", margin: 0.02"
WITHIN = "the difference, the same in every seed, lies within"
WIGGLE = (0.004, -0.003, 0.002, -0.005, 0.001, 0.003, -0.004, 0.0, 0.002, -0.001, 0.005, -0.002)
OTHER = (-0.002, 0.001, 0.004, 0.000, -0.003, 0.001, -0.001, 0.003, -0.004, 0.002, 0.0, -0.001)


class Study:
    """A suite with claims, and runs made up for its trials."""

    def __init__(self, folder, claims, value, seeds=5, outcome=lambda labels, seed: "finished", tags=None, noise="0, 0.01, 0.04"):
        """value: (labels, seed) → metrics. outcome: (labels, seed) → how the trial ended. noise: its levels, as listed."""
        lines = "\n".join(f"  {name}: {{says: it is so, {text}}}" for name, text in claims.items())
        path = folder / "tiny.yaml"
        path.write_text(SUITE.format(seeds=seeds, claims=lines).replace("0, 0.01, 0.04", noise))
        self.suite, self.value, self.outcome, self.tags = load_suite(path), value, outcome, tags or {}
        self.claims = {name: (self.suite.spec.claims[name], found) for name, found in self.suite.claims.items()}
        self.schedules = {stage: self.suite.schedule(stage) for stage in self.suite.spec.stages}

    def records(self, looks=None, without=frozenset()):
        """Return all planned trials, with runs for all but those of the seeds `without`."""
        plan = make_plan(self.suite, [], looks=looks)
        runs = [self._run(trial) for trial in plan.trials if trial.seed not in without]
        expected = [Expected(t.cell.stage, t.cell.labels, t.seed, t.fingerprint) for t in plan.trials]
        return collect(expected, runs)

    def _run(self, trial):
        outcome = self.outcome(trial.cell.labels, trial.seed)
        tags = {"fingerprint": trial.fingerprint, "outcome": outcome, "device": "CPU", "workers": "2", "threads": "1"} | self.tags
        metrics = self.value(trial.cell.labels, trial.seed) if outcome == "finished" else {}
        return StoredRun(trial.fingerprint[:8], "FINISHED" if outcome == "finished" else "FAILED", tags, metrics)

    def judge(self, looks=None, predictions=None, **options):
        return judge(self.claims, self.schedules, Records(self.records(looks, **options)), predictions)

    def one(self, **options):
        """Return the only claim's result."""
        (claim,) = self.judge(**options).claims
        return claim


def accuracy(small=0.9, large=0.9, slope=0.0):
    """Return accuracies that wiggle from seed to seed, not alike for the two models."""

    def value(labels, seed):
        base, wiggle = (small, WIGGLE) if labels["model"] == "small" else (large, OTHER)
        return {"val/accuracy": base + wiggle[seed % 12] + slope * float(labels["noise"]), "wall_clock": 10 * base + seed % 3}

    return value


@pytest.mark.parametrize(
    ("claim", "small", "large", "verdict", "holds", "words"),
    [
        (GREATER, 0.95, 0.90, "supported", True, "Significant in the direction claimed."),
        (GREATER, 0.90, 0.95, "refuted", False, "opposite direction"),
        (GREATER.replace("greater", "less"), 0.90, 0.95, "supported", True, "direction claimed"),
        (GREATER, 0.9001, 0.90, "unresolved", None, "Declare a margin to learn how many seeds"),
        (GREATER + ", margin: 0.001", 0.9001, 0.90, "unresolved", None, "seeds would settle it at the margin, ±0.001."),
        (GREATER + ", margin: 0.02", 0.9001, 0.90, "equivalent", False, "lies within ±0.02."),
        (GREATER + ", margin: 0.03", 0.914, 0.90, "different but negligible", False, "Significant, but the 90 % interval"),
        (GREATER + ", margin: 0.01", 0.95, 0.90, "supported", True, ""),
        (EQUIVALENT, 0.9001, 0.90, "equivalent", True, "The 90 % interval, "),
        (EQUIVALENT, 0.91, 0.90, "different but negligible", True, ""),
        (EQUIVALENT, 0.95, 0.90, "refuted", False, "Differs by more than the margin, ±0.02."),
        (EQUIVALENT, 0.92, 0.90, "unresolved", None, "Neither equal within the margin nor beyond it"),
    ],
)
def test_verdicts(tmp_path, claim, small, large, verdict, holds, words):
    result = Study(tmp_path, {"c": claim}, accuracy(small, large)).one()
    (part,) = result.parts
    assert (result.verdict, result.holds, part.verdict) == (verdict, holds, verdict)
    assert words in part.why
    assert part.result.n == 5 and part.result.difference == pytest.approx(small - large + 0.0002 - 0.0004, abs=1e-3)
    assert len(part.run_ids) == 10 and (part.seeds_needed is None) == ("margin" not in claim or verdict != "unresolved")


def test_the_seeds_needed_are_those_of_the_declared_margin(tmp_path):
    narrow = Study(tmp_path, {"c": GREATER + ", margin: 0.001"}, accuracy()).one().parts[0]
    wide = Study(tmp_path, {"c": GREATER + ", margin: 0.002"}, accuracy()).one().parts[0]
    assert narrow.verdict == wide.verdict == "unresolved"
    # by the normal approximation, n = ((1.96 + 0.84) SD / margin)²
    assert narrow.seeds_needed == pytest.approx((2.8 * narrow.result.sd / 0.001) ** 2, rel=0.05)
    assert wide.seeds_needed < narrow.seeds_needed / 3
    assert f"About {narrow.seeds_needed} seeds would settle it" in narrow.why
    assert narrow.detectable == pytest.approx(1.68 * narrow.result.sd, rel=0.01)


@pytest.mark.parametrize("levels", list(permutations(["0", "0.01", "0.04"])))
def test_a_trend_is_of_the_levels_whatever_their_order_in_the_file(tmp_path, levels):
    claim = "kind: trend, metric: val/accuracy, stage: s, where: {model: small}, along: noise, direction: decreasing"

    def value(labels, seed):
        noise = float(labels["noise"])
        return {"val/accuracy": 0.9 - 2 * noise + noise * WIGGLE[seed]}

    result = Study(tmp_path, {"c": claim}, value, noise=", ".join(levels)).one()
    assert result.verdict == "supported" and result.parts[0].contrast == "noise=0 → 0.01 → 0.04 at model=small"
    assert result.parts[0].result.difference == pytest.approx(-0.08, abs=1e-3)


@pytest.mark.parametrize(
    ("labels", "order", "scores"),
    [
        (["64", "32", "16"], ["16", "32", "64"], (16, 32, 64)),
        (["100%", "10%"], ["10%", "100%"], (10, 100)),
        (["low", "high"], ["low", "high"], (0, 1)),
        (["1", "1.0", "2"], ["1", "1.0", "2"], (0, 1, 2)),
        (["1", "inf"], ["1", "inf"], (0, 1)),
    ],
)
def test_levels_stand_where_their_numbers_are_and_words_as_they_are_listed(labels, order, scores):
    assert ordered(labels) == dict(zip(order, scores, strict=True)) and list(ordered(labels)) == order


@pytest.mark.parametrize(("seeds", "verdict"), [(6, "supported"), (5, "insufficient seeds")])
def test_a_difference_that_is_the_same_in_every_seed_is_for_the_sign_flip_test_to_judge(tmp_path, seeds, verdict):
    def value(labels, seed):
        return {"val/accuracy": 0.95 if labels["model"] == "small" else 0.9}

    study = Study(tmp_path, {"c": GREATER + ", test: sign-flip"}, value, seeds)
    part = study.one().parts[0]
    assert part.verdict == verdict and part.result.ci_low is None
    assert (part.p == pytest.approx(2 / 64) and part.why == "Significant in the direction claimed.") or seeds == 5


@pytest.mark.parametrize(
    ("claim", "verdict", "holds", "why"),
    [
        (EQUIVALENT.replace("0.02", "0.1"), "different but negligible", True, f"Significant, but {WITHIN} ±0.1."),
        (GREATER + ", margin: 0.1", "different but negligible", False, f"Significant, but {WITHIN} ±0.1."),
        (EQUIVALENT, "refuted", False, "Differs by more than the margin, ±0.02."),
        (EQUIVALENT.replace("0.02", "0.05"), "unresolved", None, "; it is the same in every seed, so that more of them"),
    ],
)
def test_a_difference_that_is_the_same_in_every_seed_is_held_against_the_margin(tmp_path, claim, verdict, holds, why):
    def value(labels, seed):
        return {"val/accuracy": 0.75 + (0.05 if labels["model"] == "small" else 0)}

    result = Study(tmp_path, {"c": claim + ", test: sign-flip"}, value, seeds=8).one()
    assert (result.verdict, result.holds) == (verdict, holds) and why in result.parts[0].why


def test_nothing_is_made_of_what_is_not_significant(tmp_path):
    """Ten seeds would do at the margin, and there are twelve: no word that the effect is none."""
    study = Study(tmp_path, {"c": GREATER + ", margin: 0.004"}, accuracy(0.9022, 0.9), seeds=12)
    part = study.one().parts[0]
    assert part.verdict == "unresolved" and part.seeds_needed <= 12
    assert f"at the margin, ±0.004, {part.seeds_needed} seeds have 80 % power, and there are 12." in part.why
    assert "lie near" not in part.why


def test_seeds_of_unpaired_arms_are_counted_by_the_arm(tmp_path):
    study = Study(tmp_path, {"c": GREATER + ", margin: 0.0035, test: welch"}, accuracy(0.9025, 0.9), seeds=8)
    part = study.one().parts[0]
    assert part.verdict == "unresolved" and part.result.n == 16 and 8 < part.seeds_needed <= 16
    assert f"About {part.seeds_needed} seeds an arm would settle it" in part.why


def test_no_factor_is_told_that_no_measurement_could_show(tmp_path):
    def value(labels, seed):
        return {"wall_clock": 10.0 ** (seed * 20) if labels["model"] == "small" else 1.0}

    part = Study(tmp_path, {"c": GREATER.replace("val/accuracy", "wall_clock")}, value, seeds=3).one().parts[0]
    assert part.detectable is None and "factor" not in part.why


def test_a_ratio_of_times(tmp_path):
    text = GREATER.replace("greater", "less").replace("val/accuracy", "wall_clock")

    def value(labels, seed):
        return {"wall_clock": (100 + seed) * (1 if labels["model"] == "small" else 10 + 0.1 * (seed % 2))}

    seventh = Study(tmp_path, {"c": text + ", ratio: 1/7"}, value).one()
    assert seventh.verdict == "supported" and seventh.ratio == pytest.approx(1 / 7)
    result = seventh.parts[0].result
    assert result.ratio and result.difference == pytest.approx(0.0996, abs=1e-4)
    assert result.ci_low < result.difference < result.ci_high < 1 / 7
    assert next(iter(result.deltas.values())) == pytest.approx(0.1)
    assert Study(tmp_path, {"c": text + ", ratio: 1/20"}, value).one().verdict == "refuted"
    same = text.replace("less", "equivalent") + ", margin: 0.5"
    assert Study(tmp_path, {"c": same}, value).one().verdict == "refuted"


def test_times_of_unlike_conditions_are_not_compared(tmp_path):
    text = GREATER.replace("val/accuracy", "wall_clock")
    study = Study(tmp_path, {"c": text}, accuracy(0.5, 0.9))
    records = [
        replace(r, run=replace(r.run, tags=r.run.tags | {"precision": "bfloat16"})) if r.labels["model"] == "large" else r
        for r in study.records()
    ]
    (claim,) = judge(study.claims, study.schedules, Records(records)).claims
    assert claim.verdict == "unresolved" and "Timed under unlike conditions" in claim.parts[0].why
    assert "bfloat16" in claim.parts[0].why


def test_a_trend_is_the_change_along_the_line(tmp_path):
    text = "kind: trend, metric: val/accuracy, stage: s, along: noise, direction: decreasing, each: model"
    claim = Study(tmp_path, {"c": text}, accuracy(slope=-2)).one()
    assert [part.label for part in claim.parts] == ["model=small", "model=large"]
    # both models move along the very same line, without any spread around it: nothing to test against
    assert claim.verdict == "unresolved" and "the same for every seed" in claim.parts[0].why
    assert claim.parts[0].result.difference == pytest.approx(-2 * 0.04)

    def value(labels, seed):
        slope = -2 + 0.1 * WIGGLE[seed] / 0.005 if labels["model"] == "small" else 1 + OTHER[seed] * 50
        return {"val/accuracy": 0.8 + slope * float(labels["noise"])}

    claim = Study(tmp_path, {"c": text}, value).one()
    assert [part.verdict for part in claim.parts] == ["supported", "refuted"]
    assert (claim.verdict, claim.holds, claim.m) == ("refuted", False, 2)
    assert claim.parts[0].holm == pytest.approx(2 * claim.parts[0].p) or claim.parts[0].holm == claim.parts[0].p


def test_an_interaction_is_the_double_difference(tmp_path):
    left, right = (f"[{{model: {m}, noise: 0.04}}, {{model: {m}, noise: 0}}]" for m in ("large", "small"))
    pairs = f"left: {left}, right: {right}"
    text = f"kind: interaction, metric: val/accuracy, stage: s, direction: greater, {pairs}"

    def value(labels, seed):
        gain = (0.1 + WIGGLE[seed] if labels["model"] == "large" else 0.02 + OTHER[seed]) if labels["noise"] == "0.04" else 0
        return {"val/accuracy": 0.5 + gain}

    claim = Study(tmp_path, {"c": text}, value).one()
    deltas = [0.08 + WIGGLE[seed] - OTHER[seed] for seed in range(5)]
    assert list(claim.parts[0].result.deltas.values()) == pytest.approx(deltas)
    assert claim.verdict == "supported"


def test_a_correlation_over_classes_averages_the_seeds_first(tmp_path):
    text = "kind: correlation, x: train/class_size/*, y: test/class_accuracy/*, stage: s, direction: positive"
    text += ", where: {model: small, noise: 0}"
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(5, 10))

    def value(labels, seed):
        sizes = {f"train/class_size/c{i}": 10.0 * i for i in range(10)}
        return sizes | {f"test/class_accuracy/c{i}": 0.5 + 0.02 * i + 0.02 * noise[seed, i] for i in range(10)}

    claim = Study(tmp_path, {"c": text}, value).one()
    result = claim.parts[0].result
    expected = np.corrcoef(np.arange(10), 0.02 * np.arange(10) + 0.02 * noise.mean(0))[0, 1]
    assert result.n == 10 and result.difference == pytest.approx(expected) and claim.verdict == "supported"
    assert len(claim.parts[0].run_ids) == 5
    over_cells = "kind: correlation, x: wall_clock, y: val/accuracy, stage: s, direction: positive"
    claim = Study(tmp_path, {"c": over_cells}, accuracy(0.7, 0.9, slope=-0.5)).one()
    assert claim.parts[0].result.n == 6 and claim.verdict == "supported"


def test_a_sign_flip_test_of_few_seeds_is_insufficient_and_never_unresolved(tmp_path):
    five = Study(tmp_path, {"c": GREATER + ", test: sign-flip"}, accuracy(0.95, 0.5)).one()
    assert (five.verdict, five.holds) == ("insufficient seeds", None)
    assert "the smallest p that n=5 seeds allow is 0.0625" in five.parts[0].why.lower()
    six = Study(tmp_path, {"c": GREATER + ", test: sign-flip"}, accuracy(0.95, 0.5), seeds=6).one()
    assert six.verdict == "supported" and six.parts[0].p == 0.03125
    both = {"c": GREATER + ", test: sign-flip, family: f", "d": GREATER + ", test: sign-flip, family: f"}
    result = Study(tmp_path, both, accuracy(0.95, 0.5), seeds=6).judge().claims[0]
    assert result.verdict == "insufficient seeds" and "times m=2" in result.parts[0].why


def test_a_family_is_corrected_together_and_an_irrelevant_claim_changes_nothing(tmp_path):
    alone = Study(tmp_path, {"c": GREATER}, accuracy(0.906, 0.90)).one()
    other = "kind: less, metric: val/accuracy, stage: s, where: {model: small}, left: {noise: 0.01}, right: {noise: 0}"
    value = accuracy(0.906, 0.90)

    def value_with_noise(labels, seed):
        shift = OTHER[seed + 3] if labels["noise"] == "0.01" else 0
        return {"val/accuracy": value(labels, seed)["val/accuracy"] + shift}

    apart = Study(tmp_path, {"d": other, "c": GREATER}, value_with_noise).judge().claims[1]
    assert apart == alone
    together = Study(tmp_path, {"d": f"{other}, family: f", "c": f"{GREATER}, family: f"}, value_with_noise).judge().claims[1]
    assert together.m == 2 and together.parts[0].p == alone.parts[0].p
    assert together.parts[0].holm == pytest.approx(2 * alone.parts[0].p)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=3, max_size=8))
def test_exchanging_the_arms_flips_signs_and_nothing_else(tmp_path_factory, pairs):
    def value(labels, seed):
        return {"val/accuracy": 0.5 + 0.001 * pairs[seed][labels["model"] == "large"]}

    swapped = GREATER.replace("greater", "less").replace(
        "left: {model: small}, right: {model: large}", "left: {model: large}, right: {model: small}"
    )
    claims = {"c": GREATER + ", margin: 0.01", "d": swapped + ", margin: 0.01"}
    c, d = Study(tmp_path_factory.mktemp("s"), claims, value, seeds=len(pairs)).judge().claims
    assert (c.verdict, c.holds) == (d.verdict, d.holds)
    one, other = c.parts[0], d.parts[0]
    assert other.result.difference == pytest.approx(-one.result.difference, abs=1e-12)
    if one.p is not None:
        assert (other.p, other.detectable, other.seeds_needed) == pytest.approx((one.p, one.detectable, one.seeds_needed))


def test_a_diverged_seed_never_disappears(tmp_path):
    def outcome(labels, seed):
        return "diverged" if (labels["model"], seed) == ("large", 2) else "finished"

    part = Study(tmp_path, {"c": GREATER}, accuracy(0.95, 0.90), outcome=outcome).one().parts[0]
    assert part.result.n == 4 and part.why.endswith("Without a result: seed 2 (diverged).")


def test_a_value_that_is_no_number_is_left_out_and_told(tmp_path):
    value = accuracy(0.95, 0.90)

    def broken(labels, seed):
        return {"val/accuracy": float("nan")} if (labels["model"], seed) == ("small", 3) else value(labels, seed)

    part = Study(tmp_path, {"c": GREATER}, broken).one().parts[0]
    assert part.verdict == "supported" and part.result.n == 4
    assert part.why.endswith("Without a result: seed 3 (val/accuracy is nan).")


@pytest.mark.parametrize(
    ("seeds", "value", "verdict", "words"),
    [
        (1, accuracy(0.95, 0.9), "insufficient seeds", "One seed in common; a test needs two."),
        (5, lambda labels, seed: {"val/accuracy": 0.5}, "unresolved", "The difference is the same for every seed"),
        (5, lambda labels, seed: {"val/loss": 1.0}, "insufficient seeds", "no metric 'val/accuracy'"),
        (
            4,
            lambda labels, seed: {"val/accuracy": 0.5} if (seed < 2) == (labels["model"] == "small") else {},
            "insufficient seeds",
            "no seed in common",
        ),
    ],
)
def test_what_cannot_be_tested_is_said_in_a_sentence(tmp_path, seeds, value, verdict, words):
    claim = Study(
        tmp_path,
        {
            "c": GREATER,
        },
        value,
        seeds=seeds,
    ).one()
    part = claim.parts[0]
    assert part.verdict == verdict and words in part.why and part.why.endswith(".")
    assert part.p is None and part.holm is None


@pytest.mark.parametrize(
    ("claim", "wrong", "verdict", "words"),
    [
        (
            GREATER,
            40,
            "supported",
            "Significant in the direction claimed. One seed a side: McNemar's test over the images",
        ),
        (GREATER, 3, "unresolved", "n=1000 images find a difference of"),
        (EQUIVALENT, 3, "equivalent", "lies within ±0.02."),
    ],
)
def test_two_models_of_one_seed_are_compared_over_the_images(tmp_path, claim, wrong, verdict, words):
    def predictions(run_id):
        labels = by_run[run_id].labels
        said = np.eye(2)[[int(labels["model"] == "large" and i < wrong) for i in range(1000)]]
        buffer = io.BytesIO()
        zeros = np.zeros(1000, dtype=int)
        np.savez(buffer, **{"val/probabilities": said, "val/targets": zeros, "val/indices": np.arange(1000)})
        return buffer.getvalue()

    study = Study(tmp_path, {"c": claim + ", test: crossed"}, accuracy(0.9, 0.9), seeds=1)
    by_run = {record.run.run_id: record for record in study.records()}
    result = study.one(predictions=predictions)
    (part,) = result.parts
    assert result.verdict == verdict and words in part.why
    assert part.result.test == "mcnemar" and part.result.n == 1000 and part.result.difference == pytest.approx(wrong / 1000)
    assert part.p == pytest.approx(2 * 0.5**wrong) if claim == GREATER else part.equivalence_p < 0.05
    assert "seeds would settle" not in part.why and part.seeds_needed is None


def test_welch_and_crossed_tests_are_those_declared(tmp_path):
    unpaired = Study(tmp_path, {"c": GREATER + ", test: welch"}, accuracy(0.91, 0.90)).one()
    small, large = ([0.9 + w for w in wiggle[:5]] for wiggle in (WIGGLE, OTHER))
    expected = ttest_ind([v + 0.01 for v in small], large, equal_var=False)
    assert unpaired.parts[0].p == pytest.approx(expected.pvalue) and unpaired.test == "welch"
    crossed = Study(tmp_path, {"c": GREATER + ", test: crossed"}, accuracy(0.91, 0.90)).one(predictions=lambda run_id: None)
    assert crossed.verdict == "unresolved" and "has no stored predictions" in crossed.parts[0].why


def test_an_arm_against_a_number_is_the_one_sample_t_test(tmp_path):
    text = "kind: {}, metric: val/accuracy, stage: s, left: {{model: small, noise: 0}}, right: {}"
    claims = {
        "above": text.format("greater", 0.5),
        "below": text.format("less", 0.5),
        "near": text.format("equivalent", 0.9) + ", margin: 0.02",
        "exact": text.format("greater", 0.5) + ", test: sign-flip",
    }
    found = {claim.name: claim for claim in Study(tmp_path, claims, accuracy()).judge().claims}
    expected = ttest_1samp([0.9 + w for w in WIGGLE[:5]], 0.5)
    (part,) = found["above"].parts
    assert part.p == pytest.approx(expected.pvalue) and part.result.t == pytest.approx(expected.statistic)
    assert part.contrast == "model=small, noise=0 vs 0.5" and len(part.run_ids) == 5
    verdicts = {name: claim.verdict for name, claim in found.items()}
    assert verdicts == {"above": "supported", "below": "refuted", "near": "equivalent", "exact": "insufficient seeds"}


def test_a_number_stands_against_no_result(tmp_path):
    claim = {"c": "kind: greater, metric: val/accuracy, stage: s, left: {model: small, noise: 0}, right: 0.5"}
    result = Study(tmp_path, claim, accuracy(), outcome=lambda labels, seed: "diverged").one()
    assert result.verdict == "insufficient seeds" and "model=small, noise=0 (diverged)" in result.parts[0].why


# ---------------------------------------------------------------- looks


LOOKS = "{looks: [3, 5, 8]}"


def run_to_the_end(study):
    """Go on as `bench run` does until no more seeds are due. Returns the judgement and the looks of the cells."""
    due = {}
    while True:
        found = study.judge(due)
        more = {cell: look for cell, look in found.due.items() if due.get(cell, 0) < look}
        if not more:
            return found, due
        due |= more


def test_only_what_is_unresolved_gets_more_seeds(tmp_path):
    clear = "kind: less, metric: val/accuracy, stage: s, where: {model: small}, left: {noise: 0.04}, right: {noise: 0}"
    value = accuracy(0.901, 0.90)

    def with_noise(labels, seed):
        shift = -0.3 + 5 * WIGGLE[seed + 1] if labels["noise"] == "0.04" else 0.0
        return {"val/accuracy": value(labels, seed)["val/accuracy"] + shift}

    found, due = run_to_the_end(Study(tmp_path, {"open": GREATER, "clear": clear}, with_noise, seeds=LOOKS))
    first, second = found.claims
    assert (second.verdict, second.look, second.parts[0].result.n) == ("supported", "look 1 of 3, 3 seeds", 3)
    assert (first.verdict, first.look, first.parts[0].result.n) == ("unresolved", "look 3 of 3, 8 seeds", 8)
    assert second.alpha == pytest.approx(0.05 / 3) and second.parts[0].result.confidence == pytest.approx(1 - 0.05 / 3)
    assert due == {("s", (("model", model), ("noise", "0"))): 2 for model in ("small", "large")}


def test_a_verdict_stands_with_the_data_of_its_look(tmp_path):
    """The clear claim shares a cell with the open one, which goes on; its own numbers stay those of its look."""
    other = GREATER.replace("noise: 0}", "noise: 0.01}")
    value = accuracy(0.9, 0.90)

    def with_noise(labels, seed):
        shift = 0.3 if labels == {"model": "small", "noise": "0.01"} else 0.0
        return {"val/accuracy": value(labels, seed)["val/accuracy"] + shift}

    across = "kind: less, metric: val/accuracy, stage: s, left: {model: large, noise: 0.01}, right: {model: large, noise: 0}"

    def wiggly(labels, seed):
        extra = OTHER[(seed * 5 + 2) % 12] if labels["noise"] == "0.01" else 0
        return {"val/accuracy": with_noise(labels, seed)["val/accuracy"] + extra}

    study = Study(tmp_path, {"clear": other, "open": across}, wiggly, seeds=LOOKS)
    found, _due = run_to_the_end(study)
    clear, still_open = found.claims
    assert (clear.verdict, clear.parts[0].result.n, clear.look) == ("supported", 3, "look 1 of 3, 3 seeds")
    assert (still_open.verdict, still_open.parts[0].result.n) == ("unresolved", 8)
    assert study.judge().claims[0] == clear


def test_a_verdict_is_preliminary_while_trials_are_to_run(tmp_path):
    study = Study(tmp_path, {"c": GREATER}, accuracy(0.95, 0.90))
    assert not study.one().parts[0].preliminary
    part = study.judge(without={4}).claims[0].parts[0]
    assert part.preliminary and part.result.n == 4 and part.verdict == "supported"
    assert "seed 4 (missing)" in part.why
    failed = Study(tmp_path, {"c": GREATER}, accuracy(0.95, 0.90), outcome=lambda labels, seed: "finished" if seed else "oom")
    assert not failed.one().parts[0].preliminary


def test_nothing_is_due_before_a_look_is_complete_or_where_an_arm_cannot_run(tmp_path):
    study = Study(tmp_path, {"c": GREATER}, accuracy(), seeds=LOOKS)
    assert study.judge(without={2}).due == {} and study.judge().due
    failed = Study(
        tmp_path,
        {"c": GREATER},
        accuracy(),
        seeds=LOOKS,
        outcome=lambda labels, seed: "oom" if labels["model"] == "large" else "finished",
    )
    found = failed.judge()
    assert found.due == {} and found.claims[0].verdict == "insufficient seeds"


def test_looks_keep_the_false_positive_rate(tmp_path):
    """Both arms are drawn from the same distribution: at most alpha of all studies may come to `supported` or `refuted`."""
    rng = np.random.default_rng(20)
    draws = rng.normal(0.9, 0.01, size=(1500, 2, 12))
    trial = {"n": 0}

    def value(labels, seed):
        return {"val/accuracy": draws[trial["n"], int(labels["model"] == "large"), seed]}

    study = Study(tmp_path, {"c": GREATER}, value, seeds="{looks: [5, 8, 12], alpha: 0.05}")
    arms = {("s", (("model", model), ("noise", "0"))) for model in ("small", "large")}
    by_look = [[r for r in study.records(dict.fromkeys(arms, k)) if ("s", tuple(r.labels.items())) in arms] for k in range(3)]
    found = {"supported": 0, "refuted": 0, "unresolved": 0}
    naive = 0
    relaxed = {"s": replace(study.schedules["s"], total_alpha=0.15)}  # 0.05 at each look: what one would do without thinking
    for n in range(len(draws)):
        trial["n"] = n
        filled = [[_filled(r, value) for r in records] for records in by_look]
        found[_sequentially(study.claims, study.schedules, filled)] += 1
        naive += _sequentially(study.claims, relaxed, filled) != "unresolved"
    wrong = (found["supported"] + found["refuted"]) / len(draws)
    assert 0.015 < wrong < 0.05 + 3 * (0.05 * 0.95 / len(draws)) ** 0.5
    assert found["supported"] == pytest.approx(found["refuted"], rel=0.6)
    assert naive / len(draws) > 0.08


def _filled(record, value):
    return replace(record, run=replace(record.run, metrics=value(record.labels, record.seed)))


def _sequentially(claims, schedules, by_look):
    for records in by_look:
        found = judge(claims, schedules, Records(records))
        if not found.due:
            break
    return found.claims[0].verdict
