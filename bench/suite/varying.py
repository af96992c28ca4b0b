"""Whether what a suite lets vary goes together with the rest of it."""

from collections.abc import Iterator

from bench.config import Data, SplitName
from bench.config.data import Varied
from bench.errors import BenchError
from bench.grammar.cells import SPLIT, Cell
from bench.grammar.document import DocPath
from bench.grammar.vary import Splits
from bench.suite.dependencies import starts
from bench.suite.suite import Suite

OF_IMAGES: tuple[Varied, ...] = ("split", "classes", "sizes")
"""What decides which images are held out."""


def check_vary(suite: Suite) -> None:
    """Check what varies in each stage. Raises BenchError, with file and line."""
    for stage, spec in suite.spec.stages.items():
        at: DocPath = ("vary",) if spec.vary is None else ("stages", stage, "vary")
        if isinstance(suite.spec.varies(stage), Splits) and spec.search:
            mend = "write `vary: [split]` in it: each trial has the split of its seed"
            raise suite.document.error(at, f"stage {stage!r} is a search, which crosses no splits with its seeds", mend)
        for start in starts(spec):
            if start["stage"] in suite.spec.stages and isinstance(suite.spec.varies(start["stage"]), Splits):
                message = f"stage {start['stage']!r} crosses splits with its seeds, and has no best cell to start from"
                raise suite.document.error(("stages", stage), message, "write `vary: [split]` in that stage")
        if spec.ensemble:
            if spec.vary:
                mend = "take it out, and give it to the stages whose trials vote"
                raise suite.document.error(at, f"stage {stage!r} is an ensemble, which draws no data", mend)
            _check_votes(suite, stage)
            continue
        _check_said_by_vary_alone(suite, stage)
        cells = [*suite.all_cells[stage], *suite.all_cells[stage].samples]
        for name in cells[0].data.config.vary:
            if not any(cell.data.config.can_vary(name) for cell in cells):
                raise suite.document.error(
                    at, f"stage {stage!r} has no `data.{name}` to draw anew", _mend(name, spec.vary is None)
                )


def check_crossed_claims(suite: Suite) -> None:
    """Refuse claims over seeds and images where each seed, or each split, is validated on other images. Of a test part only the
    data say whether it stays the same."""
    for name, contrasts in suite.claims.items():
        claim = suite.spec.claims[name]
        cells = [cell for contrast in contrasts for arm in contrast.arms for cell in arm.cells]
        varying = any(SPLIT in cell.labels or set(OF_IMAGES) & set(suite.varying(cell)) for cell in cells)
        if claim.test == "crossed" and claim.measure.startswith("val/") and varying:
            message = f"{claim.measure} is measured on other images with each seed, so that seeds and images cannot be crossed"
            mend = "leave `test` out, or take a metric of an official test set"
            raise suite.document.error(("claims", name, "test"), message, mend)


def _mend(name: Varied, of_suite: bool) -> str:
    mend = {"classes": "`data.classes` as a number", "environments": "`data.environments` with `by: random`"}
    own = ", or give the stage a `vary:` of its own" if of_suite else ""
    return f"add {mend.get(name, f'`data.{name}`')}, or take {name!r} out{own}"


def _check_said_by_vary_alone(suite: Suite, stage: str) -> None:
    """Refuse `data.vary` in a patch: then arms would differ in what varies, and have other images."""
    for cell in suite.all_cells[stage]:
        for patch, path in cell.data.layers:
            if path[-1] != "vary" and "vary" in patch:
                mend = "write `vary:` at the top of the suite, or in the stage"
                raise suite.document.error((*path, "vary"), "what varies is the same for all arms of a stage", mend)


def held_out_vary(data: Data) -> bool:
    """Whether trials with different seeds are validated or tested on different images, or on different labels of them."""
    held: set[SplitName] = {"val", "test"}
    noisy = data.label_noise is not None and held & set(data.label_noise.splits)
    return any(name in data.vary for name in OF_IMAGES) or bool("label_noise" in data.vary and noisy)


def _check_votes(suite: Suite, stage: str) -> None:
    """Refuse votes of trials that are tested on different images."""
    for cell in suite.all_cells[stage]:
        voters = list(_members(suite, cell))
        if crossed := [member.stage for member in voters if SPLIT in member.labels]:
            message = (
                f"stage {crossed[0]!r} crosses splits with its seeds: its trials are held to different images, and cannot vote"
            )
            raise BenchError(message, where=cell.voting.place(("stages",)), mend="write `vary: [split]` in that stage")
        varying = [member for member in voters if held_out_vary(member.data.config)]
        if not varying:
            continue
        where, first = cell.voting.place(("pool",)), varying[0]
        if cell.voting.config.pool == "all" and len(suite.schedule(first.stage).looks[-1]) > 1:
            message = (
                f"trials of stage {first.stage!r} with different seeds are held to different images, and cannot vote together"
            )
            raise BenchError(message, where=where, mend="write `pool: seed`, or `vary: []` in that stage")
        unlike = [member for member in voters if member.data.config.vary != first.data.config.vary]
        if unlike:
            message = f"stages {first.stage!r} and {unlike[0].stage!r} vary different things, and cannot vote together"
            raise BenchError(message, where=cell.voting.place(("stages",)), mend="give them the same `vary:`")


def _members(suite: Suite, cell: Cell) -> Iterator[Cell]:
    for stage in cell.voting.config.stages:
        yield from suite.all_cells[stage]
