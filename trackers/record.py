"""The run schema: how a trial stands in a tracker. Outcomes, names of tags and artifacts: runs are written and read through it.

A run's tags are text. `TrialStart` and `TrialEnd` write them; the functions below read them, also from runs that something else
logged or an older version wrote.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from bench.trackers.base import Status, StoredRun


class Outcome(StrEnum):
    """What became of a trial."""

    FINISHED = "finished"
    PRUNED = "pruned"
    """Ended early by its search."""
    DIVERGED = "diverged"
    OOM = "oom"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    """Its run says no more than that it failed."""
    RUNNING = "running"
    UNAVAILABLE = "unavailable"
    """It cannot be run on this machine."""
    MISSING = "missing"
    """It has no run yet."""

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing: a trial that a search ended early did what it was there for."""
        return self in (Outcome.FINISHED, Outcome.PRUNED)

    @property
    def is_run_again(self) -> bool:
        """Whether the next run repeats the trial, since this outcome says nothing about the trial itself."""
        return self in (Outcome.CRASHED, Outcome.INTERRUPTED, Outcome.FAILED)

    @property
    def is_open(self) -> bool:
        """Whether another run of the suite would change it."""
        return self.is_run_again or self in (Outcome.MISSING, Outcome.RUNNING)

    @property
    def status(self) -> Status:
        """The status of a run that ended so; FAILED of what is no end."""
        ended: dict[Outcome, Status] = {Outcome.FINISHED: "FINISHED", Outcome.INTERRUPTED: "KILLED", Outcome.PRUNED: "KILLED"}
        return ended.get(self, "FAILED")


OF_STATUS: dict[Status, Outcome] = {
    "RUNNING": Outcome.RUNNING,
    "FINISHED": Outcome.FINISHED,
    "FAILED": Outcome.FAILED,
    "KILLED": Outcome.INTERRUPTED,
}
"""The outcome of a run that has a status alone."""


class Artifact(StrEnum):
    """Names of a run's artifacts."""

    CONFIG = "config.yaml"
    PREDICTIONS = "predictions.npz"
    CORRECT = "correct.npz"
    """Of a run that came without its predictions: which of them were right, as bits."""
    CONFUSION = "confusion.json"
    WEIGHTS = "weights.safetensors"
    """Of a trial from whose weights another stage starts."""
    IMAGES = "images.npz"
    MEMBERS = "members.yaml"
    LOG = "log.txt"


AXIS, DRAWN, REDRAWN, RESPLIT = "axis.", "search.", "redrawn.", "resplit."
"""What the tags of a cell's labels, of what a search drew, and of splits with other images for each seed begin with."""
WHOLE = r"\d{1,60}"
"""A whole number in a tag. Python refuses to read thousands of digits."""
CONDITIONS = ("device", "workers", "threads", "precision", "pack")
"""Tags that must agree before times are compared: the machine, what else ran on it, the arithmetic, and how many trials trained
as one program (none: each alone)."""


@dataclass(frozen=True)
class Origin:
    """The trial that trained the weights from which another starts. cell: its stage and labels, as text."""

    cell: str
    seed: int


@dataclass(frozen=True)
class TrialStart:
    """What is known of a trial when its run begins.

    also: other cells that share it. seeds: what was declared, as text. source: the suite's file. start: the cell of another stage
    whose configuration it starts from. rules: how its search draws. parameters: what the search drew. members: how many trials of
    how many vote. pilot: whether it is of a pilot, which never counts. co_workers: workers side by side. images: split → how many
    it has. redrawn: split that has other images with each seed → how many, and how many different ones are trained on.
    resplit: the same of splits that are crossed with seeds: what has other images on each of them.
    instructions: the processor's instruction set, where it trains on one.
    """

    suite: str
    profile: str
    stage: str
    cell: str
    labels: Mapping[str, str]
    seed: int
    seeds: str
    fingerprint: str
    device: str
    co_workers: int
    threads: int
    precision: str
    commit: str
    coordinator: str
    versions: Mapping[str, str]
    source: str
    user: str
    also: tuple[str, ...] = ()
    start: str = ""
    weights: Origin | None = None
    rules: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    members: str = ""
    instructions: str = ""
    attempt: str = ""
    holder: int = 0
    pilot: bool = False
    images: Mapping[str, int] = field(default_factory=dict)
    classes: int = 0
    redrawn: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    resplit: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def tags(self) -> dict[str, str]:
        """Return the tags of the run."""
        optional = {
            "also": "; ".join(self.also),
            "start": self.start,
            "search": self.rules,
            "members": self.members,
            "instructions": self.instructions,
            "attempt": self.attempt,
            "holder": str(self.holder or ""),
            "classes": str(self.classes or ""),
            "pilot": "yes" if self.pilot else "",
        }
        tags = {
            "source": self.source,
            "user": self.user,
            "cell": self.cell,
            "stage": self.stage,
            "suite": self.suite,
            "profile": self.profile,
            **{f"{AXIS}{axis}": label for axis, label in self.labels.items()},
            "seed": str(self.seed),
            "seeds": self.seeds,
            "fingerprint": self.fingerprint,
            **{f"{DRAWN}{name}": text for name, text in self.parameters.items()},
            "device": self.device,
            "workers": str(self.co_workers),
            "threads": str(self.threads),
            "precision": self.precision,
            "commit": self.commit,
            "coordinator": self.coordinator,
            "versions": ", ".join(f"{name} {number}" for name, number in self.versions.items()),
            **{f"images.{split}": str(number) for split, number in self.images.items()},
            **{f"{REDRAWN}{split}": f"{held}/{trained}" for split, (held, trained) in self.redrawn.items()},
            **{f"{RESPLIT}{split}": f"{held}/{trained}" for split, (held, trained) in self.resplit.items()},
            **{name: text for name, text in optional.items() if text},
        }
        if self.weights:
            tags |= {
                "weights": f"{self.weights.cell}, seed {self.weights.seed}",
                "weights.cell": self.weights.cell,
                "weights.seed": str(self.weights.seed),
            }
        return tags


@dataclass(frozen=True)
class KeptWeights:
    """What tells kept weights from damaged ones: their size in bytes, and their SHA-256 in hexadecimal digits."""

    size: int
    digest: str

    @classmethod
    def of(cls, content: bytes) -> "KeptWeights":
        return cls(len(content), hashlib.sha256(content).hexdigest())


@dataclass(frozen=True)
class TrialEnd:
    """How a trial ended. pack: how many trials trained as one program, itself included; backend: how that was computed. kept: the
    weights, where they were. resumed: the epoch after which it went on from a checkpoint, 0 for none."""

    outcome: Outcome
    message: str = ""
    kept: KeptWeights | None = None
    pack: int = 1
    backend: str = ""
    resumed: int = 0

    def tags(self) -> dict[str, str]:
        """Return the tags to add to the run."""
        known = {"outcome": str(self.outcome)}
        if self.message:
            known["message"] = self.message
        if self.kept:
            known |= {"kept": "weights", "kept.size": str(self.kept.size), "kept.sha256": self.kept.digest}
        if self.pack > 1:
            known |= {"pack": str(self.pack), "backend": self.backend}
        if self.resumed:
            known["resumed"] = f"epoch {self.resumed}"
        return known


def outcome(run: StoredRun) -> Outcome:
    """Return what became of a run's trial; where it does not say so, or in a word that we do not know, what its status says."""
    if run.status == "RUNNING":
        return Outcome.RUNNING
    try:
        return Outcome(run.tags.get("outcome", ""))
    except ValueError:
        return OF_STATUS[run.status]


def rank(run: StoredRun) -> tuple[bool, bool, int, float, str]:
    """Return what decides which of the finished runs of one trial counts: the one of the lowest rank. Every reader goes by it.

    They are several where a coordinator that was taken over went on, or where something that a run had stored was needed and was
    not there any more; all say the same but for times. One with weights counts, then that of the latest holder, then the newest.
    """
    return (outcome(run) is not Outcome.FINISHED, not keeps_weights(run), -holder(run), -run.start, run.run_id)


ORIGIN = "origin_run_id"
"""The tag with the id that a run had where it was made, of one that was brought here from another store."""
PERSONAL = ("user", "coordinator", "commit")
"""Tags that say who made a run, on which host, and from which commit, whose author can be looked up."""
FREE_TEXT = ("message", "source")
"""Tags in which a user name, a host or a path may stand, and by which no reader knows a trial."""


def origin_id(run: StoredRun) -> str:
    """Return the id that a run had where it was made: its own, unless it came from another store."""
    return run.tags.get(ORIGIN) or run.run_id


SUPERSEDED = {"superseded": "yes"}
"""Tags of a run in whose place another one of the same trial counts."""


def trial(tags: Mapping[str, str]) -> tuple[str, ...]:
    """Return what the finished runs of one trial have in common, by the tags of a run; () where it does not say so."""
    if not (known := tags.get("fingerprint")):
        return ()
    # a search's trials are apart, though two may be of one configuration
    return (known, tags.get("stage", ""), tags.get("cell", "")) if "search" in tags else (known,)


def superseded(runs: Iterable[StoredRun]) -> list[StoredRun]:
    """Return the runs in whose place a finished one of the same trial counts, and that do not say so yet: finished ones of a
    higher rank, and attempts that failed and were repeated.

    A run that another holder took for a leftover, and closed while its own was writing its end, may say that it has finished by
    its status alone, or by its outcome.
    """
    by_trial: dict[tuple[str, ...], list[StoredRun]] = {}
    for run in runs:
        if run.status != "RUNNING" and (known := trial(run.tags)):
            by_trial.setdefault(known, []).append(run)
    rest: list[StoredRun] = []
    for of_one in by_trial.values():
        counts, *outranked = sorted(of_one, key=rank)
        rest += outranked if outcome(counts) is Outcome.FINISHED else []
    return [run for run in rest if not is_superseded(run)]


def is_superseded(run: StoredRun) -> bool:
    """Whether a run says that another one of its trial counts."""
    return SUPERSEDED.items() <= run.tags.items()


def message(run: StoredRun) -> str:
    """Return why there is no result, "" where nothing is known about it."""
    return run.tags.get("message", "")


def fingerprint(run: StoredRun) -> str:
    """Return the fingerprint of a run's trial, "" of a run that something else logged."""
    return run.tags.get("fingerprint", "")


def suite(run: StoredRun) -> tuple[str, str]:
    """Return the suite and the profile that a run was made for, "" for what it does not say."""
    return run.tags.get("suite", ""), run.tags.get("profile", "")


def stage(run: StoredRun, default: str = "") -> str:
    return run.tags.get("stage", default)


def cell(run: StoredRun) -> str:
    """Return the cell's labels as text, or else the run's id."""
    return run.tags.get("cell", run.run_id)


def seed(run: StoredRun) -> str:
    return run.tags.get("seed", "")


def labels(run: StoredRun) -> dict[str, str]:
    """Return axis → label of the cell."""
    return _with_prefix(run, AXIS)


def parameters(run: StoredRun) -> dict[str, str]:
    """Return what a search drew for the trial, name → text."""
    return _with_prefix(run, DRAWN)


def rules(run: StoredRun) -> str | None:
    """Return how the search drew that this run is a trial of; None where it is of none."""
    return run.tags.get("search")


def is_pilot(run: StoredRun) -> bool:
    """Whether the run is of a pilot, which sets sizes and never counts."""
    return run.tags.get("pilot") == "yes"


def keeps_weights(run: StoredRun) -> bool:
    """Whether the run has kept the weights that were trained."""
    return "kept" in run.tags


def kept_weights(run: StoredRun) -> KeptWeights | None:
    """Return what is known of the weights that a run has kept; None where it does not say so."""
    size, digest = run.tags.get("kept.size", ""), run.tags.get("kept.sha256", "")
    return KeptWeights(int(size), digest) if _is_whole(size) and digest else None


def coordinator(run: StoredRun) -> str:
    """Return who made the run, "" where it does not say so."""
    return run.tags.get("coordinator", "")


def attempt(run: StoredRun) -> str:
    """Return what tells a run from all others of its trial, "" where it does not say so."""
    return run.tags.get("attempt", "")


def holder(run: StoredRun) -> int:
    """Return the number of the coordinator that made a run, among those that held its experiment; 0 where it does not say so."""
    text = run.tags.get("holder", "")
    return int(text) if text.isdecimal() else 0


def pack(run: StoredRun) -> tuple[int, str]:
    """Return how many trials trained as one program, and how that was computed; (1, "") of one that trained alone."""
    text = run.tags.get("pack", "")
    return (int(text), run.tags.get("backend", "")) if _is_whole(text) else (1, "")


def conditions(run: StoredRun) -> tuple[str, ...]:
    """Return under which conditions the trial was timed, as CONDITIONS lists them; "" for what the run does not say."""
    return tuple(run.tags.get(name, "") for name in CONDITIONS)


def items(run: StoredRun, metric: str) -> int:
    """Return how many images a metric's split has, as the trial's run says; 0 where it does not."""
    split = metric.partition("/")[0]
    text = run.tags.get(f"images.{split}", "")
    return int(text) if _is_whole(text) else 0


def redrawn(run: StoredRun, metric: str) -> float:
    """Return the ratio of images measured on to images trained on of a metric whose split has other images with each seed; 0 of
    any other, and where the run does not say so."""
    return _held_to_trained(run, REDRAWN, metric)


def resplit(run: StoredRun, metric: str) -> float:
    """Return the same of a metric whose split has other images on each of several splits that are crossed with the seeds."""
    return _held_to_trained(run, RESPLIT, metric)


def _held_to_trained(run: StoredRun, prefix: str, metric: str) -> float:
    split = metric.partition("/")[0]
    if f"{prefix}{split}" not in run.tags:
        return 0.0
    held, trained = redrawn_parts(run, prefix).get(split, (0, 1))
    return held / trained


def redrawn_parts(run: StoredRun, prefix: str = REDRAWN) -> dict[str, tuple[int, int]]:
    """Return each split that has other images with each seed, with how many, and how many different ones are trained on."""
    parts: dict[str, tuple[int, int]] = {}
    for split, text in _with_prefix(run, prefix).items():
        if (sizes := re.fullmatch(rf"({WHOLE})/({WHOLE})", text)) and int(sizes[2]):
            parts[split] = int(sizes[1]), int(sizes[2])
    return parts


def classes(run: StoredRun) -> int:
    """Return how many classes a trial told apart, as its run says; 0 where it does not."""
    text = run.tags.get("classes", "")
    return int(text) if _is_whole(text) else 0


def device(run: StoredRun) -> str:
    return run.tags.get("device", "")


def instructions(run: StoredRun) -> str:
    """Return the instruction set of the processor that trained it; "" of another device, or where the run does not say so."""
    return run.tags.get("instructions", "")


def versions(run: StoredRun) -> str:
    return run.tags.get("versions", "")


def commit(run: StoredRun) -> str:
    return run.tags.get("commit", "")


def weights(run: StoredRun) -> Origin | None:
    """Return which trial's weights this one started from, None where from none of this suite."""
    if "weights.cell" in run.tags:
        number = run.tags.get("weights.seed", "")
        return Origin(run.tags["weights.cell"], int(number)) if _is_whole(number) else None
    # as it was written before there were two tags
    older = re.fullmatch(rf"(.+), seed ({WHOLE})", run.tags.get("weights", ""), re.DOTALL)
    return Origin(older[1], int(older[2])) if older else None


def members(run: StoredRun) -> str:
    """Return how many trials of how many voted, as text; "" where it is no ensemble."""
    return run.tags.get("members", "")


@dataclass(frozen=True)
class DeclaredSeeds:
    """The seeds that a stage was declared to run with. seeds: each of them that counts, of a stage that is looked at once. looks:
    else how many there are at each look, and alpha the level of all looks together, as text. pilot: how many go before, and never
    count."""

    text: str
    seeds: tuple[int, ...] = ()
    looks: tuple[int, ...] = ()
    alpha: str = ""
    pilot: int = 0

    @classmethod
    def read(cls, text: str) -> "DeclaredSeeds":
        """Return what a declaration says. Text that is none counts as one of its own."""
        if piloted := re.fullmatch(rf"pilot of ({WHOLE}), then (.+)", text):
            return replace(cls.read(piloted[2]), pilot=int(piloted[1]), text=text)
        if looks := re.fullmatch(rf"looks ({WHOLE}(?:, {WHOLE})*) at alpha (\S+)", text):
            return cls(text, looks=tuple(map(int, looks[1].split(","))), alpha=looks[2])
        if re.fullmatch(rf"-?{WHOLE}(, -?{WHOLE})*", text):
            return cls(text, seeds=tuple(map(int, text.split(","))))
        return cls(text)

    def admits(self, later: "DeclaredSeeds") -> bool:
        """Whether runs that counted under this declaration may be followed by such under `later`: the same seeds count, whatever
        their order, or nothing can have been tested yet, since there was one seed or no declaration."""
        if not self.text or len(self.seeds) == 1 or self.text == later.text:
            return True
        if self.looks:
            return (self.looks, self.alpha) == (later.looks, later.alpha)
        return bool(self.seeds) and set(self.seeds) == set(later.seeds)


def declared_seeds(run: StoredRun) -> DeclaredSeeds:
    """Return the seeds that were declared when the run was made."""
    return DeclaredSeeds.read(run.tags.get("seeds", ""))


def _is_whole(text: str) -> bool:
    return re.fullmatch(WHOLE, text) is not None


def _with_prefix(run: StoredRun, prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): text for name, text in run.tags.items() if name.startswith(prefix)}
