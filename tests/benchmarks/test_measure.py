"""Every measurement runs, as small as can be, and gives rows of finite numbers. What they say is not tested here."""

import json
import math
import os
import subprocess
import sys

import pytest

from bench.runner.pool import cores

ROWS = {"help": 2, "plan": 2, "report": 1, "tracking": 2, "throughput": 2, "workers": 1}


def _measure(root, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(root / "tests" / "benchmarks" / "measure.py"), *words],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("name", ROWS)
def test_gives_a_table_of_finite_numbers(root, tmp_path, name):
    if name in ("throughput", "workers") and cores() < 2:
        pytest.skip("needs two cores")
    ran = _measure(root, name, "--smoke", "--json", str(tmp_path / "found.json"))
    assert ran.returncode == 0, ran.stderr
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert len(found["rows"]) == ROWS[name]
    for row in found["rows"]:
        numbers = [*row["ours"], *row["theirs"], row["ratio"]]
        assert all(math.isfinite(number) and number > 0 for number in numbers), row
        assert any(line.startswith(f"| {row['what']} |") for line in ran.stdout.splitlines()), ran.stdout
    assert f"python {found['machine']['python']}" in ran.stdout


def test_refuses_an_unknown_name(root):
    ran = _measure(root, "speed")
    assert ran.returncode == 2
    assert "no measurement 'speed'; there are help, plan" in ran.stderr
