"""The README says what the code does."""

import re

import pytest

from bench.cli.main import VERBS
from bench.suite import load_suite


@pytest.fixture(scope="module")
def readme(root) -> str:
    return (root / "README.md").read_text(encoding="utf-8")


def blocks(readme: str) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)


def test_the_stages_of_the_readme_load(readme, tmp_path):
    head, stages = blocks(readme)[:2]
    head = head[: head.index("stages:")] + "axes: {model: {small: {}, large: {model: {args: {hidden: 256}}}}}\n"
    path = tmp_path / "stages.yaml"
    path.write_text(head + stages, encoding="utf-8")
    found = {name: len(cells) for name, cells in load_suite(path).all_cells.items()}
    assert found == {"tuning-lr": 6, "tuning-batch": 4, "hunt": 30, "winners": 2, "fine-tuned": 2, "votes": 2}


def test_the_suite_of_the_readme_loads(readme, tmp_path):
    text = blocks(readme)[0]
    path = tmp_path / "batch_size.yaml"
    path.write_text(text, encoding="utf-8")
    assert len(load_suite(path).cells["main"]) == 6
    assert load_suite(path, profile="quick").seeds("main") == [0, 1, 2]


def test_every_verb_is_described(readme):
    for verb in VERBS:
        assert f"`bench {verb}" in readme


def test_ci_runs_the_test_command_of_the_readme(readme, root):
    command = "pip install -e '.[dev]' && python -m pytest"
    assert command in readme and command in (root / ".ci" / "run").read_text(encoding="utf-8")
