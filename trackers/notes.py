"""Texts of any length as tags, which MLflow cuts: each in parts, and last a tag that says how many there are.

Names are hexadecimal in the tags: MLflow takes few characters in a key, and two names must never become one.
"""

from collections.abc import Mapping
from contextlib import suppress

PREFIX = "note."
PART = 4000
"""Characters of a part; versions of MLflow take 5,000 to 20,000 in a tag of an experiment."""


def as_tags(name: str, text: str) -> dict[str, str]:
    """Return the tags of a text, in the order in which they are written: without the last one it is not there yet."""
    key = PREFIX + name.encode().hex()
    parts = [text[first : first + PART] for first in range(0, len(text), PART)]
    return {f"{key}.{number}": part for number, part in enumerate(parts)} | {key: str(len(parts))}


def of_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the texts in the tags of an experiment, by name. Of a part that is lost, nothing stands there."""
    texts = {}
    for key, count in tags.items():
        name = key.removeprefix(PREFIX)
        if key != name and "." not in name and count.isdecimal():
            parts = [tags.get(f"{key}.{number}", "") for number in range(min(int(count[:9]), len(tags)))]
            with suppress(ValueError):  # a tag that something else has written
                texts[bytes.fromhex(name).decode()] = "".join(parts)
    return texts
