"""The JSON Schema of suite files, for editors that complete and check as one types."""

from typing import Any

from bench.config import Data, Model, Train
from bench.grammar.parts import Looks
from bench.grammar.stages import AXIS_SCHEMA, Ensemble, PathAxis, Range, Start
from bench.reports.tables.grammar import Value
from bench.suite.schema import SuiteFile


def json_schema() -> dict[str, Any]:
    """Return the schema; `suites/suite.schema.json` holds it, and a test keeps the two the same."""
    schema = _with_refs(SuiteFile.model_json_schema())
    defs = schema["$defs"]
    for part in (Data, Model, Train, Start, Ensemble, Range, PathAxis, Value, Looks):
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
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "bench suite"}


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
    import json

    print(json.dumps(json_schema(), indent=1, ensure_ascii=False))
