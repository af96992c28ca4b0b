"""Every measurement runs, as small as can be, and gives rows of finite numbers. What they say is not tested here."""

import json
import math
import os
import re
import subprocess
import sys
from importlib.util import find_spec

import pytest

from bench.runner.executors.local import cores

LIGHTNING = bool(find_spec("lightning"))
ROWS = {
    "help": 2,
    "plan": 2,
    "report": 1,
    "tracking": 2,
    "writing": 2,
    "throughput": 2,
    "workers": 1,
    "fresh": 1,
    "suite": 6 if LIGHTNING else 4,
    "packs": 2,
    "engine": 2,
}


def _measure(root, here, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(root / "tests" / "benchmarks" / "measure.py"), *words],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("name", ROWS)
def test_gives_a_table_of_finite_numbers(root, tmp_path, name):
    if name == "workers" and cores() < 2:
        pytest.skip("two workers need two cores")
    ran = _measure(root, tmp_path, name, "--smoke", "--device", "cpu", "--json", "found.json")
    assert ran.returncode == 0, ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["found.json"], "nothing else is left where one calls it"
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert len(found["rows"]) == ROWS[name]
    for row in found["rows"]:
        numbers = [*row["ours"], *row["theirs"], row["ratio"]]
        assert all(math.isfinite(number) and number > 0 for number in numbers), row
        assert any(line.startswith(f"| {row['what']} |") for line in ran.stdout.splitlines()), ran.stdout
    assert f"python {found['machine']['python']}" in ran.stdout
    if name == "suite":
        _check_table(ran.stdout)


def _check_table(told: str) -> None:
    """A line an arm, with three shares; and, after two seeds, no ratio without its mark."""
    lines = {line.split(" | ")[0].removeprefix("| "): line for line in told.splitlines() if line.startswith("| ")}
    arms = ["typical glue", "best glue", "Lightning", "`bench run`"]
    if not LIGHTNING:
        assert "not installed, so left out" in lines[arms.pop(2)]
    for arm in arms:
        shares = [float(share) for share in re.findall(r"([\d.]+) %", lines[arm])]
        assert len(shares) == 3 and all(0 < share < 100 for share in shares), lines[arm]
        assert ("†" in lines[arm]) == (arm != "`bench run`"), lines[arm]
    assert "The gate was **not passed** (typical glue" in told


def test_refuses_an_unknown_name(root, tmp_path):
    ran = _measure(root, tmp_path, "speed")
    assert ran.returncode == 2
    assert "no measurement 'speed'; there are help, plan" in ran.stderr
