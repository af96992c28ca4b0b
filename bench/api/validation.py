"""Check suite files: the grammar, and that their models, data and custom components can be used."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bench.errors import BenchError, ErrorCode
from bench.grammar.cells import Section
from bench.grammar.document import write_whole
from bench.paths import data_root
from bench.reports.claims.reading import read_back
from bench.runner.executors import open_executor
from bench.runner.fingerprints import identity
from bench.runner.plan import Job, ReasonKind, State
from bench.runner.planner import make_plan
from bench.runner.preflight import Absent, preflight, read_by
from bench.suite.jsonschema import suite_schema
from bench.suite.load import load_suite
from bench.suite.suite import Suite


@dataclass
class Validation:
    """What was found. suites: those that could be loaded, one for each file and profile. notes: `FILE (PROFILE)` → what is no
    mistake, but worth knowing: what is not on this machine and so was not checked, and claims that are left out without a
    reason."""

    suites: list[Suite] = field(default_factory=list)
    errors: list[BenchError] = field(default_factory=list)
    notes: dict[str, list[str]] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        return not self.errors

    def note(self, suite: Suite, text: str) -> None:
        """Add a note to a suite, once."""
        notes = self.notes.setdefault(f"{suite.document.file} ({suite.profile})", [])
        if text not in notes:
            notes.append(text)

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
    for suite in result.suites:
        if silent := [claim.name for claim in suite.not_asked if not claim.reason]:
            mend = "say why: `claims: {NAME: {drop: REASON}}` instead of null"
            result.note(suite, f"claims left out without a reason: {', '.join(silent)}; {mend}")
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
            absent: Absent = {}
            try:
                plan = make_plan(suite, [], identity=partial(_identity, absent))
                preflight(plan, worker, contracts=True, time_limit=suite.spec.time_limit, absent=absent)
                for cell, fault in plan.faults().items():
                    message, error = f"{cell}: {fault.outcome}: {fault.error.message}", fault.error
                    result.errors.append(BenchError(message, where=error.where, mend=error.mend))
                for job in plan.jobs.values():
                    if job.state is State.UNAVAILABLE and job.reason_kind in (ReasonKind.HUB_WEIGHTS, ReasonKind.WEIGHTS):
                        result.note(suite, f"{job.reason}; {_weights_mend(suite, job)}")
            except BenchError as error:
                if error.code is not ErrorCode.NOT_PREPARED:
                    result.errors.append(error)
                else:
                    absent[""] = error
            for lacking in absent.values():  # it says nothing about the file
                mend = lacking.mend.replace("`bench data prepare SUITE`", _command(suite))
                result.note(suite, f"{lacking.where}: {lacking.message}, so what uses it was not checked; {mend}")


def _identity(absent: Absent, section: Section[Any]) -> str:
    """Return what a section reads, as `identity` does; where it is not here, note that."""
    try:
        return identity(section)
    except BenchError as error:
        if error.code is not ErrorCode.NOT_PREPARED:
            raise
        absent[read_by(section)] = error
        return "not here"


def _weights_mend(suite: Suite, job: Job) -> str:
    """Say how to come by the weights that a trial starts from."""
    if job.reason_kind is ReasonKind.HUB_WEIGHTS:
        return f"{_command(suite)} fetches them"
    model = job.trial.cell.model.config
    made = f"; {_command(suite)} saves timm's there" if Path(str(model.weights)).stem == model.name else ""
    return f"put it there, or into the folder of data sets, {data_root()}{made}"


def _command(suite: Suite) -> str:
    """Return the command line that gets what a suite needs."""
    profile = ["--profile", suite.profile] if suite.profile != "default" else []
    return f"`{shlex.join(['bench', 'data', 'prepare', suite.document.file, *profile])}`"
