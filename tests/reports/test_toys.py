"""A relation of claims, a kind of figure and a format of one's own: each a file and a line, in a copy of the sources."""

import json
import os
import shutil
import subprocess
import sys

import pytest

CLAIM = '''\
"""A metric of the subject is above zero."""

from bench.reports.claims.base import ClaimContrast, Relation, as_text
from bench.reports.claims.estimates import estimate
from bench.reports.claims.rules import Rule


class Positive(Relation):
    name = "positive"
    value = bool
    tests = ("t",)
    remark = "Positive: above zero."

    def contrasts(self, claim, find):
        side = find.subject()
        return [ClaimContrast("", (side,), (1.0,), Rule("beyond", 1), number=0.0, text=f"{as_text(side.arm.labels)} above zero")]

    def measure(self, question):
        return estimate(question)

    def sentence(self, claim):
        return "is above zero"


RELATIONS = (Positive(),)
'''
FIGURE = '''\
"""How many seeds each cell of a table has, as bars."""

from dataclasses import dataclass
from typing import Literal

from bench.reports.figures.base import FigureSpec, Kind, check_table, table_of
from bench.reports.figures.drawing.sheet import Sheet


class Counts(FigureSpec):
    """How many seeds each cell of a table has."""

    kind: Literal["counts"]
    table: str


@dataclass(frozen=True)
class CountsData:
    counts: tuple[int, ...]


def build(name, figure, source):
    table = table_of(name, figure.table, source)
    data = CountsData(tuple(len(cell.values) for cell in table.blocks[0].cells.values()))
    return f"{table.title}: seeds", data, f"{sum(data.counts)} seeds."


def draw(data):
    sheet = Sheet(1.0)
    sheet.place(0.5, 0.2, 3, 0.6).bar(range(len(data.counts)), data.counts)
    return sheet.figure


KIND = Kind(Counts, check_table, build, draw)
'''
FORMAT = '''\
"""Plain text: a line for every claim."""

from bench.reports.formats.reading import Reading, table

shown = str


def render(report, figures={}):
    lines = [f"{claim.name}: {claim.verdict}" for claim in report.claims]
    return "\\n".join([f"{report.suite}, profile {report.profile}", *lines, *figures.values()]) + "\\n"


def read(text):
    source, *lines = text.splitlines()
    rows = [line.split(": ") for line in lines]
    return Reading([table("Claims of the report", ["claim", "verdict"], rows)], sources=[source])
'''
SUITE = """\
suite: toys
title: Toys
data: {source: digits}
base: {model: {name: simple_cnn}, train: {epochs: 1, optimizer: {name: sgd, lr: 0.1}}}
seeds: 3
stages: {s: {axes: {lr: {path: train.optimizer.lr, values: [0.1, 0.2]}}}}
tables: {t: {title: Rates, stage: s, rows: lr, values: val/accuracy}}
claims: {up: {says: it learns, metric: val/accuracy, stage: s, of: {lr: 0.1}, positive: true}}
figures: {n: {kind: counts, table: t}}
"""
SCRIPT = """\
import json, sys
import bench
from bench.grammar.cells import trials
from bench.reports.check import check
from bench.reports.figures.build import render
from bench.reports.formats import FORMATS
from bench.reports.records.collect import Expected, collect
from bench.reports.report import assemble
from bench.suite.load import load_suite
from bench.trackers import StoredRun

suite = load_suite(sys.argv[1])
expected = [Expected("s", dict(cell.labels), seed, f"{cell.name} {seed}") for cell in suite.cells["s"] for seed in (0, 1, 2)]
runs = [
    StoredRun(one.fingerprint, "FINISHED", {"fingerprint": one.fingerprint}, {"val/accuracy": 0.5 + one.seed / 100}, 0.0, 1.0)
    for one in expected
]
report = assemble(suite, collect(expected, runs), figures=suite.spec.figures)
text = FORMATS["text"].load().render(report)
markdown = FORMATS["markdown"].load().render(report)
print(json.dumps({
    "from": bench.__file__, "text": text, "markdown": markdown,
    "agrees": [str(one) for one in check(report, text, "text")],
    "caption": report.figures[0].caption, "image": render(report.figures[0], "svg").decode()[:5],
    "disagrees": [str(one) for one in check(report, text.replace("supported", "refuted"), "text")],
}))
"""
LINES = {
    "reports/claims/relations/__init__.py": ('    "along",\n', '    "positive",\n'),
    "reports/figures/kinds/__init__.py": ('    "dots",\n', '    "counts",\n'),
    "reports/formats/__init__.py": ('    "json": ', '    "text": Format("txt", "bench.reports.formats.text"),\n'),
}
"""file → a line of it, and the one that is put before."""


@pytest.fixture
def copy(root, tmp_path):
    """The sources, with three more files and their lines."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "bench", tmp_path / "bench", ignore=ignored)
    for folder in ("reports", "trackers"):
        shutil.copytree(root / folder, tmp_path / "bench" / folder, ignore=ignored)
    for path, text in {"claims/relations/positive": CLAIM, "figures/kinds/counts": FIGURE, "formats/text": FORMAT}.items():
        (tmp_path / "bench" / "reports" / f"{path}.py").write_text(text)
    for path, (before, line) in LINES.items():
        file = tmp_path / "bench" / path
        assert file.read_text().count(before) == 1, path
        file.write_text(file.read_text().replace(before, line + before))
    (tmp_path / "toys.yaml").write_text(SUITE)
    return tmp_path


def test_a_relation_a_figure_kind_and_a_format_are_a_file_and_a_line_each(copy):
    command = [sys.executable, "-c", SCRIPT, "toys.yaml"]
    done = subprocess.run(command, cwd=copy, env=os.environ | {"PYTHONPATH": str(copy)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["from"] == str(copy / "bench" / "__init__.py")
    assert told["text"] == "toys, profile default\nup: supported\n"
    assert told["agrees"] == [] and told["disagrees"] == [
        "Claims of the report, row up, column verdict: the file says refuted, the stored runs give supported"
    ]
    assert told["caption"] == "Rates: seeds. 6 seeds." and told["image"] == "<?xml"
    assert "Positive: above zero." in told["markdown"] and "lr=0.1 above zero" in told["markdown"]
