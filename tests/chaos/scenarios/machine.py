"""Disks that are full or cannot be written, clocks that are set, and components that come to no end while a suite is planned."""

import time
from signal import SIGKILL

from .. import faults
from ..phases import TRAINING
from ..rounds import Round
from .registry import scenario

WHERE, KINDS_OF_FAULT = ("built", "called"), ("sleep", "exit", "memory")
"""When a component of the suite \"planned\" comes to no good end, and to which."""


@scenario(
    "read-only",
    "the folder cannot be written for a while: that does not pass by itself, so the run may end",
    stores=("sqlite",),
    missing=faults.no_read_only,
)
def read_only(round: Round) -> None:
    seconds = round.note("seconds", round.draw.uniform(1, 15))
    moment = round.moment((*TRAINING, "between rounds"))
    round.prepare()
    run = round.start()
    if round.reach(moment, run):
        with faults.read_only(round.work):
            round.fired()
            time.sleep(seconds)
    run.wait()


@scenario(
    "full-disk",
    "the disk is full for a while: that does not pass by itself, so the run may end",
    stores=("sqlite",),
    missing=faults.no_small_disk,
)
def full_disk(round: Round) -> None:
    seconds = round.note("seconds", round.draw.uniform(1, 15))
    also = round.note("temporary files there too", round.draw.random() < 0.5)
    moment = round.moment((*TRAINING, "between rounds", "finishing"))
    disk = round.folder / "disk"
    disk.mkdir()
    round.open.enter_context(faults.small_disk(disk))
    round.work = disk / "work"
    round.work.mkdir()
    if also:
        round.temporary = disk / "tmp"
        round.temporary.mkdir()
    round.prepare()
    run = round.start()
    if round.reach(moment, run):
        with faults.full(disk):
            round.fired()
            time.sleep(seconds)
    run.wait()


@scenario("clock-step", "the wall clock is set, forwards and back", survives=True, missing=lambda _: faults.no_clock())
def clock_step(round: Round) -> None:
    steps = round.note("steps", [round.draw.choice((-86400 * 365, -7200, -60, 60, 7200, 86400 * 365)) for _ in range(2)])
    moments = [round.moment(("importing", "planning", *TRAINING), name=f"moment {number}") for number in (0, 1)]
    clock = faults.Clock(round.logs)
    stays = round.note("stays", round.draw.random() < 0.5)
    round.environment |= clock.environment
    round.prepare()
    run = round.start()
    for moment, step in zip(moments, steps, strict=True):
        if round.reach(moment, run):
            clock.set(step)
            round.fired()
    run.wait()
    if not stays:
        clock.set(0)


@scenario("clock-and-kill", "the wall clock is set back, the run killed, and gone on with", missing=lambda _: faults.no_clock())
def clock_and_kill(round: Round) -> None:
    step = round.note("step", round.draw.choice((-86400 * 365, -7200, 7200, 86400 * 365)))
    moment = round.moment(TRAINING)
    clock = faults.Clock(round.logs)
    round.environment |= clock.environment
    round.prepare()
    run = round.start()
    if round.reach(moment, run):
        round.fired(run.signal("coordinator", SIGKILL))
    run.wait()
    clock.set(step)


@scenario("fault-in-planning", "a component hangs, exits or runs out of memory while it is checked", suites=("planned",))
def fault_in_planning(round: Round) -> None:
    where, kind = (round.note(name, round.draw.choice(of)) for name, of in (("where", WHERE), ("kind", KINDS_OF_FAULT)))
    killed = round.note("killed", round.draw.uniform(1, 20) if round.draw.random() < 0.3 else None)
    flag = round.folder / "fault"
    round.environment["FAULT"] = str(flag)
    round.prepare()
    (fault := flag.with_name(f"{flag.name}.{where}.{kind}")).touch()
    run = round.start("--time-limit", "15")
    round.fired()
    if killed:
        time.sleep(killed)
        run.signal("coordinator", SIGKILL)
    run.wait()
    if not killed:
        finished = sum(one.status == "FINISHED" for one in round.store.runs())
        round.expect(
            "rest", "" if (run.code, finished) == (3, 4) else f"exit {run.code}, {finished} of the other 4 trials finished"
        )
    fault.unlink()
    round.next_words = ("--retry",)
