"""Stores that are locked, or away."""

import time
from collections.abc import Sequence
from signal import SIGINT, SIGKILL

from .. import faults
from ..phases import TRAINING, Moment
from ..processes import Run
from ..proxy import Mode, Proxy
from ..rounds import Round
from .registry import WAITS, hundredths, scenario

PROMPT = 30.0
"""Seconds within which a run must end after Ctrl-C. It should be five; the rest is for a busy machine."""
SHARED = ("server", "postgres")
"""Stores that several machines may use, behind a proxy."""


@scenario("locked", "the SQLite file is locked by another process for seconds", stores=("sqlite",), survives=True)
def locked(round: Round) -> None:
    seconds = round.note("seconds", round.draw.uniform(1, 25))
    moment = round.moment(("importing", *TRAINING, "between rounds", "finishing"))
    round.survives = moment.phase in WAITS
    round.prepare()
    run = round.start()
    if round.reach(moment, run):
        assert round.store.file
        with faults.locked(round.store.file):
            round.fired()
            time.sleep(seconds)
    run.wait()


@scenario("locked-and-kill", "killed while the SQLite file is locked, and results wait", stores=("sqlite",))
def locked_and_kill(round: Round) -> None:
    seconds, moment = round.note("seconds", round.draw.uniform(1, 15)), round.moment(TRAINING)
    round.prepare()
    run = round.start()
    if round.reach(moment, run):
        assert round.store.file
        with faults.locked(round.store.file):
            time.sleep(seconds)
            round.fired(run.signal("coordinator", SIGKILL))
    run.wait()


def _outage(round: Round, modes: Sequence[Mode], longest: float = 25) -> None:
    planned = round.note("outages", faults.Outage.draw(round.draw, modes, longest))
    moment = round.moment()
    round.survives = moment.phase in WAITS
    round.prepare()
    run = round.start()
    if round.reach(moment, run):
        assert round.store.proxy
        with faults.outages(round.store.proxy, planned) as going_by:
            round.fired()
            going_by.join()
    run.wait()


@scenario("outage-500", "the server answers 500 for seconds, several times", stores=("server",), survives=True)
def outage_500(round: Round) -> None:
    _outage(round, [Mode.ERROR])


@scenario("outage-reset", "the store resets connections, or is not there, for seconds", stores=SHARED, survives=True)
def outage_reset(round: Round) -> None:
    _outage(round, [Mode.RESET, Mode.REFUSE])


@scenario("outage-stall", "the store accepts and never answers, for seconds", stores=SHARED, survives=True)
def outage_stall(round: Round) -> None:
    _outage(round, [Mode.STALL])


@scenario("outage-slow", "the store is slow", stores=SHARED, survives=True)
def outage_slow(round: Round) -> None:
    _outage(round, [Mode.SLOW])


@scenario("outage-drop", "the store does what it is asked, and its answers are lost", stores=SHARED, survives=True)
def outage_drop(round: Round) -> None:
    _outage(round, [Mode.DROP], longest=10)


@scenario("outage-mixed", "one kind of outage after another", stores=SHARED, survives=True)
def outage_mixed(round: Round) -> None:
    modes = [Mode.RESET, Mode.REFUSE, Mode.STALL, Mode.SLOW, Mode.DROP]
    _outage(round, [*modes, Mode.ERROR] if round.kind == "server" else modes)


def _away(round: Round, moment: Moment, mode: Mode, seconds: float) -> tuple[Run, Proxy | None]:
    """Run, and let the store be away for some seconds by now. Return the run, and the proxy; None where it was over before."""
    round.prepare()
    run = round.start()
    if not round.reach(moment, run):
        return run, None
    assert round.store.proxy
    round.store.proxy.mode = mode
    time.sleep(seconds)
    return run, round.store.proxy


@scenario("outage-and-kill", "killed while the store is away, and results wait", stores=SHARED)
def outage_and_kill(round: Round) -> None:
    mode = round.note("mode", round.draw.choice((Mode.REFUSE, Mode.STALL, Mode.RESET)))
    seconds, moment = round.note("seconds", round.draw.uniform(1, 20)), round.moment(TRAINING)
    role = round.note("role", round.draw.choice(("coordinator", "group")))
    run, proxy = _away(round, moment, mode, seconds)
    if proxy:
        round.fired(run.signal(role, SIGKILL))
        proxy.mode = Mode.PASS
    run.wait()


@scenario("outage-and-interrupt", "Ctrl-C while the store is away: it ends the trials all the same", stores=SHARED)
def outage_and_interrupt(round: Round) -> None:
    mode = round.note("mode", round.draw.choice((Mode.REFUSE, Mode.STALL, Mode.RESET)))
    twice, moment = round.note("twice", round.draw.random() < 0.5), round.moment(TRAINING)
    seconds = round.note("seconds", round.draw.uniform(0, 5))
    run, proxy = _away(round, moment, mode, seconds)
    if proxy:
        struck = time.monotonic()
        round.fired(run.signal("group", SIGINT))
        while run.find("worker") and run.code is None and time.monotonic() - struck < PROMPT:
            time.sleep(0.1)
        round.result.measured["seconds until no worker was left"] = taken = hundredths(time.monotonic() - struck)
        round.expect("prompt", f"workers were at work {taken:g} s after Ctrl-C" if taken >= PROMPT else "")
        if twice:
            again = time.monotonic()
            run.signal("group", SIGINT)
            run.wait(PROMPT)
            round.result.measured["seconds from the second Ctrl-C to the end"] = hundredths(time.monotonic() - again)
        proxy.mode = Mode.PASS
    run.wait()
