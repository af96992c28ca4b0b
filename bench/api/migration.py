"""Bring suite files to today's grammar of claims."""

from pathlib import Path

from bench.grammar.document import write_whole
from bench.suite.migrate import Migrated, migrated


def migrate(path: str | Path, *, write: bool = True) -> Migrated:
    """Rewrite the old claims of a suite file in place, and what its profiles patch of them; return its new text and what changed.

    All else of the file stays byte for byte. write: else the file stays as it is.
    Raises BenchError, with file and line, for a file that cannot be read or written, and for what cannot be translated: then
    nothing is written.
    """
    result = migrated(path)
    if write and result.claims:
        write_whole(Path(path).resolve(), result.text, "see `--check` for the new text")
    return result
