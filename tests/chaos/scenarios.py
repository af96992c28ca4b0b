"""The faults by name. Each draws what it does from the round's seed before it begins, so that a round can be repeated."""

import time
from collections.abc import Callable, Sequence
from shutil import copytree
from signal import SIGCONT, SIGINT, SIGKILL, SIGSTOP, SIGTERM, Signals

from . import faults
from .phases import PHASES, TRAINING, Moment
from .processes import ROLES, Host, Run, no_hosts
from .proxy import Mode
from .rounds import LEASE, Round, Scenario

SCENARIOS: dict[str, Scenario] = {}
PROMPT = 30.0
"""Seconds within which a run must end after Ctrl-C. It should be five; the rest is for a busy machine."""
SHARED = ("server", "postgres")
"""Stores that several machines may use, behind a proxy."""
WAITS = (*TRAINING, "between rounds")
"""The phases in which a run waits for a store that cannot be reached; before and after them it may end with a sentence."""
REFUSED = "another `bench run`"


def scenario(name: str, about: str, **limits: object) -> Callable[[Callable[[Round], None]], Callable[[Round], None]]:
    """Register a scenario; limits: see `Scenario`."""

    def register(disturb: Callable[[Round], None]) -> Callable[[Round], None]:
        SCENARIOS[name] = Scenario(name, about, disturb, **limits)  # type: ignore[arg-type]
        return disturb

    return register


# -------------------------------------------------------------- signals


def _strike(round: Round, role: str, number: Signals, phases: Sequence[str]) -> Run:
    """Run, and send a signal at some moment; wait for the end."""
    moment, fresh = round.moment(phases), round.note("fresh", round.draw.random() < 0.2)
    round.prepare(fresh=fresh)
    run = round.start()
    if round.reach(moment, run):
        round.fired(run.signal(role, number))
    run.wait()
    return run


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


@scenario("stop", "SIGSTOP, and SIGCONT seconds later: Ctrl-Z, or a suspended laptop", survives=True)
def stop(round: Round) -> None:
    role = round.note("role", round.draw.choice(ROLES))
    seconds = round.note("seconds", round.draw.uniform(0.5, 2.5 * LEASE))
    moment = round.moment(TRAINING if role == "worker" else PHASES)
    round.prepare()
    run = round.start()
    if round.reach(moment, run):
        round.fired(run.signal(role, SIGSTOP))
        time.sleep(seconds)
        run.signal(role, SIGCONT)
    run.wait()


@scenario("stop-and-kill", "SIGSTOP, and SIGKILL seconds later")
def stop_and_kill(round: Round) -> None:
    role = round.note("role", round.draw.choice(("coordinator", "group")))
    seconds, moment = round.note("seconds", round.draw.uniform(0.5, 5.0)), round.moment()
    round.prepare()
    run = round.start()
    if round.reach(moment, run):
        round.fired(run.signal(role, SIGSTOP))
        time.sleep(seconds)
        run.signal(role, SIGKILL)
    run.wait()


# -------------------------------------------------------------- the store


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


@scenario("outage-and-kill", "killed while the store is away, and results wait", stores=SHARED)
def outage_and_kill(round: Round) -> None:
    mode = round.note("mode", round.draw.choice((Mode.REFUSE, Mode.STALL, Mode.RESET)))
    seconds, moment = round.note("seconds", round.draw.uniform(1, 20)), round.moment(TRAINING)
    role = round.note("role", round.draw.choice(("coordinator", "group")))
    round.prepare()
    run = round.start()
    if round.reach(moment, run):
        assert round.store.proxy
        round.store.proxy.mode = mode
        time.sleep(seconds)
        round.fired(run.signal(role, SIGKILL))
        round.store.proxy.mode = Mode.PASS
    run.wait()


@scenario("outage-and-interrupt", "Ctrl-C while the store is away: it ends the trials all the same", stores=SHARED)
def outage_and_interrupt(round: Round) -> None:
    mode = round.note("mode", round.draw.choice((Mode.REFUSE, Mode.STALL, Mode.RESET)))
    twice, moment = round.note("twice", round.draw.random() < 0.5), round.moment(TRAINING)
    seconds = round.note("seconds", round.draw.uniform(0, 5))
    round.prepare()
    run = round.start()
    if round.reach(moment, run):
        assert round.store.proxy
        round.store.proxy.mode = mode
        time.sleep(seconds)
        struck = time.monotonic()
        round.fired(run.signal("group", SIGINT))
        while run.find("worker") and run.code is None and time.monotonic() - struck < PROMPT:
            time.sleep(0.1)
        round.result.measured["seconds until no worker was left"] = taken = round_to(time.monotonic() - struck)
        round.expect("prompt", f"workers were at work {taken:g} s after Ctrl-C" if taken >= PROMPT else "")
        if twice:
            again = time.monotonic()
            run.signal("group", SIGINT)
            run.wait(PROMPT)
            round.result.measured["seconds from the second Ctrl-C to the end"] = round_to(time.monotonic() - again)
        round.store.proxy.mode = Mode.PASS
    run.wait()


def round_to(seconds: float) -> float:
    return float(f"{seconds:.2f}")


# -------------------------------------------------------------- disks and clocks


@scenario("read-only", "the folder cannot be written for a while", stores=("sqlite",), survives=True, missing=faults.no_read_only)
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


@scenario("full-disk", "the disk is full for a while", stores=("sqlite",), survives=True, missing=faults.no_small_disk)
def full_disk(round: Round) -> None:
    seconds = round.note("seconds", round.draw.uniform(1, 15))
    also = round.note("temporary files there too", round.draw.random() < 0.5)
    moment = round.moment((*TRAINING, "between rounds", "finishing"))
    round.survives = moment.phase in WAITS
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


# -------------------------------------------------------------- several coordinators and hosts


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
        round.expect("taken over", "" if second.code == 0 else f"the second ended with {second.code}: {second.complained[-300:]}")
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


# -------------------------------------------------------------- damage


@scenario("damaged-data", "files of prepared data are damaged, before the run or half-way")
def damaged_data(round: Round) -> None:
    how = round.note("how", round.draw.choice(faults.DAMAGES))
    moment = round.moment(TRAINING) if round.note("half-way", round.draw.random() < 0.7) else None
    round.data = round.folder / "data"
    copytree(round.session.data, round.data)
    files = sorted(path for path in round.data.glob("cache/*/*") if path.is_file() and not path.name.startswith("."))
    file = round.draw.choice(files)
    round.note("file", file.name)
    round.prepare()
    if moment:
        run = round.start()
        if round.reach(moment, run):
            run.signal("coordinator", SIGTERM)
        run.wait()
    faults.damage(file, how, round.draw)
    round.fired()


def _damaged_artifacts(round: Round, name: str, ended: tuple[int, int]) -> None:
    """Damage artifacts of a name when so many trials have ended."""
    how = round.note("how", round.draw.choice(faults.DAMAGES))
    moment = round.note("moment", Moment("training", round.draw.randint(*ended), round_to(round.draw.uniform(0, 0.8))))
    share = round.note("share", round.draw.choice((0.3, 1.0)))
    round.prepare()
    run = round.start()
    if round.reach(moment, run):
        run.signal("coordinator", SIGTERM)
    run.wait()
    done = {one.run_id for one in round.store.runs() if one.status == "FINISHED"}
    for file in sorted(path for path in round.store.artifacts.rglob(name) if done & set(path.parts)):
        if round.draw.random() < share:
            faults.damage(file, how, round.draw)
            round.fired()


@scenario("damaged-weights", "weights that another stage starts from are damaged or gone", suites=("stages",), repeats=True)
def damaged_weights(round: Round) -> None:
    _damaged_artifacts(round, "weights.safetensors", (7, 10))  # of six that tune, two winners and four that start from them


@scenario("damaged-predictions", "predictions that are to vote are damaged", suites=("votes",), repeats=True, exits=(0, 3))
def damaged_predictions(round: Round) -> None:
    _damaged_artifacts(round, "predictions.npz", (1, 4))  # of four that vote, and four votes
