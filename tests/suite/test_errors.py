"""Every mistake is told with its file, its line and its mend."""

import pytest

from bench.errors import BenchError
from bench.suite.load import load_suite

STAGE = "stages: {s: {axes: {a: {x: {}, y: {}}, b: {path: train.epochs, values: [1, 2]}}}}\n"
MISTAKES = {
    "unknown key of the suite": ("stage: {}\n" + STAGE, 6, "unknown key 'stage'", "did you mean 'stages'?"),
    "unknown key of a setting": (
        "stages: {s: {axes: {a: {x: {train: {epoch: 3}}}}}}\n",
        6,
        "unknown key 'epoch' in train",
        "'epochs'",
    ),
    "unknown section": ("stages: {s: {axes: {a: {x: {trian: {}}}}}}\n", 6, "'trian' cannot stand here", "'train'"),
    "unknown part": (
        "stages:\n s:\n  axes:\n   a:\n    x: {train: {optimizer: {name: adm}}}\n",
        10,
        "no part named 'adm'",
        "'adam'",
    ),
    "key of another part": (
        "stages:\n s:\n  axes:\n   a:\n    x: {train: {optimizer: {name: adam, momentum: 1}}}\n",
        10,
        "unknown key 'momentum' in train.optimizer",
        "known: betas",
    ),
    "wrong type": (
        "stages: {s: {axes: {a: {x: {train: {epochs: many}}}}}}\n",
        6,
        "train.epochs: should be a valid integer",
        "",
    ),
    "out of range": (
        "stages:\n s:\n  axes:\n   a: {path: data.noise.variance, values: [0, -1]}\n",
        9,
        "data.noise.variance",
        "",
    ),
    "missing": ("title2: x\n", 6, "unknown key 'title2'", ""),
    "no stages": ("", 1, "'stages' is missing", "add"),
    "empty axis": ("stages:\n  s:\n    axes:\n      a: {}\n", 9, "axis 'a' is empty", "at least one level"),
    "empty values": (
        "stages:\n  s:\n    axes:\n      a: {path: train.epochs, values: []}\n",
        9,
        "axis 'a' is empty",
        "",
    ),
    "no axes": ("stages:\n  s: {}\n", 7, "stage 's' has no axes", "axes:"),
    "duplicate label": (
        "stages:\n  s:\n    axes:\n      a:\n        x: {}\n        x: {}\n",
        11,
        "'x' stands twice, first in line 10",
        "",
    ),
    "duplicate value": (
        "stages: {s: {axes: {a: {path: train.epochs, values: [1,\n 1]}}}}\n",
        7,
        "'1' stands twice",
        "take one out",
    ),
    "same number twice": (
        "stages: {s: {axes: {a: {path: data.noise.variance, values: [0,\n 0.0]}}}}\n",
        7,
        "stands twice",
        "",
    ),
    "level without patch": (
        "stages:\n  s:\n    axes:\n      a:\n        x:\n",
        10,
        "level 'x' has no patch",
        "write `{}`",
    ),
    "path elsewhere": (
        "stages: {s: {axes: {a: {path: seeds, values: [1]}}}}\n",
        6,
        "no setting 'seeds'",
        "begin with data",
    ),
    "path and no values": (
        "stages: {s: {axes: {a: {path: train.epochs}}}}\n",
        6,
        "needs either 'values' or 'levels'",
        "",
    ),
    "unshared axis": ("stages: {s: {axes: {a: [1, 2]}}}\n", 6, "no axis 'a' of its own", "values: […]"),
    "exclude unknown axis": (
        "stages:\n s:\n  axes: {a: {x: {}}}\n  exclude:\n  - {aa: x}\n",
        10,
        "no axis 'aa'",
        "'a'",
    ),
    "exclude unknown label": (
        "stages:\n s:\n  axes: {a: {x: {}}}\n  exclude:\n  - {a: z}\n",
        10,
        "no level 'z'",
        "known: x",
    ),
    "exclude all": ("stages:\n s:\n  axes: {a: {x: {}}}\n  exclude: [{a: x}]\n", 7, "no cells left", ""),
    "zip of unequal length": (
        "stages:\n s:\n  axes: {a: {x: {}}, b: {y: {}, z: {}}}\n  zip: [[a, b]]\n",
        9,
        "as many levels each (a 1, b 2)",
        "",
    ),
    "zipped and absent": (
        "stages:\n s:\n  axes: {a: {x: {}}, b: {y: {}}}\n  zip: [[a, b]]\n  when: {b: {a: x}}\n",
        10,
        "axis 'b' is zipped",
        "",
    ),
    "ablate without baseline": (
        "stages:\n s:\n  axes: {a: {x: {}}, b: {y: {}}}\n  ablate: {a: x}\n",
        9,
        "no label of axis 'b'",
        "",
    ),
    "contradicting union": (
        "stages:\n s:\n  union:\n  - axes: {a: {x: {}}}\n  - axes: {a: {x: {train: {epochs: 9}}}}\n",
        10,
        "different configurations",
        "",
    ),
    "table of no stage": (
        STAGE + "tables:\n  t: {stage: z, rows: a, columns: b, values: m}\n",
        8,
        "no stage 'z'",
        "known: s",
    ),
    "table of no axis": (STAGE + "tables:\n  t: {stage: s, rows: c, columns: b, values: m}\n", 8, "no axis 'c'", ""),
    "loose axis in a table": (
        STAGE.replace("b:", "c: {p: {}, q: {}}, b:") + "tables:\n  t: {stage: s, rows: a, columns: b, values: m}\n",
        8,
        "axis 'c' varies within a cell",
        "where: {c: p}",
    ),
    "published row of nothing": (
        STAGE + "tables:\n  t:\n    {stage: s, rows: a, columns: b, values: m, published: {m: {x: {1: 2},\n z: {}}}}\n",
        10,
        "no row 'z'",
        "known: x, y",
    ),
    "bad unit": (
        STAGE + "tables:\n  t: {stage: s, rows: a, columns: b, values: [{metric: m, unit: hour}]}\n",
        8,
        "unit",
        "",
    ),
    "bad seeds": (STAGE + "seeds2: 3\n", 7, "unknown key 'seeds2'", "'seeds'"),
    "not YAML": ("stages: {s: [}\n", 6, "is not valid YAML", ""),
    "both resizes": (
        "stages: {s: {axes: {a: {x: {data: {resize: {scale: 2, size: 9}}}}}}}\n",
        6,
        "give either 'scale' or 'size'",
        "",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_told_with_line_and_mend(suite, mistake):
    suite.refuses(*MISTAKES[mistake])


@pytest.mark.parametrize("seeds", ["0", "[]", "[1, 1]", "[-1]", "two", "1.5", "true"])
def test_seeds_are_counted_or_listed(suite, seeds):
    with pytest.raises(BenchError, match=r"tiny.yaml:5: seeds"):
        suite(STAGE, head=suite_head(seeds))


def suite_head(seeds: str) -> str:
    lines = ["suite: tiny", "title: t", "data: {source: digits}"]
    lines += ["base: {model: {name: simple_cnn}, train: {epochs: 2, optimizer: {name: sgd}}}", f"seeds: {seeds}"]
    return "\n".join(lines) + "\n"


def test_all_mistakes_are_told_at_once(suite):
    with pytest.raises(BenchError) as caught:
        suite("stages: {s: {axes: {a: {x: {train: {epoch: 3, batch_size: 0}}}}}}\n")
    assert "'epoch'" in str(caught.value) and "batch_size" in str(caught.value)


def test_a_mistake_of_a_profile_or_override_is_told_where_it_stands(suite):
    body = STAGE + "profiles:\n  quick:\n    base:\n      train: {epoch: 1}\n"
    with pytest.raises(BenchError, match=r"tiny.yaml:10: unknown key 'epoch'"):
        suite(body, profile="quick")
    with pytest.raises(BenchError, match=r"--set train.epoch=1: unknown key 'epoch'"):
        suite(STAGE, overrides=["train.epoch=1"])
    with pytest.raises(BenchError, match=r"has no profile 'quik'(.|\n)*did you mean 'quick'"):
        suite(body, profile="quik")


@pytest.mark.parametrize("override", ["epochs", "=3", "a b=3", "suite=other", "sedes=3", "seeds=[", "base..x=1"])
def test_overrides_that_are_none(suite, override):
    with pytest.raises(BenchError, match="--set"):
        suite(STAGE, overrides=[override])


@pytest.mark.parametrize("only", ["t", "s[a]", "s[a=z]", "s[c=x]", "s[a=x", ""])
def test_selections_that_are_none(suite, only):
    with pytest.raises(BenchError, match="--only"):
        suite(STAGE, only=[only])


def test_two_suites_of_one_name(suite):
    other = suite.write(STAGE, name="other.yaml")
    with pytest.raises(BenchError, match=f"{other}:1 is named 'tiny' too"):
        suite(STAGE)


def test_files_that_are_no_suites(suite, tmp_path):
    with pytest.raises(BenchError, match="cannot be read"):
        load_suite(tmp_path / "none.yaml")
    with pytest.raises(BenchError, match="cannot be read"):
        load_suite(tmp_path)
    for content in (b"", b"- a\n- b\n", b"word\n", b"\xff\xfe\x00", b"a: &x [*x]\n"):
        path = tmp_path / "bad.yaml"
        path.write_bytes(content)
        with pytest.raises(BenchError, match=r"bad.yaml"):
            load_suite(path)
