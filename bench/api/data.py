"""Data sets: prepare, verify and list what suites train on, and fetch the hub weights that they name."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import components, data, models
from bench.api.suite import LoadedSuite
from bench.errors import BenchError
from bench.grammar.cells import Section
from bench.paths import data_root

Say = Callable[[str], None]


@dataclass(frozen=True)
class Prepared:
    """What was done. failed: weights that could not be fetched."""

    done: list[str]
    failed: list[BenchError]


def prepare(suite: LoadedSuite, *, weights: bool = True, say: Say = lambda text: None, done: Say = lambda text: None) -> Prepared:
    """Download or decode what a suite trains on; weights: and fetch hub weights. say: receives progress; done: what is there now.

    Raises BenchError, with file and line, where a data set cannot be had; of weights that cannot, the result tells.
    """
    result = Prepared([], [])

    def tell(text: str) -> None:
        result.done.append(text)
        done(text)

    for section in _images(suite):
        try:
            with components.beside(section.folder):
                dataset = data.prepare(section.config, download=True, say=say)
        except BenchError as error:
            raise _placed(error, section, "source") from None
        images = len(dataset.train_labels) + (len(dataset.test_labels) if dataset.test_labels is not None else 0)
        tell(f"{dataset.name}: {images} images in {len(dataset.classes)} classes, in {data_root()}")
    for section in suite.sections("model") if weights else ():
        if models.unavailable(section.config):
            try:
                models.fetch(section.config)
                tell(f"{section.config.name}: weights fetched")
            except BenchError as error:
                result.failed.append(_placed(error, section, "name"))
    return result


def verify(suite: LoadedSuite) -> dict[str, str]:
    """Hash a suite's prepared arrays again. Returns source → digest. Raises BenchError where one is not as it was prepared."""
    digests = {}
    for section in _images(suite):
        try:
            with components.beside(section.folder):
                digests[section.config.source] = data.verify(section.config)
        except BenchError as error:
            raise _placed(error, section, "source") from None
    return digests


def listed() -> tuple[Path, list[dict[str, Any]]]:
    """Return the folder of data sets, and what is prepared in it: name, path, images, classes, bytes and digest of each."""
    return data_root(), data.cached()


def _images(suite: LoadedSuite) -> list[Section[Any]]:
    """Return one data section for each distinct set of images."""
    return list({section.config.origin: section for section in suite.sections("data")}.values())


def _placed(error: BenchError, section: Section[Any], setting: str) -> BenchError:
    return BenchError(str(error).split("\n")[0], where=section.place((setting,)), mend=error.mend, code=error.code)
