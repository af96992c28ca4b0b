"""What a suite may say, and the cells that come of it."""

import pytest

from bench.grammar.cells import trials
from bench.suite.load import load_suite


def names(suite, stage="s"):
    return [cell.name for cell in suite.cells[stage]]


def test_product_in_order_of_declaration(suite):
    made = suite("""\
        stages:
          s:
            axes:
              lr: {path: train.optimizer.lr, values: [0.1, 1e-3]}
              depth: {a: {}, b: {model: {args: {depth: 3}}}}
        """)
    assert names(made) == ["lr=0.1, depth=a", "lr=0.1, depth=b", "lr=0.001, depth=a", "lr=0.001, depth=b"]
    last = made.cells["s"][-1].config
    assert last.train.optimizer.lr == 0.001 and last.train.optimizer.momentum == 0.9
    assert last.model.args == {"depth": 3} and last.data.source == "digits"


def test_path_lists_set_every_path(suite):
    made = suite("""\
        stages:
          s:
            axes:
              size: {path: [train.batch_size, data.subset.train], levels: {small: 8, large: 16}}
        """)
    assert [(c.config.train.batch_size, c.config.data.subset.train) for c in made.cells["s"]] == [(8, 8), (16, 16)]


def test_exclude_zip_when_ablate_union(suite):
    axes = "a: {path: train.epochs, values: [1, 2, 3]}\n    b: {path: train.batch_size, values: [4, 8, 16]}"
    head = f"stages:\n s:\n  axes:\n    {axes}\n"
    assert names(suite(head + "  exclude: [{a: [2, 3], b: 4}, {a: 1, b: [8, 16]}]\n")) == [
        "a=1, b=4", "a=2, b=8", "a=2, b=16", "a=3, b=8", "a=3, b=16",
    ]  # fmt: skip
    assert names(suite(head + "  zip: [[a, b]]\n")) == ["a=1, b=4", "a=2, b=8", "a=3, b=16"]
    assert names(suite(head + "  when: {b: {a: [2]}}\n")) == ["a=1", "a=2, b=4", "a=2, b=8", "a=2, b=16", "a=3"]
    assert names(suite(head + "  ablate: {a: 1, b: 8}\n")) == [
        "a=1, b=4",
        "a=1, b=8",
        "a=1, b=16",
        "a=2, b=8",
        "a=3, b=8",
    ]
    union = suite("""\
        stages:
          s:
            union:
              - axes: {a: {path: train.epochs, values: [1, 2]}}
              - axes: {a: {path: train.epochs, values: [2, 3]}}
        """)
    assert names(union) == ["a=1", "a=2", "a=3"]


def test_absent_axis_leaves_the_configuration_alone(suite):
    made = suite("""\
        stages:
          s:
            axes:
              a: {x: {}, y: {train: {epochs: 5}}}
              b: {path: train.batch_size, values: [4, 8]}
            when: {b: {a: y}}
        """)
    assert [(c.name, c.config.train.batch_size) for c in made.cells["s"]] == [
        ("a=x", 64),
        ("a=y, b=4", 4),
        ("a=y, b=8", 8),
    ]


def test_an_absent_axis_is_not_excluded_by_its_first_level(suite):
    made = suite("""\
        stages:
          s:
            axes:
              a: {x: {}, y: {}}
              b: {path: train.batch_size, values: [4, 8]}
            when: {b: {a: y}}
            exclude: [{b: 4}]
        """)
    assert names(made) == ["a=x", "a=y, b=8"]


def test_shared_axes_and_stage_patch(suite):
    made = suite("""\
        axes:
          noise: {path: data.noise.variance, values: [0, 0.01, 0.04]}
        stages:
          s: {axes: {noise: all}, patch: {train: {optimizer: {name: adam}}}}
          t: {axes: {noise: [0.04, 0]}, seeds: [7]}
        """)
    assert names(made) == ["noise=0", "noise=0.01", "noise=0.04"]
    assert names(made, "t") == ["noise=0.04", "noise=0"]
    assert made.cells["s"][0].config.train.optimizer.model_dump() == {
        "name": "adam",
        "lr": 0.001,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "weight_decay": 0.0,
    }  # fmt: skip  (a part of another name starts afresh: nothing of SGD's settings is left)
    assert made.seeds("s") == [0, 1] and made.seeds("t") == [7]


def test_yaml_of_today(suite):
    """Numbers such as 1e-3 are numbers, `no` and `off` are words, and anchors merge."""
    made = suite(
        """\
        stages:
          s:
            axes:
              flip:
                off: &none {train: {weight: null}}
                no: {data: {augment: [{name: flip, p: 1e-1}]}}
              more: {x: {<<: *none}}
        """.replace("{train: {weight: null}}", "{train: {epochs: 3}}")
    )
    assert names(made) == ["flip=off, more=x", "flip=no, more=x"]
    assert made.cells["s"][1].config.data.augment[0].p == 0.1
    assert made.cells["s"][1].config.train.epochs == 3


BODY = """\
stages:
  s: {axes: {a: {x: {}, y: {train: {epochs: 7}}}}}
  t: {axes: {a: {x: {}}}}
profiles:
  quick:
    seeds: 1
    base: {train: {epochs: 1, optimizer: {momentum: null}}}
    stages: {t: null, s: {axes: {a: {y: null}}}}
"""


def test_profiles_are_merge_patches(suite):
    made = suite(BODY, profile="quick")
    assert list(made.cells) == ["s"] and names(made) == ["a=x"]
    config = made.cells["s"][0].config
    assert (config.train.epochs, config.train.optimizer.momentum, config.train.optimizer.lr) == (1, 0.0, 0.1)
    assert made.experiment == "tiny.quick" and suite(BODY).experiment == "tiny"
    assert list(suite(BODY, profile="default").cells) == ["s", "t"]


def test_a_profile_adds_a_stage_above_another(suite):
    body = """\
        stages: {a: {axes: {x: {p: {}}}}, b: {axes: {x: {p: {}}}}}
        profiles:
          more: {stages: {before: {axes: {x: {p: {}}}}, b: {patch: {start: {stage: before}}}, after: {axes: {x: {p: {}}}}}}
        """
    assert list(suite(body, profile="more").cells) == ["a", "before", "b", "after"]


def test_overrides(suite):
    made = suite(BODY, overrides=["train.epochs=3", "data.noise.variance=0.5", "seeds=[4, 2]", "base.train.batch_size = 8"])
    config = made.cells["s"][0].config
    assert (config.train.epochs, config.data.noise.variance, config.train.batch_size) == (3, 0.5, 8)
    assert made.cells["s"][1].config.train.epochs == 7  # a level's patch lies over the base
    assert made.seeds("s") == [4, 2]


def test_only(suite):
    assert list(suite(BODY, only=["t"]).cells) == ["t"]
    assert names(suite(BODY, only=["s[a=y]"])) == ["a=y"]
    assert [len(c) for c in suite(BODY, only=["s[a=x]", "s[a=y]"]).cells.values()] == [2]


def test_fingerprint_says_what_matters_and_nothing_else(suite):
    def prints(body, **options):
        made = suite(body, **options)
        return [trial.fingerprint for trial in trials(made.cells["s"], made.seeds("s"), lambda section: "")]

    plain = "stages: {s: {axes: {a: {x: {}}}}}\n"
    assert len(set(prints(plain))) == 2, "one for each seed"
    assert prints(plain) == prints("stages: {s: {axes: {b: {other: {}}}}}\n"), "labels do not matter"
    assert prints(plain) == prints(plain, overrides=["train.batch_size=64"]), "nor does a default written out"
    assert prints(plain) == prints(plain, overrides=["data.resize={scale: 1}"]), "nor a scale of one"
    assert not set(prints(plain)) & set(prints(plain, overrides=["train.batch_size=65"]))
    assert not set(prints(plain)) & {
        t.fingerprint for t in trials(suite(plain).cells["s"], [0, 1], lambda section: "other images")
    }


def test_relative_files_belong_to_the_suite(suite, tmp_path):
    made = suite("stages: {s: {axes: {a: {x: {model: {weights: w.pth}, data: {source: folder, path: ../images}}}}}}\n")
    config = made.cells["s"][0].config
    assert config.model.weights == str(tmp_path / "w.pth") and config.data.path == str(tmp_path / "../images")


def test_files_are_told_apart_by_name_and_hashed_by_content(suite):
    made = suite("""\
        stages:
          s: {axes: {images: {path: data.path, values: [a, b]}}, patch: {data: {source: folder}}}
        """)
    first, second = (cell.data for cell in made.cells["s"])
    assert first.key != second.key and first.digest == second.digest
    contents = (lambda section: "", lambda section: getattr(section.config, "path", ""))
    same, other = ([t.fingerprint for t in trials(made.cells["s"], [0], content)] for content in contents)
    assert len(set(same)) == 1 and len(set(other)) == 2, "the content decides what is one trial"


def test_every_suite_of_the_project_loads_in_every_profile(root):
    files = sorted((root / "suites").glob("*.yaml"))
    assert files
    for file in files:
        profiles = load_suite(file).spec.profiles
        assert {"quick", "cpu"} <= set(profiles)
        for profile in profiles:
            assert load_suite(file, profile=profile).cells


@pytest.mark.parametrize("values", ["val/accuracy", "[val/accuracy, {metric: wall_clock, unit: min}]"])
def test_tables(suite, values):
    made = suite(f"""\
        stages:
          s: {{axes: {{a: {{x: {{}}, y: {{}}}}, b: {{path: train.epochs, values: [1, 2]}}, c: {{p: {{}}, q: {{}}}}}}}}
        tables:
          one:
            {{stage: s, rows: a, columns: b, where: {{c: p}}, values: {values}, published: {{val/accuracy: {{x: {{1: 0.5}}}}}}}}
          two: {{stage: s, rows: [a, c], columns: [b], values: {values}}}
        """)
    one = made.spec.tables["one"]
    assert (one.rows, one.columns, one.where, one.values[0].metric) == (["a"], ["b"], {"c": ["p"]}, "val/accuracy")
    assert one.published == {"val/accuracy": {"x": {"1": 0.5}}}
