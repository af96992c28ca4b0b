"""Lays a profile over a suite, and takes out of it the claims that are not asked, each with the reason."""

from collections.abc import Collection, Mapping
from typing import Any

from bench.errors import BenchError, did_you_mean
from bench.grammar.document import DocPath, Document
from bench.reports.claims.results import NotAsked

ABOUT, DROP = "about", "drop"
"""Keys: of a profile, what it is; of a claim, why it is not asked."""


def lay_over(document: Document, profile: str) -> str:
    """Lay a profile over the suite, and return what it says of itself, "" for nothing."""
    profiles = document.data.get("profiles") or {}
    if not isinstance(profiles, dict) or profile not in profiles:
        known = [*profiles, "default"] if isinstance(profiles, dict) else []
        raise BenchError(f"{document.file} has no profile {profile!r}", where="--profile", mend=did_you_mean(profile, known))
    said = profiles[profile]
    if not isinstance(said, dict):
        raise document.error(("profiles", profile), "a profile is a mapping laid over the suite")
    for key, patch in said.items():
        if key in ("suite", "profiles"):
            raise document.error(("profiles", profile, key), f"a profile cannot change {key!r}")
        if key != ABOUT:
            document.patch((key,), patch, ("profiles", profile, key))
    if ABOUT not in said:
        return ""
    return _text(document, ("profiles", profile, ABOUT), said[ABOUT], "what the profile is, and what it is not")


def sentences(document: Document) -> dict[str, Any]:
    """Return claim → its sentence, of the claims that a document has now."""
    claims = document.data.get("claims")
    return (
        {name: claim.get("says") for name, claim in claims.items() if isinstance(claim, dict)} if isinstance(claims, dict) else {}
    )


def take_dropped(document: Document, before: Mapping[str, Any], left_out: Collection[str] = ()) -> list[NotAsked]:
    """Take the claims that say `drop` out of a document, and return all that are not asked, in the suite's order.

    before: claim → its sentence, as the file says without its profile. left_out: those of them that the profile left out
    altogether. Raises BenchError, with file and line, for a reason that is no text, and for a claim that is not there to drop.
    """
    says = {**before, **sentences(document)}
    reasons = {name: "" if name in left_out else "left out by --set" for name in says if name not in sentences(document)}
    claims = document.data.get("claims") or {}
    for name in [name for name in sentences(document) if DROP in claims[name]]:
        at: DocPath = ("claims", name)
        claim = claims.pop(name)
        if "says" not in claim and name not in before:
            raise document.error(at, f"there is no claim {name!r} to drop", did_you_mean(name, before))
        says[name] = _text(document, (*at, "says"), claim.get("says"), "the report's sentence")
        reasons[name] = _text(document, (*at, DROP), claim[DROP], "why the claim is not asked")
    return [NotAsked(name, " ".join(str(says[name] or "").split()), reasons[name]) for name in says if name in reasons]


def _text(document: Document, at: DocPath, value: Any, what: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise document.error(at, f"`{at[-1]}` should be text", f"say {what}")
    return " ".join(value.split())
