"""Names of parts of the user's own, `module:name`: what is one, told with file and line, and known by its file."""

import sys

import pytest

from bench.errors import BenchError
from bench.registry import own_digest
from bench.suite.load import load_suite

SUITE = """\
suite: own
title: Parts of one's own
data: {{source: {data}, denoise: {{name: {denoise}}}}}
base: {{model: {{name: {model}}}, train: {{epochs: 1, batch_size: 8, optimizer: {{name: sgd, lr: 0.1}}}}}}
seeds: 2
stages: {{s: {{axes: {{lr: {{path: train.optimizer.lr, values: [0.01, 0.1]}}}}}}}}
"""
PARTS = {"data": "parts:images", "denoise": "parts:blur", "model": "parts:Net"}


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    """Load a suite with these parts."""
    monkeypatch.setattr(sys, "path", list(sys.path))

    def loaded(**parts):
        path = tmp_path / "own.yaml"
        path.write_text(SUITE.format(**PARTS | parts), encoding="utf-8")
        return load_suite(path)

    return loaded


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "name", ["parts.py/images:a", "parts:", ":images", "1parts:a", "parts:a:b", "pärts:a", "parts:ä", "a..b:c"]
)
def test_what_is_no_name_of_a_part_is_told_with_its_line(loaded, part, name):
    with pytest.raises(BenchError, match="should be `module:name`, in English letters, digits and '_'") as told:
        loaded(**{part: f"'{name}'"})
    assert told.value.where.endswith(f"own.yaml:{4 if part == 'model' else 3}")


@pytest.mark.parametrize("name", ["parts:a", "_my.parts_2.more:A_1"])
def test_every_part_is_known_by_its_name(loaded, name):
    cell = loaded(**dict.fromkeys(PARTS, name)).cells["s"][0]
    assert cell.data.own == (name, name) and cell.model.own == (name,)


def test_a_package_that_cannot_be_imported_has_no_digest(tmp_path, monkeypatch):
    (tmp_path / "broken_package").mkdir()
    (tmp_path / "broken_package" / "__init__.py").write_text("1 / 0")
    (tmp_path / "broken_package" / "nets.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    assert own_digest("broken_package.nets:Net") == ""
    assert own_digest("broken_package:Net") != ""
