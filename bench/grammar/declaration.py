"""What a suite declares before its data are seen, as plain data, and what changed from one declaration to another.

A declaration has five parts: `alpha`; `seeds` and `splits` by stage; `metrics` and `claims` by name, each as its settings.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

Declaration = dict[str, Any]
PARTS = {"alpha": "alpha", "seeds": "seeds of stage", "splits": "split of stage", "metrics": "metric", "claims": "claim"}
"""Part of a declaration → what one of its items is called."""
BY_SETTING = ("metrics", "claims")
"""Parts of whose items each setting is compared."""
NOTHING = "–"


@dataclass(frozen=True)
class Change:
    """One item that changed. path: its part, its name, and the setting, as far as there are; before, after: its values, None
    where there was none."""

    path: tuple[str, ...]
    before: Any
    after: Any

    @property
    def item(self) -> str:
        """What changed, in words."""
        name = " ".join([PARTS[self.path[0]], *self.path[1:2]])
        return f"{name}: {self.path[2]}" if len(self.path) > 2 else name

    @property
    def texts(self) -> tuple[str, str]:
        """What it was and what it is, as text. Of a claim or a metric that was added or dropped, that alone."""
        if self.path[0] in BY_SETTING and len(self.path) == 2:
            return (NOTHING, "added") if self.before is None else ("declared", "dropped")
        return as_text(self.before), as_text(self.after)

    @property
    def is_of_words(self) -> bool:
        """Whether only a sentence was reworded."""
        return self.path[0] == "claims" and self.path[2:] == ("says",)


def digest(declared: Mapping[str, Any]) -> str:
    """Return a declaration's hash: the SHA-256 of its JSON with sorted keys, in hexadecimal digits."""
    return hashlib.sha256(json.dumps(declared, sort_keys=True).encode()).hexdigest()


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return what changed, item by item, in the order in which declarations list them."""
    return list(_changes(before, after))


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    if before.get("alpha") != after.get("alpha"):
        yield Change(("alpha",), before.get("alpha"), after.get("alpha"))
    for part in list(PARTS)[1:]:
        old, new = before.get(part) or {}, after.get(part) or {}
        for name in [*old, *(name for name in new if name not in old)]:
            old_item, new_item = old.get(name), new.get(name)
            if part in BY_SETTING and old_item is not None and new_item is not None:
                for key in [*old_item, *(key for key in new_item if key not in old_item)]:
                    if old_item.get(key) != new_item.get(key):
                        yield Change((part, name, key), old_item.get(key), new_item.get(key))
            elif old_item != new_item:
                yield Change((part, name), old_item, new_item)


def as_text(value: Any) -> str:
    """Return a value on one line, as a suite would say it."""
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return value
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True).partition("\n")[0]
