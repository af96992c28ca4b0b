"""Pydantic's errors, told with the file, the line and the mend."""

import types
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bench.errors import BenchError, did_you_mean

Loc = tuple[str | int, ...]
M = TypeVar("M", bound=BaseModel)


def validated(model: type[M], data: Any, place: Callable[[Loc], str], prefix: str = "") -> M:
    """Return `data` as an instance of `model`.

    place: gives `file:line` for a path into `data`. prefix: what `data` is called in messages.
    Raises BenchError that tells every mistake, a line each.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        mistakes = [_mistake(model, problem, data, place, prefix) for problem in error.errors(include_url=False)]
        seen = list(dict.fromkeys(str(mistake) for mistake in mistakes))
        if len(seen) == 1:
            raise mistakes[0] from None
        raise BenchError("\n".join(seen)) from None


def _mistake(model: type[BaseModel], problem: ErrorDetails, data: Any, place: Callable[[Loc], str], prefix: str) -> BenchError:
    loc, kind = problem["loc"], problem["type"]
    if loc and loc[-1] == "[key]":
        loc = loc[:-1]
        known = problem.get("ctx", {}).get("expected", "")  # pydantic lists them only as text, 'a', 'b' or 'c'
        names = [name.strip("' ") for name in known.replace(" or ", ", ").split(",")] if kind == "literal_error" else []
        mend = did_you_mean(str(loc[-1]), names) if names else "use letters, digits, '_' and '-'"
        return BenchError(f"{loc[-1]!r} cannot stand here", where=place(_written(loc, data)), mend=mend)
    written = _written(loc, data)
    key, inside = (loc[-1] if loc else ""), _dotted(prefix, _written(loc[:-1], data))
    if kind == "extra_forbidden":
        known = {name for part in _models(model, loc[:-1]) for name in part.model_fields}
        within = f" in {inside}" if inside else ""
        return BenchError(f"unknown key {key!r}{within}", where=place((*written, key)), mend=did_you_mean(str(key), known))
    if kind == "missing":
        return BenchError(f"{key!r} is missing{f' in {inside}' if inside else ''}", where=place(written), mend=f"add `{key}: …`")
    name = _dotted(prefix, written) or "the suite"
    message = problem["msg"].removeprefix("Value error, ")
    message = message.replace("Input should be", "should be").replace("valid dictionary", "mapping")
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        tags = [tag.strip("' ") for tag in problem["ctx"].get("expected_tags", "").split(",") if tag.strip()]
        tag = problem["ctx"].get("tag", "")
        if not tags:
            tags = [tag for part in _models(model, loc) for tag in _tags(part)]
        field = problem["ctx"].get("discriminator", "'name'").strip("'")
        field = "name" if field == "tag_of()" else field  # parts told apart by a function: see `bench.config.base.named`
        message = f"has no part named {tag!r}" if field == "name" else f"has no {field} {tag!r}"
        return BenchError(
            f"{name} {message}" if tag else f"{name} needs a {field!r}",
            where=place((*written, field) if tag else written),
            mend=did_you_mean(str(tag), tags),
        )
    value = problem["input"]
    got = f", not {value!r}" if isinstance(value, (str, int, float, bool, type(None))) else ""
    return BenchError(f"{name}: {message}{got}", where=place(written), mend="")


def _dotted(prefix: str, loc: Loc) -> str:
    return ".".join(filter(None, [prefix, *map(str, loc)]))


def _written(loc: Loc, data: Any) -> Loc:
    """Return the part of pydantic's path that exists in the data: it also names union members, which nobody wrote."""
    path: list[str | int] = []
    for key in loc:
        listed = isinstance(data, (list, tuple)) and isinstance(key, int) and key < len(data)
        if listed or (isinstance(data, dict) and key in data):
            data = data[key]
            path.append(key)
    return tuple(path)


def _models(annotation: Any, loc: Loc) -> list[type[BaseModel]]:
    """Return the models that may stand at a path below an annotation."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _models(get_args(annotation)[0], loc)
    if origin in (Union, types.UnionType):
        members = get_args(annotation)
        if loc and (tagged := [m for m in members if loc[0] in _tags(m)]):
            return _models(tagged[0], loc[1:])
        return [part for member in members for part in _models(member, loc)]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not loc:
            return [annotation]
        field = annotation.model_fields.get(str(loc[0]))
        return _models(field.annotation, loc[1:]) if field else []
    if origin is dict and loc:
        return _models(get_args(annotation)[1], loc[1:])
    if origin in (list, tuple) and loc:
        return _models(get_args(annotation)[0], loc[1:])
    return []


def _tags(annotation: Any) -> tuple[str, ...]:
    """Return the names by which a part is chosen from a union."""
    fields = getattr(annotation, "model_fields", {})
    for field in ("name", "kind"):
        if field in fields and get_origin(fields[field].annotation) is Literal:
            return get_args(fields[field].annotation)
    return ()
