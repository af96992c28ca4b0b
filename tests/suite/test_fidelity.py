"""The suites say what their reports say: sentences are quoted, numbers are printed there, and each has its cell in a table."""

import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.grammar import document as documents
from bench.grammar.document import DocPath, Document
from bench.suite.load import load_suite

ROOT = Path(__file__).parents[2]
REPORTS = {
    "noise_vs_complexity": "000",
    "imbalance_and_irm": "001",
    "imbalanced_wide_resnet": "002",
    "tuning_augmentation_ensembles": "003",
    "asha_cnn_vs_resnet": "004",
}
"""suite → what the name of its report's text begins with."""
PARAPHRASE = "paraphrase: "
COMPUTED = re.compile(r"# computed: \S")
GAP = "…"
LEFT_OUT = ".{0,1000}?"
"""What a gap may stand for: no more than a paragraph."""
REMARK = re.compile(r"\s*\([^()]*\)$")
MARKS = re.compile(r"</?\w+>|\\[a-zA-Z]+|[\\${}*#^_~|]")
"""Of HTML, LaTeX and Markdown."""
NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d*\.\d+|\d+")
ALIKE = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "−": "-"})


def plain(text: str) -> str:
    """Return words and punctuation alone: lower case, single spaces, no marks of LaTeX, Markdown or HTML."""
    text = unicodedata.normalize("NFKC", text.replace(GAP, "\0")).replace("\0", GAP).translate(ALIKE)
    return " ".join(MARKS.sub("", text).split()).lower()


def texts(report: str) -> list[str]:
    """Return a report's plain text, with words that are divided at the end of a line as two readings of the hyphen have them."""
    return [plain(re.sub(r"(?<=\w)-\s*\n\s*(?=\w)", hyphen, report)) for hyphen in ("-\n", "", "-")]


def is_quoted(says: str, readings: list[str]) -> bool:
    """Whether a sentence stands in a report, part by part in their order; a remark of ours may end it."""
    for sentence in dict.fromkeys((says, REMARK.sub("", says))):
        parts = [part for piece in sentence.split(GAP) if (part := plain(piece).strip(" .,;:"))]
        pattern = re.compile(LEFT_OUT.join(rf"(?<!\w){re.escape(part)}(?!\w)" for part in parts), re.DOTALL)
        if parts and any(pattern.search(reading) for reading in readings):
            return True
    return False


def numbers(report: str) -> set[float]:
    """Return every number that a report prints."""
    return {float(found.replace(",", "")) for found in NUMBER.findall(re.sub(r"[${}\\]", "", report))}


def is_printed(number: float, unit: str, printed: set[float]) -> bool:
    """Whether a report prints a number; of a percentage, as it is or as a share."""
    return abs(number) in printed or (unit == "%" and round(abs(number) / 100, 10) in printed)


@pytest.fixture(scope="module")
def reports() -> Path:
    """The folder of the reports' texts."""
    data = os.environ.get("BENCH_SHARED_DATA")
    folder = (Path(data).parent if data else ROOT.parent / "shared") / "reports"
    if not folder.is_dir():
        pytest.skip(f"no reports at {folder}; name the folder of the data beside them in BENCH_SHARED_DATA")
    return folder


def text_of(reports: Path, suite: str) -> str:
    (path,) = reports.glob(f"{REPORTS[suite]}_*.txt")
    return path.read_text(encoding="utf-8")


def suite_file(name: str) -> Document:
    return documents.read(ROOT / "suites" / f"{name}.yaml")


def parts(document: Document) -> Iterator[tuple[DocPath, dict[str, Any]]]:
    """Yield the suite and each of its profiles, with its path."""
    yield (), document.data
    for name, profile in (document.data.get("profiles") or {}).items():
        yield ("profiles", name), profile


def printed_numbers(table: dict[str, Any]) -> Iterator[tuple[DocPath, str, float]]:
    """Yield every published number of a table, with its path below `published` and its metric's unit."""
    values = table.get("values") or []
    units = {v["metric"]: v.get("unit", "") for v in (values if isinstance(values, list) else [values]) if isinstance(v, dict)}
    for metric, rows in (table.get("published") or {}).items():
        for row, found in (rows or {}).items():
            for at, number in [((column,), n) for column, n in found.items()] if isinstance(found, dict) else [((), found)]:
                if number is not None:
                    yield (metric, row, *at), units.get(metric, ""), number


@pytest.mark.parametrize("name", REPORTS)
def test_every_sentence_is_a_quotation_or_marked_as_a_paraphrase(reports, name):
    document, readings = suite_file(name), texts(text_of(reports, name))
    invented = [
        f"{document.place((*at, 'claims', claim, 'says'))}: {claim}: {said['says']}"
        for at, part in parts(document)
        for claim, said in (part.get("claims") or {}).items()
        if isinstance(said, dict) and "says" in said
        if not said["says"].startswith(PARAPHRASE) and not is_quoted(said["says"], readings)
    ]
    assert not invented, f"neither in the report nor begun with {PARAPHRASE!r}:\n" + "\n".join(invented)


@pytest.mark.parametrize("name", REPORTS)
def test_every_published_number_is_printed_in_the_report(reports, name):
    document, printed = suite_file(name), numbers(text_of(reports, name))
    lines = Path(document.file).read_text(encoding="utf-8").splitlines()
    tables = document.data["tables"]
    wrong, seen = [], 0
    for at, part in parts(document):
        for table, spec in (part.get("tables") or {}).items():
            shown = {**tables.get(table, {}), **(spec or {})} if at else spec
            for below, unit, number in printed_numbers(shown if "published" in (spec or {}) else {}):
                seen += 1
                place = document.place((*at, "tables", table, "published", *below))
                line = lines[int(place.rpartition(":")[2]) - 1]
                if not COMPUTED.search(line) and not is_printed(number, unit, printed):
                    wrong.append(f"{place}: {number} ({table}: {', '.join(map(str, below))})")
    assert seen, "the suite has published numbers"
    assert not wrong, "not in the report, and the line does not end with `# computed: …`:\n" + "\n".join(wrong)


@pytest.mark.parametrize("name", REPORTS)
def test_every_published_number_has_its_cell_in_every_profile(name):
    path = ROOT / "suites" / f"{name}.yaml"
    for profile in ("default", *documents.read(path).data.get("profiles", {})):
        suite = load_suite(path, profile=profile)
        for title, table in suite.spec.tables.items():
            places = {
                tuple(" / ".join(cell.labels.get(axis, "") for axis in axes) for axes in (table.rows, table.columns))
                for cell in suite.all_cells[table.stage].where(table.where)
            }
            for (metric, row, *column), _, _ in printed_numbers({"published": table.published}):
                where = f"{path.name}, {profile}, table {title}: {metric}, {row}, {column}"
                assert metric in {value.metric for value in table.values}, where
                assert table.by_class or (row, *(column or [""])) in places, where


@pytest.mark.parametrize("name", REPORTS)
def test_every_claim_has_its_place_on_the_page_of_its_report(name):
    page = (ROOT / "docs" / "fidelity" / f"{name}.md").read_text(encoding="utf-8")
    assert [claim for claim in suite_file(name).data["claims"] if f"`{claim}`" not in page] == []


def test_what_is_a_quotation():
    readings = texts("The *lower* the rate,\nthe  better fea-\ntures $\\mathbf{2}$ 3. A well-\nknown set (CIFAR), then the end.")
    for says in (
        "the lower the rate, the better features 2 3",
        "The lower the rate … the end.",
        "a well-known set (CIFAR)",
        "the better (rates of 0.1)",
    ):
        assert is_quoted(says, readings), says
    for says in ("the higher the rate", "the end … the lower the rate", "the low", "(CIFAR", "…"):
        assert is_quoted(says, readings) is (says == "(CIFAR"), says


def test_what_is_a_printed_number():
    printed = numbers("of 23,859,978 it reached .64 (91.29%), and $0.80$")
    assert printed == {23859978, 0.64, 91.29, 0.8}
    assert is_printed(64, "%", printed) and is_printed(91.29, "%", printed) and is_printed(0.8, "", printed)
    assert not is_printed(64, "", printed) and not is_printed(91.3, "%", printed)
