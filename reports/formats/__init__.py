"""The formats that a report can be written in, and read back from. Light to import: a format is loaded when it is used.

To add one: a module (or a package) with what `Module` names, and a line in `FORMATS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from bench.reports.formats.reading import Reading
    from bench.reports.report import ReportData


class Module(Protocol):
    """What a format's module has."""

    shown: Callable[[str], str] | None
    """How a text reads once it was written and read back. None of a format for programs, whose tables are found by their names
    in the suite and not by their captions."""

    def render(self, report: "ReportData", figures: Mapping[str, str] = {}) -> str:
        """Return the report as text. figures: name of a figure → relative path of its image."""

    def read(self, text: str) -> "Reading":
        """Return the tables of a text. Raises BenchError where it is not of this format at all."""


@dataclass(frozen=True)
class Format:
    """A format. extension: of its files. module: the name of its `Module`. images: formats of images that it can show by their
    path, the best first."""

    extension: str
    module: str
    images: tuple[str, ...] = ()

    def load(self) -> Module:
        return cast(Module, import_module(self.module))


FORMATS = {
    "markdown": Format("md", "bench.reports.formats.markdown", images=("svg", "png")),
    "latex": Format("tex", "bench.reports.formats.latex", images=("pdf", "png")),
    "html": Format("html", "bench.reports.formats.html"),  # carries its images in itself
    "json": Format("json", "bench.reports.formats.json"),
    "csv": Format("csv", "bench.reports.formats.csv"),
}
COMPARED = ("text", "markdown", "json")
"""The formats of two sets of results compared, see `bench.reports.formats.compared`."""
