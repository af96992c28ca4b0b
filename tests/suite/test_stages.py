"""Stages that start from others, search, sweep and vote."""

import pytest

STAGES = """\
stages:
  first:
    axes: {lr: {path: train.optimizer.lr, values: [0.1, 0.2]}, model: {a: {}, b: {model: {args: {hidden: 8}}}}}
  second:
    patch: {start: {stage: first, each: model}}
    axes: {model: {a: {}, b: {}}, epochs: {path: train.epochs, values: [2, 3]}}
"""


def test_a_start_stands_for_the_first_until_the_best_is_known(suite):
    found = suite(STAGES)
    cells = found.all_cells["second"]
    assert [cell.labels for cell in cells][:2] == [{"model": "a", "epochs": "2"}, {"model": "a", "epochs": "3"}]
    assert {cell.config.train.optimizer.lr for cell in cells} == {0.1}
    assert [cell.config.model.args for cell in cells] == [{}, {}, {"hidden": 8}, {"hidden": 8}]
    best = {("model", "a"): found.all_cells["first"][2], ("model", "b"): None}
    known = found.expand("second", lambda start, on: best[next(iter(on.items()))])
    assert [cell.waits for cell in known] == ["", "", "first", "first"]
    assert known[0].config.train.optimizer.lr == 0.2 and known[1].config.train.epochs == 3
    assert known[2].config.model.args == {"hidden": 8}, "what waits stands there as one of those that it may come to be"


def test_winners_of_several_stages_as_levels(suite):
    found = suite(
        """\
        stages:
          one: {axes: {lr: {path: train.optimizer.lr, values: [0.3, 0.4]}}}
          two: {axes: {lr: {path: train.optimizer.lr, values: [0.5, 0.6]}}}
          both: {axes: {from: {one: {start: {stage: one}}, two: {start: {stage: two}, train: {epochs: 9}}}}}
        """
    )
    assert [(c.config.train.optimizer.lr, c.config.train.epochs) for c in found.all_cells["both"]] == [(0.3, 2), (0.5, 9)]


def test_a_sweep_is_a_chain(suite):
    found = suite(
        """\
        axes: {model: {a: {}, b: {model: {args: {hidden: 8}}}}}
        stages:
          tuning:
            title: Tuning
            axes: {model: all}
            keep: val/loss
            sweep:
              lr: {path: train.optimizer.lr, values: [0.1, 0.2]}
              batch: {path: train.batch_size, values: [16, 32, 64]}
              momentum: {path: train.optimizer.momentum, levels: {none: 0, some: 0.9}}
          after: {patch: {start: {stage: tuning}}, axes: {model: [a]}}
          votes: {ensemble: {stages: [tuning, after]}}
        profiles:
          quick: {stages: {tuning: {sweep: {batch: null, lr: {values: [0.3]}}}}}
        """
    )
    assert {name: len(cells) for name, cells in found.all_cells.items()} == {
        "tuning-lr": 4,
        "tuning-batch": 6,
        "tuning-momentum": 4,
        "after": 1,
        "votes": 1,
    }
    start = found.all_cells["tuning-momentum"][0].start
    assert (start.stage, start.each, start.metric) == ("tuning-batch", ["model"], "val/loss")
    assert found.all_cells["after"][0].start.stage == "tuning-momentum"
    assert found.all_cells["votes"][0].ensemble.config.stages == ["tuning-lr", "tuning-batch", "tuning-momentum", "after"]
    assert found.spec.stages["tuning-lr"].title == "Tuning: lr"
    from bench.suite.load import load_suite

    quick = load_suite(found.document.file, profile="quick")
    assert list(quick.all_cells) == ["tuning-lr", "tuning-momentum", "after", "votes"] and len(quick.all_cells["tuning-lr"]) == 2


def test_votes_need_no_model(suite):
    head = "suite: t\ntitle: t\ndata: {source: digits}\nbase: {model: {head: {hidden: [8]}}, train: {epochs: 1}}\n"
    found = suite(
        """\
        stages:
          one: {axes: {model: {a: {model: {name: simple_cnn}}, b: {model: {name: lenet}}}}}
          votes: {ensemble: {stages: one}}
        """,
        head,
    )
    assert [cell.config.model.head.hidden for cell in found.all_cells["one"]] == [(8,), (8,)]
    assert found.all_cells["votes"][0].ensemble.config.stages == ["one"]


def test_a_search(suite):
    found = suite(
        """\
        stages:
          hunt:
            seeds: [7, 42]
            axes: {model: {a: {}, b: {model: {args: {hidden: 8}}}}}
            search:
              trials: 3
              space:
                optimizer: {sgd: {}, adam: {train: {optimizer: {name: adam}}}}
                lr: {path: train.optimizer.lr, low: 1e-4, high: 1e-2, log: true}
                width: {path: model.args.hidden, low: 8, high: 16}
        """
    )
    cells = found.all_cells["hunt"]
    assert [cell.name for cell in cells][2:4] == ["model=a, trial=2", "model=b, trial=0"]
    cell = found.sampled("hunt", {"model": "b", "trial": "1"}, {"optimizer": "adam", "lr": 0.005, "width": 12}, None)
    assert cell.labels == {"model": "b", "trial": "1"} and cell.config.model.args == {"hidden": 12}
    assert cell.config.train.optimizer.name == "adam" and cell.config.train.optimizer.lr == 0.005


def test_a_search_within_a_union_takes_the_cell_itself(suite):
    found = suite(
        """\
        stages:
          hunt:
            union: [{axes: {m: {a: {}}}}, {axes: {m: {a: {}}, d: {x: {train: {epochs: 7}}}}}]
            search: {trials: 2, space: {lr: {path: train.optimizer.lr, low: 0.01, high: 0.1}}}
        """
    )
    cell = found.sampled("hunt", {"m": "a", "d": "x", "trial": "0"}, {"lr": 0.05}, None)
    assert cell.config.train.epochs == 7
    assert {one.config.train.optimizer.lr for one in found.all_cells["hunt"].samples} == {0.1, 0.01 + 0.37 * (0.1 - 0.01)}


def test_a_sweep_where_an_axis_is_not_everywhere(suite):
    found = suite(
        """\
        stages:
          tuning:
            axes: {m: {a: {}, b: {model: {args: {hidden: 8}}}}, d: {x: {}, y: {train: {epochs: 3}}}}
            when: {d: {m: b}}
            sweep:
              lr: {path: train.optimizer.lr, values: [0.1, 0.2]}
              batch: {path: train.batch_size, values: [16, 32]}
        """
    )
    assert [cell.name for cell in found.all_cells["tuning-batch"]][:3] == ["m=a, batch=16", "m=a, batch=32", "m=b, d=x, batch=16"]


def test_weights_of_another_stage(suite):
    from bench.suite.dependencies import trained_by

    found = suite(
        """\
        stages:
          base: {axes: {lr: {path: train.optimizer.lr, values: [0.1, 0.2]}, model: {a: {}, b: {model: {args: {hidden: 8}}}}}}
          tuned:
            patch: {model: {weights: {stage: base, cell: {lr: 0.2}}, frozen: true}}
            axes: {model: {a: {}, b: {model: {args: {hidden: 8}}}}}
        """
    )
    sources = [trained_by(found.document, cell, found.all_cells).labels for cell in found.all_cells["tuned"]]
    assert sources == [{"lr": "0.2", "model": "a"}, {"lr": "0.2", "model": "b"}], "axes that both have go together"


SPACE = "stages:\n  s:\n    search:\n      trials: 2\n      space:\n        "


@pytest.mark.parametrize(
    ("body", "line", "message", "mend"),
    [
        ("stages: {s: {}}", 6, "stage 's' has no axes", "`search:`, `sweep:` or `ensemble:`"),
        ("stages: {s: {sweep: {}}}", 6, "the sweep of stage 's' has no axis", "name at least one axis"),
        (
            "stages:\n  s: {axes: {a: {x: {}}}}\n  t: {patch: {start: {stage: sx}}, axes: {a: {x: {}}}}",
            8,
            "no stage 'sx'",
            "did you mean 's'?",
        ),
        (
            "stages:\n  t: {patch: {start: {stage: s}}, axes: {a: {x: {}}}}\n  s: {axes: {a: {x: {}}}}",
            7,
            "stage 's' does not stand above 't'",
            "move it up",
        ),
        (
            "stages:\n  s: {axes: {a: {x: {}}}}\n  t: {patch: {start: {stage: s, each: b}}, axes: {b: {x: {}}}}",
            8,
            "stage 's' has no axis 'b'",
            "known: a",
        ),
        (
            "stages:\n  s: {axes: {a: {x: {}}}}\n  t: {patch: {start: {stage: s, each: a}}, axes: {a: {y: {}}}}",
            8,
            "stage 's' has no cell a=y to start from",
            "let both stages have these levels",
        ),
        (
            "stages:\n  s: {axes: {a: {x: {}}}}\n  t: {patch: {start: {stage: s, metric: test/accuracy}}, axes: {a: {x: {}}}}",
            8,
            "start.metric: should be 'val/loss' or 'val/accuracy'",
            "",
        ),
        (
            SPACE + "lr: {path: train.optimizer.lr, low: 0.1, high: 0.01}",
            11,
            "low (0.1) should be below high (0.01)",
            "",
        ),
        (
            SPACE + "lr: {path: train.optimizer.lr, low: 0, high: 1, log: true}",
            11,
            "a log scale should begin above 0",
            "",
        ),
        (
            SPACE + "m: {path: train.optimizer.momentum, low: 0, high: 2}",
            11,
            "train.optimizer.momentum: should be less than 1, not 2",
            "",
        ),
        (
            SPACE + "lr: {path: optimizer.lr, low: 0.1, high: 1}",
            11,
            "no setting 'optimizer.lr'",
            "begin with data, model or train",
        ),
        (
            "stages:\n  s:\n    search: {trials: 2, space: {seed: {path: train.epochs, values: [1]}}}",
            8,
            "seeds are no parameter of the space",
            "`seeds: […]`",
        ),
        (
            "stages:\n  s:\n    seeds: {looks: [2, 4]}\n    search: {trials: 2, space: {a: {path: train.epochs, values: [1]}}}",
            7,
            "a search has no looks",
            "seeds: 1",
        ),
        (
            "stages:\n  s: {ensemble: {stages: t}}\n  t: {axes: {a: {x: {}}}}",
            7,
            "stage 't' does not stand above 's'",
            "move it up",
        ),
        (
            "stages:\n  s: {axes: {a: {x: {}}}}\n  t: {ensemble: {stages: s}}\n  u: {ensemble: {stages: t}}",
            9,
            "stage 't' is an ensemble, which trains nothing",
            "",
        ),
        (
            "stages:\n  s: {axes: {a: {x: {ensemble: {vote: hard}}}}}",
            7,
            "stage 's' is no ensemble",
            "add `ensemble: {stages: […]}`",
        ),
        (
            "stages:\n  s: {axes: {a: {x: {}}}}\n"
            "  t: {patch: {model: {name: resnet18, weights: {stage: s}}}, axes: {b: {x: {}}}}",
            8,
            "stage 's' trained simple_cnn, and its weights do not fit resnet18",
            "the same `model.name`",
        ),
        (
            "stages:\n  s: {axes: {a: {x: {}, y: {}}}}\n  t: {patch: {model: {weights: {stage: s}}}, axes: {b: {x: {}}}}",
            8,
            "2 cells of stage 's' could give the weights",
            "name one",
        ),
        (
            "stages:\n  s: {axes: {a: {x: {}}}}\n  t: {patch: {model: {weights: {stage: s, cell: {a: z}}}}, axes: {b: {x: {}}}}",
            8,
            "axis 'a' of stage 's' has no level 'z'",
            "known: x",
        ),
        (
            SPACE + "lr: {path: train.optimizer.lr, low: 0.01, high: 0.1}\n"
            "  t: {patch: {model: {weights: {stage: s, cell: {trial: 1}}}}, axes: {b: {x: {}}}}",
            12,
            "stage 's' is a search, which keeps no weights",
            "start from its best",
        ),
        (SPACE + "batch: {path: train.batch_size, low: 1e1, high: 1e2}", 11, "train.batch_size: should be", ""),
        (SPACE + "epochs: {path: train.epochs, low: 1, high: 4, step: 0.5}", 11, "should be whole, not 0.5", ""),
        (SPACE + "lr: {path: train.optimizer.lr, low: 0.1, high: .inf}", 11, "both ends should be finite", ""),
        (
            SPACE + "o: {sgd: {}, adam: {train: {optimizer: {name: adam}}}}\n"
            "        extra: {plain: {}, nag: {train: {optimizer: {nesterov: true}}}}",
            12,
            "unknown key 'nesterov' in train.optimizer",
            "",
        ),
        (SPACE + "f: {x: {}, y: {start: {stage: a}}}", 11, "'start' is no parameter of a search", "`patch`"),
        (
            SPACE + "vote: {path: ensemble.vote, values: [soft, hard]}",
            11,
            "'ensemble' is no parameter of a search",
            "`patch`",
        ),
        (
            SPACE + "w: {x: {}, y: {model: {weights: {stage: a}}}}",
            11,
            "weights of a stage are no parameter of a search",
            "a search for each",
        ),
        (
            SPACE + "lr: {path: train.optimizer.lr, low: 0.01, high: 0.1}\n    axes: {a: {x: {}}}\n    exclude: [{a: x}]",
            7,
            "stage 's' has no cells left",
            "exclude less",
        ),
        (
            "stages:\n  s: {axes: [m], sweep: {lr: {path: train.optimizer.lr, values: [0.1]}}}",
            7,
            "'axes' of stage 's' is not a mapping",
            "write `axes: {…}`",
        ),
        (
            "stages:\n  s: {axes: {a: {x: {}}}}\n  v: {ensemble: {stages: s, pool: seed}, seeds: {looks: [2, 4]}}",
            8,
            "stage 'v' is an ensemble, and an ensemble has no looks",
            "the stage's own `seeds:`",
        ),
        (
            "stages:\n  t: {axes: {a: {x: {}}}}\n  s:\n    ensemble: {stages: t}\n"
            "    union: [{axes: {v: {x: {}}}}, {axes: {v: {x: {ensemble: {vote: hard}}}}}]",
            10,
            "different configurations",
            "rename",
        ),
    ],
)
def test_errors(suite, body, line, message, mend):
    suite.refuses(body, line, message, mend)
