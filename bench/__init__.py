"""bench: declarative benchmark suites with paired seeds, recorded in MLflow and reported with significance tests."""

__version__ = "0.1.0"
