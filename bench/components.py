"""Custom components: modules that lie beside a suite. They are loaded by path, and those of each folder stand apart.

A suite's folder never enters `sys.path`: a file `queue.py` there hides no library's module of that name, and two suites may each
have a `parts.py`. Within `beside(folder)` a component is looked for in that folder first, and what it imports in turn there last.
"""

import ast
import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from itertools import count
from pathlib import Path
from types import ModuleType

from bench.errors import BenchError, ErrorCode
from bench.paths import beside as found_beside
from bench.paths import data_root, file_hash

OURS = ("bench", "__main__")
"""Never taken for a folder's own, though a suite may lie in a checkout."""
ALIAS = "beside_the_suite"
"""Modules are known as `beside_the_suite.NAME` where Python has another one of their name."""


@dataclass
class _Folder:
    """The modules that were loaded from a folder. serial: tells them from those of other folders, and of other times. names: of
    them, in sys.modules. files: path → what it held then; of the modules, and
    of the data files that components declare."""

    path: Path
    serial: int
    names: set[str] = field(default_factory=set)
    modules: dict[str, ModuleType] = field(default_factory=dict)
    files: dict[Path, str] = field(default_factory=dict)

    def is_current(self) -> bool:
        return all(file.is_file() and file_hash(file) == digest for file, digest in self.files.items())


_serials = count(1)
_folders: dict[Path, _Folder] = {}
_stack: list[_Folder] = []
"""The folders of the `beside` blocks that are open; the last one counts."""
_borrowed: list[dict[str, ModuleType]] = []
"""For each of them, the modules that were imported past us, to be put back."""


class _Finder(MetaPathFinder):
    """Finds what a custom component imports from beside the suite, where nobody else has a module of that name."""

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if not _stack:
            return None
        folder, (parent, _, name) = _stack[-1], fullname.rpartition(".")
        if _is_elsewhere(name, folder) if path is None else parent not in folder.names:
            return None
        for place in [folder.path] if path is None else map(Path, path):
            if spec := _spec(folder, fullname, place / name):
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
    folder = _stack[-1] if _stack else None
    if folder is None or not _file(folder.path.joinpath(*name.split("."))):
        return import_module(name)
    if not _is_taken(name.partition(".")[0], folder):
        return import_module(name)  # by our finder
    if ALIAS not in sys.modules:
        sys.modules[ALIAS] = ModuleType(ALIAS)
        sys.modules[ALIAS].__path__ = []
        folder.names.add(ALIAS)
    for prefix in _prefixes(name):
        _load_as(folder, f"{ALIAS}.{prefix}", folder.path.joinpath(*prefix.split(".")))
    return sys.modules[f"{ALIAS}.{name}"]


def _load_as(folder: _Folder, name: str, place: Path) -> None:
    """Load a module, or a package, under another name than its own, unless it is loaded. place: its path without an ending."""
    if name in sys.modules:
        return
    spec = _spec(folder, name, place)
    assert spec, place
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    parent, _, last = name.rpartition(".")
    setattr(sys.modules[parent], last, module)
    try:
        if spec.loader:
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


def digest(name: str) -> str:
    """Return the SHA-256 of a component's module, and of all that it imports from beside the suite; "" where it is not found.

    Nothing is run for it, but the package of an installed module is imported.
    """
    if _stack and (file := _file(_stack[-1].path.joinpath(*name.split(".")))):
        files = sorted(_needed(_stack[-1].path, file))
        digests = {path.relative_to(_stack[-1].path).as_posix(): file_hash(path) for path in files}
        return next(iter(digests.values())) if len(digests) == 1 else hashlib.sha256(repr(digests).encode()).hexdigest()
    try:
        spec = importlib.util.find_spec(name)
    except Exception:  # of a package's module, it imports the package, which may raise anything: `load` tells it
        return ""
    path = Path(spec.origin) if spec and spec.origin else None
    return file_hash(path) if path and path.is_file() else ""


def files(name: str) -> list[Path]:
    """Return the file of a component's module, and those that it imports, as far as they lie beside the suite."""
    if _stack and (file := _file(_stack[-1].path.joinpath(*name.split(".")))):
        return sorted(_needed(_stack[-1].path, file))
    return []


def data_file(name: str) -> Path:
    """Return the path of a data file that a component declares, looked for beside the suite first. From now on an edit of it
    counts as one of the folder's modules: they are loaded anew. Raises BenchError where there is no such file."""
    path = Path(found_beside(name, _stack[-1].path if _stack else Path()))
    if not path.is_file():
        reason = "is a folder: name its files" if path.is_dir() else f"there is no such file: {name}"
        mend = f"put it beside the suite, or into the folder of data sets, {data_root()}"
        raise BenchError(reason, where=str(path), mend=mend, code=None if path.is_dir() else ErrorCode.NOT_PREPARED)
    if _stack:
        _stack[-1].files.setdefault(path, file_hash(path))
    return path


def files_digest(names: Iterable[str]) -> str:
    """Return the SHA-256 of what the data files hold that a component declares, by their names; "" for none. Raises BenchError
    where one is not there."""
    digests = {name: file_hash(data_file(name)) for name in names}
    return hashlib.sha256(repr(sorted(digests.items())).encode()).hexdigest() if digests else ""


def _enter(folder: _Folder) -> None:
    if _stack:
        _put_away(_stack[-1])
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)  # or Python's own would find what a package of the folder imports, and nobody note it
    _stack.append(folder)
    _borrowed.append(_pop(_loaded_by_others(folder)))
    sys.modules.update(folder.modules)


def _leave() -> None:
    _put_away(_stack.pop())
    sys.modules.update(_borrowed.pop())
    if _stack:
        sys.modules.update(_stack[-1].modules)


def _put_away(folder: _Folder) -> None:
    """Take a folder's modules out of sys.modules, and keep them for the next time."""
    folder.modules = _pop(folder.names)


def _pop(names: Iterable[str]) -> dict[str, ModuleType]:
    return {name: sys.modules.pop(name) for name in names if name in sys.modules}


def _loaded_by_others(folder: _Folder) -> list[str]:
    """Return the modules of the folder that were imported past us, since it is on sys.path too: nobody notes if they change."""
    start = f"{folder.path}{os.sep}"
    tops = {
        name
        for name, module in list(sys.modules.items())
        if "." not in name and name not in OURS and str(getattr(module, "__file__", None)).startswith(start)
        and _file(folder.path / name) == Path(str(module.__file__))
    }  # fmt: skip
    return [name for name in list(sys.modules) if name.partition(".")[0] in tops]


def _spec(folder: _Folder, name: str, place: Path) -> ModuleSpec | None:
    """Return from where a module is loaded, and note its file; None where there is none. place: its path without an ending."""
    if file := _file(place):
        inner = [str(file.parent)] if file.name == "__init__.py" else None
        folder.files[file] = file_hash(file)
        spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=inner)
        assert spec, file
    elif place.is_dir():  # a package without an __init__.py
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(place)]
    else:
        return None
    folder.names.add(name)
    return spec


def _is_taken(name: str, folder: _Folder) -> bool:
    """Whether Python has another module of this name."""
    return name not in folder.names if name in sys.modules else _is_elsewhere(name, folder)


def _is_elsewhere(name: str, folder: _Folder) -> bool:
    """Whether Python finds a module of this name without us, and not in this very folder."""
    if name in sys.stdlib_module_names:
        return True
    for finder in sys.meta_path:
        if finder is _finder or not hasattr(finder, "find_spec"):
            continue
        spec = finder.find_spec(name, None)
        if spec and spec.loader and (not spec.origin or _file(folder.path / name) != Path(spec.origin)):
            return True
    return False


def _file(place: Path) -> Path | None:
    """Return the file of a package, or of a module. place: its path without an ending."""
    for file in (place / "__init__.py", place.with_name(f"{place.name}.py")):
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
        todo += [package for package in packages if package.is_file() and package.stat().st_size]
        for name, level in _imports(*_version(path)):
            start = folder if not level else path.parents[level - 1]
            if folder == start or folder in start.parents:
                places = (start.joinpath(*part.split(".")) for part in _prefixes(name))
                todo += [imported for imported in map(_file, places) if imported]
    return needed


def _prefixes(name: str) -> list[str]:
    """Return a dotted name and all that it begins with: a, a.b, a.b.c."""
    parts = name.split(".")
    return [".".join(parts[: number + 1]) for number in range(len(parts)) if name]


def _version(path: Path) -> tuple[Path, int, int]:
    facts = path.stat()
    return path, facts.st_mtime_ns, facts.st_size


@lru_cache(maxsize=512)
def _imports(path: Path, _modified: int, _size: int) -> frozenset[tuple[str, int]]:
    """Return what a file imports: dotted names, and how many dots stand before them. Nothing of a file that is no Python."""
    imports: set[tuple[str, int]] = set()
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return frozenset()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports |= {(alias.name, 0) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = f"{node.module}." if node.module else ""
            imports |= {(f"{start}{alias.name}", node.level) for alias in node.names}
            if node.module:
                imports.add((node.module, node.level))
    return frozenset(imports)
