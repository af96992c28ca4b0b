from dataclasses import replace

import pytest

from bench.errors import BenchError
from bench.grammar.derived import Derived
from bench.reports.figures.seeds import seeds_of_table
from bench.reports.layout.comparisons import comparisons
from bench.reports.layout.results import results
from bench.reports.records.arms import Records
from bench.reports.records.collect import collect
from bench.reports.statistics import holm, paired, welch
from bench.reports.tables.build import build
from tests.reports.claims.study import THREE, Study


def arms(make, values, metric="val__accuracy", tags=None):
    """Return records: {(noise, model): [value by seed]} on the stage accuracy."""
    planned = {
        make.expected(noise=noise, model=model, seed=seed).fingerprint: (
            make.expected(noise=noise, model=model, seed=seed),
            value,
        )
        for (noise, model), column in values.items()
        for seed, value in enumerate(column)
    }
    runs = [
        make.run(trial, tags=(tags or {}).get(trial.labels["model"], {}), **{metric: value})
        for trial, value in planned.values()
        if value is not None
    ]
    return Records(collect([trial for trial, _ in planned.values()], runs))


SIMPLE = [0.912, 0.905, 0.921, 0.908, 0.916]
COMPLEX = [0.900, 0.896, 0.906, 0.901, 0.905]


def test_rows_columns_and_families(make):
    values = {
        (noise, model): column for noise in ("0", "0.1") for model, column in {"s": SIMPLE, "c": COMPLEX, "t": SIMPLE}.items()
    }
    table = build(make.spec(), arms(make, values))
    assert (table.rows, table.columns, table.planned) == (["0", "0.1"], ["s", "c", "t"], 5)
    (block,) = table.blocks
    by_family = {}
    for contrast in block.contrasts:
        by_family.setdefault(contrast.family, []).append((contrast.left, contrast.right))
    pairs = [("c", "s"), ("t", "s"), ("t", "c")]
    assert by_family == {
        "noise = 0": pairs, "noise = 0.1": pairs,
        "model = s": [("0.1", "0")], "model = c": [("0.1", "0")], "model = t": [("0.1", "0")],
    }  # fmt: skip
    first = [contrast for contrast in block.contrasts if contrast.family == "noise = 0"]
    assert first[0].result == paired(dict(enumerate(COMPLEX)), dict(enumerate(SIMPLE)), confidence=1 - 0.05 / 2)
    assert first[1].result.p is None  # s and t are identical
    assert [contrast.holm for contrast in first] == holm([contrast.result.p for contrast in first])
    assert block.family_sizes == [2]


def test_another_row_changes_no_other_family(make):
    few = build(make.spec(), arms(make, {("0", "s"): SIMPLE, ("0", "c"): COMPLEX}))
    more = build(
        make.spec(), arms(make, {("0", "s"): SIMPLE, ("0", "c"): COMPLEX, ("1", "s"): COMPLEX, ("1", "c"): SIMPLE[::-1]})
    )
    (contrast,) = few.blocks[0].contrasts
    assert contrast in more.blocks[0].contrasts


def test_units_and_published_numbers(make):
    spec = make.spec(
        values=[{"metric": "val/accuracy", "unit": "%"}, {"metric": "wall_clock", "unit": "min"}],
        published={"val/accuracy": {"0": {"s": 64.9, "c": None}}},
    )
    accuracy, time = build(spec, arms(make, {("0", "s"): [0.5, 0.75], ("0", "c"): [0.25, 0.5]})).blocks
    assert accuracy.cells["0", "s"].values == {0: 50.0, 1: 75.0}
    assert (accuracy.cells["0", "s"].published, accuracy.cells["0", "c"].published) == (64.9, None)
    assert accuracy.contrasts[0].result.difference == -25.0
    assert time.cells["0", "s"].without == {"not measured": 2}
    minutes = build(
        make.spec(values=[{"metric": "wall_clock", "unit": "min"}]), arms(make, {("0", "s"): [90.0, 150.0]}, "wall_clock")
    )
    assert minutes.blocks[0].cells["0", "s"].values == {0: 1.5, 1: 2.5}


def test_what_a_sign_flip_test_finds_without_spread_is_shown(make):
    table = build(make.spec(test="sign-flip"), arms(make, {("0", "s"): [0.5] * 8, ("0", "c"): [0.75] * 8}))
    (row,) = comparisons(table, table.stacks[0])[0].rows
    assert [cell.lines[0] for cell in row[4:8]] == ["–", "0.008", "0.008*", "0.008"]


def test_no_seed_disappears(study):
    tables, records = study
    table = build(tables["table1"], Records(records))
    for block in table.blocks:
        for cell in block.cells.values():
            assert len(cell.values) + sum(cell.without.values()) == cell.planned
        assert block.cells["0.04", "simple"].without == {"diverged": 1}
        assert block.cells["0.04", "complex"].without == {"missing": 2}
        assert block.cells["0", "pretrained_50%"].without == {"unavailable": 5}
        assert block.cells["0", "pretrained_50%"].why["unavailable"].startswith("weights of resnet50")
    assert ("0.04", "pretrained_50%") not in table.blocks[0].cells


def test_every_value_knows_its_run(study):
    tables, records = study
    runs = {record.run.run_id: record.run for record in records if record.run}
    for cell in build(tables["table1"], Records(records)).blocks[0].cells.values():
        assert cell.run_ids.keys() == cell.values.keys()
        for seed, value in cell.values.items():
            assert value == pytest.approx(100 * runs[cell.run_ids[seed]].metrics["val/accuracy"])


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"c": {"device": "GPU"}}, ["Example CPU (2 × 1)", "GPU (2 × 1)"]),
        ({"c": {"workers": "1"}}, ["(1 × 1)", "(2 × 1)"]),
        ({"c": {"threads": "4"}}, ["(2 × 1)", "(2 × 4)"]),
        ({"c": {"pack": "4"}}, ["(2 × 1)", "(2 × 1, packs of 4)"]),
        ({"c": {"device": ""}}, ["do not say on what device"]),
        ({"c": {"precision": "bfloat16"}, "s": {"precision": "float32"}}, ["(2 × 1, bfloat16)", "(2 × 1, float32)"]),
    ],
)
def test_times_are_compared_only_under_like_conditions(make, tags, words):
    values = {("0", "s"): [100.0, 110.0, 120.0], ("0", "c"): [300.0, 320.0, 310.0]}
    spec = make.spec(values="wall_clock")
    (refused,) = build(spec, arms(make, values, "wall_clock", tags)).blocks[0].contrasts
    assert refused.result.p is None and refused.result.difference is None
    assert all(word in refused.result.reason for word in words)
    (compared,) = build(spec, arms(make, values, "wall_clock")).blocks[0].contrasts
    assert compared.result.p < 0.01 and compared.result.ratio
    ratios = [c / s for c, s in zip(values["0", "c"], values["0", "s"], strict=True)]
    assert compared.result.difference == pytest.approx((ratios[0] * ratios[1] * ratios[2]) ** (1 / 3))
    (accuracy,) = build(make.spec(), arms(make, values, tags=tags)).blocks[0].contrasts
    assert accuracy.result.p is not None


def test_where_pins_an_axis_and_other_stages_stay_out(make):
    planned = [make.expected(noise="0", model=m, optimizer=o, seed=s) for m in "sc" for o in ("sgd", "adam") for s in (0, 1)]
    planned += [replace(trial, stage="other") for trial in planned]
    runs = [make.run(t, val__accuracy=0.5 if t.labels["optimizer"] == "sgd" else 0.9) for t in planned[:8]]
    records = Records(collect(planned, runs))
    table = build(make.spec(where={"optimizer": "adam"}), records)
    assert {seed: v for cell in table.blocks[0].cells.values() for seed, v in cell.values.items()} == {0: 0.9, 1: 0.9}
    with pytest.raises(BenchError, match=r"two cells fall on one place \(0, s\): .*\n.*`where`"):
        build(make.spec(), records)


def test_several_axes_make_joined_labels_and_an_absent_axis_a_dash(make):
    planned = [
        make.expected(model="s", noise="0", filter="none"),
        make.expected(model="s", noise="1", filter="mean"),
        make.expected(model="c", noise="0"),
    ]
    spec = make.spec(rows=["noise", "filter"], columns="model", published={"val/accuracy": {"1 / mean": {"s": 0.7}}})
    table = build(spec, Records(collect(planned, [])))
    assert table.rows == ["0 / none", "1 / mean", "0 / –"]
    assert table.blocks[0].cells["1 / mean", "s"].published == 0.7


def test_a_table_of_nothing(make):
    table = build(make.spec(), Records([]))
    assert (table.rows, table.columns, table.planned, table.blocks[0].contrasts) == ([], [], 0, [])


WORSE = [value - 0.05 + 0.002 * (i % 2) for i, value in enumerate(SIMPLE)]
NEAR = [value + shift for value, shift in zip(SIMPLE, (0.004, -0.005, 0.003, -0.002, -0.001), strict=True)]


def marks(block):
    return set(block.best), set(block.near), set(block.daggers)


def test_the_best_mean_of_a_row_alone_is_best_and_what_is_not_significantly_worse_is_near(make):
    values = {("0", "s"): SIMPLE, ("0", "n"): NEAR, ("0", "w"): WORSE, ("1", "w"): SIMPLE, ("1", "s"): WORSE}
    (block,) = build(make.spec(baseline="s"), arms(make, values)).blocks
    assert block.better == "higher"
    assert marks(block) == ({("0", "s"), ("1", "w")}, {("0", "n")}, {("0", "w"), ("1", "w")})
    (lower,) = build(make.spec(values=[{"metric": "val/accuracy", "better": "lower"}]), arms(make, values)).blocks
    assert marks(lower) == ({("0", "w"), ("1", "s")}, set(), set())


def test_three_seeds_do_not_make_a_cell_best_that_is_far_below(make):
    values = {("0", "s"): [0.30, 0.60, 0.441], ("0", "c"): [0.31, 0.05, 0.198]}  # 44.7 and 18.6 %
    table = build(make.spec(), arms(make, values))
    assert marks(table.blocks[0]) == ({("0", "s")}, {("0", "c")}, set())
    told = results(table, table.stacks).rows[0][1:]
    assert [cell.bold for cell in told] == [True, False] and told[1].lines[0].endswith("≈") and "≈" not in told[0].lines[0]


def test_the_dagger_counts_the_comparisons_with_the_baseline_alone(make):
    less = [value - d for value, d in zip(SIMPLE, (0.008, 0.002, 0.012, 0.004, 0.006), strict=True)]
    near = [value - d for value, d in zip(SIMPLE, (0.004, -0.001, 0.009, 0.006, -0.002), strict=True)]
    values = {("0", "s"): SIMPLE, ("0", "l"): less, ("0", "n"): near}
    table = build(make.spec(baseline="s"), arms(make, values))
    (block,) = table.blocks
    first, second, third = block.contrasts
    raw = [first.result.p, second.result.p]
    assert [first.against_baseline, second.against_baseline, third.against_baseline] == [*holm(raw), None]
    assert first.against_baseline < 0.05 < first.holm  # two comparisons, not three
    assert block.daggers == {("0", "l")} and first.m == 3
    (told,) = [remark for remark in results(table, table.stacks).remarks if "†" in remark]
    assert "s alone" in told and "m=2" in told
    (cell,) = [row[6] for row in comparisons(table, table.stacks[0])[0].rows if row[2].lines[0] == "l vs s"]
    assert len(cell.lines) == 2 and cell.lines[1].endswith("†") and "*" not in cell.lines[0]
    assert all(contrast.against_baseline is None for contrast in build(make.spec(), arms(make, values)).blocks[0].contrasts)


def test_rows_compete_where_the_suite_says_so_or_there_is_one_column(make):
    values = {("0", "s"): SIMPLE, ("1", "s"): WORSE, ("0", "w"): NEAR, ("1", "w"): WORSE}
    (block,) = build(make.spec(arms="rows", baseline="1"), arms(make, values)).blocks
    assert marks(block) == ({("0", "s"), ("0", "w")}, set(), {("0", "s"), ("0", "w")})
    one = {place: column for place, column in values.items() if place[1] == "s"}
    assert build(make.spec(), arms(make, one)).blocks[0].best == {("0", "s")}


def test_nothing_is_bold_that_nobody_tested_or_of_which_nobody_knows_the_better_end(make):
    assert marks(build(make.spec(), arms(make, {("0", "s"): [0.9], ("0", "c"): [0.8]})).blocks[0]) == (set(), set(), set())
    values = {("0", "s"): SIMPLE, ("0", "c"): WORSE}
    assert build(make.spec(values="epochs"), arms(make, values, "epochs")).blocks[0].best == frozenset()
    shifted = {("0", "s"): SIMPLE, ("0", "c"): [v - 0.1 for v in SIMPLE], ("0", "n"): NEAR, ("0", "t"): list(SIMPLE)}
    # c differs by the same amount for every seed, so no test speaks for it; t ties exactly
    assert marks(build(make.spec(), arms(make, shifted)).blocks[0]) == ({("0", "s"), ("0", "t")}, {("0", "n")}, set())


def test_the_test_is_the_one_declared(make):
    values = {("0", "s"): SIMPLE, ("0", "c"): COMPLEX}
    (flipped,) = build(make.spec(test="sign-flip"), arms(make, values)).blocks[0].contrasts
    assert flipped.result.p == flipped.holm == 0.0625
    (unpaired,) = build(make.spec(test="welch"), arms(make, values)).blocks[0].contrasts
    assert unpaired.result == welch(dict(enumerate(COMPLEX)), dict(enumerate(SIMPLE)))
    assert unpaired.result.p == pytest.approx(0.0155166, abs=5e-8)


def test_a_share_of_alpha_widens_intervals_and_narrows_verdicts(make):
    values = {("0", "s"): SIMPLE, ("0", "c"): [v - d for v, d in zip(SIMPLE, (0.004, 0.001, 0.006, 0.002, 0.004), strict=True)]}
    plain = build(make.spec(baseline="s"), arms(make, values))
    shared = build(make.spec(baseline="s"), arms(make, values), alpha=0.05 / 3, looks=3)
    assert plain.blocks[0].daggers and not shared.blocks[0].daggers
    (one,), (other,) = plain.blocks[0].contrasts, shared.blocks[0].contrasts
    assert one.result.p == other.result.p and other.result.ci_low < one.result.ci_low
    assert one.detectable < other.detectable


def test_three_arms_have_an_omnibus_test_as_context(make):
    rows = [(0.90, 0.92, 0.93), (0.89, 0.91, 0.915), (0.91, 0.915, 0.94), (0.88, 0.905, 0.92), (0.90, 0.93, 0.925)]
    values = {("0", name): list(column) for name, column in zip("abc", zip(*rows, strict=True), strict=True)}
    (block,) = build(make.spec(), arms(make, values)).blocks
    (context,) = block.context
    assert context.family == "noise = 0" and context.anova.statistic == pytest.approx(28.0)
    assert context.friedman.p_exact == pytest.approx(66 / 7776)
    assert [c.holm for c in block.contrasts if c.family == "noise = 0"] == pytest.approx(
        [0.0175393, 0.00118348, 0.1161165], abs=5e-8
    )


def test_sizes_and_memory_are_shown_beside_the_printed_numbers(make):
    printed = {"parameters": {"0": {"s": 111_114, "c": 23_859_978}}}
    counts = arms(make, {("0", "s"): [110_474.0] * 3, ("0", "c"): [23_859_978.0] * 3}, "parameters")
    table = build(make.spec(values="parameters", published=printed), counts)
    assert table.blocks[0].cells["0", "c"].published == 23_859_978
    texts = [" ".join(cell.lines) for cell in results(table, table.stacks).rows[0]]
    assert "110474 ± 0 (report: 111114)" in texts[1] and "23859978 ± 0 (report: 23859978)" in texts[2]
    memory = build(
        make.spec(values=[{"metric": "peak_memory", "unit": "GB"}]), arms(make, {("0", "s"): [1500.0, 1500.0]}, "peak_memory")
    )
    assert memory.blocks[0].cells["0", "s"].values == {0: 1.5, 1: 1.5} and memory.blocks[0].better == "lower"


def test_a_trial_that_never_reached_a_level_is_no_trial_that_was_not_measured(make):
    derived = {"to_60": Derived(first="val/accuracy", at_least=0.6)}
    planned = [make.expected(noise="0", model=model, seed=seed) for model in "sc" for seed in range(2)]
    runs = [make.run(trial, val__accuracy=0.7) for trial in planned]
    reached = {runs[0].run_id: 3, runs[1].run_id: 5, runs[2].run_id: 8}
    curves = {run_id: {"val/accuracy": [(1, 0.5), (epoch, 0.7)]} for run_id, epoch in reached.items()}
    curves[runs[3].run_id] = {"val/accuracy": [(1, 0.5), (2, 0.55)]}
    records = Records(collect(planned, runs, derived, lambda run_ids, metrics: curves))
    table = build(make.spec(values="to_60"), records)
    (block,) = table.blocks
    assert block.cells["0", "s"].values == {0: 3, 1: 5} and block.better == "lower"
    assert block.cells["0", "c"].without == {"never reached": 1}
    assert block.cells["0", "c"].why == {"never reached": "val/accuracy never reached 0.6"}
    assert "1 never reached" in " ".join(results(table, table.stacks).rows[0][2].lines)


# ------------------------------------------------------------ splits that are crossed with seeds

OVER_SPLITS = """\
vary: {split: 3}
tables:
  t: {stage: s, rows: model, where: {noise: 0}, values: [val/accuracy], test: %s}"""


def over_splits(tmp_path, test="t", models=THREE, keep=lambda record: True):
    """Return the table of three models on three splits, of the records that are kept."""

    def value(labels, seed):
        split, place = int(labels["split"]), "abc".index(labels["model"])
        return {"val/accuracy": 0.8 + 0.02 * split * place + 0.001 * ((7 * seed + 3 * split + 5 * place) % 11)}

    claim = {"c": "metric: val/accuracy, stage: s, of: {model: a, noise: 0}, higher_than: {model: b}"}
    study = Study(tmp_path, claim, value, head=OVER_SPLITS % test, models=models, tags={"resplit.val": "10/40"})
    records = [record for record in study.records() if keep(record)]
    return build(study.suite.spec.tables["t"], Records(records), "t")


def test_the_table_tests_over_seeds_and_overlapping_splits(tmp_path):
    table = over_splits(tmp_path)
    result = table.blocks[0].contrasts[0].result
    assert (result.test, result.n, result.test_to_train) == ("splits", 5, 0.25)
    remarks = " ".join(comparisons(table, table.stacks[0])[0].remarks)
    assert "it speaks of these splits" not in remarks
    assert "not as a gate, over the seeds alone, for these splits: model" in remarks


@pytest.mark.parametrize("test", ["welch", "sign-flip"])
def test_tests_over_seeds_alone_say_that_they_speak_of_these_splits(tmp_path, test):
    table = over_splits(tmp_path, test)
    remarks = comparisons(table, table.stacks[0])[0].remarks
    assert "This test is over the seeds alone: it speaks of these splits." in remarks


@pytest.mark.parametrize("test", ["t", "welch", "sign-flip"])
def test_arms_on_other_splits_are_not_compared(tmp_path, test):
    table = over_splits(tmp_path, test, keep=lambda record: record.labels["split"] != "1" or record.labels["model"] != "a")
    results = {contrast.right + contrast.left: contrast.result for contrast in table.blocks[0].contrasts}
    assert results["ab"].p is None and results["ab"].reason == "the arms do not run on the same splits"
    assert results["bc"].p is not None and results["bc"].n == (10 if test == "welch" else 5)
    grid = comparisons(table, table.stacks[0])[0]
    assert any("Not compared (the arms do not run on the same splits): " in remark for remark in grid.remarks)


def test_the_figure_of_seeds_says_that_its_intervals_are_for_these_splits(tmp_path):
    table = over_splits(tmp_path)
    assert seeds_of_table(table, []).of_splits
