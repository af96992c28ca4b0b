"""Where data sets and files of weights lie."""

import os
from pathlib import Path

from platformdirs import user_cache_path


def data_root() -> Path:
    """Return the folder that holds data sets: BENCH_DATA, else `bench/data` in the user's cache folder."""
    if given := os.environ.get("BENCH_DATA"):
        return Path(given).expanduser().absolute()
    return user_cache_path("bench") / "data"


def beside(file: str, folder: Path) -> str:
    """Return a file that a suite in `folder` names: beside the suite, or else in the folder of data sets if it is there."""
    path = folder / Path(file).expanduser()
    elsewhere = data_root() / file
    return str(elsewhere if not path.exists() and elsewhere.exists() else path)
