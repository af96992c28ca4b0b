"""A clock that stands still while this process is stopped, by Ctrl-Z, `kill -STOP` or a batch system that suspends it.

Linux's monotonic clock leaves out the time that the machine is suspended, but not the time that a process is stopped. Stopping
cannot be noticed, but going on can: by SIGCONT. So a thread notes the time a few times a second, and what lies between its last
note and a SIGCONT was a stop, but for what the process has computed meanwhile; that is right to a fifth of a second.
"""

import math
import os
import signal
import sys
import threading
from pathlib import Path
from time import perf_counter, process_time
from typing import NamedTuple

TICK = 0.2
"""Seconds between two notes of the time."""
LATE = 2 * TICK
"""When the last note is older, the next one is waited for, which knows whether there was a stop."""
PATIENCE = 50
"""So many ticks are waited for it, at most: a busy machine may let the thread that notes wait too."""


class _Note(NamedTuple):
    """When the clock was looked at, how long this process has computed until then, and how long it has been stopped."""

    at: float
    computed: float
    stopped: float


class Clock:
    """Counts seconds from an arbitrary moment. Until `watch` is called it counts those of a stop, too."""

    def __init__(self) -> None:
        self._note: _Note | None = None
        self._noted = threading.Condition()
        self._told = 0.0

    def __call__(self) -> float:
        """Return the seconds: more with every call."""
        for _ in range(PATIENCE):
            note, now = self._note, perf_counter()  # in this order: what is noted later is no matter to this look
            if note is None or now - note.at < LATE:
                break
            with self._noted:
                self._noted.wait(TICK)
        seconds = now - note.stopped if note else now
        self._told = max(seconds, math.nextafter(self._told, math.inf))  # a short stop may be noted after it was looked at
        return self._told

    def watch(self) -> None:
        """Leave stops out from now on, if this can be done: on Linux, while this process has no thread but the one that calls.

        SIGCONT is blocked in this thread, and so in all that it will start. A process goes on by it nevertheless.
        """
        if self._note or not _is_alone():
            return
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCONT})
        self._note = _Note(perf_counter(), process_time(), 0.0)
        os.register_at_fork(after_in_child=self._forked)
        threading.Thread(target=self._watch, name="clock", daemon=True).start()

    def _forked(self) -> None:
        """Be a plain clock again, in a child, which has only the thread that forked it."""
        self._note, self._noted = None, threading.Condition()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCONT})

    def _watch(self) -> None:
        # a signal that interrupts the waiting would be taken for the one that is waited for (CPython returns what it never got)
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while note := self._note:
            continued = signal.sigtimedwait({signal.SIGCONT}, TICK)
            now, computed, stopped = perf_counter(), process_time(), note.stopped
            if continued or signal.sigtimedwait({signal.SIGCONT}, 0):  # it may have come just before the look at the clock
                now, computed = perf_counter(), process_time()
                stopped += max(0.0, now - note.at - min(computed - note.computed, TICK))
            with self._noted:
                self._note = _Note(now, computed, stopped)
                self._noted.notify_all()


def _is_alone() -> bool:
    """Tell whether this process has one thread, and a system that tells of SIGCONT. Threads that are none of Python's count."""
    return sys.platform == "linux" and len(list(Path("/proc/self/task").iterdir())) == 1


now = Clock()
"""The clock of this process."""
