"""Cells and trials: what a stage comes to."""

import gc
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

from bench.config import Config, Data, Model, Train, Trained, TrialConfig
from bench.grammar.document import DocPath
from bench.grammar.stages import Ensemble, Start

TRIAL = "trial"
"""The axis of a search's trials."""
SPLIT = "split"
"""The axis of `vary: {split: k}`. Claims and tables take the mean over it within each seed, unless they name it."""
ENGINE = 1
"""Raised whenever the same configuration and seed would give another result, so that old results are not mixed in."""

C = TypeVar("C", bound=Config, covariant=True)


@dataclass(frozen=True, eq=False)
class Section(Generic[C]):
    """One distinct data, model or train section.

    digest: hash of what it says, file paths left out: files are known by their content. key: tells it from every other
    section, file paths included. place: gives `file:line` of one of its settings, for errors that only show when the
    section is used. layers: the patches that it was merged from, each with its path in the document. own: the custom
    components in it, `module:name`. folder: beside which they are looked for.
    """

    config: C
    digest: str
    key: str
    place: Callable[[DocPath], str]
    layers: tuple["Layer", ...] = ()
    own: tuple[str, ...] = ()
    folder: str = ""


Layer = tuple[Any, DocPath]
"""A patch, and its path in the document."""


class Cell(NamedTuple):
    """One combination of levels of a stage.

    ensemble: of a stage that votes; data, model and train then say nothing. start: what its configuration starts from, if from
    another stage's best cell. waits: the stage that has to end before its configuration is known; what stands here is one of
    those that it may come to be. crossed: whether its stage crosses splits with its seeds, on the axis SPLIT.
    """

    stage: str
    labels: dict[str, str]
    data: Section[Data]
    model: Section[Model]
    train: Section[Train]
    ensemble: Section[Ensemble] | None = None
    start: Start | None = None
    waits: str = ""
    crossed: bool = False

    @property
    def split(self) -> str:
        """The label of its split, of those that are crossed with the seeds; "" where none are."""
        return self.labels[SPLIT] if self.crossed else ""

    @property
    def config(self) -> TrialConfig:
        folder = self.data.folder or self.model.folder or self.train.folder
        return TrialConfig.model_construct(data=self.data.config, model=self.model.config, train=self.train.config, folder=folder)

    @property
    def name(self) -> str:
        return ", ".join(f"{axis}={label}" for axis, label in self.labels.items())

    def is_other_split(self, other: "Cell") -> bool:
        """Whether another cell of the stage is the same but for the split that its seeds are crossed with."""
        mine, others = ({axis: label for axis, label in cell.labels.items() if axis != SPLIT} for cell in (self, other))
        return mine == others and self.crossed and other.crossed

    @property
    def voting(self) -> Section[Ensemble]:
        """How a cell votes that is an ensemble."""
        assert self.ensemble, f"{self.stage}: {self.name} is no ensemble"
        return self.ensemble


class Cells(list[Cell]):
    """The cells of a stage. samples: of a search, cells with every level and the ends of every interval, to look at before."""

    samples: Sequence[Cell] = ()

    @cached_property
    def levels(self) -> dict[str, list[str]]:
        """axis → its labels, in the suite's order."""
        levels: dict[str, dict[str, None]] = {}
        for cell in self:
            for axis, label in cell.labels.items():
                levels.setdefault(axis, {})[label] = None
        return {axis: list(labels) for axis, labels in levels.items()}

    def where(self, wanted: Mapping[str, Sequence[str]]) -> list[Cell]:
        """Return the cells with one of the labels wanted of each axis."""
        matches: list[Cell] = self
        for axis, labels in wanted.items():
            matches = [cell for cell in matches if cell.labels.get(axis) in labels]
        return matches


class Trial(NamedTuple):
    """One cell with one seed. fingerprint: hash of everything that determines its result; while that is not known, `known` is
    false and it is only a name of this trial."""

    cell: Cell
    seed: int
    fingerprint: str

    @property
    def known(self) -> bool:
        return not self.fingerprint.startswith("?")


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the garbage collector: over 100,000 new objects that all stay, it takes half of the time and finds nothing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


BestCell = Callable[[Start, Mapping[str, str]], Cell | None]
"""Gives the best cell of `start.stage` with these labels, on the axes of `start.each`; None where it is not known yet."""


def trials(
    cells: Sequence[Cell],
    seeds: Sequence[int],
    identity: Callable[[Section[Config]], str],
    origin: Callable[[Cell, int], str] = lambda cell, seed: "",
) -> list[Trial]:
    """Return every cell with every seed.

    identity: content hash of what a section reads from outside (images, weights, parts of the user's own); "" for nothing.
    origin: fingerprint of the trial whose weights a cell starts from, "" for none, "?" where it is not known yet.
    """
    identities: dict[int, str] = {}
    result = []
    for cell in cells:
        if cell.waits:
            result += [unknown(cell, seed) for seed in seeds]
            continue
        stamp = str(ENGINE)
        sections: tuple[Section[Config], ...] = (cell.data, cell.model, cell.train)
        for section in sections:
            if id(section) not in identities:
                files = identity(section)
                identities[id(section)] = f"\n{section.digest}" + (f"\n{files}" if files else "")
            stamp += identities[id(section)]
        trained = type(cell.model.config.weights) is Trained  # of a pydantic class, isinstance takes microseconds
        for seed in seeds:
            weights = origin(cell, seed) if trained else ""
            if weights.startswith("?"):
                result.append(unknown(cell, seed))
            else:
                text = "\n".join(filter(None, (stamp, str(seed), weights)))
                result.append(Trial(cell, seed, hashlib.sha256(text.encode()).hexdigest()[:32]))
    return result


def unknown(cell: Cell, seed: int) -> Trial:
    """Return a trial whose configuration is not known yet."""
    return Trial(cell, seed, f"?{cell.stage}/{cell.name}/{seed}")
