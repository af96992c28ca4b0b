"""What varies with the seed: `vary:` of a suite and of a stage."""

import pytest
from jsonschema import Draft202012Validator

from bench.errors import BenchError
from bench.grammar.document import read
from bench.suite.declaration import declaration
from bench.suite.jsonschema import json_schema

STAGES = """\
stages:
  plain: {axes: {lr: {path: train.optimizer.lr, values: [0.1, 0.2]}}}
  own:
    {vary: [split, reduce], patch: {data: {reduce: {classes: [0], keep: 0.5}}}, axes: {lr: {path: train.epochs, values: [1, 2]}}}
  fixed: {vary: [], axes: {lr: {path: train.epochs, values: [1, 2]}}}
  started: {patch: {start: {stage: own}}, axes: {epochs: {path: train.epochs, values: [3]}}}
"""


def vary(suite, stage):
    return {cell.data.config.vary for cell in suite.all_cells[stage]}


def test_the_suite_says_it_and_a_stage_replaces_it(suite):
    found = suite("vary: split\n" + STAGES)
    assert vary(found, "plain") == {("split",)} and vary(found, "own") == {("reduce", "split")}
    assert vary(found, "fixed") == {()}
    assert vary(found, "started") == {("split",)}, "not what the stage varies that it starts from"


def test_without_it_configurations_are_what_they_were(suite):
    digests = [cell.data.digest for cell in suite(STAGES).all_cells["fixed"]]
    assert digests == [cell.data.digest for cell in suite(STAGES.replace("vary: [], ", "")).all_cells["fixed"]]
    assert digests != [
        cell.data.digest for cell in suite("vary: [split]\n" + STAGES.replace("vary: [], ", "")).all_cells["fixed"]
    ]


def test_the_order_of_names_does_not_matter(suite):
    one, other = (suite(STAGES.replace("[split, reduce]", said)) for said in ("[split, reduce]", "[reduce, split]"))
    assert [cell.data.digest for cell in one.all_cells["own"]] == [cell.data.digest for cell in other.all_cells["own"]]


def test_profiles_and_overrides_change_it(suite):
    assert vary(suite(STAGES, overrides=["vary=[split]"]), "plain") == {("split",)}
    assert vary(suite(STAGES + "profiles: {q: {stages: {own: {vary: null}}}}", profile="q"), "own") == {()}


def test_a_declaration_holds_it(suite):
    declared = declaration(suite("vary: [split]\n" + STAGES))["splits"]
    assert declared["plain"]["vary"] == ["split"] and declared["own"]["vary"] == ["reduce", "split"]
    assert "vary" not in declared["fixed"]


@pytest.mark.parametrize(
    ("said", "message", "mend"),
    [
        ("vary: [split, sizes]", "stage 's' has no `data.sizes` to draw anew", "add `data.sizes`, or take 'sizes' out, or give"),
        ("vary: [classes]", "no `data.classes` to draw anew", "add `data.classes` as a number"),
        ("vary: [environments]", "no `data.environments`", "with `by: random`"),
        ("vary: [split, split]", "'split' stands twice", ""),
        ("vary: [noise]", "should be 'split'", ""),
        ("vary: {split: 1}", "should be greater than or equal to 2", ""),
    ],
)
def test_mistakes_have_a_line_and_a_way_out(suite, said, message, mend):
    suite.refuses(f"{said}\nstages: {{s: {{axes: {{a: {{path: train.epochs, values: [1]}}}}}}}}\n", 6, message, mend)


def test_a_setting_that_some_cells_have_may_vary(suite):
    found = suite("stages: {s: {vary: [label_noise], axes: {a: {clean: {}, noisy: {data: {label_noise: {share: 0.2}}}}}}}\n")
    assert vary(found, "s") == {("label_noise",)}


def test_arms_cannot_differ_in_what_varies(suite):
    body = "stages:\n  s:\n    axes:\n      a:\n        x: {}\n        y: {data: {vary: [split]}}\n"
    suite.refuses(body, 11, "the same for all arms of a stage", "write `vary:` at the top of the suite, or in the stage")


def test_votes_need_the_same_images(suite):
    body = """\
vary: [split]
stages:
  a: {axes: {l: {path: train.epochs, values: [1, 2]}}}
  b: {vary: [], axes: {l: {path: train.epochs, values: [3]}}}
"""
    suite.refuses(f"{body}  v:\n    ensemble: {{stages: [a, b], pool: seed}}\n", 11, "vary different things", "the same `vary:`")
    suite.refuses(f"{body}  v:\n    vary: [split]\n    ensemble: {{stages: [a]}}\n", 11, "draws no data", "whose trials vote")


def test_the_schema_knows_it(suite):
    validator = Draft202012Validator(json_schema())
    good = read(
        suite.write("vary: [split]\nstages: {s: {vary: {split: 3}, axes: {a: {path: train.epochs, values: [1]}}}}\n")
    ).data
    assert not list(validator.iter_errors(good))
    assert list(validator.iter_errors({**good, "vary": ["noise"]}))


def test_seeds_and_images_are_crossed_on_the_same_images_only(suite):
    body = "vary: [split]\nstages: {s: {axes: {e: {path: train.epochs, values: [1, 2]}}}}\nclaims:\n  c:\n    says: so\n"
    body += "    metric: val/accuracy\n    of: {e: 1}\n    higher_than: {e: 2}\n    test: crossed\n"
    suite.refuses(body, 14, "seeds and images cannot be crossed", "leave `test` out")
    suite.refuses(body.replace("[split]", "{split: 2}"), 14, "seeds and images cannot be crossed", "leave `test` out")
    suite(body.replace("val/accuracy", "test/accuracy"))


# ------------------------------------------------------------ splits crossed with seeds

CROSSED = """\
vary: {split: 3}
stages:
  s: {axes: {epochs: {path: train.epochs, values: [1, 2]}}}
"""


def test_each_cell_runs_on_each_split(suite):
    cells = suite(CROSSED).all_cells["s"]
    assert [(cell.labels, cell.data.config.split.seed) for cell in cells][:3] == [
        ({"epochs": "1", "split": "0"}, 0),
        ({"epochs": "1", "split": "1"}, 1),
        ({"epochs": "1", "split": "2"}, 2),
    ]
    assert len(cells) == 6 and vary(suite(CROSSED), "s") == {()}
    seeds = suite(CROSSED, overrides=["data.split.seed=7"]).all_cells["s"]
    assert [cell.data.config.split.seed for cell in seeds] == [7, 8, 9] * 2
    assert len(declaration(suite(CROSSED))["splits"]["s"]) == 3


def test_grids_of_a_union_and_ablations_are_crossed(suite):
    found = suite(
        """\
        stages:
          u: {vary: {split: 2}, union: [{axes: {a: {x: {}}}}, {axes: {a: {y: {train: {epochs: 1}}}}}]}
          a:
            vary: {split: 2}
            axes: {e: {path: train.epochs, values: [1, 2]}, b: {path: train.batch_size, values: [8, 16]}}
            ablate: {e: 1, b: 8}
        """
    )
    assert len(found.all_cells["u"]) == 4 and len(found.all_cells["a"]) == 6


@pytest.mark.parametrize(
    ("body", "line", "message", "mend"),
    [
        ("stages:\n  s: {vary: {split: 2}, axes: {split: {a: {}}}}\n", 7, "is that of `vary: {split: 2}`", "another name"),
        (
            "stages:\n  s:\n    vary: {split: 2}\n    axes: {sp: {path: data.split.seed, values: [5, 6]}}\n",
            9,
            "axis 'sp' chooses a split",
            "the stage's `patch`",
        ),
        (
            CROSSED.replace("]}}}", "]}}, exclude: [{epochs: 1, split: 1}]}"),
            8,
            "`exclude` names 'split'",
            "the same splits of every arm",
        ),
        (
            "vary: {split: 2}\nstages:\n  s: {search: {trials: 2, space: {e: {path: train.epochs, low: 1, high: 3}}}}\n",
            6,
            "is a search",
            "`vary: [split]`",
        ),
        (
            CROSSED + "  t: {patch: {start: {stage: s}}, axes: {b: {x: {}}}}\n",
            9,
            "has no best cell to start from",
            "`vary: [split]`",
        ),
        (
            CROSSED + "  v: {ensemble: {stages: [s], pool: seed}}\n",
            9,
            "its trials are held to different images",
            "`vary: [split]`",
        ),
    ],
)
def test_splits_are_refused_where_they_cannot_be_crossed(suite, body, line, message, mend):
    suite.refuses(body, line, message, mend)


def test_claims_and_tables_do_not_name_the_splits(suite):
    found = suite(
        CROSSED
        + "tables: {t: {stage: s, rows: epochs, values: val/accuracy}}\n"
        + "claims: {c: {says: so, metric: val/accuracy, of: {epochs: 2}, higher_than: {epochs: 1}},\n"
        + "  one: {says: so, metric: val/accuracy, of: {epochs: 2, split: 1}, higher_than: {epochs: 1}}}\n"
    )
    (contrast,), (one,) = found.claims["c"], found.claims["one"]
    assert [len(arm.cells) for arm in contrast.arms] == [3, 3] and contrast.wording == "epochs=2 vs epochs=1"
    assert [len(arm.cells) for arm in one.arms] == [1, 1]


@pytest.mark.parametrize(
    ("said", "other", "claim", "message"),
    [
        ("[split]", "[]", "", "'split' is drawn anew with each seed in stage 's', and not in stage 'u'"),
        ("{split: 3}", "[]", "", "splits are crossed with seeds in stage 's', and not in stage 'u'"),
        ("{split: 3}", "[split]", "", "splits are crossed with seeds in stage 's', and not in stage 'u'"),
        ("{split: 3}", "{split: 2}", "", "different splits: in stage 's' 0 (seed 0), 1 (seed 1), 2 (seed 2), in stage 'u' 0"),
        ("{split: 3}", "{split: 3}, patch: {data: {split: {seed: 10}}}", "", "in stage 'u' 0 (seed 10), 1 (seed 11)"),
        ("{split: 3}", "{split: 3}", ", split: 1", "in stage 'u' 1 (seed 1)"),
    ],
)
def test_arms_that_vary_differently_are_not_compared(suite, said, other, claim, message):
    body = f"vary: {said}\nstages:\n  s: {{axes: {{e: {{path: train.epochs, values: [1, 2]}}}}}}\n"
    body += f"  u: {{vary: {other}, axes: {{e: {{path: train.epochs, values: [1, 2]}}}}}}\nclaims:\n  c:\n    says: so\n"
    body += f"    stage: s\n    of: {{e: 1}}\n    higher_than: {{stage: u, e: 2{claim}}}\n    metric: "
    suite.refuses(body + "val/accuracy\n", 11, message, "the same `vary:")
    if other == "[]":
        suite(body + "wall_clock\n")


def test_a_setting_that_one_arm_lacks_need_not_vary_for_it(suite):
    body = """\
    stages:
      s: {vary: [label_noise], patch: {data: {label_noise: {share: 0.2}}}, axes: {e: {path: train.epochs, values: [1]}}}
      u: {axes: {e: {path: train.epochs, values: [1]}}}
    claims: {c: {says: so, metric: val/accuracy, stage: s, of: {e: 1}, higher_than: {stage: u}}}
    """
    suite(body)


def test_an_axis_of_ones_own_may_be_called_split(suite):
    found = suite("vary: [split]\nstages: {s: {axes: {split: {path: data.split.seed, values: [4, 5]}}}}\n")
    assert [(cell.labels, cell.split) for cell in found.all_cells["s"]] == [({"split": "4"}, ""), ({"split": "5"}, "")]
    claim = "claims: {c: {says: so, metric: val/accuracy, higher_than: 0.5}}\n"
    with pytest.raises(BenchError, match="axis 'split' is open"):
        suite("stages: {s: {axes: {split: {path: data.split.seed, values: [4, 5]}}}}\n" + claim)
