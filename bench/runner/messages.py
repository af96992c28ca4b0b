"""What the coordinator and an executor's workers say to each other: requests, their answers, and events. No torch here: the
coordinator does without it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from bench.config import Config, Data, TrialConfig
from bench.errors import BenchError, ErrorCode
from bench.trackers.record import Outcome

Answer = TypeVar("Answer", covariant=True)

# ---------------------------------------------------------------- what a worker says of itself, and of a trial


@dataclass(frozen=True)
class Hello:
    """What a worker says of itself when it is up. device: its name. devices: CUDA devices that it sees. versions: of what shapes
    results. instructions: the instruction set by which its processor computes, "" where a GPU does."""

    device: str
    devices: int
    versions: dict[str, str]
    instructions: str = ""


FAULTS = {ErrorCode.CRASHED: Outcome.CRASHED, ErrorCode.OOM: Outcome.OOM, ErrorCode.TIMEOUT: Outcome.TIMEOUT}


@dataclass(frozen=True)
class Fault:
    """Why a request has no answer. traceback: the worker's, as text, where it could still tell."""

    error: BenchError
    traceback: str = ""

    @property
    def outcome(self) -> Outcome | None:
        """What becomes of a trial of which such a request has no answer; None where the error is a mistake in what was asked for,
        told by whoever found it."""
        return FAULTS.get(self.error.code) if self.error.code else None


@dataclass(frozen=True)
class Facts:
    """What is known of a cell before it trains. sizes: images in train, val and test. classes: how many. errors: each with its
    section. weights: bytes of its network's. other_sizes: by seed, where what varies makes them others. redrawn: parts that have
    other images with each seed, with their number of images and of those trained on. resplit: the same of each split, where
    several are crossed with the seeds."""

    sizes: tuple[int, int, int] = (0, 0, 0)
    classes: int = 0
    errors: list[tuple[str, BenchError]] = field(default_factory=list)
    weights: int = 0
    other_sizes: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    redrawn: dict[str, tuple[int, int]] = field(default_factory=dict)
    resplit: dict[str, tuple[int, int]] = field(default_factory=dict)

    def sizes_of(self, seed: int) -> tuple[int, int, int]:
        """Return the images in train, val and test of the trial with this seed."""
        return self.other_sizes.get(seed, self.sizes)


@dataclass(frozen=True)
class Speed:
    """Seconds an image, in training and in evaluation."""

    training: float
    evaluation: float


@dataclass(frozen=True)
class Ended:
    """What `bench.training.Result` says of a trial, in a form that needs no torch. artifacts: file name → content."""

    outcome: str
    message: str
    metrics: dict[str, float]
    history: list[dict[str, float]]
    pack: int
    backend: str
    artifacts: dict[str, bytes]
    resumed: int = 0


# ---------------------------------------------------------------- requests


@dataclass(frozen=True)
class Request(Generic[Answer]):
    """Something to do for a worker, which answers with an `Answer`."""

    @property
    def beside(self) -> str:
        """The folder with the custom components that it needs; "" for none."""
        return ""

    @property
    def configs(self) -> Sequence[Config]:
        """The configurations that it is about."""
        return ()


class _OfConfig(Request[Answer]):
    config: TrialConfig

    @property
    def beside(self) -> str:
        return self.config.folder

    @property
    def configs(self) -> Sequence[Config]:
        return (self.config,)


@dataclass(frozen=True)
class Prepare(Request[tuple[str, int]]):
    """Make a data set ready. Progress is text; the answer its digest and number of classes."""

    data: Data
    download: bool = False
    folder: str = ""

    @property
    def beside(self) -> str:
        return self.folder

    @property
    def configs(self) -> Sequence[Config]:
        return (self.data,)


@dataclass(frozen=True)
class Inspect(_OfConfig[Facts]):
    """Check a configuration against its data and model, without training. contracts: check custom components too. seeds: with
    which its data are to be drawn; one, where nothing varies. crossed: whether it is of one of several splits."""

    config: TrialConfig
    contracts: bool = False
    seeds: tuple[int, ...] = (0,)
    crossed: bool = False


@dataclass(frozen=True)
class CountShared(Request[int]):
    """Count the images that one section trains on and another, over the same source, validates or tests on."""

    trained: Data
    tested: Data
    folder: str = ""

    @property
    def beside(self) -> str:
        return self.folder

    @property
    def configs(self) -> Sequence[Config]:
        return (self.trained, self.tested)


@dataclass(frozen=True)
class ProbeTraining(_OfConfig[Speed]):
    """Measure how long training and evaluation take."""

    config: TrialConfig


@dataclass(frozen=True)
class ProbeDenoising(_OfConfig[float]):
    """Measure the seconds an image, at most, that denoising takes."""

    config: TrialConfig


@dataclass(frozen=True)
class Denoise(_OfConfig[int]):
    """Denoise a trial's images ahead of it. Progress is `Denoised`; the answer how many there were to do."""

    config: TrialConfig
    seed: int


@dataclass(frozen=True)
class ProbePacks(_OfConfig[dict[tuple[int, str], float]]):
    """Measure seconds an image in training, alone (1, "") and in packs of each width and back-end that is possible and of use."""

    config: TrialConfig
    widths: tuple[int, ...]


@dataclass(frozen=True)
class CheckpointPlace:
    """Where the trials of a request keep their state while they train; see `bench.training.checkpoint.Checkpoint`."""

    path: str
    trials: tuple[str, ...]
    made_by: str
    every: float


@dataclass(frozen=True)
class TrainTrials(Request[list[Ended]]):
    """Train and evaluate trials that go together as one program. Progress is `Epoch`.

    keeps: the weights are an artifact too. asks: after each epoch of each trial, wait for the reply whether it is to go on.
    backend: see `bench.training.run_trials`; "" for the usual one. checkpoints: None for none.
    """

    trials: tuple[tuple[TrialConfig, int], ...]
    keeps: bool = False
    asks: bool = False
    backend: str = ""
    checkpoints: CheckpointPlace | None = None

    @property
    def beside(self) -> str:
        return self.trials[0][0].folder

    @property
    def configs(self) -> Sequence[Config]:
        return [config for config, _ in self.trials]


# ---------------------------------------------------------------- progress


@dataclass(frozen=True)
class Epoch:
    """A trial has ended an epoch. place: of the trial among those of its request. seconds: since it was begun, by the worker's
    clock, which stands still while the worker is stopped. again: it was before a trial went on from a checkpoint, and there is no
    reply to it."""

    place: int
    epoch: int
    metrics: dict[str, float]
    seconds: float
    again: bool = False


@dataclass(frozen=True)
class Denoised:
    """So many images of a set are denoised. images: which set."""

    images: str
    done: int
    total: int


@dataclass(frozen=True)
class Warned:
    """Something that the user should know, though the request goes on."""

    text: str


# ---------------------------------------------------------------- events


@dataclass(frozen=True)
class Up:
    """A worker is up, and ready for requests."""

    hello: Hello


@dataclass(frozen=True)
class Progress:
    """A request tells how far it is."""

    value: Epoch | Denoised | Warned | str


@dataclass(frozen=True)
class Done:
    """A request is answered. value: as the request says."""

    value: Any


@dataclass(frozen=True)
class Failed:
    """A request raised. traceback: the worker's, as text."""

    error: BenchError
    traceback: str


@dataclass(frozen=True)
class Died:
    """A worker's process has ended, and with it the request that it was at; the worker can be restarted. message: how it ended.
    mend: what one may do about it."""

    message: str
    mend: str = ""


@dataclass(frozen=True)
class Lost:
    """A worker is gone for good, with the machine that it was on: what it was at says nothing, and can run elsewhere."""

    message: str


Event = Up | Progress | Done | Failed | Died | Lost
