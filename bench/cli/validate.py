"""`bench validate`: check suite files."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.cli import common
from bench.errors import BenchError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("suites", metavar="SUITE", nargs="+", help="suite files")
    parser.add_argument("--profile", metavar="NAME", help="only with this profile (default: with none, and with each)")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="PATH=VALUE", help="override a setting")
    parser.add_argument("--grammar", action="store_true", help="check the file alone, not that its models and data can be used")
    common.add_json(parser)


def main(args: argparse.Namespace) -> int:
    folders: dict[Path, list[str]] = {}
    for path in args.suites:
        folders.setdefault(Path(path).parent.resolve(), []).append(path)
    checked: list = []
    errors: list[BenchError] = []
    notes: dict[str, str] = {}
    for folder, paths in folders.items():
        with _parts_of(folder):
            suites = _loaded(paths, args, errors)
            if suites and not args.grammar:
                _inspect(suites, errors, notes)
        checked += suites
    if args.json:
        common.show_json({"valid": not errors, "errors": [str(error) for error in errors], "notes": notes})
    else:
        for suite in checked:
            trials = sum(len(cells) * len(suite.seeds(stage)) for stage, cells in suite.cells.items())
            print(f"{suite.document.file} ({suite.profile}): {len(suite.cells)} stages, {trials} trials")
        for name, note in notes.items():
            print(f"note: {name}: {note}")
        for error in dict.fromkeys(map(str, errors)):
            print(f"error: {error}", file=sys.stderr)
    return 1 if errors else 0


@contextmanager
def _parts_of(folder: Path) -> Iterator[None]:
    """Afterwards forget the folder's own parts, and to look for parts there: another folder may have others of the same names."""
    path, known = list(sys.path), set(sys.modules)
    try:
        yield
    finally:
        sys.path[:] = path
        for name in sys.modules.keys() - known:
            top = name.partition(".")[0]
            if top not in known and ((folder / f"{top}.py").is_file() or (folder / top).is_dir()):
                del sys.modules[name]


def _loaded(paths: list[str], args: argparse.Namespace, errors: list[BenchError]) -> list:
    """Return the suites, each without a profile and with each; those that cannot be loaded add to the errors."""
    from bench.suite import load_suite

    suites = []
    for path in paths:
        try:
            first = load_suite(path, profile=args.profile, overrides=args.overrides)
            profiles = [] if args.profile else list(first.spec.profiles)
            suites += [first, *(load_suite(path, profile=name, overrides=args.overrides) for name in profiles)]
        except BenchError as error:
            errors.append(error)
    return suites


def _inspect(suites: list, errors: list[BenchError], notes: dict[str, str]) -> None:
    """Check models, data and own parts of one folder's suites, on a worker that has seen no other folder's."""
    from bench.runner.inspect import inspect
    from bench.runner.plan import make_plan
    from bench.runner.pool import Pool

    with Pool(1, 1, "auto") as pool:
        for suite in suites:
            try:
                inspect(make_plan(suite, []), pool, contracts=True)
            except BenchError as error:
                if "bench data prepare" in error.mend:  # data that is not here says nothing about the file
                    notes[f"{suite.document.file} ({suite.profile})"] = f"models and data not checked: {error.message}"
                else:
                    errors.append(error)
