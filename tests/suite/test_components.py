"""Custom components beside a suite: they hide nobody's modules, are known with what they import, and each folder has its own."""

import hashlib
import random
import subprocess
import sys

import pytest

from bench import components
from bench.registry import own, own_digest
from bench.runner.planner import make_plan
from bench.suite import load_suite

SUITE = """\
suite: own
title: Custom components
data: {source: digits, subset: {train: 60, val: 30, test: 30}}
base: {model: {name: "NAME:Net"}, train: {epochs: 1, batch_size: 32, optimizer: {name: sgd, lr: 0.05}}}
seeds: 2
stages: {s: {axes: {lr: {path: train.optimizer.lr, values: [0.05, 0.1]}}}}
tables: {t: {stage: s, rows: lr, values: val/accuracy}}
"""
NET = """\
from torch import nn
IMPORT

class Net(nn.Module):
    def __init__(self, in_shape, classes):
        super().__init__()
        self.layer = nn.Linear(in_shape[0] * in_shape[1] * in_shape[2], classes)

    def forward(self, images):
        return self.layer(images.flatten(1)) * FACTOR
"""


@pytest.fixture
def write(tmp_path):
    """Writes files into a folder: path → text. Returns the folder."""

    def write(**files: str):
        for name, text in files.items():
            path = tmp_path / f"{name.replace('_in_', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


def digest_of(folder, name: str) -> str:
    with components.beside(folder):
        return own_digest(f"{name}:Net")


SHADOWED = ("queue", "random", "types", "signal", "copy", "platform", "profile", "selectors", "bench", "torch", "numpy", "json")


def test_files_of_a_librarys_names_beside_a_suite_are_in_nobodys_way(write):
    """The whole of `bench run`, in a process that has imported nothing before, and its worker's."""
    folder = write(**dict.fromkeys(SHADOWED, "raise SystemExit('the wrong module')\n"), net=NET.replace("IMPORT", "FACTOR = 1"))
    (folder / "own.yaml").write_text(SUITE.replace("NAME", "net"))
    command = [sys.executable, "-P", "-m", "bench", "run", "own.yaml", "--workers", "1"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0 and "4 finished" in done.stdout, done.stderr


@pytest.mark.parametrize("name", ["random", "bench", "queue"])
def test_a_component_may_have_a_librarys_name(write, name):
    folder = write(**{name: NET.replace("IMPORT", "import random\nFACTOR = random.random()")})
    with components.beside(folder):
        found = own(f"{name}:Net", "model")
        assert found.__module__ == f"beside_the_suite.{name}"
        assert own(f"{name}:Net", "model") is found, "loaded once"
    assert sys.modules["random"] is random and not any(module.startswith("beside_the_suite") for module in sys.modules)


def test_a_component_alone_is_known_by_its_file_as_before(write):
    folder = write(net=NET.replace("IMPORT", "FACTOR = 1"))
    assert digest_of(folder, "net") == hashlib.sha256((folder / "net.py").read_bytes()).hexdigest()
    assert digest_of(folder, "absent") == ""


@pytest.mark.parametrize(
    ("line", "helper"),
    [
        ("from scale import FACTOR", "scale"),
        ("import scale; FACTOR = scale.FACTOR", "scale"),
        ("import tools.scale as scale; FACTOR = scale.FACTOR", "tools_in_scale"),
        ("from tools import scale; FACTOR = scale.FACTOR", "tools_in_scale"),
        ("from tools.scale import FACTOR", "tools_in_scale"),
        ("from middle import FACTOR", "scale"),
    ],
)
def test_what_a_component_imports_from_beside_the_suite_belongs_to_it(write, line, helper):
    more = {"middle": "from scale import FACTOR\n"} if "middle" in line else {}
    more |= {"tools_in___init__": ""} if "tools.scale as" in line else {}  # a package, else a folder that is none
    folder = write(net=NET.replace("IMPORT", line), **{helper: "FACTOR = 1.0\n"}, **more, unrelated="X = 1\n")
    path = folder / "own.yaml"
    path.write_text(SUITE.replace("NAME", "net"))

    def fingerprints():
        return {trial.fingerprint for trial in make_plan(load_suite(path), []).trials}

    def factor():
        with components.beside(folder):
            return own("net:Net", "model").forward.__globals__["FACTOR"]

    first = fingerprints()
    assert factor() == 1.0
    write(unrelated="X = 2\n")
    assert fingerprints() == first
    write(**{helper: "FACTOR = 0.0\n"})
    assert not fingerprints() & first and factor() == 0.0, "what is known by another hash is loaded anew, too"
    write(**{helper: "FACTOR = 1.0\n"})
    assert fingerprints() == first and factor() == 1.0


def test_modules_of_a_package_import_each_other(write):
    folder = write(
        parts_in___init__="", parts_in_net=NET.replace("IMPORT", "from .scale import FACTOR"), parts_in_scale="FACTOR = 3\n"
    )
    before = digest_of(folder, "parts.net")
    with components.beside(folder):
        assert own("parts.net:Net", "model").forward.__globals__["FACTOR"] == 3
    write(parts_in_scale="FACTOR = 4\n")
    assert digest_of(folder, "parts.net") != before
    assert "parts" not in sys.modules and str(folder) not in sys.path


def test_each_folder_has_its_own_also_in_turns_and_within_each_other(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "parts.py").write_text("import help\n\ndef which(): return help.NAME\n")
        (tmp_path / name / "help.py").write_text(f"NAME = {name!r}\n")
    for _ in range(2):
        with components.beside(tmp_path / "one"):
            first = own("parts:which", "loss")
            with components.beside(tmp_path / "two"):
                assert own("parts:which", "loss")() == "two"
            assert first() == "one" and own("parts:which", "loss") is first
    assert "parts" not in sys.modules and "help" not in sys.modules


def test_a_helper_that_is_imported_late_is_found(write):
    folder = write(parts="def late():\n    import later\n    return later.VALUE\n", later="VALUE = 5\n")
    with components.beside(folder):
        assert own("parts:late", "loss")() == 5
