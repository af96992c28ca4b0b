"""Custom components beside a suite: they hide nobody's modules, are known with what they import, and each folder has its own."""

import hashlib
import random
import subprocess
import sys

import pytest

from bench import components
from bench.registry import own, own_digest
from bench.runner.planner import make_plan
from bench.suite.load import load_suite

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


def test_libraries_that_lie_below_the_suite_stay_whole(tmp_path, monkeypatch):
    """A virtual environment in the project's folder: what a component imports of it is nobody's but Python's."""
    library = tmp_path / ".venv" / "library"
    (library / "inner").mkdir(parents=True)
    for name in ("__init__.py", "part.py", "inner/__init__.py"):
        (library / name).write_text("")
    monkeypatch.syspath_prepend(library.parent)
    (tmp_path / "parts.py").write_text("import library.part\nfrom library import inner\n\ndef which(): return library.part\n")
    with components.beside(tmp_path):
        found = own("parts:which", "loss")()
    import library.part as again

    assert again is found and {"library", "library.part", "library.inner"} <= sys.modules.keys()
    for name in [name for name in sys.modules if name.partition(".")[0] == "library"]:
        del sys.modules[name]


def test_a_folder_that_is_on_the_path_too_is_still_seen_to_change(write, monkeypatch):
    folder = write(net=NET.replace("IMPORT", "from scale import FACTOR"), scale="FACTOR = 1.0\n")
    monkeypatch.syspath_prepend(folder)
    import scale  # as a script beside the suite may have done

    for factor in (1.0, 2.0):
        write(scale=f"FACTOR = {factor}\n")
        with components.beside(folder):
            assert own("net:Net", "model").forward.__globals__["FACTOR"] == factor
        assert sys.modules["scale"] is scale and "net" not in sys.modules
    del sys.modules["scale"]


def test_a_package_that_is_installed_too_is_that_of_the_suite(tmp_path, write, monkeypatch):
    (tmp_path / "elsewhere" / "models").mkdir(parents=True)
    (tmp_path / "elsewhere" / "models" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    net = NET.replace("IMPORT", "from .scale import FACTOR")
    folder = write(here_in_models_in___init__="READY = 1\n", here_in_models_in_net=net, here_in_models_in_scale="FACTOR = 6\n")
    with components.beside(folder / "here"):
        assert own("models.net:Net", "model").forward.__globals__["FACTOR"] == 6
    assert not any(name.startswith("beside_the_suite") for name in sys.modules)


def test_a_package_without_content_does_not_count(write):
    folder = write(parts_in___init__="", parts_in_net=NET.replace("IMPORT", "FACTOR = 1"))
    assert digest_of(folder, "parts.net") == hashlib.sha256((folder / "parts" / "net.py").read_bytes()).hexdigest()
    write(parts_in___init__="X = 1\n")
    assert digest_of(folder, "parts.net") != hashlib.sha256((folder / "parts" / "net.py").read_bytes()).hexdigest()
