"""What it costs that a request with custom components has a process of its own: against the same request without."""

import time
from functools import partial
from statistics import fmean

from harness import Row, in_turn, on_cores
from running import workplace

ROUNDS = 5
REQUESTS = 20


def measure(rounds: int, smoke: bool) -> list[Row]:
    from bench.runner.executors import open_executor

    requests = 2 if smoke else REQUESTS
    with on_cores(1), workplace() as folder, open_executor("local", 1, threads=1, device="cpu") as executor:
        _milliseconds(executor, "", 1)
        own, shared = (partial(_milliseconds, executor, where, requests) for where in (str(folder), ""))
        found = in_turn(rounds, {"own": own, "shared": shared})
    note = f"{requests} requests that do nothing, one after another; from the end of one process to the hello of the next"
    return [Row("a request in a process of its own", "ms", found["own"], "in a process that stays", found["shared"], note=note)]


def _milliseconds(executor, folder: str, requests: int) -> float:
    """Return what a request takes, in the mean. folder: with the custom components; "" for none."""
    from bench.config import Data
    from bench.runner.messages import CountShared

    data = Data(source="digits")
    taken = []
    for _ in range(requests):
        began = time.perf_counter()
        executor.map([CountShared(data, data, folder)])
        while not executor.workers[0].ready:  # the next one waits for that
            executor.events(1.0, lambda worker, event: None)
        taken.append(1000 * (time.perf_counter() - began))
    return fmean(taken)
