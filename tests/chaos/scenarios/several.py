"""Several coordinators, and several machines."""

import time
from collections.abc import Sequence
from signal import SIGCONT, SIGKILL, SIGSTOP

from ..phases import TRAINING
from ..processes import Host, Run, no_hosts
from ..rounds import Round
from .registry import scenario

REFUSED = "another `bench run`"


def _together(round: Round, words: Sequence[Sequence[str]], staggers: Sequence[float], hosts: Sequence[Host | None]) -> list[Run]:
    """Start runs one after another, wait for all, and see that each ended well or was refused."""
    runs: list[Run] = []
    for own, stagger, host in zip(words, staggers, hosts, strict=True):
        time.sleep(stagger)
        runs.append(round.start(*own, host=host))
        round.fired(len(runs) > 1 and runs[0].code is None)
    for run in runs:
        run.wait()
    taken_over = any("--take-over" in own for own in words)
    for run, own in zip(runs, words, strict=True):
        refused = run.code == 1 and REFUSED in run.complained
        superseded = taken_over and run.code not in (0, None) and "taken" in run.complained
        waits = {"--wait", "--take-over"} & set(own)
        if run.code != 0 and not superseded and not (refused and not waits):
            round.expect("together", f"{run.mark} ended with {run.code}: {run.complained[-300:]}")
    if not any(run.code == 0 for run in runs):
        round.expect("together", "none of them came to its end")
    return runs


def _staggers(round: Round, runs: int, longest: float = 8.0) -> list[float]:
    drawn = [0.0 if round.draw.random() < 0.3 else round.draw.uniform(0, longest) for _ in range(runs - 1)]
    return [0.0, *round.note("staggers", drawn)]


@scenario("two-at-once", "two coordinators, seconds apart: the second is refused")
def two_at_once(round: Round) -> None:
    staggers = _staggers(round, 2)
    round.prepare(fresh=round.note("fresh", round.draw.random() < 0.3))
    _together(round, [(), ()], staggers, [None, None])


@scenario("two-wait", "two coordinators, of which the second waits")
def two_wait(round: Round) -> None:
    staggers = _staggers(round, 2)
    round.prepare()
    _together(round, [(), ("--wait",)], staggers, [None, None])


@scenario("three-at-once", "three coordinators, seconds apart, which are refused, wait or take over", repeats=True)
def three_at_once(round: Round) -> None:
    staggers = _staggers(round, 3, 5.0)
    words = round.note("words", [round.draw.choice(((), ("--wait",), ("--take-over",))) for _ in range(2)])
    round.prepare()
    _together(round, [(), *words], staggers, [None, None, None])


@scenario("take-over", "the second coordinator takes over from the first", repeats=True)
def take_over(round: Round) -> None:
    moment = round.moment(("planning", *TRAINING, "between rounds"))
    round.prepare()
    first = round.start()
    if round.reach(moment, first):
        second = round.start("--take-over")
        round.fired()
        second.wait()
        round.expect("taken over", "" if second.code == 0 else f"the second ended with {second.code}: {second.complained[-300:]}")
    first.wait()


@scenario("take-over-stopped", "a stopped coordinator is taken over from, and continues", repeats=True)
def take_over_stopped(round: Round) -> None:
    moment, role = round.moment(TRAINING), round.note("role", round.draw.choice(("coordinator", "group")))
    until = round.moment(("planning", *TRAINING, "finishing"), name="continues")
    waits = round.note("waits", round.draw.random() < 0.5)
    round.prepare()
    first = round.start()
    if round.reach(moment, first):
        first.signal(role, SIGSTOP)
        # beside a file, the lock of a stopped coordinator holds, so that only --take-over helps
        second = round.start("--wait" if waits and round.kind != "sqlite" else "--take-over")
        round.fired()
        round.marks.unlink(missing_ok=True)
        round.reach(until, second)
        first.signal(role, SIGCONT)
        second.wait()
        # stopped in the middle of a write, it keeps the file itself locked: nobody can do more than say so
        locked = round.kind == "sqlite" and "database is locked" in second.complained
        taken = second.code == 0 or locked
        round.expect("taken over", "" if taken else f"the second ended with {second.code}: {second.complained[-300:]}")
    first.wait()


@scenario("dead-host", "a coordinator dies with its machine; the next is on another", missing=lambda _: no_hosts())
def dead_host(round: Round) -> None:
    own_pids, moment = round.note("own_pids", round.draw.random() < 0.5), round.moment()
    round.prepare()
    run = round.start(host=Host("box-a", own_pids))
    if round.reach(moment, run):
        round.fired(run.signal("group", SIGKILL))
    run.wait()
    round.next_host = Host("box-b", own_pids)


@scenario("equal-hosts", "two coordinators in containers of one host name, both process 1", missing=lambda _: no_hosts())
def equal_hosts(round: Round) -> None:
    staggers, waits = _staggers(round, 2), round.note("waits", round.draw.random() < 0.5)
    round.prepare()
    box = Host("box", own_pids=True)
    _together(round, [(), ("--wait",) if waits else ()], staggers, [box, box])


@scenario(
    "two-hosts",
    "two machines on one PostgreSQL that is used for the first time",
    stores=("postgres",),
    missing=lambda _: no_hosts(),
)
def two_hosts(round: Round) -> None:
    staggers, waits = _staggers(round, 2, 3.0), round.note("waits", round.draw.random() < 0.5)
    round.prepare(fresh=True)
    _together(round, [(), ("--wait",) if waits else ()], staggers, [Host("box-a"), Host("box-b")])
