"""The table of a search: its best trials, and what became of the others."""

from bench.reports.layout.grid import NOTHING, Text, TextGrid
from bench.reports.numbers import digits, number, shortened
from bench.reports.tables.searches import SearchResult
from bench.trackers.record import Outcome

LISTED = 10


def search(result: SearchResult) -> TextGrid:
    """Lay out the best trials of a search, best first, with their parameters and the run behind each."""
    counts = ", ".join(f"{count} {outcome}" for outcome, count in result.outcomes.items())
    title = f"Search {result.title}"
    how = f"{len(result.attempts)} trials ({counts}), by {result.metric} at the end of each, the best first; pruned: ended early"
    grid = TextGrid(title, f"{title}. {how}.", ["rank", "trial", *result.parameters, result.metric, "epochs", "outcome"])
    shown = result.attempts[:LISTED]
    values = [attempt.value for attempt in shown if attempt.value is not None]
    places = digits(max(values) - min(values), 3) if len(values) > 1 else 3
    for rank, attempt in enumerate(shown, 1):
        value = NOTHING if attempt.value is None else number(attempt.value, places)
        texts = [
            str(rank) if attempt.outcome is Outcome.FINISHED else NOTHING,
            attempt.trial,
            *(shortened(attempt.parameters.get(name, NOTHING)) for name in result.parameters),
        ]
        last = [NOTHING if attempt.epochs is None else number(attempt.epochs, 0), attempt.outcome]
        runs = (attempt.run_id,) if attempt.run_id else ()
        grid.rows.append([*(Text((text,)) for text in texts), Text((value,), runs=runs), *(Text((text,)) for text in last)])
    if left := len(result.attempts) - len(shown):
        grid.remarks.append(f"Not listed: {left} more trials; all of them stand in the JSON report.")
    return grid
