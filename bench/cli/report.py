"""`bench report`: a suite's tables, with significance tests, from what the tracker holds."""

import argparse
from pathlib import Path

from bench.cli import common
from bench.errors import BenchError

FORMATS = ("markdown", "latex", "html", "json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_suite(parser)
    parser.add_argument("--format", choices=FORMATS, action="append", help="default markdown; may be given several times")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="write SUITE.PROFILE.md (.tex, …) there, print nothing")
    common.add_json(parser)


def main(args: argparse.Namespace) -> int:
    import reports
    from bench.runner.inspect import mark_unavailable
    from bench.runner.plan import make_plan
    from trackers import open_tracker

    suite = common.load(args)
    tracker = open_tracker()
    runs = tracker.runs(suite.experiment)
    plan = make_plan(suite, runs)
    mark_unavailable(plan)
    report = make_report(suite, runs, plan)
    formats = [*(args.format or ()), *(["json"] if args.json else ())] or ["markdown"]
    for ending, render in (reports.FORMATS[form] for form in dict.fromkeys(formats)):
        text = render(report)
        if args.output:
            print(_write(args.output / f"{suite.name}.{suite.profile}.{ending}", text))
        else:
            print(text)
    return 0 if report.complete else 3


def make_report(suite, runs, plan):
    """Return the report on a plan, given the runs of its experiment."""
    from reports.collect import Expected, collect
    from reports.report import assemble

    expected = []
    for trial in plan.trials:
        job = plan.jobs[trial.fingerprint]
        reason = job.reason if job.state == "unavailable" else ""
        expected.append(Expected(trial.cell.stage, trial.cell.labels, trial.seed, trial.fingerprint, reason))
    records = collect(expected, runs)
    stages = suite.cells
    tables = {name: table for name, table in suite.spec.tables.items() if table.stage in stages}
    return assemble(suite.name, suite.spec.title, suite.profile, tables, records)


def _write(path: Path, text: str) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BenchError(f"cannot be written: {error.strerror}", where=str(path), mend="choose another -o DIR") from None
    return path
