"""From stored runs to a report: collect, summarise and compare, lay out, render. Knows nothing of how trials are run."""

from bench.reports.check import Disagreement, check
from bench.reports.collect import Expected, Record, collect
from bench.reports.formats import FORMATS
from bench.reports.report import Report, assemble

__all__ = ["FORMATS", "Disagreement", "Expected", "Record", "Report", "assemble", "check", "collect"]
