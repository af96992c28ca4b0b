"""What README.md, CONTRIBUTING.md and docs/ show is so: blocks load, run or parse, and what they name is there."""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name

import pytest
import yaml

from bench.cli.main import VERBS, main, parser
from bench.grammar.document import read
from bench.reports.figures.kinds import KINDS
from bench.suite.load import load_suite

ROOT = Path(__file__).parent.parent
FILES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LINKING = [*FILES, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*/README.md"))]
COMING: set[str] = set()
"""What the documents name and is not there yet."""


@dataclass(frozen=True)
class Block:
    """A fenced block. line: where its text begins."""

    file: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.file.name}:{self.line}"

    @property
    def first(self) -> str:
        return self.text.split("\n", 1)[0]


def _blocks(file: Path) -> list[Block]:
    text = file.read_text(encoding="utf-8")
    found = re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [Block(file, text.count("\n", 0, match.start(2)) + 1, match[1], match[2]) for match in found]


def _spans(file: Path) -> list[str]:
    """Return the inline code of a file."""
    text = re.sub(r"^```.*?^```$", "", file.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"`([^`\n]+)`", text)


BLOCKS = [block for file in FILES for block in _blocks(file)]
SUITES = [block for block in BLOCKS if block.language == "yaml" and re.search("^suite:", block.text, re.MULTILINE)]
STAGES = [block for block in BLOCKS if block.language == "yaml" and block.first == "stages:"]
FIGURES = [block for block in BLOCKS if block.language == "yaml" and block.first == "figures:"]
PIECES = [block for block in BLOCKS if block.language == "python" and re.match("# (bench|reports|trackers)/", block.first)]
"""Pieces of the product's own files, which their first line names."""
NOTEBOOK = [block for block in BLOCKS if block.language == "python" and block.first == "import bench"]
SHELL = [block for block in BLOCKS if block.language == "sh"]
ELSEWHERE = {
    "# suites/my_parts.py": "tests/cli/test_own_parts.py",
    'data: {source: "my_parts:stripes"': "tests/cli/test_own_parts.py",
}
"""How a block begins → the test that takes it from its document."""


def _elsewhere(block: Block) -> bool:
    return any(block.first.startswith(start) and (ROOT / test).is_file() for start, test in ELSEWHERE.items())


@pytest.mark.parametrize("block", FIGURES, ids=str)
def test_every_figure_has_the_shape_of_its_kind(block):
    for name, figure in yaml.safe_load(block.text)["figures"].items():
        assert KINDS[figure["kind"]].spec.model_validate(figure), name


def test_every_block_is_tried():
    tried = [*SUITES, *STAGES, *FIGURES, *PIECES, *NOTEBOOK, *SHELL]
    left = [block for block in BLOCKS if block not in tried and not _elsewhere(block)]
    assert not left, f"say in this file how to try {', '.join(map(str, left))}"
    fences = sum(len(re.findall("^ *```", file.read_text(encoding="utf-8"), re.MULTILINE)) for file in FILES)
    assert fences == 2 * len(BLOCKS), "a fence that is indented or not closed"


@pytest.mark.parametrize("block", SUITES, ids=str)
def test_a_suite_loads_with_every_profile(block, tmp_path):
    path = tmp_path / "suite.yaml"
    path.write_text(block.text, encoding="utf-8")
    for profile in (None, *read(path).data.get("profiles", {})):
        assert load_suite(path, profile=profile).cells


def test_the_suite_of_the_readme(tmp_path):
    path = tmp_path / "batch_size.yaml"
    path.write_text(SUITES[0].text, encoding="utf-8")
    assert len(load_suite(path).cells["main"]) == 6
    assert load_suite(path, profile="quick").seeds("main") == [0, 1, 2]


def test_the_stages_of_the_readme(tmp_path):
    (stages,) = STAGES
    head = SUITES[0].text
    head = head[: head.index("stages:")] + "axes: {model: {small: {}, large: {model: {args: {hidden: 256}}}}}\n"
    path = tmp_path / "stages.yaml"
    path.write_text(head + stages.text, encoding="utf-8")
    found = {name: len(cells) for name, cells in load_suite(path).all_cells.items()}
    assert found == {"tuning-lr": 6, "tuning-batch": 4, "hunt": 30, "winners": 2, "fine-tuned": 2, "votes": 2}


def test_the_notebook_of_the_readme(tmp_path, monkeypatch, capsys):
    """On the README's own suite, with few images."""
    (tmp_path / "suites").mkdir()
    text = SUITES[0].text.replace("{source: digits}", "{source: digits, subset: {train: 96, val: 48, test: 48}}")
    (tmp_path / "suites" / "batch_size.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (block,) = NOTEBOOK
    given: dict = {}
    exec(compile(block.text, str(block), "exec"), given)
    assert len(given["frame"]) == 18 and set(given["frame"].outcome) == {"finished"} and given["report"].complete
    told = capsys.readouterr().out
    assert re.search(r"^256 +flip +0\.\d+ +0\.\d+$", told, re.MULTILINE)
    assert re.search("^0 +smaller-is-better +augment=none ", told, re.MULTILINE)


TRY_PIECES = """\
import json, sys
from importlib import import_module

import torch

from bench import config
from bench.contracts.base import world_kept
from bench.contracts.images import check_augmentation
from bench.data import AUGMENTATIONS

for code in json.load(sys.stdin):
    name = code.split("\\n", 1)[0].removeprefix("# ").removesuffix(".py").replace("/", ".")
    module = import_module(name)
    before = set(vars(module))
    exec(compile(code, name, "exec"), vars(module))
    for new in set(vars(module)) - before:  # as its package's __init__.py would
        setattr(sys.modules[name.rpartition(".")[0]], new, getattr(module, new))

options, seeded = config.Invert(name="invert"), torch.Generator().manual_seed
assert "negative" in AUGMENTATIONS.describe()["invert"] and options.p == 0.5
for images in (torch.randint(256, (64, 3, 5, 4), dtype=torch.uint8), torch.rand(64, 3, 5, 4)):
    result, top = AUGMENTATIONS["invert"](images, options, seeded(0)), 1 if images.is_floating_point() else 255
    turned = (result == top - images).flatten(1).all(1)
    assert result.dtype == images.dtype and 16 < turned.sum() < 48
    assert torch.equal(result[~turned], images[~turned])
with world_kept(torch.device("cpu")):
    own = config.Own(name="bench.data.augment.colour:invert", args={"p": 0.5})
    check_augmentation(own, (3, 8, 8), torch.device("cpu"))
print("tried")
"""


def test_the_augmentation_of_the_contributors_guide():
    """In a process of its own: what is registered stays."""
    assert [block.file.name for block in PIECES] == ["CONTRIBUTING.md"] * 2
    given = json.dumps([block.text for block in PIECES])
    done = subprocess.run([sys.executable, "-c", TRY_PIECES], input=given, capture_output=True, text=True, check=False)
    assert done.stdout == "tried\n", done.stderr


def _commands() -> list[tuple[str, list[str]]]:
    """Return where each command of ours stands, and its words: in a shell block, or as inline code without gaps to fill."""
    found = []
    for block in SHELL:
        for number, line in enumerate(block.text.splitlines(), block.line):
            words = shlex.split(line, comments=True)
            while words:
                end = words.index("&&") if "&&" in words else len(words)
                command, words = words[:end], words[end + 1 :]
                if command[:3] == ["python", "-m", "bench"]:
                    command = command[2:]
                if command[:1] == ["bench"]:
                    found.append((f"{block.file.name}:{number}", command[1:]))
    for file in FILES:
        for span in _spans(file):
            if re.match(r"bench \w+ [^…\\|\[\]]+$", span):
                found.append((f"{file.name}: {span}", shlex.split(span)[1:]))
    return found


@pytest.mark.parametrize("words", [pytest.param(words, id=place) for place, words in _commands()])
def test_a_command_is_accepted(words, capsys):
    try:
        args = parser(words).parse_args(words)
    except SystemExit:
        pytest.fail(capsys.readouterr().err)
    for suite in [*getattr(args, "suites", []), *([args.suite] if hasattr(args, "suite") else [])]:
        if suite.endswith(".yaml"):
            assert load_suite(ROOT / suite, profile=args.profile, overrides=args.overrides, only=getattr(args, "only", [])).cells


def test_every_verb_is_described_with_its_options(capsys):
    commands = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Commands")[2]
    for verb in VERBS:
        (row,) = re.findall(rf"^\| `bench {verb}\b.*$", commands, re.MULTILINE)
        with pytest.raises(SystemExit):
            main([verb, "--help"])
        told = capsys.readouterr().out
        assert [option for option in re.findall(r"`(--?[a-z-]+)", row) if not re.search(rf"(?<!\S){option}\b", told)] == []


def test_what_the_documents_name_is_there():
    absent = set()
    for span in {span for file in FILES for span in _spans(file)}:
        if re.fullmatch(r"(bench|tests|reports|trackers|docs|suites|\.ci)/[\w./-]*", span) and "NAME" not in span:
            absent |= set() if (ROOT / span).exists() else {span}
        elif re.fullmatch(r"bench(\.\w+)+", span):
            try:
                resolve_name(span)
            except (ImportError, AttributeError):
                absent.add(span)
    assert absent - COMING == set()


def test_what_is_said_to_stand_in_a_file_does():
    said = [
        (name, path)
        for file in FILES
        for name, path in re.findall(r"`([A-Za-z]\w+)` (?:of|in|from) `([a-z]+/[\w/]+\.py)`", file.read_text(encoding="utf-8"))
    ]
    assert len(said) > 8
    absent = [(name, path) for name, path in said if not re.search(rf"\b{name}\b", (ROOT / path).read_text(encoding="utf-8"))]
    assert absent == []


def test_links_lead_somewhere():
    for file in LINKING:
        for target in re.findall(r"\]\(([^)#\s]+)", file.read_text(encoding="utf-8")):
            assert target.startswith("https://") or (file.parent / target).exists(), f"{file.name}: {target}"


def test_extras_that_are_installed_exist():
    known = set(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"])
    named = {extra for file in FILES for extra in re.findall(r"\.\[(\w+)\]", file.read_text(encoding="utf-8"))}
    assert "dev" in named <= known


def test_ci_runs_the_test_command_of_the_readme():
    command = "pip install -e '.[dev]' && python -m pytest -n 2 --dist loadfile"
    for path in ("README.md", "CONTRIBUTING.md", ".ci/run"):
        assert command in (ROOT / path).read_text(encoding="utf-8")
