from pathlib import Path
from textwrap import dedent

import pytest

from bench.errors import BenchError
from bench.suite.load import load_suite
from bench.suite.suite import Suite

HEAD = """\
suite: tiny
title: A tiny suite
data: {source: digits}
base: {model: {name: simple_cnn}, train: {epochs: 2, optimizer: {name: sgd, lr: 0.1, momentum: 0.9}}}
seeds: 2
"""


class Maker:
    """Writes suites into a folder of their own and loads them."""

    def __init__(self, folder: Path):
        self.folder = folder

    def write(self, body: str, head: str = HEAD, name: str = "tiny.yaml") -> Path:
        path = self.folder / name
        path.write_text(head + dedent(body), encoding="utf-8")
        return path

    def refuses(self, body: str, line: int, message: str, mend: str) -> None:
        """Assert that a suite is refused with the line, what is wrong there, and the mend."""
        path = self.write(body)
        with pytest.raises(BenchError) as caught:
            load_suite(path)
        told = str(caught.value)
        assert f"{path}:{line}: " in told and message in told and mend in told, told

    def __call__(self, body: str, head: str = HEAD, **options) -> Suite:
        return load_suite(self.write(body, head), **options)


@pytest.fixture
def suite(tmp_path: Path) -> Maker:
    return Maker(tmp_path)
