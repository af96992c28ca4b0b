"""Check suite files: the grammar, and that their models, data and custom components can be used."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.errors import BenchError, ErrorCode
from bench.grammar.document import write_whole
from bench.reports.claims.reading import read_back
from bench.runner.executors import open_executor
from bench.runner.planner import make_plan
from bench.runner.preflight import preflight
from bench.suite.jsonschema import suite_schema
from bench.suite.load import load_suite
from bench.suite.suite import Suite


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

    def readings(self) -> list[tuple[Suite, dict[str, str]]]:
        """Return each suite with its claims read back as sentences; of a further profile those that differ from the first
        one's."""
        first: dict[str, dict[str, str]] = {}
        result = []
        for suite in self.suites:
            texts = {name: read_back(claim) for name, claim in suite.spec.claims.items()}
            known = first.setdefault(suite.document.file, {})
            result.append((suite, {name: text for name, text in texts.items() if known.get(name) != text}))
            first[suite.document.file] = known or texts
        return result


def validate(
    paths: str | Path | Sequence[str | Path],
    profile: str | None = None,
    set: Sequence[str] = (),  # the word of the command line
    *,
    code: bool = True,
    executor: str = "local",
) -> Validation:
    """Check suite files, without running them. Never raises for what is wrong with a file: `errors` says it.

    profile: None checks each file without a profile, and with each of its own. set: overrides, `PATH=VALUE`. code: also try the
    models, data and custom components, which imports and runs them; else the files alone are checked. executor:
    what the models, data and custom components are tried on.
    """
    files = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    result = Validation()
    result.suites = _loaded(files, profile, list(set), result)
    if result.suites and code:
        _check(result.suites, executor, result)
    return result


def write_schemas(suites: Sequence[Suite]) -> list[Path]:
    """Write the JSON Schema of each suite file beside it, for editors. Returns the paths. BenchError where one cannot be
    written."""
    paths = []
    for file, suite in {suite.document.file: suite for suite in reversed(suites)}.items():
        path = Path(file).with_suffix(".schema.json")
        write_whole(path, json.dumps(suite_schema(suite), indent=1, ensure_ascii=False) + "\n", "make its folder writable")
        paths.append(path)
    return paths


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
    """Check models, data and custom components."""
    with open_executor(executor, workers=1) as worker:
        for suite in suites:
            try:
                plan = make_plan(suite, [])
                preflight(plan, worker, contracts=True, time_limit=suite.spec.time_limit)
                for cell, fault in plan.faults().items():
                    message, error = f"{cell}: {fault.outcome}: {fault.error.message}", fault.error
                    result.errors.append(BenchError(message, where=error.where, mend=error.mend))
            except BenchError as error:
                if error.code is ErrorCode.NOT_PREPARED:  # data that is not here says nothing about the file
                    name = f"{suite.document.file} ({suite.profile})"
                    result.notes[name] = f"models and data not checked: {error.message}"
                else:
                    result.errors.append(error)
