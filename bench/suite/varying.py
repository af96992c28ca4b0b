"""Whether what a suite lets vary goes together with the rest of it."""

from collections.abc import Iterator
from itertools import permutations
from typing import Literal

from bench.config import Data, SplitName
from bench.config.data import Varied
from bench.errors import BenchError
from bench.grammar.cells import Cell
from bench.grammar.derived import stored
from bench.grammar.document import DocPath, Document
from bench.grammar.vary import Splits
from bench.reports.claims.base import ClaimContrast
from bench.reports.records.arms import Arm
from bench.suite.dependencies import starts
from bench.suite.suite import Suite

PARTS = ("train", "val", "test")
"""What a metric of images begins with."""
CROSSED: Literal["splits"] = "splits"
"""What an arm varies that runs on several splits with each seed."""
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


def check_compared_claims(suite: Suite) -> None:
    """Refuse comparisons of arms that run on different splits, or whose data do not vary alike: what is drawn for one arm alone
    tells it from the other, and no error has it."""
    for name, contrasts in suite.claims.items():
        claim = suite.spec.claims[name]
        parts = [(claim, contrast) for contrast in contrasts]
        parts += [(required.claim, required.contrast) for contrast in contrasts for required in contrast.requires]
        for of, contrast in parts:
            _check_splits(suite.document, name, contrast)
            metrics = of.relation.metrics(of).values()
            if any(part.partition("/")[0] in PARTS for metric in metrics for part in stored(metric, suite.spec.metrics)):
                _check_drawn_alike(suite.document, name, contrast)


def _check_splits(document: Document, name: str, contrast: ClaimContrast) -> None:
    """Refuse arms of which one runs on several splits, and another on others."""
    crossed = [arm for arm in contrast.arms if arm.splits]
    if not any(len(arm.splits) > 1 for arm in crossed):
        return
    seeds = [{cell.split: cell.data.config.split.seed for cell in arm.cells if cell.crossed} for arm in crossed]
    for arm, own in zip(crossed, seeds, strict=True):
        if own != seeds[0]:
            first, other = (", ".join(f"{split} (seed {seed})" for split, seed in of.items()) for of in (seeds[0], own))
            message = f"its arms run on different splits: in stage {crossed[0].stage!r} {first}, in stage {arm.stage!r} {other}"
            mend = "let them have the same `vary: {split: …}` and `data.split.seed`, or name one split of each arm"
            raise document.error(("claims", name), message, mend)


def _check_drawn_alike(document: Document, name: str, contrast: ClaimContrast) -> None:
    """Refuse arms of which one draws its data anew, and another, which could, does not."""
    for arm, other in permutations(contrast.arms, 2):
        for drawn in sorted(_drawn(arm) - _drawn(other)):
            cells = other.members or other.cells
            if drawn == CROSSED or any(cell.data.config.can_vary(drawn) for cell in cells):
                how = "splits are crossed with seeds" if drawn == CROSSED else f"{drawn!r} is drawn anew with each seed"
                message = f"its arms do not vary alike: {how} in stage {arm.stage!r}, and not in stage {other.stage!r}"
                mend = "give both stages the same `vary:`: the error of a difference has what both of its arms draw"
                raise document.error(("claims", name), message, mend)


def _drawn(arm: Arm) -> "set[Varied | Literal['splits']]":
    """Return what the seeds of an arm draw beside training."""
    if len(arm.splits) > 1:
        return {CROSSED}
    return {name for cell in arm.members or arm.cells for name in cell.data.config.vary}


def check_crossed_claims(suite: Suite) -> None:
    """Refuse claims over seeds and images where each seed, or each split, is validated on other images. Of a test part only the
    data say whether it stays the same."""
    for name, contrasts in suite.claims.items():
        claim = suite.spec.claims[name]
        cells = [cell for contrast in contrasts for arm in contrast.arms for cell in arm.cells]
        varying = any(cell.crossed or set(OF_IMAGES) & set(suite.varying(cell)) for cell in cells)
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
        if crossed := [member.stage for member in voters if member.crossed]:
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
