"""A YAML document that remembers where each of its values stands, and JSON Merge Patches (RFC 7396) on it."""

import io
import os
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bench.config.base import label
from bench.errors import BenchError

DocPath = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """YAML 1.2's scalars: `1e-3` is a number, and only true and false are booleans (not yes, no, on, off)."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in pairs if tag not in ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:float")]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"),
    list("-+0123456789."),
)


class _Dumper(yaml.SafeDumper):
    """Quotes exactly the texts that `_Loader` would take for something else."""

    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers

    def ignore_aliases(self, data: Any) -> bool:
        return True


def written(data: Any, depth: int) -> str:
    """Return plain data as YAML that `read` takes back as it is. depth: of the mappings and lists with a line for each item; what
    is below stands on one line, where there is room."""

    def lay_out(node: yaml.Node, at: int) -> None:
        if isinstance(node, yaml.CollectionNode):
            node.flow_style = at >= depth
            for item in node.value:
                for inner in item if isinstance(item, tuple) else (item,):
                    lay_out(inner, at + 1)

    node = _Dumper(io.StringIO(), sort_keys=False).represent_data(data)
    lay_out(node, 0)
    text: str = yaml.serialize(node, Dumper=_Dumper, width=120, allow_unicode=True)
    return text


@dataclass
class Document:
    """Plain data (mappings with text keys, lists, scalars) and the place, `file:line`, of every key and item."""

    file: str
    data: dict[str, Any]
    places: dict[DocPath, str] = field(default_factory=dict)

    def place(self, path: DocPath) -> str:
        """Return `file:line` of the value at `path`, or of the nearest enclosing value that was written down."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, self.file)

    def error(self, path: DocPath, message: str, mend: str = "") -> BenchError:
        return BenchError(message, where=self.place(path), mend=mend)

    def alias(self, path: DocPath, original: DocPath) -> None:
        """Let `path` stand where `original` does, and all below it too."""
        size = len(original)
        for known in [known for known in self.places if known[:size] == original]:
            self.places[(*path, *known[size:])] = self.places[known]

    def patch(self, at: DocPath, patch: Any, source: DocPath | str) -> None:
        """Merge `patch` in place at `at`: mappings merge, null removes, all else replaces. What is new stands before what follows
        it in the patch, so that a profile can add a stage above another; at the end where nothing known follows.

        source: where the patch itself stands, a path of this document or a text such as `--set seeds=3`; later errors
        about the patched values name that place.
        """
        target: Any = self.data
        for key in at[:-1]:
            if not isinstance(target.get(key), dict):
                target[key] = {}
            target = target[key]
        if at:
            target[at[-1]] = self._merged(target.get(at[-1]), patch, at, source)
            if target[at[-1]] is None:
                del target[at[-1]]
        else:
            self.data = self._merged(self.data, patch, at, source)

    def _merged(self, old: Any, patch: Any, at: DocPath, source: DocPath | str) -> Any:
        self.places[at] = source if isinstance(source, str) else self.place(source)
        if not isinstance(patch, dict):
            return patch
        old = {} if replaces(old, patch) else dict(old)
        order = _order(old, patch)
        for key, value in patch.items():
            inner = source if isinstance(source, str) else (*source, key)
            if value is None:
                old.pop(key, None)
            else:
                old[key] = self._merged(old.get(key), value, (*at, key), inner)
        return {key: old[key] for key in order if key in old}


def _order(old: Iterable[str], patch: Iterable[str]) -> list[str]:
    """Return the keys of both: new ones before the known one that follows them in the patch, else at the end."""
    order = list(old)
    place = len(order)
    for key in reversed(list(patch)):
        if key in order:
            place = order.index(key)
        else:
            order.insert(place, key)
    return order


def replaces(old: Any, patch: dict[str, Any]) -> bool:
    """Tell whether a mapping patch starts afresh instead of merging.

    It does where there was no mapping, and where it names another part (`optimizer: {name: adam}` over SGD's settings):
    the settings of the old part do not belong to the new one.
    """
    return not isinstance(old, dict) or ("name" in patch and "name" in old and patch["name"] != old["name"])


def merged(old: Any, patch: Any) -> Any:
    """Return `old` with a JSON Merge Patch applied; neither is changed, what is untouched is shared."""
    if not isinstance(patch, dict):
        return patch
    result = {} if replaces(old, patch) else dict(old)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def nested(path: str, value: Any) -> dict[str, Any]:
    """Return the patch that sets a dotted path: `a.b` and 1 give {a: {b: 1}}."""
    *above, last = path.split(".")
    patch: dict[str, Any] = {last: value}
    for key in reversed(above):
        patch = {key: patch}
    return patch


def scalar(text: str) -> Any:
    """Return the value that a piece of YAML stands for (a flow mapping or list too). YAMLError where it is none."""
    if not text.strip():
        return None
    if (node := yaml.compose(text, Loader=_Loader)) is None:
        raise yaml.YAMLError("nothing but a comment")
    return _plain(node, _Loader(""), (), {}, "--set")


def read(
    path: str | Path,
    shape: str = "a suite is a mapping, `suite: NAME` and so on",
    mend: str = "name an existing suite file",
) -> Document:
    """Read a YAML file whose top level is a mapping. shape: what to say where it is none; mend: where there is no such file.

    Raises BenchError, with file and line, where it cannot be read or parsed, or where a key stands twice.
    """
    file = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise BenchError(f"cannot be read: {error.strerror}", where=file, mend=mend) from None
    except UnicodeDecodeError as error:
        raise BenchError(f"is not UTF-8 text ({error.reason})", where=file, mend="save it as UTF-8") from None
    places: dict[DocPath, str] = {}
    try:
        node = yaml.compose(text, Loader=_Loader)
        data = _plain(node, _Loader(""), (), places, file) if node else {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        where = f"{file}:{mark.line + 1}" if mark else file
        problem = getattr(error, "problem", None) or str(error)
        raise BenchError(
            f"is not valid YAML: {problem}", where=where, mend="check indentation, colons and quotes there"
        ) from None
    except RecursionError:
        raise BenchError("an alias contains itself", where=file, mend="spell out what *ALIAS stands for") from None
    if not isinstance(data, dict):
        raise BenchError(shape, where=f"{file}:1")
    return Document(file, data, places)


def write_whole(path: Path, content: str | bytes, mend: str) -> None:
    """Write a file as a whole or not at all, text as UTF-8, and the folders above it. BenchError where it cannot be; mend: what
    to do then."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content.encode() if isinstance(content, str) else content)
        if path.exists():
            shutil.copymode(path, part)
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise BenchError(f"cannot be written: {error.strerror}", where=str(path), mend=mend) from None


def _plain(node: yaml.Node, loader: yaml.SafeLoader, path: DocPath, places: dict[DocPath, str], file: str) -> Any:
    """Turn a node into plain data, noting the line of every key and item, and refusing keys that stand twice."""
    here = f"{file}:{node.start_mark.line + 1}"
    places.setdefault(path, here)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, loader, (*path, i), places, file) for i, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        keys = {key.value for key, _ in node.value}
        merges = [value for key, value in node.value if key.tag == "tag:yaml.org,2002:merge"]
        result: dict[str, Any] = {}
        for merge in merges:  # `<<: *anchor` gives what the mapping does not say itself
            for source in merge.value if isinstance(merge, yaml.SequenceNode) else [merge]:
                inherited = _plain(source, loader, path, {}, file)
                if not isinstance(inherited, dict):
                    raise BenchError("'<<' merges mappings only", where=here)
                for key, value in inherited.items():
                    if key not in keys:
                        result.setdefault(key, value)
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise BenchError("a key must be a plain word or number", where=f"{file}:{line}")
            key = label(loader.construct_object(key_node))
            if key in lines:
                raise BenchError(
                    f"{key!r} stands twice, first in line {lines[key]}",
                    where=f"{file}:{line}",
                    mend="rename one or take it out",
                )
            lines[key] = line
            places[(*path, key)] = f"{file}:{line}"
            result[key] = _plain(value_node, loader, (*path, key), places, file)
        return result
    return loader.construct_object(node)
