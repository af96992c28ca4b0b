"""The package as others import it."""

import subprocess
import sys

import bench.reports.statistics


def test_importing_it_does_not_import_scipys_statistics():
    code = "import sys, bench.reports.statistics; sys.exit('scipy.stats' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_public_name_is_there():
    assert all(hasattr(bench.reports.statistics, name) for name in bench.reports.statistics.__all__)
