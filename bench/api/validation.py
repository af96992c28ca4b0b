"""Check suite files: the grammar, and that their models, data and custom components can be used."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.errors import BenchError, ErrorCode
from bench.runner.executors import open_executor
from bench.runner.planner import make_plan
from bench.runner.preflight import preflight
from bench.suite import Suite, load_suite


@dataclass
class Validation:
    """What was found. suites: those that could be loaded, one for each file and profile. notes: `FILE (PROFILE)` → what was not
    checked, and why."""

    suites: list[Suite] = field(default_factory=list)
    errors: list[BenchError] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        return not self.errors


def validate(
    paths: str | Path | Sequence[str | Path],
    profile: str | None = None,
    set: Sequence[str] = (),  # the word of the command line
    *,
    grammar: bool = False,
    executor: str = "local",
) -> Validation:
    """Check suite files, without running them. Never raises for what is wrong with a file: `errors` says it.

    profile: None checks each file without a profile, and with each of its own. set: overrides, `PATH=VALUE`. grammar: check the
    files alone. executor: what the models, data and custom components are tried on.
    """
    folders: dict[Path, list[Path]] = {}
    for path in [paths] if isinstance(paths, str | Path) else paths:
        folders.setdefault(Path(path).parent.resolve(), []).append(Path(path))
    result = Validation()
    for folder, files in folders.items():
        with _components_of(folder):
            suites = _loaded(files, profile, list(set), result)
            if suites and not grammar:
                _check(suites, executor, result)
        result.suites += suites
    return result


@contextmanager
def _components_of(folder: Path) -> Iterator[None]:
    """Afterwards forget the folder's custom components, and to look for them there: another folder may have others of the same
    names."""
    path, known = list(sys.path), set(sys.modules)
    try:
        yield
    finally:
        sys.path[:] = path
        for name in sys.modules.keys() - known:
            top = name.partition(".")[0]
            if top not in known and ((folder / f"{top}.py").is_file() or (folder / top).is_dir()):
                del sys.modules[name]


def _loaded(files: list[Path], profile: str | None, overrides: list[str], result: Validation) -> list[Suite]:
    """Return the suites, each without a profile and with each; those that cannot be loaded add to the errors."""
    suites: list[Suite] = []
    for file in files:
        try:
            first = load_suite(file, profile=profile, overrides=overrides)
            profiles = [] if profile else list(first.spec.profiles)
            suites += [first, *(load_suite(file, profile=name, overrides=overrides) for name in profiles)]
        except BenchError as error:
            result.errors.append(error)
    return suites


def _check(suites: list[Suite], executor: str, result: Validation) -> None:
    """Check models, data and custom components of one folder's suites, on a worker that has seen no other folder's."""
    with open_executor(executor, workers=1) as worker:
        for suite in suites:
            try:
                preflight(make_plan(suite, []), worker, contracts=True)
            except BenchError as error:
                if error.code is ErrorCode.NOT_PREPARED:  # data that is not here says nothing about the file
                    name = f"{suite.document.file} ({suite.profile})"
                    result.notes[name] = f"models and data not checked: {error.message}"
                else:
                    result.errors.append(error)
