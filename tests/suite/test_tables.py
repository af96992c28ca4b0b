"""Tables and figures of other shapes than rows x columns: what is refused, with its line and mend."""

import pytest

STAGE = "stages: {s: {axes: {a: {x: {}, y: {}}, b: {path: train.epochs, values: [1, 2]}}}}\n"
TABLE = STAGE + "tables:\n  t: {stage: s, %s}\n"
CLASSES = "rows: class, columns: a, where: {b: 1}, values: test/class_accuracy/*, "
FIGURE = STAGE + "figures:\n  f: {kind: %s}\n"
SEARCH = (
    "stages: {s: {axes: {a: {x: {}, y: {}}}, search: {trials: 3, space: {lr: {path: train.optimizer.lr, low: 0.01, high: 1}}}}}\n"
)
MISTAKES = {  # what stands below the five lines of the head, line, message, mend
    "rows of classes without their metrics": (
        TABLE % "rows: class, columns: a, values: test/accuracy",
        8,
        "rows of classes need values `PREFIX/*`",
        "test/accuracy/*",
    ),
    "metrics of classes in other rows": (
        TABLE % "rows: a, columns: b, values: val/f1/*",
        8,
        "each row is a class",
        "`rows: class`",
    ),
    "both kinds of values": (
        TABLE % "rows: class, columns: a, where: {b: 1}, values: [val/f1/*, val/f1]",
        8,
        "'val/f1' is no metric of classes",
        "move it to `also: {LABEL: val/f1}`",
    ),
    "axis called class": (
        STAGE.replace("a:", "class:") + "tables:\n  t: {stage: s, rows: class, columns: b, values: val/f1/*}\n",
        6,
        "no axis can be named 'class'",
        "give it another name",
    ),
    "rows below no classes": (TABLE % "rows: a, columns: b, values: epochs, also: {all: epochs}", 8, "this table has none", ""),
    "too few below": (
        TABLE % (CLASSES + "also: {all: [val/f1, test/f1]}"),
        8,
        "'all' needs one metric for each of the 1 values",
        "",
    ),
    "loose axis beside classes": (
        TABLE % "rows: class, columns: a, values: test/class_accuracy/*",
        8,
        "axis 'b' varies within a cell",
        "where: {b: 1}",
    ),
    "loose axis beside metrics": (TABLE % "rows: a, values: epochs", 8, "axis 'b' varies within a cell", "where: {b: 1}"),
    "columns that are not there compete": (TABLE % "rows: [a, b], values: epochs, arms: columns", 8, "no columns", "`columns`"),
    "classes compete": (TABLE % (CLASSES + "arms: rows"), 8, "classes do not compete", "leave `arms` out"),
    "baseline of classes": (TABLE % (CLASSES + "baseline: cat"), 8, "the table has no column 'cat'", "known: x, y"),
    "baseline of rows": (TABLE % "rows: [a, b], values: epochs, baseline: z", 8, "the table has no row 'z'", "x / 1"),
    "printed column of classes": (
        TABLE % (CLASSES + "published: {test/class_accuracy/*: {cat: {z: 1}}}"),
        8,
        "the table has no column 'z'",
        "known: x, y",
    ),
    "printed numbers without columns": (
        TABLE % "rows: [a, b], values: epochs, published: {epochs: {x / 1: {y: 2}}}",
        8,
        "row 'x / 1' has not as many numbers",
        "ROW: NUMBER",
    ),
    "printed number for columns": (
        TABLE % "rows: a, columns: b, values: epochs, published: {epochs: {x: 2}}",
        8,
        "row 'x' has not as many",
        "{COLUMN: NUMBER}",
    ),
    "trials of no search": (FIGURE % "trials, stage: s", 8, "stage 's' is no search", "`search:`"),
    "images of what is not denoised": (
        FIGURE % "images, stage: s, rows: a, panels: b",
        8,
        "has denoised images",
        "`data.denoise`",
    ),
    "images with rows of no axis": (FIGURE % "images, stage: s, rows: c, panels: b", 8, "no axis 'c'", "known: a, b"),
    "trials of two searches": (SEARCH + "figures:\n  f: {kind: trials, stage: s}\n", 8, "axis 'a' varies", "add 'a' to `panels`"),
    "scatter of both": (
        FIGURE % "scatter, stage: s, x: epochs, y: val/f1/*",
        8,
        "a class or a cell, not both",
        "end both metrics",
    ),
    "scatter of the classes of several cells": (
        FIGURE % "scatter, stage: s, x: val/f1/*, y: val/f1/*, where: {b: 1}",
        8,
        "axis 'a' varies",
        "add 'a' to `panels`",
    ),
    "ranks of classes": (
        TABLE % CLASSES + "figures:\n  f: {kind: critical-difference, table: t}\n",
        10,
        "ranks need tasks as rows",
        "two axes",
    ),
    "boxes of no table": (FIGURE % "boxes, table: t", 8, "no table 't'", ""),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_told_with_line_and_mend(suite, mistake):
    suite.refuses(*MISTAKES[mistake])


def test_images_of_a_stage_that_denoises_are_taken(suite):
    body = (
        STAGE.replace("x: {}", "x: {data: {denoise: {name: tv}}}")
        + "figures: {f: {kind: images, stage: s, rows: a, panels: b}}\n"
    )
    assert suite(body).spec.figures["f"].rows == ["a"]


def test_tables_of_every_shape_and_their_figures_are_taken(suite):
    body = STAGE.replace("a: {x: {}", "a: {x: {train: {class_metrics: [accuracy, f1, size]}}")
    tables = """\
    tables:
      classes:
        {stage: s, rows: class, columns: [a, b], values: test/class_accuracy/*, also: {all: test/accuracy}, baseline: x / 1,
         published: {test/class_accuracy/*: {cat: {x / 1: 0.5}, all: {y / 2: null}}}}
      metrics: {stage: s, rows: [a, b], values: [test/loss, test/accuracy], baseline: x / 2, published: {test/loss: {x / 1: 2}}}
      both: {stage: s, rows: class, where: {a: x, b: 1}, values: [val/f1/*, test/f1/*], also: {macro: [val/f1, test/f1]}}
    figures:
      a: {kind: boxes, table: metrics}
      b: {kind: classes, stage: s, metric: train/class_size, sorted: true, where: {a: x, b: 1}}
      c: {kind: scatter, stage: s, x: epochs, y: test/accuracy, panels: a}
      d: {kind: scatter, stage: s, x: train/class_size/*, y: val/f1/*, panels: [a, b]}
      e: {kind: forest, table: classes}
    """
    loaded = suite(body + "".join(line[4:] + "\n" for line in tables.splitlines()))
    assert [table.by_class for table in loaded.spec.tables.values()] == [True, False, True]
    assert loaded.spec.tables["both"].also == {"macro": ["val/f1", "test/f1"]} and loaded.spec.figures["b"].bars == []
