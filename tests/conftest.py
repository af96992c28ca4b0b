import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parent.parent
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")  # how long an example takes is the machine's


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with official data files; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("BENCH_SHARED_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no data to test with at {folder}; name the folder in BENCH_SHARED_DATA")
    return folder


@pytest.fixture(autouse=True, scope="session")
def _state_of_the_tests(tmp_path_factory):
    """Keep what runs leave to the next one (see `bench.paths.state_root`) away from the user's."""
    os.environ["BENCH_STATE"] = str(tmp_path_factory.mktemp("state"))


def pytest_collection_modifyitems(items):
    """Leave tests that take long to the night: others of their kind stand for them."""
    if not os.environ.get("BENCH_NIGHTLY"):
        for item in items:
            if item.get_closest_marker("nightly"):
                item.add_marker(pytest.mark.skip(reason="runs where BENCH_NIGHTLY is set"))
