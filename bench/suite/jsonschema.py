"""The JSON Schema of suite files, for editors that complete and check as one types."""

import json
from typing import Any

from bench.config import Data, Model, Train
from bench.grammar.derived import metric_names
from bench.grammar.document import scalar
from bench.grammar.parts import SeedPlan
from bench.grammar.stages import AXIS_SCHEMA, Ensemble, PathAxis, Range, Start
from bench.grammar.vary import Splits
from bench.reports.claims.grammar import CLASS, CONDITIONS, OPERATORS, Condition
from bench.reports.claims.relations import RELATIONS
from bench.reports.tables.grammar import Value
from bench.suite.schema import DROP_SCHEMA, SuiteFile
from bench.suite.suite import Suite


def json_schema() -> dict[str, Any]:
    """Return the schema; `suites/suite.schema.json` holds it, and a test keeps the two the same."""
    schema = _with_refs(SuiteFile.model_json_schema())
    defs = schema["$defs"]
    for part in (Data, Model, Train, Start, Ensemble, Range, PathAxis, Value, SeedPlan, Splits, Condition):
        part_schema = part.model_json_schema()
        defs |= part_schema.pop("$defs", {})
        defs[part.__name__] = part_schema
    partial = {
        f"{name}Patch": _partial(definition)
        for name, definition in defs.items()
        if name in _below(defs, "Data", "Model", "Train", "Start", "Ensemble")
    }
    defs |= partial
    sections = {name: {"$ref": f"#/$defs/{name.capitalize()}Patch"} for name in ("data", "model", "train", "start", "ensemble")}
    defs["Axis"] = _with_refs(AXIS_SCHEMA)
    defs["Patch"] = {
        "description": "Laid over the configuration: mappings merge, null goes back to the default, all else replaces.",
        "type": "object",
        "properties": sections,
        "additionalProperties": False,
    }
    defs["Base"] = {
        "type": "object",
        "properties": {name: sections[name] for name in ("model", "train")},
        "additionalProperties": False,
    }
    schema["properties"]["data"] = {"$ref": "#/$defs/DataPatch"}
    defs["Claim"]["properties"]["drop"] = DROP_SCHEMA  # such a claim is taken out before the others are read
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "bench suite"}


def suite_schema(suite: Suite) -> dict[str, Any]:
    """Return the schema with the words of one suite: editors complete the stages, axes, labels and metrics of its claims too."""
    schema = json_schema()
    labels: dict[str, dict[str, None]] = {}
    for cells in suite.all_cells.values():
        for axis, levels in cells.levels.items():
            labels.setdefault(axis, {}).update(dict.fromkeys(levels))
    axes: dict[str, Any] = {axis: _label_schema(list(levels)) for axis, levels in labels.items()}
    arm: dict[str, Any] = {
        "type": "object",
        "properties": {**axes, "stage": {"enum": list(suite.all_cells)}} | {key: {"$ref": "#/$defs/Arm"} for key in OPERATORS},
        "additionalProperties": False,
    }
    listed = {"type": "array", "items": {"enum": list(axes)}, "minItems": 1}
    subset = {"type": "object", "properties": axes, "additionalProperties": False}
    each = {"type": "object", "properties": axes | {CLASS: {"type": "array"}}, "additionalProperties": False}
    over: dict[str, Any] = {"anyOf": [{"enum": list(axes)}, listed, each]}
    points = {"anyOf": [{"enum": [*axes, CLASS]}, listed, subset]}
    metric = {"anyOf": [{"enum": metric_names(suite.spec.metrics)}, {"type": "string", "pattern": "/"}]}
    values = {
        "an arm": {"anyOf": [{"$ref": "#/$defs/Arm"}, {"type": "number"}, {"type": "string"}]},
        "an axis": {"$ref": "#/$defs/Axes"},
        "the best": {"anyOf": [{"$ref": "#/$defs/Axes"}, {"type": "array", "items": {"$ref": "#/$defs/Arm"}, "minItems": 1}]},
        "a metric": {"$ref": "#/$defs/Metric"},
    }
    own: dict[str, Any] = {"of": {"$ref": "#/$defs/Arm"}, "stage": {"enum": list(suite.all_cells)}}
    own |= {"metric": {"$ref": "#/$defs/Metric"}, "spread": {"$ref": "#/$defs/Metric"}, "across": points}
    own |= {key: {"$ref": "#/$defs/Axes"} for key in ("each", "mean_over", "within")}
    own |= {name: values[relation.kind] for name, relation in RELATIONS.items()}
    conditions = {key: own[key] for key in ("of", "stage", "metric", *CONDITIONS) if key in own}
    for name, parts in (("Claim", own), ("Condition", conditions)):
        properties = schema["$defs"][name]["properties"]
        for key, part in parts.items():
            properties[key] = {word: properties[key][word] for word in ("description",) if word in properties[key]} | part
    schema["$defs"] |= {"Arm": arm, "Axes": over, "Metric": metric}
    return schema | {"title": f"bench suite {suite.name}"}


def _label_schema(labels: list[str]) -> dict[str, Any]:
    """Return the schema of one of these labels, of several, or of null. YAML reads some of them as numbers or booleans."""
    words = list(dict.fromkeys(scalar(json.dumps(label)) if quoted else scalar(label) for label in labels for quoted in (0, 1)))
    item = {"enum": [word for word in words if isinstance(word, str | int | float)]}
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}, {"type": "null"}]}


def _with_refs(node: Any) -> Any:
    """Return the schema with `x-ref` spelled out; pydantic itself refuses references to what it did not define."""
    if isinstance(node, dict):
        return (
            {"$ref": f"#/$defs/{node['x-ref']}"} if "x-ref" in node else {key: _with_refs(value) for key, value in node.items()}
        )
    return [_with_refs(value) for value in node] if isinstance(node, list) else node


def _below(defs: dict[str, Any], *roots: str) -> set[str]:
    """Return the names of all definitions that the roots reach."""
    names: set[str] = set()
    todo = list(roots)
    while todo:
        name = todo.pop()
        if name not in names:
            names.add(name)
            todo += [ref.removeprefix("#/$defs/") for ref in _refs(defs[name])]
    return names


def _refs(node: Any) -> list[str]:
    if isinstance(node, dict):
        refs = [node["$ref"]] if "$ref" in node else []
        return refs + [ref for value in node.values() for ref in _refs(value)]
    return [ref for value in node for ref in _refs(value)] if isinstance(node, list) else []


def _partial(definition: dict[str, Any]) -> dict[str, Any]:
    """Return the definition of a patch: nothing is required, and null takes any setting back."""
    result: dict[str, Any] = _to_patches({key: value for key, value in definition.items() if key != "required"})
    if "properties" in result:
        result["properties"] = {
            key: value if key == "name" else {"anyOf": [value, {"type": "null"}]} for key, value in result["properties"].items()
        }
    return result


def _to_patches(node: Any) -> Any:
    if isinstance(node, dict):
        if "discriminator" in node:  # a patch may leave the name out, so no part can be told by it
            node = {("anyOf" if key == "oneOf" else key): value for key, value in node.items() if key != "discriminator"}
        return {key: f"{value}Patch" if key == "$ref" else _to_patches(value) for key, value in node.items()}
    return [_to_patches(value) for value in node] if isinstance(node, list) else node


if __name__ == "__main__":  # python -m bench.suite.jsonschema > suites/suite.schema.json
    print(json.dumps(json_schema(), indent=1, ensure_ascii=False))
