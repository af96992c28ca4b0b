"""The sections of a stage's configurations, each distinct one merged, checked and hashed once, however many cells share it."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from bench.config import SECTIONS, Config
from bench.config.base import OWN_NAME
from bench.errors import BenchError
from bench.grammar.cells import BestCell, Cell, Layer, Section
from bench.grammar.document import DocPath, Document, merged
from bench.grammar.stages import Ensemble, Start
from bench.grammar.validation import validated
from bench.paths import beside
from bench.suite import dependencies
from bench.suite.levels import Levels
from bench.suite.schema import SuiteFile

OWN = re.compile(rf'"(?:name|source)": "({OWN_NAME})"')

C = TypeVar("C", bound=Config)

Started = tuple[Start | None, Cell | None, str]
"""What a cell starts from, the best cell of that (None where it is not known), and the stage that it waits for, "" if none."""


class Sections:
    """Merges, checks and hashes each distinct section once. extra: patches over all others, of a search's parameters."""

    def __init__(self, document: Document, suite: SuiteFile, stage: str, best: BestCell, extra: Sequence[Layer] = ()):
        self.document, self.suite, self.stage, self.best, self.extra = document, suite, stage, best, extra
        self.spec = suite.stages[stage]
        self.votes = self.spec.ensemble is not None
        self.folder = Path(document.file).parent
        raw = document.data
        self.base: dict[str, Layer] = {
            "data": (raw["data"], ("data",)),
            "model": (raw["base"].get("model", {}), ("base", "model")),
            "train": (raw["base"].get("train", {}), ("base", "train")),
        }
        if self.votes:
            self.base["ensemble"] = (raw["stages"][stage]["ensemble"], ("stages", stage, "ensemble"))

    def maker(self, name: str, kind: type[C], levels: Levels) -> Callable[[tuple[int, ...], Cell | None], Section[C]]:
        """Return the function from level numbers, and the cell that is started from, to the section `name`, of this kind."""
        involved = [i for i, affects in enumerate(levels.affects) if name in affects]
        cache: dict[tuple[int, ...], Section[C]] = {}

        def make(choice: tuple[int, ...], base: Cell | None) -> Section[C]:
            key = (id(base), *[choice[i] for i in involved])
            section = cache.get(key)
            if section is None:
                patches = self._patches(name, levels, [(i, choice[i]) for i in involved if choice[i] >= 0])
                begin: tuple[Layer, ...] = getattr(base, name).layers if base and name in SECTIONS else (self.base[name],)
                if name == "data":
                    begin = (*begin, *self._vary(begin))
                above = [(patch[name], (*at, name)) for patch, at in self.extra if name in patch]
                section = cache[key] = self._section(name, kind, (*begin, *patches, *above))
            return section

        return make

    def _vary(self, begin: tuple[Layer, ...]) -> list[Layer]:
        """Return the layer of what varies in the stage, over the layers that its cells begin with."""
        at: DocPath = ("vary",) if self.spec.vary is None else ("stages", self.stage, "vary")
        said = self.suite.varies(self.stage)
        if said or any("vary" in patch for patch, _ in begin):
            return [({"vary": said if isinstance(said, list) else []}, at)]
        return []

    def starter(self, levels: Levels) -> Callable[[tuple[int, ...], dict[str, str]], Started] | None:
        """Return the function from a cell's levels to what it starts from, that cell, and the stage that it waits for; None where
        no cell of the grid starts from another."""
        involved = [i for i, affects in enumerate(levels.affects) if "start" in affects]
        if not involved and "start" not in self.spec.patch:
            return None
        cache: dict[tuple[object, ...], Started] = {}

        def find_start(choice: tuple[int, ...], labels: dict[str, str]) -> Started:
            patches = self._patches("start", levels, [(i, choice[i]) for i in involved if choice[i] >= 0])
            if not patches:
                return None, None, ""
            start = self._start(patches)
            on = {axis: labels[axis] for axis in start.each if axis in labels}
            key = (start.stage, start.metric, *on.items())
            if key not in cache:
                cache[key] = self._started(start, on, patches[-1][1])
            return cache[key]

        return find_start

    def _start(self, patches: list[Layer]) -> Start:
        value: Any = {}
        for patch, _ in patches:
            value = merged(value, patch)
        at = patches[-1][1]
        start = validated(Start, value, lambda loc: self.document.place((*at, *loc)), "start")
        dependencies.check_start(self.document, at, start, self.suite, self.stage)
        return start

    def _started(self, start: Start, on: dict[str, str], at: DocPath) -> Started:
        try:
            base = self.best(start, on)
        except BenchError as error:
            raise self.document.error(at, error.message, error.mend) from None
        return start, base, (base.waits if base else start.stage)

    def _patches(self, name: str, levels: Levels, chosen: list[tuple[int, int]]) -> list[Layer]:
        """Return what the stage and its levels say of a section, in order."""
        layers: list[Layer] = []
        if name in self.spec.patch:
            layers.append((self.spec.patch[name], ("stages", self.stage, "patch", name)))
        for axis, level in chosen:
            label = levels.labels[axis][level]
            patch = levels.grid.axes[levels.axes[axis]][label]
            if name in patch:
                layers.append((patch[name], (*levels.path, "axes", levels.axes[axis], label, name)))
        return layers

    def _section(self, name: str, kind: type[C], layers: tuple[Layer, ...]) -> Section[C]:
        value: Any = {}
        for patch, _ in layers:
            value = merged(value, patch)
        if self.votes and name == "model":  # nothing is trained, and the base may leave the name to each level
            value = {"name": "ensemble"}

        def place(loc: DocPath) -> str:
            for cut in range(len(loc), -1, -1):  # the latest layer that says this very thing, else its nearest parent
                for _, path in reversed(layers):
                    if (*path, *loc[:cut]) in self.document.places:
                        return self.document.places[(*path, *loc[:cut])]
            return self.document.place(layers[-1][1])

        config = validated(kind, value, place, name)
        if isinstance(config, Ensemble):
            dependencies.check_votes(place, config, self.suite, self.stage)
        # files, and weights of other stages, are known by their content
        outside: set[str] = {"data": {"path"}, "model": {"weights"}}.get(name, set())
        said = json.dumps(config.model_dump(mode="json", exclude_defaults=True, exclude=outside), sort_keys=True)
        key = digest = hashlib.sha256(said.encode()).hexdigest()
        for field in outside:
            if isinstance(file := getattr(config, field), str):  # it is named relative to the suite that names it
                config = config.model_copy(update={field: beside(file, self.folder)})
            if file is not None:
                key = f"{digest} {getattr(config, field)}"
        components = tuple(OWN.findall(said))
        return Section(config, digest, key, place, layers, components, str(self.folder.resolve()) if components else "")
