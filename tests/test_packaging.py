"""The wheel: what it holds, and that it works where somebody else's `trackers` is installed, without this checkout."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bench import __version__

SOURCES = ("bench", "reports", "trackers", "pyproject.toml", "setup.py", "README.md", "LICENSE")
NEIGHBOUR = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "trackers"
version = "1.0"

[tool.setuptools]
packages = ["trackers"]
"""
LOOK = """\
import json
import bench.reports, bench.trackers, trackers
from importlib.metadata import distribution
ours = distribution("bench-suites")
print(json.dumps({
    "files": {module.__name__: module.__file__ for module in (bench, bench.reports, bench.trackers, trackers)},
    "marker": trackers.marker,
    "open_tracker": callable(bench.trackers.open_tracker),
    "versions": [bench.__version__, ours.version],
    "metadata of": str(ours.locate_file("bench/__init__.py")),
}))
"""


def run(*command: str | Path, **options) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory, root) -> dict[str, Path]:
    """Our wheel, and one of a distribution that is called `trackers`, as PyPI has it: name → file."""
    folder = tmp_path_factory.mktemp("packaging")
    ours, neighbour = folder / "ours", folder / "neighbour"
    ours.mkdir()
    for name in SOURCES:  # a copy: a build writes into its folder, and takes what an earlier one has left there
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(root / name, ours / name, ignore=ignored) if (root / name).is_dir() else shutil.copy(root / name, ours)
    (neighbour / "trackers").mkdir(parents=True)
    (neighbour / "pyproject.toml").write_text(NEIGHBOUR)
    (neighbour / "trackers" / "__init__.py").write_text('marker = "somebody else\'s"\n')
    offline = ("--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "wheel", *offline, "--no-cache-dir", "-w", folder, ours, neighbour)
    return {path.name.split("-")[0]: path for path in folder.glob("*.whl")}


@pytest.fixture(scope="module")
def installed(wheels, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("installed")
    offline = ("--no-index", "--no-deps", "--disable-pip-version-check")
    run(sys.executable, "-m", "pip", "install", *offline, "--target", target, *wheels.values())
    return target


def alone(installed: Path, cwd: Path, *words: str) -> str:
    """Run Python with the installed packages first, and without this checkout.

    -S leaves .pth files unread, and with them the finder of an editable install; so the folders that hold our dependencies
    are named one by one.
    """
    dependencies = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, [installed, *dependencies]))
    return run(sys.executable, "-S", *words, cwd=cwd, env=environment)


def test_the_wheel_holds_the_package_and_nothing_else(wheels, root):
    names = zipfile.ZipFile(wheels["bench_suites"]).namelist()
    metadata = f"bench_suites-{__version__}.dist-info"
    assert {name.split("/")[0] for name in names} == {"bench", metadata}
    assert "bench/py.typed" in names and f"{metadata}/licenses/LICENSE" in names
    places = {"bench": "bench", "reports": "bench/reports", "trackers": "bench/trackers"}
    here = {
        f"{place}/{path.relative_to(root / folder).as_posix()}"
        for folder, place in places.items()
        for path in (root / folder).rglob("*.py")
    }
    assert {name for name in names if name.endswith(".py")} == here, "a folder without an __init__.py is not packed"


def test_it_works_beside_a_package_that_is_called_trackers(installed, tmp_path):
    found = json.loads(alone(installed, tmp_path, "-c", LOOK))
    assert found.pop("files") == {
        "bench": f"{installed}/bench/__init__.py",
        "bench.reports": f"{installed}/bench/reports/__init__.py",
        "bench.trackers": f"{installed}/bench/trackers/__init__.py",
        "trackers": f"{installed}/trackers/__init__.py",
    }
    assert found == {
        "marker": "somebody else's",
        "open_tracker": True,
        "versions": [__version__, __version__],
        "metadata of": f"{installed}/bench/__init__.py",
    }


def test_the_command_of_the_installed_package(installed, tmp_path):
    assert alone(installed, tmp_path, "-m", "bench", "--version") == f"bench {__version__}\n"
    assert (installed / "bin" / "bench").is_file()
