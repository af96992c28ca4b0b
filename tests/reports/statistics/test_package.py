"""The package as others import it."""

import subprocess
import sys

import reports.statistics


def test_importing_it_does_not_import_scipys_statistics():
    code = "import sys, reports.statistics; sys.exit('scipy.stats' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_public_name_is_there():
    assert all(hasattr(reports.statistics, name) for name in reports.statistics.__all__)
