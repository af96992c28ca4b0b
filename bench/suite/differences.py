"""How a suite under a profile, or with overrides, differs from the suite itself, in plain terms."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from bench.config import Data, Model, Trained
from bench.errors import BenchError
from bench.grammar.cells import TRIAL, Cell
from bench.reports.about import About
from bench.reports.numbers import several
from bench.suite.load import load_suite
from bench.suite.suite import Suite

NAMED = 6
"""Names that are listed; of more, so many and the count of the others."""
TOLD = {"data": ("source", "path", "subset", "sizes"), "model": ("name", "pretrained", "weights"), "train": ("epochs",)}
"""Settings that have a phrase of their own."""


def about(suite: Suite) -> About | None:
    """Return what a suite's profile says of itself, and how it differs; None of the suite itself, with nothing laid over it."""
    if suite.profile == "default" and not suite.changed:
        return None
    try:
        differences = list(_differences(suite, load_suite(suite.document.file, quiet=True)))
    except BenchError as error:
        differences = [f"how cannot be told, as the suite itself is not valid ({error.where})"]
    return About(suite.profile, suite.about, differences) if suite.about or differences else None


def images(suite: Suite) -> str:
    """Return what images a suite trains on, and how many."""
    return _listed(_over_cells(suite, lambda cell: _images(cell.data.config)))


def _differences(suite: Suite, whole: Suite) -> Iterator[str]:
    yield from _names("data", *(_over_cells(each, lambda cell: _images(cell.data.config)) for each in (suite, whole)))
    yield from _names("model", *(_over_cells(each, lambda cell: _model(cell.model.config)) for each in (suite, whole)))
    yield from _numbers("epochs", *(_over_cells(each, lambda cell: cell.train.config.epochs) for each in (suite, whole)))
    yield from _numbers("seeds", *map(_seeds, (suite, whole)))
    yield from _left_out(suite, whole)
    yield from _claims(suite, whole)
    if settings := list(dict.fromkeys(_settings(suite, whole))):
        yield f"other settings ({_listed(settings)})"


def _over_cells(suite: Suite, read: Callable[[Cell], Any]) -> list[Any]:
    """Return the distinct values of what is trained."""
    return list(dict.fromkeys(read(cell) for cells in suite.all_cells.values() for cell in cells if not cell.ensemble))


def _images(data: Data) -> str:
    """Return a data source, and how many images of it."""
    name = f"folder {data.path.rpartition('/')[2]}" if data.path else data.source
    parts = {"training": data.subset.train, "validation": data.subset.val, "test": data.subset.test}
    sizes = [f"{count:,} {part}" for part, count in parts.items() if count]
    if data.sizes and not sizes:
        sizes = [f"{data.sizes.total:,}"]
    return f"{name} ({', '.join(sizes)} images)" if sizes else f"{name} (all images)"


def _model(model: Model) -> str:
    """Return a network, and what its weights start from."""
    if type(model.weights) is Trained:
        return f"{model.name} (weights of stage {model.weights.stage})"
    if model.weights:
        return f"{model.name} (weights {str(model.weights).rpartition('/')[2]})"
    return f"{model.name} (pretrained)" if model.pretrained else model.name


def _seeds(suite: Suite) -> list[int]:
    """Return how many seeds stages have; of looks the first and the last."""
    counts: list[int] = []
    for name, stage in suite.spec.stages.items():
        if stage.search:
            counts.append(len(suite.search_seeds(name)))
        elif not stage.ensemble:
            counts += [len(suite.schedule(name).looks[look]) for look in (0, -1)]
    return counts


def _names(what: str, now: Sequence[str], before: Sequence[str]) -> Iterator[str]:
    new, gone = ([name for name in some if name not in others] for some, others in ((now, before), (before, now)))
    if new and gone:
        yield f"{what} {_listed(new)} instead of {_listed(gone)}"
    elif new or gone:
        yield f"{what} also {_listed(new)}" if new else f"{what} without {_listed(gone)}"


def _numbers(what: str, now: Iterable[int], before: Iterable[int]) -> Iterator[str]:
    texts = [_range(sorted(set(values))) for values in (now, before)]
    if texts[0] != texts[1]:
        yield f"{what} {texts[0]} instead of {texts[1]}"


def _range(values: Sequence[int]) -> str:
    return f"{values[0]} to {values[-1]}" if len(values) > 2 else " or ".join(map(str, values))


def _left_out(suite: Suite, whole: Suite) -> Iterator[str]:
    """Yield the stages and the levels that are not there, and how many cells there are."""
    if stages := [stage for stage in whole.all_cells if stage not in suite.all_cells]:
        yield f"{several(len(stages), 'stage')} left out ({_listed(stages)})"
    levels = [
        f"{axis}={label}"
        for stage, cells in whole.all_cells.items()
        for axis, labels in cells.levels.items()
        for label in labels
        if axis != TRIAL and stage in suite.all_cells and label not in suite.all_cells[stage].levels.get(axis, ())
    ]
    if levels:
        yield f"{several(len(levels), 'level')} left out ({_listed(list(dict.fromkeys(levels)))})"
    yield from _numbers("cells", *([sum(map(len, each.all_cells.values()))] for each in (suite, whole)))


def _claims(suite: Suite, whole: Suite) -> Iterator[str]:
    known = {claim.name for claim in whole.not_asked}
    if dropped := sum(claim.name not in known for claim in suite.not_asked):
        yield f"{several(dropped, 'claim')} not asked"
    now, before = (
        {name: claim.model_copy(update={"says": ""}) for name, claim in each.spec.claims.items()} for each in (suite, whole)
    )
    if changed := [name for name in now if name in before and now[name] != before[name]]:
        yield f"{several(len(changed), 'claim')} asked otherwise ({_listed(changed)})"
    if new := [name for name in now if name not in before]:
        yield f"{several(len(new), 'claim')} of its own ({_listed(new)})"


def _settings(suite: Suite, whole: Suite) -> Iterator[str]:
    """Yield every other setting in which some cell differs from the one with the same labels, or a stage's first from its
    first."""
    seen: set[tuple[str, str]] = set()
    for stage, cells in suite.all_cells.items():
        others = whole.all_cells.get(stage) or ()
        by_labels = {tuple(cell.labels.items()): cell for cell in others}
        pairs = [(cell, other) for cell in cells if (other := by_labels.get(tuple(cell.labels.items())))]
        for cell, other in pairs or list(zip(cells[:1], others[:1], strict=False)):
            for section in TOLD if not cell.ensemble else ():
                a, b = getattr(cell, section), getattr(other, section)
                if a.digest != b.digest and (a.digest, b.digest) not in seen:
                    seen.add((a.digest, b.digest))
                    yield from (f"{section}.{key}" for key in _changed(a.config, b.config) if key not in TOLD[section])
    now, before = suite.spec, whole.spec
    yield from (f"metric {name}" for name in now.metrics if name in before.metrics and now.metrics[name] != before.metrics[name])
    yield from (key for key in ("alpha", "vary") if getattr(now, key, None) != getattr(before, key, None))


def _changed(now: Any, before: Any) -> list[str]:
    """Return the settings in which two sections differ; the arguments of two different networks are no setting of both."""
    keys = [key for key in type(now).model_fields if getattr(now, key) != getattr(before, key)]
    return [key for key in keys if key != "args" or now.name == before.name]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
