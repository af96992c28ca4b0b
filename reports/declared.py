"""What was declared before the first trial, and what changed since, as data."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class DeclaredChange:
    """One item that changed. since: Unix seconds of the first run under it, None of what no run has yet. runs: how many were
    stored before that one. unlocked: whether it stood before the first trial, and only the lock file says otherwise. reason: as
    the lock file gives it, "" where there is none. deviates: whether there is a lock file, and it gives no reason."""

    item: str
    before: str
    after: str
    since: float | None = None
    runs: int = 0
    unlocked: bool = False
    reason: str = ""
    deviates: bool = False


@dataclass(frozen=True)
class Declared:
    """What is known of a suite's declaration.

    since: Unix seconds when it was recorded, None where it was not. late: how many runs were stored before that, 0 of one that
    stood before the first trial. same: whether it is what the suite says now. changes: what changed since, in order. exploratory:
    the claims of which a term changed, or that were added. unreadable: how many entries cannot be read. lock: name of the lock
    file, "" where none has this profile; locked: when, as it says.
    """

    since: float | None = None
    late: int = 0
    commit: str = ""
    digest: str = ""
    same: bool = False
    changes: list[DeclaredChange] = field(default_factory=list)
    exploratory: frozenset[str] = frozenset()
    unreadable: int = 0
    lock: str = ""
    locked: str = ""
