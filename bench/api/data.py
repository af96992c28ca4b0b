"""Data sets and weights: prepare, verify and list what suites need."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import components, data
from bench.api.needs import Need, Say, needs, placed
from bench.api.suite import LoadedSuite
from bench.errors import BenchError
from bench.paths import data_root

__all__ = ["Need", "Prepared", "listed", "needs", "prepare", "verify"]


@dataclass(frozen=True)
class Prepared:
    """What is there now. failed: weights that could not be had."""

    done: list[Need]
    failed: list[BenchError]


def prepare(
    suite: LoadedSuite,
    *,
    weights: bool = True,
    say: Say = lambda text: None,
    done: Callable[[Need, bool], None] = lambda need, already: None,
) -> Prepared:
    """Download, make or decode what a suite needs, each thing unless it is there. weights: weights too.

    say: receives progress; done: what is there now, and whether it was before. Raises BenchError, with file and line, where
    images cannot be had, after all else; of weights that cannot, the result tells.
    """
    result = Prepared([], [])
    lacking: list[BenchError] = []
    for need in needs(suite, weights=weights):
        try:
            now = need if need.place else need.get(say)
        except BenchError as error:
            (result.failed if need.is_weights else lacking).append(error)
            continue
        result.done.append(now)
        done(now, need.place is not None)
    if lacking:
        raise lacking[0] if len(lacking) == 1 else BenchError("\n".join(map(str, lacking)))
    return result


def verify(suite: LoadedSuite) -> dict[str, str]:
    """Hash a suite's prepared arrays again. Returns source → digest. Raises BenchError where one is not as it was prepared."""
    digests = {}
    for section in {section.config.origin: section for section in suite.sections("data")}.values():
        try:
            with components.beside(section.folder):
                digests[section.config.source] = data.verify(section.config)
        except BenchError as error:
            raise placed(error, section, "source") from None
    return digests


def listed() -> tuple[Path, list[dict[str, Any]]]:
    """Return the folder of data sets, and what is prepared in it: name, path, images, classes, bytes and digest of each."""
    return data_root(), data.cached()
