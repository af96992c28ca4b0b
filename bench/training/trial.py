"""Trials: configurations and seeds in, metrics and predictions out."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import torch

from bench import memory
from bench.clock import now as clock
from bench.config import TrialConfig
from bench.data import Dataset
from bench.data.reuse import kept_parts
from bench.errors import BenchError
from bench.models import packable, parameters
from bench.models.packed import GROUPED, Unpackable
from bench.models.weights import first_line
from bench.training import cuda_graphs, evaluation
from bench.training.checkpoint import Checkpoint, Unusable
from bench.training.member import Member, Report, Result
from bench.training.numerics import check_device, global_generators, isolated, set_global_generators
from bench.training.program import Begun, Program, start

logger = logging.getLogger("bench")
Say = Callable[[str], None]
Resumed = Callable[[list[dict[str, float]]], None]
EPOCH_METRICS = ("train/loss", "train/accuracy", "train/cross_entropy", "val/loss", "val/accuracy")


def run_trial(
    config: TrialConfig,
    seed: int,
    dataset: Dataset,
    device: str = "cpu",
    report: Report = lambda epoch, metrics: False,
    *,
    say: Say = lambda text: None,
    keep_weights: bool = False,
) -> Result:
    """Train, choose by validation, measure on test once.

    report(epoch, metrics) is called after each epoch; where it returns True, the trial ends as "stopped", untested.
    say: receives lines of progress from what comes before training.

    Metrics of the chosen epoch: train/loss, as it is minimised, penalties included; train/accuracy (of mixed images by
    the label of the larger share); train/cross_entropy, where the loss is more than that; val/loss, plain cross entropy;
    val/accuracy. Of its weights: test/loss, test/accuracy, test/class_accuracy/<class>; <split>/precision, recall and f1, means
    over classes, of val and test; and whatever else `train.class_metrics` asks of each class. Of the whole training:
    val/mean_accuracy and convergence_epoch (see `bench.training.metrics.of_history`); wall_clock (seconds of training and of
    validating each epoch); images_per_second (trained on, over wall_clock); epochs (run); best_epoch (by restore_best's metric,
    else early stopping's, else validation accuracy); peak_memory (MB that it needs, see `bench.training.footprint`). Of the
    network: parameters (that are trained); total_parameters (all, and batch norms' statistics). Of the data:
    train/class_size/<class>, and, where the test part is denoised, denoise/<psnr|ssim>/<noisy|denoised>, of the test images
    against the clean ones.

    A trial has diverged when a loss is not finite, or the training cross entropy exceeds `train.divergence` times that of
    guessing: penalties may be larger than that, and do not count.

    With deterministic "strict", the same seed gives the same bits on the same device and number of threads, whatever
    ran before in this process. Divergence and lack of memory are outcomes; BenchError is for what cannot be run at all.
    """
    return run_trials([(config, seed)], dataset, device, [report], say=say, keep_weights=keep_weights)[0]


def run_trials(
    trials: Sequence[tuple[TrialConfig, int]],
    dataset: Dataset,
    device: str = "cpu",
    reports: Sequence[Report] | None = None,
    *,
    say: Say = lambda text: None,
    keep_weights: bool = False,
    shrink: bool = False,
    backend: str = GROUPED,
    checkpoint: Checkpoint | None = None,
    resumed: Sequence[Resumed] | None = None,
) -> list[Result]:
    """Run trials that differ in nothing but what `bench.runner.packs.key` leaves out as one computation; see `run_trial`.

    A trial's neighbours do not matter to its result: with deterministic "strict", not to a bit among packs of one size. Packs of
    another size, and a trial alone, round differently. A trial's wall_clock is its share of the time of the pack.

    Where memory runs out, each half is run by itself, from the start: reports begin again with epoch 1. Networks that cannot be
    computed as one are run one after another. shrink: go on with the others alone where half of a pack has ended; that is faster,
    and rounds differently from then on. backend: of `bench.models.packed.BACKENDS`, how packed networks convolve.

    checkpoint: where their state is kept at the end of epochs. Where it holds one, they go on from it, and their results are to
    the bit those of trials that were not interrupted; times add up. The file stays: whoever has recorded the results deletes it.
    resumed: called then, each with the history that its trial has already; no report is made of these epochs.
    """
    reports = reports or [lambda epoch, metrics: False] * len(trials)
    resumed = resumed or [lambda history: None] * len(trials)
    trials = [(config.drawn(seed), seed) for config, seed in trials]
    first = trials[0][0]
    place = check_device(first.train, device)
    results = [Result(pack=len(trials), backend=backend if len(trials) > 1 else "") for _ in trials]
    problem = None
    try:
        with memory.reused(), isolated(first.train, trials[0][1], place):
            _run(trials, dataset, place, reports, results, say, keep_weights, shrink, backend, checkpoint, resumed)
        return results
    except Unpackable:
        parts = [slice(number, number + 1) for number in range(len(trials))]
    except Unusable as error:
        assert checkpoint, "it held what is unusable"
        checkpoint.refuse(error)
        parts = [slice(None)]
    except cuda_graphs.CaptureFailed as error:
        cuda_graphs.works = False
        logger.warning("trains without CUDA graphs from here on: %s", first_line(error))
        parts = [slice(None)]
    except (RuntimeError, MemoryError) as error:
        if "does not have a deterministic implementation" in str(error):  # PyTorch gives it neither a type nor a code
            raise BenchError(
                f"has no deterministic form on {device}: {first_line(error)}",
                where=f"model {first.model.name}",
                mend="set `train.deterministic: fast`",
            ) from error
        if not memory.ran_out(error):
            raise
        problem = f"out of memory on {device}: {first_line(error)}"
        parts = [slice(0, len(trials) // 2), slice(len(trials) // 2, None)]
    if problem:  # only here: the exception still held the trials' tensors
        kept_parts.clear()
        _kept.clear()
        if place.type == "cuda":
            torch.cuda.empty_cache()
        if len(trials) == 1:
            results[0].outcome, results[0].message = "oom", problem
            return results
        if checkpoint:
            checkpoint.remove()  # the halves have their own
    options = {"say": say, "keep_weights": keep_weights, "shrink": shrink, "backend": backend}
    return [
        result
        for part in parts
        for result in run_trials(
            trials[part],
            dataset,
            device,
            reports[part],
            checkpoint=checkpoint if part == slice(None) or not checkpoint else checkpoint.part(part),
            resumed=resumed[part],
            **options,
        )
    ]


def _run(
    trials: Sequence[tuple[TrialConfig, int]],
    dataset: Dataset,
    device: torch.device,
    reports: Sequence[Report],
    results: Sequence[Result],
    say: Say,
    keep_weights: bool,
    shrink: bool,
    backend: str,
    checkpoint: Checkpoint | None,
    resumed: Sequence[Resumed],
) -> None:
    members, starts = [], []
    for (config, seed), result in zip(trials, results, strict=True):
        parts = kept_parts(dataset, config.data, seed, device, say)
        members.append(Member(config, dataset, parts, result))
        starts.append(start(config, seed, parts, len(members[-1].classes), device))
        counts = parameters(starts[-1].network)
        members[-1].of_trial |= {"parameters": float(counts["trainable"]), "total_parameters": float(counts["total"])}
    first = trials[0][0]
    if len(trials) > 1:
        problem = packable.problem(first.model, starts[0].preprocess.out_shape, len(members[0].classes))
        if problem:
            raise Unpackable(problem)
    state = checkpoint.load() if checkpoint else None
    if state:
        _kept.clear()  # what it has captured goes by tensors that are not made yet
    program = _program(starts, device, backend)
    del starts
    places = list(range(len(members)))
    done, elapsed = 0, 0.0
    if state:
        done, elapsed, places = _resume(state, program, members, device)
        for member, tell in zip(members, resumed, strict=True):
            tell(member.result.history)
    del state
    running = [(members[place], reports[place]) for place in places]
    _synchronise(device)
    began = clock() - elapsed
    if checkpoint:
        checkpoint.begin()
    for epoch in range(done + 1, first.train.epochs + 1):
        epoch_began = clock()
        measured, scores = _epoch(program, [member.parts["val"].labels for member, _ in running], epoch)
        now = clock()
        for place, (member, report) in enumerate(running):
            if not member.ended:
                member.after_epoch(
                    epoch,
                    measured[place],
                    scores[:, place],
                    seconds=(now - epoch_began) / program.members,
                    since_start=now - began,
                    memory=program.peak_memory,
                    plain=program.plain,
                    state=lambda place=place: program.state(place),
                    report=report,
                )
        going = [place for place, (member, _) in enumerate(running) if not member.ended]
        if not going:
            break
        if shrink and len(going) <= program.members // 2:
            _finish(program, running, keep_weights)
            program.keep(going)
            running = [running[place] for place in going]
            places = [places[place] for place in going]
        if checkpoint and epoch < first.train.epochs and checkpoint.is_due:
            checkpoint.save(epoch, _state(epoch, clock() - began, places, program, members, device))
    _finish(program, running, keep_weights)
    _kept[:] = [program] if program.is_worth_keeping else []


def _state(
    epoch: int, elapsed: float, places: list[int], program: Program, members: Sequence[Member], device: torch.device
) -> dict[str, Any]:
    """Return all that the trials go on from after an epoch. elapsed: seconds since they began. places: those that still train."""
    return {
        "epoch": epoch,
        "elapsed": elapsed,
        "places": places,
        "program": program.snapshot(),
        "members": [member.snapshot() for member in members],
        "generators": global_generators(device),
    }


def _resume(
    state: dict[str, Any], program: Program, members: Sequence[Member], device: torch.device
) -> tuple[int, float, list[int]]:
    """Let trials that have not begun go on from a state; return its epoch, elapsed seconds and places. Raises Unusable."""
    try:
        epoch, elapsed, places = state["epoch"], state["elapsed"], state["places"]
        if len(places) < program.members:
            program.keep(places)
        program.restore(state["program"])
        for member, snapshot in zip(members, state["members"], strict=True):
            member.restore(snapshot, epoch)
        set_global_generators(state["generators"], device)
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, RuntimeError) as error:
        if memory.ran_out(error):
            raise
        raise Unusable(f"it does not fit: {first_line(error)}") from error
    return epoch, elapsed, places


_kept: list[Program] = []
"""The last program of this process, where the next trials may go on with what it has captured or compiled."""


def _program(starts: Sequence[Begun], device: torch.device, backend: str) -> Program:
    if _kept and _kept[0].device == device and _kept[0].renewed(starts, backend):
        return _kept[0]
    _kept.clear()  # before another takes memory
    return Program(starts, device, backend)


def _epoch(program: Program, labels: Sequence[torch.Tensor], epoch: int) -> tuple[list[dict[str, float]], torch.Tensor]:
    """Train and validate for one epoch, counted from 1; return each trial's metrics, and the validation logits [N, M, C]."""
    trained = program.train_epoch(epoch - 1)
    scores = program.logits("val")
    validated = [evaluation.loss_and_accuracy(scores[:, place], targets) for place, targets in enumerate(labels)]
    numbers = torch.cat([trained, torch.stack(validated, 1)]).T.tolist()  # tolist is where this waits for the device
    metrics = [dict(zip(EPOCH_METRICS, row, strict=True)) for row in numbers]
    if program.plain:
        for record in metrics:
            del record["train/cross_entropy"]
    return metrics, scores


def _finish(program: Program, running: Sequence[tuple[Member, Report]], keep_weights: bool) -> None:
    """Test the trials that have come to their end."""
    ended = [(place, member) for place, (member, _) in enumerate(running) if member.ended and member.result.outcome == "finished"]
    for place, member in ended:
        if member.weights is not None:
            program.load(place, member.weights)
    if ended:
        scores = program.logits("test")
        for place, member in ended:
            member.finish(scores[:, place], program.state(place) if keep_weights else None)


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
