"""Bring suite files to today's grammar of claims."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from bench.errors import BenchError
from bench.suite.migrate import Migrated, migrated


def migrate(path: str | Path, *, write: bool = True) -> Migrated:
    """Rewrite the old claims of a suite file in place, and what its profiles patch of them; return its new text and what changed.

    All else of the file stays byte for byte. write: else the file stays as it is.
    Raises BenchError, with file and line, for a file that cannot be read or written, and for what cannot be translated: then
    nothing is written.
    """
    result = migrated(path)
    if write and result.claims:
        _replace(Path(path).resolve(), result.text)
    return result


def _replace(path: Path, text: str) -> None:
    """Write a file as a whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="")
        shutil.copymode(path, part)
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise BenchError(f"cannot be written: {error.strerror}", where=str(path), mend="see `--check` for the new text") from None
