"""The table of how many seeds the claims need, as text."""

from collections.abc import Sequence

from bench.reports.claims.pilot import PilotSize
from bench.reports.formats.markdown.write import grid_parts
from bench.reports.layout.pilot import sizes


def sizes_table(found: Sequence[PilotSize]) -> str:
    """Return the table of how many seeds the claims need, as Markdown; "" where no pilot has a result."""
    grid = sizes(found)
    return "\n\n".join(grid_parts(grid)) if grid else ""
