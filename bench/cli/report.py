"""`bench report`: a suite's claims, tables and figures, from what the tracker holds."""

import argparse
from pathlib import Path

from bench.cli import common
from bench.errors import BenchError

FORMATS = ("markdown", "latex", "html", "json", "csv")
IMAGES = ("svg", "pdf", "png")
EMBEDDED = {"markdown": ("svg", "png"), "latex": ("pdf", "png")}
"""format → the images that it can show, the best first. HTML carries its own."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_suite(parser)
    parser.add_argument("--format", choices=FORMATS, action="append", help="default markdown; may be given several times")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="write SUITE.PROFILE.md (.tex, …) there, print nothing")
    parser.add_argument(
        "--figures", choices=IMAGES, action="append", help="with -o: write the figures too; may be given several times"
    )
    parser.add_argument("--check", type=Path, metavar="FILE", help="compare FILE, a report or part of one, with the stored runs")
    common.add_json(parser)


def main(args: argparse.Namespace) -> int:
    from bench.suite.cells import collector_paused

    with collector_paused():
        return _report(args)


def _report(args: argparse.Namespace) -> int:
    from bench import reports
    from bench.cli.planning import planned
    from bench.trackers import open_tracker

    formats = list(dict.fromkeys([*(args.format or ()), *(["json"] if args.json else ())])) or ["markdown"]
    if args.figures and not args.output:
        raise BenchError("figures need a folder to lie in", where="--figures", mend="add -o DIR")
    suite = common.load(args)
    tracker = open_tracker()
    runs = tracker.runs(suite.experiment)
    plan = planned(suite, runs, tracker)
    drawn = not args.check and bool(args.figures or "html" in formats)
    report = make_report(suite, runs, plan, tracker, drawn=drawn)
    if args.check:
        return _check(report, args.check)
    name = f"{suite.name}.{suite.profile}"
    images = _write_figures(report, args.output, f"{name}.figures", args.figures) if args.figures else {}
    for form in formats:
        ending, render = reports.FORMATS[form]
        kind = next((kind for kind in EMBEDDED.get(form, ()) if kind in images), "")
        text = render(report, images.get(kind, {}))
        if args.output:
            print(_write(args.output / f"{name}.{ending}", text.encode()))
        else:
            print(text)
    return 0 if report.complete else 3


def make_report(suite, runs, plan, tracker, *, drawn: bool = False):
    """Return the report on a plan, given the runs of its experiment. drawn: with its figures."""
    from bench.cli.planning import claims, records, schedules
    from bench.reports.report import assemble
    from bench.suite.cells import TRIAL
    from bench.suite.figures import standard

    tables = {name: table for name, table in suite.spec.tables.items() if table.stage in suite.cells}
    searches = {name: stage for name, stage in suite.spec.stages.items() if stage.search and name in suite.cells}
    figures = {}
    if drawn and suite.spec.figures is not None:
        figures = {name: spec for name, spec in suite.spec.figures.items() if _is_part(spec, tables, suite.cells)}
    elif drawn:
        dotted = [name for name, table in tables.items() if not table.by_class]
        beside = {name: [axis for axis in suite.cells[name].levels if axis != TRIAL] for name in searches}
        figures = standard(dotted, beside, bool(suite.claims))
    return assemble(
        suite.name,
        suite.spec.title,
        suite.profile,
        tables,
        records(plan, runs),
        claims=claims(suite),
        schedules=schedules(suite),
        figures=figures,
        searches=searches,
        store=tracker,
        run_url=tracker.run_url(suite.experiment),
    )


def _is_part(figure, tables, stages) -> bool:
    """Whether what a figure draws was not left out by `--only`."""
    table, stage = getattr(figure, "table", None), getattr(figure, "stage", None)
    return (table is None or table in tables) and (stage is None or stage in stages)


def _check(report, path: Path) -> int:
    """Compare a file with the report of now; 1 where they disagree."""
    from bench.reports import FORMATS as formats
    from bench.reports.check import check

    endings = {f".{ending}": form for form, (ending, _) in formats.items()}
    if path.suffix not in endings:
        raise BenchError(f"a file to check ends with {', '.join(endings)}", where=str(path))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BenchError(f"cannot be read: {getattr(error, 'strerror', error)}", where=str(path)) from None
    try:
        found = check(report, text, endings[path.suffix])
    except BenchError as error:
        raise BenchError(error.message, where=error.where or str(path), mend=error.mend) from None
    for one in found:
        print(f"{path}: {one}")
    if not found:
        print(f"{path}: agrees with the stored runs")
    return 1 if found else 0


def _write_figures(report, folder: Path, name: str, kinds: list[str]) -> dict[str, dict[str, str]]:
    """Write every figure in every kind. Returns kind → figure → path relative to the folder of the report."""
    from bench.reports.figures import render

    written: dict[str, dict[str, str]] = {}
    for kind in dict.fromkeys(kinds):
        for figure in report.figures:
            path = Path(name) / f"{figure.name}.{kind}"
            print(_write(folder / path, render(figure, kind)))
            written.setdefault(kind, {})[figure.name] = path.as_posix()
    return written


def _write(path: Path, content: bytes) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise BenchError(f"cannot be written: {error.strerror}", where=str(path), mend="choose another -o DIR") from None
    return path
