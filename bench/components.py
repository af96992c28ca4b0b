"""Custom components: modules that lie beside a suite. They are loaded by path, and those of each folder stand apart.

A suite's folder never enters `sys.path`: a file `queue.py` there hides no library's module of that name, and two suites may each
have a `parts.py`. Within `beside(folder)` a component is looked for in that folder first, and what it imports in turn there last.
"""

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from itertools import count
from pathlib import Path
from types import ModuleType

ALIAS = "beside_the_suite"
"""Modules are known as `beside_the_suite.NAME` where Python has another one of their name."""


@dataclass
class _Folder:
    """The modules that were loaded from a folder. serial: tells them from those of other folders, and of other times. names: of
    them, in sys.modules. files: path → what it held then."""

    path: Path
    serial: int
    names: set[str] = field(default_factory=set)
    modules: dict[str, ModuleType] = field(default_factory=dict)
    files: dict[Path, str] = field(default_factory=dict)

    def is_current(self) -> bool:
        return all(file.is_file() and _sha256(*_version(file)) == digest for file, digest in self.files.items())


_serials = count(1)
_folders: dict[Path, _Folder] = {}
_stack: list[_Folder] = []
"""The folders of the `beside` blocks that are open; the last one counts."""


class _Finder(MetaPathFinder):
    """Finds what a custom component imports from beside the suite, where nobody else has a module of that name."""

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if not _stack or (path is None and _is_elsewhere(fullname)):
            return None
        folder, name = _stack[-1], fullname.rpartition(".")[2]
        for place in [folder.path] if path is None else map(Path, path):
            if place != folder.path and folder.path not in place.parents:
                continue  # a package of somebody else's
            if file := _file(place, name):
                return _spec(folder, fullname, file)
            if (place / name).is_dir():  # a package without an __init__.py
                folder.names.add(fullname)
                spec = ModuleSpec(fullname, None, is_package=True)
                spec.submodule_search_locations = [str(place / name)]
                return spec
        return None


_finder = _Finder()


@contextmanager
def beside(folder: str | Path) -> Iterator[None]:
    """Look for custom components in this folder; "" for none. Modules whose files have changed since are loaded anew."""
    if not folder:
        yield
        return
    place = Path(folder).resolve()
    known = _folders.get(place)
    if known is None or not (known in _stack or known.is_current()):
        known = _folders[place] = _Folder(place, next(_serials))
    _enter(known)
    try:
        yield
    finally:
        _leave()


def version() -> int:
    """Return what tells the custom components of now from those of another folder, and from those before an edit; 0 for none.

    Whatever is kept in memory of what components made is kept under it, too.
    """
    return _stack[-1].serial if _stack else 0


def load(name: str) -> ModuleType:
    """Return the module of a custom component: beside the suite, else as Python finds it. Raises what its import raises."""
    file = _file(_stack[-1].path, name) if _stack else None
    if file is None:
        return import_module(name)
    folder = _stack[-1]
    key = f"{ALIAS}.{name}" if _is_taken(name.partition(".")[0], folder) else name
    if key == name:
        return import_module(name)  # by our finder
    if key not in sys.modules:
        spec = _spec(folder, key, file)
        module = sys.modules[key] = importlib.util.module_from_spec(spec)
        try:
            assert spec.loader
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[key]
            raise
    return sys.modules[key]


def digest(name: str) -> str:
    """Return the SHA-256 of a component's module, and of all that it imports from beside the suite; "" where it is not found.

    Nothing is run for it, but the package of an installed module is imported.
    """
    if _stack and (file := _file(_stack[-1].path, name)):
        files = sorted(_needed(_stack[-1].path, file))
        digests = {path.relative_to(_stack[-1].path).as_posix(): _sha256(*_version(path)) for path in files}
        return next(iter(digests.values())) if len(digests) == 1 else hashlib.sha256(repr(digests).encode()).hexdigest()
    try:
        spec = importlib.util.find_spec(name)
    except Exception:  # of a package's module, it imports the package, which may raise anything: `load` tells it
        return ""
    path = Path(spec.origin) if spec and spec.origin else None
    return _sha256(*_version(path)) if path and path.is_file() else ""


def _enter(folder: _Folder) -> None:
    if _stack:
        _put_away(_stack[-1])
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)  # or Python's own would find what a package of the folder imports, and nobody note it
    _stack.append(folder)
    sys.modules.update(folder.modules)


def _leave() -> None:
    _put_away(_stack.pop())
    if _stack:
        sys.modules.update(_stack[-1].modules)


def _put_away(folder: _Folder) -> None:
    """Take a folder's modules out of sys.modules, and keep them for the next time."""
    folder.modules = {name: sys.modules.pop(name) for name in folder.names if name in sys.modules}


def _spec(folder: _Folder, name: str, file: Path) -> ModuleSpec:
    """Return from where a module is loaded, and note its file."""
    folder.names.add(name)
    folder.files[file] = _sha256(*_version(file))
    inner = [str(file.parent)] if file.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=inner)
    assert spec, file
    return spec


def _is_taken(name: str, folder: _Folder) -> bool:
    """Whether Python has another module of this name."""
    return name not in folder.names if name in sys.modules else _is_elsewhere(name)


def _is_elsewhere(name: str) -> bool:
    """Whether Python finds a module of this name without us."""
    finders = (finder.find_spec for finder in sys.meta_path if finder is not _finder and hasattr(finder, "find_spec"))
    return name in sys.stdlib_module_names or any(find(name, None) for find in finders)


def _file(folder: Path, name: str) -> Path | None:
    """Return the file of a module, or of a package, in a folder."""
    place = folder.joinpath(*name.split("."))
    for file in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
        if file.is_file():
            return file
    return None


def _needed(folder: Path, file: Path) -> set[Path]:
    """Return a module's file, and those of the modules beside the suite that it imports, directly or not."""
    needed: set[Path] = set()
    todo = [file]
    while todo:
        path = todo.pop()
        if path in needed:
            continue
        needed.add(path)
        packages = (parent / "__init__.py" for parent in path.parents if folder in parent.parents)
        todo += [package for package in packages if package.is_file()]
        for name, level in _imports(*_version(path)):
            start = folder if not level else path.parents[level - 1]
            if folder == start or folder in start.parents:
                todo += [found for found in (_file(start, part) for part in _prefixes(name)) if found]
    return needed


def _prefixes(name: str) -> list[str]:
    """Return a dotted name and all that it begins with: a, a.b, a.b.c."""
    parts = name.split(".")
    return [".".join(parts[: number + 1]) for number in range(len(parts)) if name]


def _version(path: Path) -> tuple[Path, int, int]:
    facts = path.stat()
    return path, facts.st_mtime_ns, facts.st_size


@lru_cache(maxsize=512)
def _sha256(path: Path, _modified: int, _size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@lru_cache(maxsize=512)
def _imports(path: Path, _modified: int, _size: int) -> frozenset[tuple[str, int]]:
    """Return what a file imports: dotted names, and how many dots stand before them. Nothing of a file that is no Python."""
    found: set[tuple[str, int]] = set()
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return frozenset()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {(alias.name, 0) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = f"{node.module}." if node.module else ""
            found |= {(f"{start}{alias.name}", node.level) for alias in node.names}
            if node.module:
                found.add((node.module, node.level))
    return frozenset(found)
