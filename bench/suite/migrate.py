"""A suite file with its old claims rewritten in today's grammar; every byte outside of them stays, and comments within do."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.errors import BenchError
from bench.grammar import document as documents
from bench.grammar.document import Document
from bench.suite.claim_text import ClaimWriter
from bench.suite.old_claims import translate_document
from bench.suite.profiles import DROP


@dataclass(frozen=True)
class Migrated:
    """A suite's text in the new grammar. claims: those that it rewrites, and patches of profiles, `PROFILE: CLAIM`; none where
    nothing was old."""

    file: Path
    text: str
    claims: list[str]


def migrated(path: str | Path) -> Migrated:
    """Return the text of a suite file with its claims, and what profiles patch of them, in the new grammar.

    Raises BenchError, with file and line, for a file that cannot be read, and for what cannot be translated or rewritten.
    """
    document = documents.read(path)
    with Path(path).open(encoding="utf-8", newline="") as file:
        text = file.read()
    wanted = {profile: _claims(document, profile) for profile in ("", *_profiles(document.data))}
    goal = _rewritten(document.data, wanted)
    writer = ClaimWriter(text)
    names = []
    for where, claim in _changes(document.data, goal):
        names.append(": ".join(where))
        writer.write(where, claim)
    result = writer.result()
    _check(document, result, goal, wanted)
    return Migrated(Path(path), result, names)


def _profiles(data: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    profiles = data.get("profiles")
    return {name: patch for name, patch in profiles.items() if isinstance(patch, dict)} if isinstance(profiles, dict) else {}


def _claims(document: Document, profile: str) -> dict[str, Any]:
    """Return the claims of a suite under a profile, "" for none, in the new grammar."""
    laid = deepcopy(document)
    for key, patch in _profiles(laid.data).get(profile, {}).items():
        laid.patch((key,), patch, ("profiles", profile, key))
    if isinstance(claims := laid.data.get("claims"), dict):  # what is dropped has no form to be in
        laid.data["claims"] = {name: said for name, said in claims.items() if not (isinstance(said, dict) and DROP in said)}
    translate_document(laid)
    claims = laid.data.get("claims")
    return claims if isinstance(claims, dict) else {}


def _rewritten(data: dict[str, Any], wanted: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return a suite's data with the claims that are wanted: profile, "" for none → claim → what it says."""
    goal = deepcopy(data)
    if isinstance(claims := goal.get("claims"), dict):
        claims |= wanted[""]
    for profile, patch in _profiles(goal).items():
        if isinstance(patches := patch.get("claims"), dict):
            for name, said in patches.items():
                if isinstance(said, dict) and DROP not in said:
                    patches[name] = _difference(wanted[""].get(name), wanted[profile][name])
    return goal


def _difference(old: Any, new: Any) -> Any:
    """Return the smallest merge patch that turns a value into another."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    changed = {key: _difference(old.get(key), value) for key, value in new.items() if key not in old or old[key] != value}
    return {**changed, **dict.fromkeys(key for key in old if key not in new)}


def _changes(data: dict[str, Any], goal: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield what is to rewrite, (claim,) or (profile, claim), and what it is to say."""
    news = _profiles(goal)
    for where, old, new in (((), data, goal), *(((name,), patch, news[name]) for name, patch in _profiles(data).items())):
        claims = old.get("claims")
        for name, claim in claims.items() if isinstance(claims, dict) else ():
            if claim != new["claims"][name]:
                yield (*where, name), new["claims"][name]


def _check(document: Document, text: str, goal: dict[str, Any], wanted: Mapping[str, Mapping[str, Any]]) -> None:
    """Check that the new text says what it should, for every profile."""
    mend = "rewrite that claim by hand; anchors (`&`, `*`) that reach into claims are to be spelled out before"
    try:
        data = documents.scalar(text)
    except (yaml.YAMLError, BenchError) as error:
        raise BenchError(f"cannot be rewritten: {error}", where=document.file, mend=mend) from None
    for path, (new, said) in _pairs(data, goal).items():
        if new != said:
            raise document.error(path, f"{path[-1]!r} cannot be rewritten in place", mend)
    for profile in _profiles(data):
        laid = Document(document.file, deepcopy(data))
        for key, patch in _profiles(data)[profile].items():
            laid.patch((key,), patch, "")
        for name, claim in wanted[profile].items():
            if laid.data["claims"].get(name) != claim:
                message = f"under profile {profile!r} claim {name!r} is of other cells, which no patch of its own says"
                raise document.error(("profiles", profile), message, f"patch it by hand, so that it comes to {claim}")


def _pairs(data: Any, goal: dict[str, Any]) -> dict[tuple[str, ...], tuple[Any, Any]]:
    """Return path → what the new text says there, and what it should; of claims one by one."""
    data = data if isinstance(data, dict) else {}
    said, claims = data.get("claims"), goal.get("claims")
    pairs: dict[tuple[str, ...], tuple[Any, Any]] = {}
    if isinstance(said, dict) and isinstance(claims, dict):
        pairs = {("claims", name): (said.get(name), claim) for name, claim in claims.items()}
    return pairs | {(key,): (data.get(key), goal.get(key)) for key in {**data, **goal}}
