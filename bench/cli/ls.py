"""`bench ls`: list suites, models, data sources and other parts, a line each."""

import argparse
import re
from pathlib import Path

from bench.cli import common

KINDS = (
    "suites",
    "models",
    "data",
    "augmentations",
    "denoisers",
    "losses",
    "optimizers",
    "schedules",
    "samplers",
    "pruners",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kinds", metavar="KIND", nargs="*", help=f"{', '.join(KINDS)} (default: all)")
    common.add_json(parser)


def main(args: argparse.Namespace) -> int:
    from bench.errors import BenchError, did_you_mean

    for kind in args.kinds:
        if kind not in KINDS:
            raise BenchError(f"nothing of the kind {kind!r}", where="bench ls", mend=did_you_mean(kind, KINDS))
    found = {kind: _parts(kind) for kind in args.kinds or KINDS}
    if args.json:
        common.show_json(found)
        return 0
    for kind, parts in found.items():
        print(kind)
        width = max((len(name) for name in parts), default=0)
        for name, line in parts.items():
            print(f"  {name:<{width}}  {line}")
    return 0


def _parts(kind: str) -> dict[str, str]:
    if kind == "suites":
        return _suites(Path("suites"))
    if kind == "models":
        from bench.models import MODELS

        return MODELS.describe() | {"<timm name>": "any model of timm, such as resnet50 or efficientnet_b0"}
    if kind == "data":
        from bench.data import SOURCES

        return SOURCES.describe()
    from bench.config import augment, denoise, train
    from bench.suite import stages

    members = {
        "augmentations": augment.AUGMENTATIONS,
        "denoisers": denoise.DENOISERS,
        "losses": train.LOSSES,
        "samplers": stages.SAMPLERS,
        "pruners": stages.PRUNERS,
        "optimizers": train.OPTIMIZERS,
        "schedules": train.SCHEDULES,
    }
    return {part.model_fields["name"].annotation.__args__[0]: _first_line(part) for part in members[kind]}


def _first_line(part: type) -> str:
    """Return the first sentence of a docstring."""
    text = " ".join((part.__doc__ or "").split("\n\n")[0].split())
    return re.split(r"(?<=(?<!et al)\.) (?=[A-Z])", text)[0]


def _suites(folder: Path) -> dict[str, str]:
    from bench.errors import BenchError
    from bench.suite.document import read

    found = {}
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        try:
            found[str(path)] = str(read(path).data.get("title", ""))
        except BenchError as error:
            found[str(path)] = f"({error.message})"
    return found
