"""The JSON Schema that editors use says what the code does."""

import json

import pytest
import yaml
from jsonschema import Draft202012Validator

from bench.grammar.document import read
from bench.suite.jsonschema import json_schema


@pytest.fixture(scope="module")
def validator():
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_file_is_current(root):
    stored = json.loads((root / "suites" / "suite.schema.json").read_text(encoding="utf-8"))
    assert stored == json_schema(), "run: python -m bench.suite.jsonschema > suites/suite.schema.json"


def test_the_suites_of_the_project_are_valid(root, validator):
    for file in (root / "suites").glob("*.yaml"):
        assert [error.message for error in validator.iter_errors(read(file).data)] == []
        assert file.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=suite.schema.json\n")


@pytest.mark.parametrize(
    "mistake",
    [
        "stage: {}",
        "seeds: 0",
        "base: {modle: {}}",
        "base: {train: {epoch: 3}}",
        "data: {sorce: digits}",
        "stages: {s: {axis: {}}}",
    ],
)
def test_mistakes_are_seen_by_editors_too(root, validator, mistake):
    good = read(root / "suites" / "noise_vs_complexity.yaml").data
    assert list(validator.iter_errors({**good, **yaml.safe_load(mistake)}))
