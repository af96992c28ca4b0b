"""Who runs a suite, and with what: the coordinator's name, the user, the commit, and versions."""

import getpass
import os
import platform
import subprocess
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version

import psutil

from bench.version import __version__

PACKAGES = ("mlflow", "optuna", "numpy")


def coordinator() -> str:
    """Return what names this process for as long as it lives: host, process id and start time."""
    return f"{platform.node()}:{os.getpid()}:{psutil.Process().create_time():.2f}"


@cache
def commit(folder: str) -> str:
    """Return the git commit of a folder, with `+changes` where its tree differs from it; `unknown` outside git."""
    try:
        head = _git(folder, "rev-parse", "--short=12", "HEAD")
        if head.returncode:
            return "unknown"
        dirty = _git(folder, "status", "--porcelain", "--untracked-files=no").stdout.strip()
        return head.stdout.strip() + ("+changes" if dirty else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def resolved(folder: str, ref: str) -> str:
    """Return the commit that a name means in the repository of a folder, as `commit` writes it; "" where there is none."""
    try:
        found = _git(folder, "rev-parse", "--short=12", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.strip().splitlines()[-1] if found.returncode == 0 and found.stdout.strip() else ""


def authors(folder: str) -> set[str]:
    """Return the names and e-mail addresses in the last thousand commits of a folder's repository, and the user's own there; none
    outside git."""
    told: set[str] = set()
    with suppress(OSError, subprocess.SubprocessError):
        told |= set(_git(folder, "log", "-n", "1000", "--format=%an%n%ae%n%cn%n%ce").stdout.splitlines())
        told |= {_git(folder, "config", f"user.{name}").stdout.strip() for name in ("name", "email")}
    return {text for text in told if text}


def _git(folder: str, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, timeout=10)


def user() -> str:
    """Return who runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        return "unknown"


@cache
def versions() -> dict[str, str]:
    """Return the versions of bench and of the libraries that the coordinator uses."""
    releases = {"bench": __version__}
    for name in PACKAGES:
        try:
            releases[name] = version(name)
        except PackageNotFoundError:
            continue
    return releases
