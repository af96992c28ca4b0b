"""What a row of a store says, as far as it can be believed: a disk may have damaged it, or somebody edited it by hand.

What is no text, number or time becomes none, and costs the trial that it is of no more than that.
"""

import math
from typing import cast, get_args

from bench.trackers.base import Status

LARGEST = 1e150
"""MLflow keeps infinity as the largest number there is; no metric of a trial comes near."""
LATEST = 253_370_764_800
"""Unix seconds of the year 9999, the last one that a calendar knows."""
LAST_STEP = 10**9
"""No trial has as many epochs."""


def text(value: object) -> str:
    """Return a tag's value, "" of none."""
    if isinstance(value, str):
        return value
    return "" if value is None else value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def number(value: object) -> float | None:
    """Return a metric's value, None of what is no number."""
    return value if isinstance(value, int | float) and not math.isnan(value) else None


def point(step: object, value: object) -> tuple[int, float] | None:
    """Return a point of a curve, None of what is none, or was measured at no epoch."""
    if not isinstance(step, int) or not 0 < step <= LAST_STEP:
        return None
    reading = number(value)
    return None if reading is None or abs(reading) > LARGEST else (step, reading)


def seconds(milliseconds: object) -> float | None:
    """Return a time in Unix seconds, None of what is none."""
    return milliseconds / 1000 if isinstance(milliseconds, int | float) and 0 <= milliseconds / 1000 < LATEST else None


def status(said: object) -> Status:
    """Return the status of a run as we know it: MLflow has one more, of what is to run later. What is none says nothing good."""
    if said == "SCHEDULED":
        return "RUNNING"
    return cast(Status, said) if said in get_args(Status) else "FAILED"
