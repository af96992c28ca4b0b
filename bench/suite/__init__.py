"""Suites: the YAML grammar, its checks, and the expansion into cells and trials. No torch here."""

from bench.suite.cells import Cell, Section, Trial, trials
from bench.suite.load import Suite, load_suite

__all__ = ["Cell", "Section", "Suite", "Trial", "load_suite", "trials"]
