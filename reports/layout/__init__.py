"""From data to text, the same for every format: rounding, notes, captions, legends. Renderers only escape and arrange it."""

from bench.reports.layout.claims import claims
from bench.reports.layout.comparisons import comparable, comparisons
from bench.reports.layout.ends import ledger, provenance
from bench.reports.layout.grid import Grid, Text
from bench.reports.layout.results import results
from bench.reports.layout.searches import search

__all__ = ["Grid", "Text", "claims", "comparable", "comparisons", "ledger", "provenance", "results", "search"]
