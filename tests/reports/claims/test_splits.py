"""Claims on images that each seed splits off anew."""

import math

import numpy as np
import pytest
from scipy import stats

from bench.reports.claims.rules import IDENTICAL, SUPPORTED, UNRESOLVED
from bench.reports.layout.scope import FIXED, scope
from bench.reports.statistics import crossed, seeds_to_detect, seeds_to_show_equivalence
from tests.reports.claims.study import Study, predictions_of

A, C = (0.90, 0.89, 0.91, 0.88, 0.90), (0.93, 0.915, 0.94, 0.92, 0.925)
OF = "metric: {metric}, stage: s, of: {{model: large, noise: 0}}, "
TAGS = {"redrawn.val": "36/324", "images.val": "36"}


def study(tmp_path, text, metric="val/accuracy", tags=TAGS, **options):
    def value(labels, seed):
        of = C if labels["model"] == "large" else A
        return {"val/accuracy": of[seed], "train/accuracy": 1.0, "test/accuracy": of[seed]}

    return Study(tmp_path, {"c": OF.format(metric=metric) + text}, value, tags=tags, **options)


@pytest.mark.parametrize(("sizes", "t", "p"), [("36/324", 8.7831007, 0.00092668), ("60/240", 7.3029674, 0.00186951)])
def test_the_variance_is_that_of_overlapping_splits(tmp_path, sizes, t, p):
    claim = study(tmp_path, "higher_than: {model: small}", tags={"redrawn.val": sizes}).one(predictions=lambda run: None)
    (part,) = claim.parts
    assert (claim.test, claim.verdict) == ("resampled", SUPPORTED)
    assert (part.result.t, part.p) == (pytest.approx(t, abs=5e-8), pytest.approx(p, abs=5e-9))
    assert part.beyond_images == "not known" and part.pairing.r is not None and part.superiority == 1.0


@pytest.mark.parametrize("text", ["higher_than: 0.9", "minus: {model: small}}, higher_than: 0"])
def test_so_are_those_of_numbers_and_differences(tmp_path, text):
    of = "metric: val/accuracy, stage: s, of: {model: large, noise: 0" + ("}, " if text.startswith("higher") else ", ")
    made = study(tmp_path, "higher_than: 0")
    plain, split = (
        Study(tmp_path, {"c": of + text}, made.value, tags=tags).one().parts[0].result for tags in ({}, {"redrawn.val": "1/4"})
    )
    assert (plain.test, split.test) == ("t", "resampled")
    assert split.t == pytest.approx(plain.t * (0.2 / 0.45) ** 0.5)


def test_what_is_measured_on_the_same_images_keeps_its_test(tmp_path):
    for metric in ("test/accuracy", "train/accuracy"):
        assert study(tmp_path, "higher_than: 0.5", metric).one().test == "t"
    assert study(tmp_path, "higher_than: {model: small}", tags={}).one().test == "t"


def test_metrics_made_from_such_ones_are_like_them(tmp_path):
    head = "metrics: {gap: {minus: [train/accuracy, val/accuracy]}}"
    assert study(tmp_path, "lower_than: {model: small}", "gap", head=head).one().test == "resampled"


def test_no_number_of_seeds_settles_what_the_overlap_leaves_open(tmp_path):
    part = study(tmp_path, "higher_than: 0.92, margin: 0.001", tags={"redrawn.val": "9/1"}).one().parts[0]
    assert part.verdict == UNRESOLVED and part.seeds_needed is None
    assert "No number of seeds settles it at the margin, ±0.001: their splits overlap" in part.why
    part = study(tmp_path, "higher_than: 0.92, margin: 0.015").one().parts[0]
    assert part.verdict == UNRESOLVED and part.seeds_needed, part.why
    assert "by the spread's 80 % bound" in part.why


def test_more_seeds_are_needed_and_from_some_overlap_on_none_are_enough():
    def power(n, share, effect=1.0):
        shift, critical = effect / math.sqrt(1 / n + share), stats.t.ppf(0.975, n - 1)
        return stats.nct.sf(critical, n - 1, shift) + stats.nct.cdf(-critical, n - 1, shift)

    plain, more = seeds_to_detect(1.0), seeds_to_detect(1.0, test_to_train=1 / 9)
    assert plain == 10 < more
    assert power(more, 1 / 9) >= 0.8 > power(more - 1, 1 / 9)
    assert seeds_to_detect(1.0, test_to_train=1 / 4) is None and power(10_000, 1 / 4) < 0.8
    assert seeds_to_show_equivalence(1.0) < seeds_to_show_equivalence(1.0, test_to_train=1 / 20)
    assert seeds_to_show_equivalence(1.0, test_to_train=1 / 4) is None


def test_tests_that_take_seeds_for_independent_say_so(tmp_path):
    for test in ("sign-flip", "welch"):
        claim = study(tmp_path, f"higher_than: {{model: small}}, test: {test}").one()
        assert claim.test == test and "it speaks of other splits of these images" in claim.parts[0].why


def test_seeds_and_images_are_not_crossed(tmp_path):
    tags = {"redrawn.test": "36/324"}
    claim = study(tmp_path, "higher_than: {model: small}, test: crossed", "test/accuracy", tags).one(predictions=lambda run: b"")
    assert "each seed is measured on images of its own" in claim.parts[0].why.lower()


def test_the_report_says_what_varied():
    assert scope({"a": (), "b": ()}) == scope({}) == FIXED
    text = scope({"a": ("split",), "b": ("split",)})
    assert text.startswith(
        "Seeds vary what is random in training and, the same for all arms of a seed, the split: seed and split are"
    )
    text = scope({"a": ("split", "sizes"), "b": ()})
    assert "In a seeds vary" in text and "seed, split and sizes are one source of variation. In b seeds vary" in text


# ------------------------------------------------------------ splits crossed with seeds


def crossed_study(tmp_path, text, **options):
    def value(labels, seed):
        shift = (0.0, 0.02, -0.01)[int(labels["split"])]
        better = 0.03 + 0.4 * shift if labels["model"] == "large" else 0.0
        return {"val/accuracy": 0.8 + shift + 0.001 * seed * (1 + int(labels["split"])) + better * (1 + seed / 100)}

    return Study(tmp_path, {"c": OF.format(metric="val/accuracy") + text}, value, head="vary: {split: 3}", **options)


def test_the_difference_is_tested_over_seeds_and_splits(tmp_path):
    made = crossed_study(tmp_path, "higher_than: {model: small}")
    claim = made.one(predictions=lambda run: None)
    (part,) = claim.parts

    def measured(model, split, seed):
        return made.value({"model": model, "noise": "0", "split": split}, seed)["val/accuracy"]

    d = np.array([[measured("large", split, seed) - measured("small", split, seed) for split in "012"] for seed in range(5)])
    expected = crossed(d, np.zeros_like(d)).comparison
    assert (claim.test, part.result.n) == ("splits", 5)
    assert part.p == pytest.approx(expected.p) and part.result.ci_low == pytest.approx(expected.ci_low)
    found = crossed(d, np.zeros_like(d))
    assert (part.variance.of, part.variance.seeds, part.variance.items) == ("splits", 5, 3)
    assert (part.variance.seed_sd, part.variance.item_sd) == pytest.approx((found.seed_sd, found.item_sd))
    assert part.variance.error_of_seeds == pytest.approx(found.error_of_seeds) and found.error_of_seeds < 0.01
    assert part.beyond_images == "not known"
    assert part.contrast == "model=large vs model=small at noise=0"


def test_numbers_and_slopes_are_too(tmp_path):
    assert crossed_study(tmp_path, "higher_than: 0.7").one().test == "splits"
    text = "higher_than: {model: small}, test: sign-flip"
    assert "it speaks of these splits" in crossed_study(tmp_path, text).one().parts[0].why


@pytest.mark.parametrize(("held", "overlap"), [("10/40", 0.25), ("10/90", 1 / 9)])
def test_splits_that_overlap_keep_a_part_of_their_error(tmp_path, held, overlap):
    made = crossed_study(tmp_path, "higher_than: {model: small}", tags={"resplit.val": held})
    part = made.one(predictions=lambda run: None).parts[0]
    plain = crossed_study(tmp_path, "higher_than: {model: small}").one().parts[0]
    more = (plain.variance.item_sd**2 + plain.variance.rest_sd**2 / 5) * overlap
    assert part.result.error**2 == pytest.approx(plain.result.error**2 + more)
    assert part.variance.error_of_seeds < plain.variance.error_of_seeds and part.p > plain.p
    assert part.beyond_images == "not known"
    unsettled = crossed_study(tmp_path, "higher_than: 0.83, margin: 0.001", tags={"resplit.val": held}).one().parts[0]
    assert "as they overlap, that does not shrink for good with their number" in unsettled.why
    other = crossed_study(tmp_path, "higher_than: {model: small}", tags={"resplit.test": held}).one().parts[0]
    assert other.p == plain.p, "its images stay the same"


def test_what_never_varies_is_judged_as_without_splits(tmp_path):
    claims = {
        "size": "metric: parameters, stage: s, of: {model: large, noise: 0}, higher_than: {model: small}",
        "share": "metric: parameters, stage: s, of: {model: large, noise: 0, divided_by: {model: small}}, higher_than: 10",
        "memory": "metric: peak_memory, stage: s, of: {model: large, noise: 0}, higher_than: {model: small}",
    }

    def value(labels, seed):
        return dict.fromkeys(("parameters", "peak_memory"), 9000.0 if labels["model"] == "large" else 10.0)

    plain, split = (
        Study(tmp_path, claims, value, head=head, tags={"resplit.val": "1/4"}).judge().claims for head in ("", "vary: {split: 3}")
    )
    assert [claim.verdict for claim in split] == [claim.verdict for claim in plain] == [SUPPORTED] * 3
    assert {claim.test for claim in split} == {"t"}
    assert not any("these splits" in claim.parts[0].why for claim in split)


def test_the_same_predictions_on_every_split_are_identical(tmp_path):
    claims = {"c": OF.format(metric="val/accuracy") + "same_as: {model: small}, margin: 0.01"}
    made = Study(tmp_path, claims, lambda labels, seed: {"val/accuracy": 0.5}, head="vary: {split: 2}")
    same = predictions_of(made, lambda labels, seed: [int(labels["split"]), seed % 2])
    assert made.one(predictions=same).verdict == IDENTICAL
    other = predictions_of(made, lambda labels, seed: [0, 1] if labels == {**labels, "model": "large", "split": "1"} else [1, 0])
    assert made.one(predictions=other).verdict != IDENTICAL


def test_splits_are_compared_with_each_other(tmp_path):
    made = crossed_study(tmp_path, "higher_than: 0.7")
    of = "metric: val/accuracy, stage: s, of: {model: large, noise: 0"
    claims = {"one": of + ", split: 1}, higher_than: {split: 2}", "all": of + "}, same_along: split, margin: 0.001"}
    one, every = Study(tmp_path, claims, made.value, head="vary: {split: 3}", tags={"resplit.val": "1/4"}).judge().claims
    assert (one.test, one.verdict) == ("t", SUPPORTED) and "it speaks of these splits" in one.parts[0].why
    assert len(every.parts) == 3 and all(part.p is not None and part.result.n == 5 for part in every.parts)


def test_an_axis_of_ones_own_may_be_called_split(tmp_path):
    stages = "  own: {axes: {split: {path: data.split.seed, values: [3, 5]}}}"
    claims = {"c": "metric: val/accuracy, stage: own, of: {split: 3}, higher_than: {split: 5}"}
    (claim,) = Study(tmp_path, claims, lambda labels, seed: {"val/accuracy": 0.1 * seed}, stages=stages).judge().claims
    assert claim.test == "t" and "these splits" not in claim.parts[0].why


def test_one_split_can_be_named(tmp_path):
    made = crossed_study(tmp_path, "higher_than: 0.7")
    claim = Study(
        tmp_path,
        {"c": "metric: val/accuracy, stage: s, of: {model: large, noise: 0, split: 1}, higher_than: 0.7"},
        made.value,
        head="vary: {split: 3}",
    ).one()
    assert claim.test == "t" and claim.parts[0].result.difference == pytest.approx(0.8 + 0.02 + 0.004 + 0.038 * 1.02 - 0.7)


def test_a_lost_trial_leaves_its_seed_out(tmp_path):
    lost = {"outcome": lambda labels, seed: "crashed" if seed == 4 and labels["split"] == "1" else "finished"}
    assert crossed_study(tmp_path, "higher_than: {model: small}", **lost).one().parts[0].result.n == 4
