"""Do a job: its passes, one after the other, in one process.

A job names the arm, the device and the passes: each a task, the folder with its images, and whether it is looked into, which
slows it down. The result tells of each pass its seconds, when it ended, and its trials; where it was looked into also the seconds
of its sections, and its peak memory: of the device where there is one.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from time import perf_counter, time

from glue.clock import Clock
from glue.memory import device_name, on_device, watched
from glue.task import Task


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    arm = import_module(f"glue.{job['arm']}")
    clock, passes = Clock(), []
    for given in job["passes"]:
        clock.start(given["look"])
        began = perf_counter()
        with watched(clock.on) as most:
            trials = arm.run(Task(**given["task"]), Path(given["images"]), job["device"], clock)
        told = {"seconds": perf_counter() - began, "ended": time(), "trials": trials, "sections": clock.seconds}
        passes.append({**told, "memory": clock.memory or on_device() or most.bytes})
    Path(sys.argv[2]).write_text(json.dumps({"device": device_name(), "passes": passes}), encoding="utf-8")


if __name__ == "__main__":
    main()
