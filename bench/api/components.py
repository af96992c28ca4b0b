"""What suites are made of: models, data sources, augmentations and the rest, each with a line that says what it is."""

import re
from pathlib import Path
from typing import get_args

from bench.errors import BenchError, did_you_mean

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


def components(kind: str, folder: str | Path = "suites") -> dict[str, str]:
    """Return the components of a kind: name → a line on it. kind: one of KINDS. folder: where suites lie.

    Raises BenchError for an unknown kind.
    """
    if kind not in KINDS:
        raise BenchError(f"nothing of the kind {kind!r}", where="bench ls", mend=did_you_mean(kind, KINDS))
    if kind == "suites":
        return _suites(Path(folder))
    if kind == "models":
        from bench.models import MODELS

        return MODELS.describe() | {"<timm name>": "any model of timm, such as resnet50 or efficientnet_b0"}
    if kind == "data":
        from bench.data import SOURCES

        return SOURCES.describe()
    from bench.config import augment, denoise, train
    from bench.grammar import stages

    members = {
        "augmentations": augment.AUGMENTATIONS,
        "denoisers": denoise.DENOISERS,
        "losses": train.LOSSES,
        "samplers": stages.SAMPLERS,
        "pruners": stages.PRUNERS,
        "optimizers": train.OPTIMIZERS,
        "schedules": train.SCHEDULES,
    }
    return {get_args(part.model_fields["name"].annotation)[0]: _first_sentence(part) for part in members[kind]}


def _first_sentence(part: type) -> str:
    """Return the first sentence of a docstring."""
    text = " ".join((part.__doc__ or "").split("\n\n")[0].split())
    return re.split(r"(?<=(?<!et al)\.) (?=[A-Z])", text)[0]


def _suites(folder: Path) -> dict[str, str]:
    from bench.grammar.document import read

    lines = {}
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        try:
            lines[str(path)] = str(read(path).data.get("title", ""))
        except BenchError as error:
            lines[str(path)] = f"({error.message})"
    return lines
