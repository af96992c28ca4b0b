"""Processes that are killed, ended, interrupted and stopped."""

import time
from collections.abc import Sequence
from shutil import copytree
from signal import SIGCONT, SIGINT, SIGKILL, SIGSTOP, SIGTERM, Signals

from .. import faults
from ..phases import PHASES, TRAINING, Moment
from ..processes import ROLES, Run
from ..rounds import LEASE, Round
from .registry import scenario


def _strike(round: Round, role: str, number: Signals, phases: Sequence[str]) -> Run:
    """Run, and send a signal at some moment; wait for the end."""
    moment, fresh = round.moment(phases), round.note("fresh", round.draw.random() < 0.2)
    round.prepare(fresh=fresh)
    run = round.start()
    if round.reach(moment, run):
        round.fired(run.signal(role, number))
    run.wait()
    return run


def _stopped(round: Round, moment: Moment, role: str, seconds: float, then: Signals) -> None:
    """Run, with a process stopped for some seconds, and then sent another signal."""
    round.prepare()
    run = round.start()
    if round.reach(moment, run):
        round.fired(run.signal(role, SIGSTOP))
        time.sleep(seconds)
        run.signal(role, then)
    run.wait()


@scenario("kill-coordinator", "SIGKILL of the coordinator, in any phase")
def kill_coordinator(round: Round) -> None:
    _strike(round, "coordinator", SIGKILL, PHASES)


@scenario("kill-group", "SIGKILL of coordinator, fork server and workers at once, in any phase")
def kill_group(round: Round) -> None:
    _strike(round, "group", SIGKILL, PHASES)


@scenario("kill-worker", "SIGKILL of a worker that trains, as by a system short of memory", survives=True)
def kill_worker(round: Round) -> None:
    _strike(round, "worker", SIGKILL, TRAINING)


@scenario("kill-fork-server", "SIGKILL of the server that workers fork from")
def kill_fork_server(round: Round) -> None:
    _strike(round, "fork server", SIGKILL, ("planning", *TRAINING, "between rounds"))


@scenario("kill-again", "SIGKILL of several runs, one after another")
def kill_again(round: Round) -> None:
    strikes = round.note("strikes", round.draw.randint(2, 4))
    moments = [round.moment(name=f"moment {number}") for number in range(strikes)]
    roles = round.note("roles", [round.draw.choice(("coordinator", "group")) for _ in moments])
    round.prepare()
    for moment, role in zip(moments, roles, strict=True):
        run = round.start()
        if round.reach(moment, run):
            round.fired(run.signal(role, SIGKILL))
        run.wait()


@scenario("kill-with-children", "SIGKILL while a custom component has a process of its own", suites=("children",))
def kill_with_children(round: Round) -> None:
    role = round.note("role", round.draw.choice(("coordinator", "worker", "group")))
    _strike(round, role, SIGKILL, TRAINING)


@scenario("term", "SIGTERM of any process, as batch systems send it")
def term(round: Round) -> None:
    role = round.note("role", round.draw.choice(ROLES))
    _strike(round, role, SIGTERM, TRAINING if role == "worker" else PHASES)


@scenario("interrupt", "Ctrl-C: SIGINT of the group, in any phase")
def interrupt(round: Round) -> None:
    run = _strike(round, "group", SIGINT, PHASES)
    _ended_by_interrupt(round, run)


@scenario("interrupt-twice", "Ctrl-C, and once more: SIGINT of the group, in any phase")
def interrupt_twice(round: Round) -> None:
    moment, between = round.moment(), round.note("between", round.draw.uniform(0.0, 1.5))
    round.prepare()
    run = round.start()
    if round.reach(moment, run):
        round.fired(run.signal("group", SIGINT))
        time.sleep(between)
        run.signal("group", SIGINT)
    run.wait()
    _ended_by_interrupt(round, run)


def _ended_by_interrupt(round: Round, run: Run) -> None:
    if not round.result.fired or round.result.drawn["moment"]["phase"] == "finishing":  # it may have been done
        return
    round.expect("interrupted", "" if run.code in (130, -SIGINT) else f"the run ended with {run.code} after Ctrl-C")


@scenario("kill-resume", "SIGKILL while each epoch is saved; what was saved may be damaged too", suites=("slow",))
def kill_resume(round: Round) -> None:
    strikes = round.note("strikes", round.draw.randint(1, 3))
    moments = [round.moment(("training", "between epochs"), name=f"moment {number}") for number in range(strikes)]
    roles = round.note("roles", [round.draw.choice(("coordinator", "worker", "group")) for _ in moments])
    damages = round.note("damages", [round.draw.choice((None, None, *faults.DAMAGES)) for _ in moments])
    round.environment["BENCH_CHECKPOINT_EVERY"] = "0"
    round.data = round.folder / "data"
    copytree(round.session.data, round.data)
    round.prepare()
    for moment, role, how in zip(moments, roles, damages, strict=True):
        run = round.start()
        if round.reach(moment, run):
            round.fired(run.signal(role, SIGKILL))
        run.wait()
        if how:
            for file in sorted(round.data.glob("checkpoints/*.ckpt")):
                faults.damage(file, how, round.draw)


@scenario("stop", "SIGSTOP, and SIGCONT seconds later: Ctrl-Z, or a suspended laptop", survives=True)
def stop(round: Round) -> None:
    role = round.note("role", round.draw.choice(ROLES))
    seconds = round.note("seconds", round.draw.uniform(0.5, 2.5 * LEASE))
    moment = round.moment(TRAINING if role == "worker" else PHASES)
    _stopped(round, moment, role, seconds, then=SIGCONT)


@scenario("stop-and-kill", "SIGSTOP, and SIGKILL seconds later")
def stop_and_kill(round: Round) -> None:
    role = round.note("role", round.draw.choice(("coordinator", "group")))
    seconds, moment = round.note("seconds", round.draw.uniform(0.5, 5.0)), round.moment()
    _stopped(round, moment, role, seconds, then=SIGKILL)
