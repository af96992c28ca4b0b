"""The clock leaves out what a process was stopped for, and nothing else."""

import signal
import subprocess
import sys
import time

import pytest

from bench.clock import TICK, Clock

WATCHED = """
import sys
import time
from bench import clock
{before}
clock.now.watch()
began, real = clock.now(), time.monotonic()
print("up", flush=True)
for _ in sys.stdin:
    print(clock.now() - began, time.monotonic() - real, flush=True)
"""
THREADED = "import threading\nthreading.Thread(target=time.sleep, args=(1e9,), daemon=True).start()"
ELSEWHERE = "clock.sys.platform = 'win32'"
STOP = 3.0


class Watched:
    """A process that tells, when it is asked, its own clock and the machine's since it is up."""

    def __init__(self, before: str = ""):
        code = [sys.executable, "-c", WATCHED.format(before=before)]
        self.process = subprocess.Popen(code, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "up\n"

    def told(self) -> tuple[float, float]:
        self.process.stdin.write("now\n")
        self.process.stdin.flush()
        own, real = self.process.stdout.readline().split()
        return float(own), float(real)

    def stop(self, seconds: float) -> float:
        """Stop it for so long; return for how long it was."""
        self.process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        time.sleep(seconds)
        self.process.send_signal(signal.SIGCONT)
        return time.monotonic() - began

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


def test_a_stop_is_left_out_also_when_the_clock_is_looked_at_at_once():
    with Watched() as process:
        first, real_first = process.told()
        process.process.send_signal(signal.SIGSTOP)
        process.process.stdin.write("now\n")  # waits for the process, which answers before anything else
        process.process.stdin.flush()
        time.sleep(STOP)
        process.process.send_signal(signal.SIGCONT)
        own, real = map(float, process.process.stdout.readline().split())
    assert real - real_first > STOP * 0.9
    assert own - first < real - real_first - STOP + 2 * TICK


def test_stops_add_up():
    with Watched() as process:
        stopped = 0.0
        for _ in range(3):
            stopped += process.stop(1.0)
            time.sleep(1.0)
        own, real = process.told()
    assert stopped - 3 * TICK < real - own < stopped + 2.0 and own > 1.0


def test_without_a_stop_it_is_the_machines_clock():
    with Watched() as process:
        for _ in range(5):
            process.process.send_signal(signal.SIGCONT)  # of a process that goes already
            time.sleep(0.05)
        time.sleep(1.0)
        own, real = process.told()
    assert 0.5 < own <= real


@pytest.mark.parametrize("before", [THREADED, ELSEWHERE])
def test_where_stops_cannot_be_told_it_is_a_plain_clock(before):
    """A thread that was there before would take SIGCONT; elsewhere there is no waiting for a signal."""
    with Watched(before) as process:
        process.stop(1.0)
        own, real = process.told()
    assert own == pytest.approx(real, abs=0.1) and own > 0.9


def test_a_forked_child_has_a_plain_clock():
    code = (
        "import os, signal, time\nfrom bench import clock\nclock.now.watch()\ntime.sleep(1)\nif os.fork():\n"
        "    sys_status = os.wait()[1]\n    raise SystemExit(sys_status)\n"
        "time.sleep(1)\nbegan = time.monotonic()\nfirst = clock.now()\ntime.sleep(0.1)\nassert clock.now() >= first + 0.1\n"
        "assert time.monotonic() - began < 5\nassert not signal.pthread_sigmask(signal.SIG_BLOCK, ())\n"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_it_says_more_with_every_call():
    clock = Clock()
    told = [clock() for _ in range(1000)]
    assert told == sorted(set(told))
