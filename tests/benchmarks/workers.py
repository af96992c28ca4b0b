"""The same trials with two workers of one thread against one worker of one thread, start-up left out."""

from contextlib import ExitStack
from functools import partial

from harness import Row, in_turn, on_cores
from running import digits_suite, opened_tracker, planned, run, workplace

ROUNDS = 3
TRIALS, IMAGES, EPOCHS = 8, 1000, 5


def measure(rounds: int, smoke: bool) -> list[Row]:
    from bench.runner.executors import open_executor

    trials, images, epochs = (2, 64, 1) if smoke else (TRIALS, IMAGES, EPOCHS)
    with on_cores(2), workplace() as folder, ExitStack() as stack:
        suite = digits_suite(folder, trials=trials, images=images, epochs=epochs)
        tracker = opened_tracker(folder, suite)
        executors = [stack.enter_context(open_executor("local", count, threads=1, device="cpu")) for count in (2, 1)]
        for executor in executors:
            _warm(executor, suite)
        two, one = (partial(_seconds, suite, tracker, executor) for executor in executors)
        found = in_turn(rounds, {"two workers": two, "one worker": one})
    note = f"trials of {images} images and {epochs} epochs; from the first handed out to the last recorded"
    return [
        Row(
            f"{trials} equal trials, 2 workers of 1 thread",
            "s",
            found["two workers"],
            "1 worker of 1 thread",
            found["one worker"],
            ratio_goal=1.8,
            note=note,
        )
    ]


def _warm(executor, suite) -> None:
    """Wait until all workers are there, and let each train a little: imports and the libraries' own preparations."""
    from bench.runner.messages import TrainTrials

    while not all(worker.ready for worker in executor.workers):
        executor.events(1.0, lambda worker, event: None)
    config = suite.cells["main"][0].config
    short = config.model_copy(update={"train": config.train.model_copy(update={"epochs": 1})})
    executor.map([TrainTrials(((short, 0),))] * len(executor.workers))


def _seconds(suite, tracker, executor) -> float:
    return run(planned(suite, executor), tracker, executor).seconds
