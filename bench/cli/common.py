"""Arguments and small pieces that several verbs share."""

import argparse
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.api import LoadedSuite


def add_suite(parser: argparse.ArgumentParser, *, only: bool = True) -> None:
    """Add the arguments that choose a suite and what of it. only: whether it may be some cells."""
    parser.add_argument("suite", metavar="SUITE", help="suite file, such as suites/noise_vs_complexity.yaml")
    parser.add_argument("--profile", metavar="NAME", help="apply a profile of the suite, such as quick")
    parser.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="override a setting, such as train.epochs=3",
    )
    if not only:
        parser.set_defaults(only=[])
        return
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="STAGE[AXIS=LABEL,…]",
        help="only these cells; may be given several times",
    )


def add_workers(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say what runs where, and say whose code that is."""
    parser.description = f"{parser.description} The Python files that a suite names (custom components) are imported and run."
    parser.add_argument(
        "--executor",
        default="local",
        metavar="NAME",
        help="what runs trials: local (processes of this machine, default) or inline (this process, for a debugger)",
    )
    parser.add_argument("--workers", type=int, metavar="N", help="worker processes (default: one per GPU, else one per core)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads of each worker (default: 1)")
    parser.add_argument(
        "--device", choices=["auto", "cpu", "cuda"], default="auto", help="where to train (default: CUDA if there)"
    )


def add_pack(parser: argparse.ArgumentParser) -> None:
    """Add the argument that says how many trials train as one program."""
    parser.add_argument(
        "--pack",
        default="auto",
        metavar="N",
        help="train up to N like trials as one program; off: each alone; auto: as many as are fastest here, by a measurement, "
        "but each alone where the suite shows times (default)",
    )


def add_pilot(parser: argparse.ArgumentParser) -> None:
    """Add the argument that chooses the trials of the pilot."""
    what = "only the trials of the pilot (`seeds: {pilot: 3, …}`), which set sizes and never count"
    parser.add_argument("--pilot", action="store_true", help=what)


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def load(args: argparse.Namespace) -> "LoadedSuite":
    """Return the suite that the arguments choose."""
    from bench import api

    return api.load(args.suite, args.profile, args.overrides, only=args.only)


def resources(args: argparse.Namespace) -> dict[str, Any]:
    """Return what the arguments say of what runs where."""
    names = ("executor", "workers", "threads", "device", "pack")
    return {name: getattr(args, name) for name in names}


def command(args: argparse.Namespace, verb: str) -> str:
    """Return the command line of another verb for the same suite."""
    import shlex

    words = ["bench", *verb.split(), args.suite]
    words += ["--profile", args.profile] if args.profile else []
    words += [word for override in args.overrides for word in ("--set", override)]
    words += [word for only in args.only for word in ("--only", only)]
    return shlex.join(words)


def show_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def number(count: int, word: str) -> str:
    """Return a count with its word: 1 result, 2 results."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def duration(seconds: float) -> str:
    """Return a time as one reads it: 45 s, 12 min, 3.5 h, 2.1 days."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"
