"""Takes out of texts who made them, and where; and finds what of that is left in texts that are not to be changed."""

import platform
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from bench import paths
from bench.runner import provenance
from bench.trackers import StoredRun, record

ACCOUNTS = ("root", "user", "users", "ubuntu", "debian", "admin", "administrator", "runner", "nobody", "docker", "jovyan")
NOBODY = frozenset((*ACCOUNTS, "vscode", "unknown", "none", "localhost", "anonymous"))
"""Names of accounts and hosts that many have, and that tell nobody apart."""
SHORTEST = 2
"""Letters of a name that is looked for."""
HOMES = r"(?:/home/|/Users/|[A-Za-z]:\\+Users\\+)[^\s/\\'\":,;()<>\[\]]+"
"""A home folder, whoever's."""
PLACES = r"(?:/root|/scratch|/gpfs|/lustre|/nfs|/mnt|/media|/net|/Volumes)(?:/[\w.@+~-]+)+"
"""Folders of clusters and machines, which often bear their owner's name."""
ABSOLUTE = r"(?:file://)?(?<![\w/.:<>~])(?:/[\w.@+~ -]*[\w.@+~-](?=/))+/"
"""An absolute path up to its last name."""
MAIL = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"


@dataclass(frozen=True)
class Left:
    """A place where something is left. name: of the file in the bundle. what: the words found there."""

    name: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.name}:{self.line}: {self.what}"


@dataclass(frozen=True)
class Redactor:
    """What is to be taken out: word → what stands in its place. folders: paths, each as a whole."""

    words: dict[str, str] = field(default_factory=dict)
    folders: tuple[str, ...] = ()

    @classmethod
    def of(cls, suite_folder: Path, runs: Iterable[StoredRun], commits: Iterable[str] = ()) -> "Redactor":
        """Return what takes out who works here, who made the runs, the hosts, the commits (of runs, and others) with their
        authors, and the folders of now."""
        users, hosts = {provenance.user()}, {platform.node()}
        hashes = {commit.partition("+")[0] for commit in commits}
        for run in runs:
            users.add(run.tags.get("user", ""))
            hosts.add(record.coordinator(run).rsplit(":", 2)[0])
            hashes.add(record.commit(run).partition("+")[0])
        authors = provenance.authors(str(suite_folder))
        users |= authors | {text.partition("@")[0] for text in authors if "@" in text}
        hosts |= {host.partition(".")[0] for host in hosts}
        words = {text: f"<{kind}>" for kind, texts in (("host", hosts), ("user", users), ("commit", hashes)) for text in texts}
        folders = {str(Path.home()), str(Path.cwd()), str(suite_folder), str(paths.data_root()), str(paths.state_root())}
        return cls(
            {text: mark for text, mark in words.items() if len(text) >= SHORTEST and text.lower() not in NOBODY},
            tuple(sorted((folder for folder in folders if len(folder) > 1), key=len, reverse=True)),
        )

    def clean(self, text: str) -> str:
        """Return a text without them: of absolute paths the last name stays, with `<path>/` before it."""
        for folder in self.folders:
            text = re.sub(rf"{re.escape(folder)}(?![\w-])", "/<path>", text)
        text = re.sub(MAIL, "<mail>", text)
        if self.words:
            marks = {word.lower(): mark for word, mark in self.words.items()}
            text = self._word.sub(lambda found: marks[found[0].lower()], text)
        text = re.sub(HOMES, "/<path>", text)
        text = re.sub(r"(?:/<path>)?" + ABSOLUTE, "<path>/", text)
        return text.replace("/<path>", "<path>")

    def left(self, name: str, text: str) -> Iterator[Left]:
        """Yield each line of a text in which something of it stands."""
        for number, line in enumerate(text.splitlines(), 1):
            if found := dict.fromkeys(match[0] for match in self._traces.finditer(line)):
                yield Left(name, number, ", ".join(found))

    @cached_property
    def _word(self) -> re.Pattern[str]:
        words = sorted(self.words, key=len, reverse=True)
        return re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, words))})(?![A-Za-z0-9])", re.IGNORECASE)

    @cached_property
    def _traces(self) -> re.Pattern[str]:
        folders = [rf"{re.escape(folder)}(?![\w-])" for folder in self.folders]
        words = [self._word.pattern] if self.words else []
        return re.compile("|".join([MAIL, HOMES, PLACES, *folders, *words]), re.IGNORECASE)
