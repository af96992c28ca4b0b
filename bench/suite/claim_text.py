"""Claims in the text of a suite: where each stands, what is commented there, and how a new one is laid out in its place."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

from bench.grammar import document as documents
from bench.suite.old_claims import SOURCES

WIDTH = 130
"""Characters of a line."""


class Edit(NamedTuple):
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class ClaimEntry:
    """A key of a mapping and its value, as nodes of the text. within: the mapping. end: where the text of the value ends."""

    key: yaml.Node
    value: yaml.Node
    within: yaml.MappingNode
    end: int

    @property
    def start(self) -> int:
        return int(self.key.start_mark.index)

    @property
    def is_alias(self) -> bool:
        return bool(self.value.start_mark.index < self.key.start_mark.index)

    @property
    def in_braces(self) -> bool:
        return isinstance(self.value, yaml.MappingNode) and bool(self.value.flow_style)

    @property
    def pairs(self) -> list[tuple[yaml.Node, yaml.Node]]:
        """The keys of a value that is a mapping, with theirs."""
        return self.value.value if isinstance(self.value, yaml.MappingNode) else []


class ClaimWriter:
    """Writes claims into the text of a suite, each in the place of an old one."""

    def __init__(self, text: str):
        self.text = text
        self.root = yaml.compose(text, Loader=yaml.SafeLoader)
        self.spans: list[tuple[int, int]] = []
        """Where each word and bracket begins and ends."""
        self.scalars: list[tuple[int, int]] = []
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if event.start_mark and event.end_mark and event.end_mark.index > event.start_mark.index:
                self.spans.append((event.start_mark.index, event.end_mark.index))
                if isinstance(event, yaml.ScalarEvent):
                    self.scalars.append(self.spans[-1])
        self.edits: list[Edit] = []
        self.anchored: dict[int, Mapping[str, Any]] = {}
        """id of the node of a claim with an anchor → what it says now."""

    def write(self, where: tuple[str, ...], new: Mapping[str, Any]) -> None:
        """Write a claim, (CLAIM,), or a profile's patch of one, (PROFILE, CLAIM). One that is an alias of another is left."""
        path = ("claims", *where) if len(where) == 1 else ("profiles", where[0], "claims", where[1])
        entry = self._find(path)
        if entry is None or entry.is_alias:
            return
        layout = _Layout(self, entry, new)
        self.edits += layout.in_flow() if entry.within.flow_style else [layout.in_block(is_claim=len(where) == 1)]
        self.anchored[id(entry.value)] = new

    def result(self) -> str:
        """Return the text with everything written."""
        text, newline = self.text, "\r\n" if "\r\n" in self.text else "\n"
        for edit in sorted(set(self.edits), reverse=True):
            text = text[: edit.start] + edit.text.replace("\r\n", "\n").replace("\n", newline) + text[edit.end :]
        return text

    def line(self, place: int) -> tuple[int, int]:
        """Return where the line of a place begins and ends."""
        end = self.text.find("\n", place)
        end = len(self.text) if end < 0 else end
        return self.text.rfind("\n", 0, place) + 1, end - (self.text[:end].endswith("\r") and end > place)

    def comment(self, start: int, end: int) -> int | None:
        """Return where the comment of a line begins, if it has one."""
        for match in re.finditer(r"(?<!\S)#", self.text[start:end]):
            place = start + match.start()
            if not any(first < place < last for first, last in self.scalars):
                return place
        return None

    def _find(self, path: tuple[str, ...]) -> ClaimEntry | None:
        node, entry = self.root, None
        for name in path:
            entry = self._entry(node, name)
            if entry is None:
                return None
            node = entry.value
        return entry

    def _entry(self, node: yaml.Node | None, name: str) -> ClaimEntry | None:
        if not isinstance(node, yaml.MappingNode):
            return None
        starts = [key.start_mark.index for key, _ in node.value] + [node.end_mark.index]
        for number, (key, value) in enumerate(node.value):
            if key.value == name:
                ends = [end for start, end in self.spans if starts[number] <= start < starts[number + 1]]
                end = int(value.end_mark.index) if node.flow_style else len(self.text[: max(ends)].rstrip())
                return ClaimEntry(key, value, node, end)
        return None


class _Layout:
    """How one claim is laid out. new: what it says; a scalar that the old one has is written as it was there."""

    def __init__(self, writer: ClaimWriter, entry: ClaimEntry, new: Mapping[str, Any]):
        self.writer, self.text, self.entry, self.new = writer, writer.text, entry, new
        self.written: dict[str, str] = {}
        self._collect(entry.value)
        match = re.match(r"&\S+", self.text[entry.value.start_mark.index :])
        self.anchor = f" {match[0]}" if match else ""

    def in_flow(self) -> list[Edit]:
        """Return the edits where the claim stands among others in braces: its value, and its comments above the line."""
        start, end = self.entry.value.start_mark.index, self.entry.end
        above, beside = self._comments(start, end)
        first, last = self.writer.line(self.entry.start)
        line = self.text[first:last]
        indent = line[: len(line) - len(line.lstrip())]
        comments = "".join(f"{indent}{comment.strip()}\n" for comment in [*above, *beside.values()])
        edit = Edit(start, end, f"{self.anchor} ".lstrip() + self.flow(self.new))
        return [Edit(first, first, comments), edit] if comments else [edit]

    def in_block(self, *, is_claim: bool) -> Edit:
        """Return the edit where the claim begins a line: a key a line; but a patch, and a claim that merges another one, stay in
        braces where these fit."""
        first, _ = self.writer.line(self.entry.start)
        _, last = self.writer.line(self.entry.end)
        above, beside = self._comments(first, last)
        indent, inner = " " * (self.entry.start - first), " " * self._depth(first)
        name = self.text[self.entry.start : self.entry.key.end_mark.index]
        head = "".join(f"{indent}{comment}\n" for comment in above) + f"{indent}{name}:{self.anchor}"
        alias, merged = self._merged()
        said = {key: value for key, value in self.new.items() if key not in merged or merged[key] != value}
        in_braces = self.entry.in_braces and (alias or not is_claim)
        if in_braces or not (is_claim or "says" in said or beside.keys() - {""}):
            flow, comment = self.flow(said), "".join(beside.values())
            flow = f"{{<<: {alias}, {flow[1:]}" if alias else flow
            if len(indent) + len(name) + len(self.anchor) + len(flow) + 2 <= WIDTH:
                return Edit(first, last, f"{head} {flow}{comment}")
            if in_braces and len(indent) + len(flow) + 2 <= WIDTH:
                return Edit(first, last, f"{head}{comment}\n{indent}  {flow}")
        lines = [head + beside.get("", ""), *([f"{inner}<<: {alias}"] if alias else [])]
        for key, value in said.items():
            lines.append(self._block(key, value, inner) + beside.get(key, ""))
        return Edit(first, last, "\n".join(lines))

    def _depth(self, first: int) -> int:
        """Return the column of the claim's keys: as it was, so that a text of several lines stays within them."""
        pairs = self.entry.pairs
        return self.entry.start - first + 2 if self.entry.in_braces or not pairs else int(pairs[0][0].start_mark.column)

    def flow(self, value: Any) -> str:
        """Return a value on one line."""
        if isinstance(value, Mapping):
            return "{" + ", ".join(f"{_key(key)}: {self.flow(said)}" for key, said in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(self.flow, value)) + "]"
        return next(
            text
            for text in (self.written.get(_known(value), ""), _plain(value), json.dumps(value, ensure_ascii=False))
            if _reads(f"[{text}]", [value])
        )

    def _block(self, key: str, value: Any, indent: str) -> str:
        """Return a key with its value: on one line where it fits, else a key a line. What the claim says stays as it is."""
        raw = self.written.get(_known(value), "") if key == "says" else ""
        if raw and not (self.entry.in_braces and "\n" in raw):
            return f"{indent}{key}: {raw}"
        line = f"{indent}{_key(key)}: {self.flow(value)}"
        if len(line) <= WIDTH or not isinstance(value, Mapping) or not value:
            return line
        return "\n".join([f"{indent}{_key(key)}:", *(self._block(inner, said, f"{indent}  ") for inner, said in value.items())])

    def _collect(self, node: yaml.Node) -> None:
        """Note how each scalar of a claim is written."""
        if isinstance(node, yaml.ScalarNode):
            raw = re.sub(r"^[&!]\S+\s+", "", self.text[node.start_mark.index : node.end_mark.index].rstrip())
            try:
                self.written.setdefault(_known(documents.scalar(f"{raw}\n")), raw)
            except yaml.YAMLError:
                return
        for child in node.value if isinstance(node, yaml.CollectionNode) else ():
            for part in child if isinstance(child, tuple) else (child,):
                self._collect(part)

    def _merged(self) -> tuple[str, Mapping[str, Any]]:
        """Return the alias of the claim that this one merges (`<<: *other`), and what that says now; "" where it cannot so."""
        for key, value in self.entry.pairs:
            other = self.writer.anchored.get(id(value))
            if key.value == "<<" and other is not None and other.keys() <= self.new.keys():
                alias = re.match(r"\s*:\s*(\*[^\s,}]+)", self.text[key.end_mark.index :])
                return (alias[1], other) if alias else ("", {})
        return "", {}

    def _comments(self, start: int, end: int) -> tuple[list[str], dict[str, str]]:
        """Return the comments that stand on lines of their own, and new key → what stands beside the old one, "" for the name."""
        above, beside = [], dict[str, str]()
        place = start
        while place <= end:
            first, last = self.writer.line(place)
            position = self.writer.comment(max(first, start), last)
            if position is not None and position < end:
                code = self.text[first:position]
                if code.strip():
                    key = self._key_before(position)
                    beside[key] = beside.get(key, "") + code[len(code.rstrip()) :] + self.text[position:last]
                else:
                    above.append(self.text[position:last])
            place = last + 1 + self.text.startswith("\r\n", last)
        return above, beside

    def _key_before(self, place: int) -> str:
        """Return the new key that comes from the last old key before a place; "" where that is the claim's name."""
        name_line = self.writer.line(self.entry.start)
        if name_line[0] <= place <= name_line[1]:
            return ""
        before = [key.value for key, _ in self.entry.pairs if key.start_mark.index < place]
        old = before[-1] if before else ""
        near = [key for key in self.new if old in SOURCES.get(key, (key,))]
        return near[0] if near else ""


def _known(value: Any) -> str:
    return f"{type(value).__name__} {value!r}"


def _key(key: str) -> str:
    return key if _reads(f"{{{key}: 0}}", {key: 0}) else json.dumps(key, ensure_ascii=False)


def _plain(value: Any) -> str:
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


def _reads(text: str, value: Any) -> bool:
    """Whether a piece of YAML, on one line, says this."""
    try:
        return "\n" not in text and repr(documents.scalar(text)) == repr(value)
    except Exception:
        return False
