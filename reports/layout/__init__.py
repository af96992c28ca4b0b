"""From data to text, the same for every format: rounding, notes, captions, legends. Renderers only escape and arrange it."""

from reports.layout.claims import claims
from reports.layout.comparisons import comparable, comparisons
from reports.layout.ends import ledger, provenance
from reports.layout.grid import Grid, Text
from reports.layout.results import results
from reports.layout.searches import search

__all__ = ["Grid", "Text", "claims", "comparable", "comparisons", "ledger", "provenance", "results", "search"]
