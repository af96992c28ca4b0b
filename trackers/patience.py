"""A PostgreSQL server that takes a query and never answers: psycopg2 waits for ever, and not even Ctrl-C ends that."""

import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg2.extensions import connection

SILENCE = 30.0
"""Seconds of it after which a server is given up."""


def have() -> None:
    """Let psycopg2, if it is there, wait in Python, no longer than that at a time. It is so for the whole process."""
    try:
        from psycopg2 import extensions
    except ImportError:  # another driver
        return
    extensions.set_wait_callback(_wait)


def _wait(connection: "connection") -> None:
    from psycopg2 import OperationalError, extensions

    while (state := connection.poll()) != extensions.POLL_OK:
        reading = [connection] if state == extensions.POLL_READ else []
        writing = [connection] if state == extensions.POLL_WRITE else []
        if not any(select.select(reading, writing, [], SILENCE)):
            raise OperationalError("timed out")
