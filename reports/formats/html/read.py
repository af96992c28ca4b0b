"""Tables with a caption: a `figcaption` beside the table, or its own `caption`."""

from html.parser import HTMLParser

from bench.reports.formats.reading import Reading, ReadTable, cell, clean, table


def read(text: str) -> Reading:
    """Return every captioned table of an HTML page."""
    parser = _Tables()
    parser.feed(text)
    parser.close()
    return Reading(parser.tables, sources=parser.sources, whole=bool(parser.sources))


class _Tables(HTMLParser):
    """Follows the elements. Text goes to whatever is open: a caption, a heading cell, a cell, the word or text of a list."""

    VOID = ("br", "meta", "img", "hr", "link", "input")

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[ReadTable] = []
        self.sources: list[str] = []
        self.open: list[tuple[str, bool]] = []
        """Elements, and whether their text counts."""
        self.caption, self.word = "", ""
        self.header: list[str] = []
        self.headed = False
        """Whether a `thead` told which cells are the header; else the first row's `th` are."""
        self.rows: list[list[str]] = []
        self.lines: list[str] = [""]
        self.bold = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "br":
            self.lines.append("")
        if tag in self.VOID:
            return
        values = dict(attributes)
        hidden = (
            "runs" in (values.get("class") or "").split()
            or values.get("aria-hidden") == "true"
            or tag in ("svg", "style", "script")
        )
        self.open.append((tag, not hidden and (not self.open or self.open[-1][1])))
        if tag in ("td", "th", "figcaption", "caption", "dt", "dd"):
            self.lines, self.bold = [""], False
        elif tag == "small":
            self.lines.append("")
        elif tag in ("b", "strong"):
            self.bold = True
        elif tag == "table":
            self.header, self.rows, self.headed = [], [], False
        elif tag == "figure":
            self.caption = ""
        elif tag == "tbody":
            self.headed = True
        elif tag == "tr":
            self.rows.append([])

    def handle_endtag(self, tag: str) -> None:
        if not any(name == tag for name, _ in self.open):
            return
        while self.open.pop()[0] != tag:
            pass
        text = clean(" ".join(self.lines))
        if tag in ("figcaption", "caption"):
            self.caption = text
        elif tag == "th" and self.rows and not self.headed and len(self.rows) == 1:
            self.header.append(text)
        elif tag in ("td", "th") and self.rows:
            self.rows[-1].append(cell(self.lines, self.bold))
        elif tag == "table":
            self.tables.append(table(self.caption, self.header, [row for row in self.rows if row]))
        elif tag == "dt":
            self.word = text
        elif tag == "dd" and self.word == "suite":
            self.sources.append(text)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1][1]:
            self.lines[-1] += data
