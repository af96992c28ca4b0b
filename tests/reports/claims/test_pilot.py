"""How many seeds a pilot says that claims need."""

import pytest

from bench.grammar.schedule import PILOT_FROM
from bench.reports.claims.outlook import seeds_needed
from bench.reports.claims.pilot import sizes
from bench.reports.layout import pilot as layout
from bench.reports.statistics import look_level
from tests.reports.claims.study import OTHER, THAN, WIGGLE, WITHIN, Study, accuracy

SAME = THAN % "same_as" + ", margin: 0.004"
SPREAD = (THAN % "lower_than").replace("metric:", "spread:")
AS_PILOT = [(PILOT_FROM + i) % 12 for i in range(4)]
"""Seeds for which the study makes up the same values as for a pilot of four."""


def sized(folder, claims, value=None, seeds="{pilot: 4, count: 5}", **more):
    """Return claim → its sizes, by the pilot of a study that has run whole."""
    study = Study(folder, claims, value or accuracy(), seeds=seeds, **more)
    pilot = [record for record in study.records() if record.seed >= PILOT_FROM]
    found = sizes(study.claims, study.schedules, pilot)
    return {name: [size for size in found if size.claim == name] for name in claims}


def only(folder, text, **more):
    (size,) = sized(folder, {"c": text}, **more)["c"]
    return size


@pytest.mark.parametrize("test", ["t", "welch", "sign-flip"])
@pytest.mark.parametrize("relation", ["same_as", "at_least"])
def test_a_pilot_sizes_as_a_study_of_the_same_seeds_would(tmp_path, relation, test):
    text = f"{THAN % relation}, margin: 0.004, test: {test}"
    size = only(tmp_path, text)
    study = Study(tmp_path, {"c": text}, accuracy(), seeds=AS_PILOT).one()
    (part,) = study.parts
    assert part.verdict in ("unresolved", "insufficient seeds")
    assert size.margin == 0.004 and size.at == "±0.004" and size.why == "" and size.declared == (5,)
    assert size.n == 4 and size.apart == (part.result.test == "welch")
    if part.verdict == "unresolved":
        assert (size.seeds, size.at_most) == (part.seeds_needed, part.seeds_at_most)
    assert size.seeds and size.at_most and size.at_most > size.seeds > 5


def test_the_sd_is_that_of_the_differences_within_each_seed(tmp_path):
    differences = [WIGGLE[seed] - OTHER[seed] for seed in AS_PILOT]
    mean = sum(differences) / 4
    sd = (sum((d - mean) ** 2 for d in differences) / 3) ** 0.5
    assert only(tmp_path, SAME).sd == pytest.approx(sd)


def test_the_size_is_for_the_margin_and_never_for_what_the_pilot_found(tmp_path):
    near, far = (only(tmp_path, THAN % "higher_than" + ", margin: 0.004", value=accuracy(small)) for small in (0.9, 0.95))
    assert near.seeds == far.seeds and near.sd == pytest.approx(far.sd)
    wide = only(tmp_path, THAN % "higher_than" + ", margin: 0.04")
    assert wide.seeds < near.seeds


def test_what_counts_is_no_part_of_it(tmp_path):
    def value(labels, seed):
        told = accuracy()(labels, seed)
        return told if seed >= PILOT_FROM else {name: number * (1 + seed) for name, number in told.items()}

    assert only(tmp_path, SAME, value=value) == only(tmp_path, SAME)


def test_a_family_and_looks_need_more(tmp_path):
    alone = only(tmp_path, SAME)
    family = {"c": SAME + ", family: f", "d": SAME.replace("noise: 0", "noise: 0.01") + ", family: f"}
    (together,), (other,) = sized(tmp_path, family).values()
    assert together.seeds == other.seeds > alone.seeds
    looks = only(tmp_path, SAME, seeds="{pilot: 4, looks: [5, 8, 12]}")
    assert looks.declared == (5, 8, 12) and looks.seeds > alone.seeds
    study = Study(tmp_path, {"c": SAME}, accuracy(), seeds=AS_PILOT)
    (part,) = study.one().parts
    (contrast,) = study.claims["c"][1]
    at_level = seeds_needed(contrast.rule, part.result, 0.004, look_level([5, 8, 12], 0.05))
    assert (looks.seeds, looks.at_most) == (at_level.seeds, at_level.at_most)


@pytest.mark.parametrize(
    ("text", "value", "why"),
    [
        (THAN % "higher_than", accuracy(), "no margin is declared"),
        (SAME + ", test: crossed", accuracy(), "its test is over images too"),
        (WITHIN % "higher_with", accuracy(), "it is not tested over seeds"),
        (SAME, lambda labels, seed: {"val/accuracy": 0.9}, "so there is no spread to test it against"),
        (SAME.replace("0.004", "0.0000001"), accuracy(), "more than 10,000"),
        (SPREAD, accuracy(), "its test is of spreads"),
    ],
)
def test_why_no_number_can_be_told(tmp_path, text, value, why):
    size = only(tmp_path, text, value=value)
    assert (size.seeds, size.at_most) == (None, None) and size.why.endswith(why)


def test_trials_of_the_pilot_that_are_lost_or_still_to_run(tmp_path):
    lost = only(tmp_path, SAME, outcome=lambda labels, seed: "diverged" if seed == PILOT_FROM else "finished")
    assert lost.n == 3 and lost.seeds
    one = only(tmp_path, SAME, outcome=lambda labels, seed: "finished" if seed in (PILOT_FROM, 0) else "diverged")
    assert one.n == 1 and one.seeds is None and one.why
    study = Study(tmp_path, {"c": SAME}, accuracy(), seeds="{pilot: 4, count: 5}", outcome=lambda labels, seed: "diverged")
    assert sizes(study.claims, study.schedules, [r for r in study.records() if r.seed >= PILOT_FROM]) == []


def test_a_ratio_is_sized_on_its_own_scale(tmp_path):
    def value(labels, seed):
        return {"wall_clock": 10 + WIGGLE[seed % 12] if labels["model"] == "small" else 10.0}

    size = only(tmp_path, THAN.replace("val/accuracy", "wall_clock") % "same_as" + ", margin: 5%", value=value)
    assert size.unit == "log" and size.at == "0.952 to 1.05 times" and size.seeds


def test_the_table_says_where_more_are_needed_than_declared(tmp_path):
    claims = {"many": SAME, "few": THAN % "same_as" + ", margin: 0.5", "none": THAN % "higher_than"}
    found = [size for of_claim in sized(tmp_path, claims).values() for size in of_claim]
    grid = layout.sizes(found)
    needed = {row[0].lines[0]: row[grid.header.index("seeds needed")] for row in grid.rows}
    many = found[0]
    assert needed["many"].lines == (f"{many.seeds} ({many.at_most})",) and needed["many"].bold
    assert not needed["few"].bold and int(needed["few"].lines[0].split()[0]) <= 5
    assert needed["none"].lines == ("–¹",) and grid.footnotes == ["¹ No margin is declared."]
    assert [row[-1].lines[0] for row in grid.rows] == ["5", "5", "5"]
    assert layout.sizes([]) is None
