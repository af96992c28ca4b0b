"""The files of a suite that go into a bundle: its own, its lock, its custom components, and the data files that these declare."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import components
from bench.config.base import declared_files
from bench.grammar.cells import Section
from bench.runner.fingerprints import identity
from bench.suite.lock import lock_path
from bench.suite.suite import Suite

PARTS = ("data", "model", "train")


def suite_files(suite: Suite) -> tuple[dict[str, Path], list[str]]:
    """Return the files by their names beside the suite, and what lies elsewhere, so that it cannot travel."""
    file = Path(suite.document.file)
    folder = file.resolve().parent
    found = {file.name: file}
    if (lock := lock_path(file)).exists():
        found[lock.name] = lock
    absent: list[str] = []
    for section in _sections(suite):
        with components.beside(section.folder):
            for name in section.own:
                modules = components.files(name.partition(":")[0])
                found |= {path.relative_to(folder).as_posix(): path for path in modules if path.is_relative_to(folder)}
                if not modules:
                    absent.append(f"{name}: an installed module, not one beside the suite")
            for _, data_file in declared_files(section.config):
                if Path(data_file).is_absolute() or ".." in Path(data_file).parts:
                    absent.append(f"{Path(data_file).name}: a declared file that does not lie beside the suite")
                else:
                    found[Path(data_file).as_posix()] = components.data_file(data_file)
    return found, list(dict.fromkeys(absent))


def data_digests(suite: Suite) -> list[dict[str, Any]]:
    """Return every distinct data section with the hash of the content that it reads."""
    sections = [section for section in _sections(suite) if section.config.__class__.__name__ == "Data"]
    return [
        {
            "data": section.config.model_dump(mode="json", exclude_defaults=True),
            "digest": identity(section) or "fixed by the name of the source",
        }
        for section in sections
    ]


def _sections(suite: Suite) -> Iterator[Section[Any]]:
    """Yield the distinct sections of all cells, those that a search may draw included."""
    seen: set[str] = set()
    for stage, cells in suite.cells.items():
        for cell in (*cells, *suite.all_cells[stage].samples):
            for part in PARTS:
                section = getattr(cell, part)
                if section is not None and (key := f"{part} {section.key}") not in seen:
                    seen.add(key)
                    yield section
