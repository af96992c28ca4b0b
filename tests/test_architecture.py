"""The house: imports point one way, nothing imports in circles, and what is slow to load is loaded where it is needed."""

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import bench.api

ROOT = Path(__file__).parent.parent
LAYERS = (
    ("bench.version", "bench.errors", "bench.clock", "bench.paths", "bench.seeding", "bench.memory", "bench.ambient"),
    ("bench.config", "bench.components", "bench.scratch"),
    ("bench.registry", "bench.trackers"),
    ("bench.grammar",),
    ("bench.models", "bench.reports"),
    ("bench.suite",),
    ("bench.data",),
    ("bench.training",),
    ("bench.contracts",),
    ("bench.runner",),
    ("bench.api",),
    ("bench.cli",),
    ("bench", "bench.__main__"),
)
"""From the ground up: a module may import from its own unit, and from layers below."""
MLFLOW = ("bench.trackers.mlflow_tracker", "bench.trackers.database", "bench.trackers.errors")
OPTUNA = ("bench.runner.queue", "bench.runner.search")
LAZY = 45
"""So many imports of our own modules stand within functions, at most, each for the time that a start takes."""


class Import(NamedTuple):
    module: str
    file: Path
    line: int
    lazy: bool
    typing: bool


@cache
def modules() -> dict[str, Path]:
    """Module → its file."""
    found = {}
    for folder, package in (("bench", "bench"), ("reports", "bench.reports"), ("trackers", "bench.trackers")):
        for path in (ROOT / folder).rglob("*.py"):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            found[".".join([package, *(part for part in parts if part != "__init__")])] = path
    return found


def _nodes(tree: ast.AST, lazy: bool = False, typing: bool = False) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool, bool]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, lazy, typing
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            yield from _nodes(node, lazy, True)
        else:
            yield from _nodes(node, lazy or isinstance(node, ast.FunctionDef), typing)


@cache
def imports(module: str) -> tuple[Import, ...]:
    """Every import of a module, those within functions and for types alone included."""
    path, found = modules()[module], []
    for node, lazy, typing in _nodes(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in modules() else node.module for name in inner]
        found += [Import(name, path, node.lineno, lazy, typing) for name in dict.fromkeys(names)]
    return tuple(found)


def layer(module: str) -> tuple[int, str]:
    """The layer of a module, and its unit within it."""
    units = [(number, unit) for number, units in enumerate(LAYERS) for unit in units]
    fitting = [(number, unit) for number, unit in units if module == unit or (unit != "bench" and module.startswith(f"{unit}."))]
    assert fitting, f"{module} belongs to no layer: add it to LAYERS"
    return max(fitting, key=lambda pair: len(pair[1]))


@pytest.mark.parametrize("module", sorted(modules()))
def test_imports_point_down(module):
    number, unit = layer(module)
    for one in imports(module):
        if one.module.split(".")[0] != "bench" or (module == "bench" and one.lazy):
            continue  # `import bench` gives the Python API, when it is asked for
        below, other = layer(one.module)
        assert other == unit or below < number, f"{one.file}:{one.line}: {unit} imports {one.module}, which is no layer below it"


def test_no_module_imports_in_a_circle_also_not_within_a_function():
    graph = {
        module: {one.module for one in imports(module) if one.module in modules() and not one.typing} - {module}
        for module in modules()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' → '.join(error.args[1])}")


def test_what_knows_what():
    """Training, models and data know neither Optuna, nor MLflow, nor how a suite is run."""
    for module in modules():
        names = {one.module.split(".")[0] for one in imports(module)}
        unit = layer(module)[1]
        assert "mlflow" not in names or module in (
            "bench.trackers.mlflow_tracker",
            "bench.trackers.database",
            "bench.trackers.errors",
            "bench.trackers.mlflow_lease",
            "bench.trackers.schema",
        )
        assert "optuna" not in names or module in ("bench.runner.queue", "bench.runner.search")
        assert not names & {"torch", "torchvision", "timm"} or unit not in (
            "bench.suite", "bench.config", "bench.api", "bench.cli", "bench.reports", "bench.trackers", "bench.errors",
        )  # fmt: skip
        if unit == "bench.cli":
            ours = {one.module for one in imports(module) if one.module.startswith("bench.")}
            allowed = ("bench.api", "bench.cli", "bench.clock", "bench.errors", "bench.version")
            assert all(name.startswith(allowed) for name in ours), f"{module} calls more than the Python API: {sorted(ours)}"
        if not module.startswith("bench.runner.executors"):
            chosen = [one for one in imports(module) if one.module.startswith("bench.runner.executors.")]
            assert all(one.module == "bench.runner.executors.base" for one in chosen), f"{module} knows which executor runs"


def test_the_coordinators_side_loads_no_torch_when_it_is_imported():
    """What `bench run` imports before it starts a worker; followed from file to file, without running anything."""
    seen, todo = set(), ["bench.cli.run", "bench.cli.display", "bench.api.suite", "bench.runner.executors.local"]
    while todo:
        module = todo.pop()
        if module in seen or module not in modules():
            continue
        seen.add(module)
        eager = [one for one in imports(module) if not one.lazy and not one.typing]
        assert not any(one.module.split(".")[0] in ("torch", "torchvision", "timm") for one in eager), module
        todo += [name for one in eager for name in (one.module, one.module.rpartition(".")[0])]
    assert "bench.runner.coordinator" in seen and "bench.runner.requests" not in seen


def test_imports_within_functions_are_counted():
    lazy = [one for module in modules() for one in imports(module) if one.lazy and one.module.startswith("bench")]
    by_file = Counter(str(one.file.relative_to(ROOT)) for one in lazy)
    assert len(lazy) <= LAZY, f"{len(lazy)} imports stand within functions: {by_file.most_common()}"


@pytest.mark.parametrize("package", [bench, bench.api])
def test_no_module_hides_a_name_that_its_package_gives_when_it_is_asked_for(package):
    """Once a module is imported it is its package's attribute, and the package's `__getattr__` is not asked any more."""
    hidden = [name for name in package.__all__ if f"{package.__name__}.{name}" in modules()]
    assert not hidden, f"{package.__name__}: {hidden} are modules, too"
