"""bench: declarative benchmark suites with paired seeds, recorded in MLflow and reported with significance tests."""

from typing import TYPE_CHECKING

from bench.version import __version__

if TYPE_CHECKING:
    from bench.api import compare, import_bundle, load, validate, verify
    from bench.errors import BenchError

__all__ = ["BenchError", "__version__", "compare", "import_bundle", "load", "validate", "verify"]


def __getattr__(name: str) -> object:
    """Import the Python API when it is first used: `bench --help` does without."""
    if name in ("compare", "import_bundle", "load", "validate", "verify"):
        from bench import api

        return getattr(api, name)
    if name == "BenchError":
        from bench.errors import BenchError

        return BenchError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
