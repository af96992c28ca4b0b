"""`python -m tests.verdicts`: how often each relation's verdicts are false, by simulation through the public path.

One line a case and number of seeds: the share of studies with a false verdict and its Monte-Carlo error. Exits with 1 where the
upper 95 % bound of that share, of a relation on normal data, lies above alpha + 0.005. The counts are written as they come;
started again with the same file, only the rest is run.
"""

import argparse
import json
import os
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np

from .cases import CASES, seeds_of
from .studies import NOISE, Studies, studies
from .tables import Line, bound, markdown, share

GROUPS = list(dict.fromkeys(case.group for case in CASES))
MOST = 0.055
"""The bound of a relation on normal data may not lie above this: alpha, and what the simulation may add. Chance alone lifts one
or two of all cases there, so that such a case has as many studies again."""
FIRST, ENOUGH = 3_000, 0.045
"""A case whose bound lies below the second after so many studies needs no more of them."""
BATCH = 500
"""Studies that are drawn from one seed."""
Task = tuple[int, tuple[int, ...], str, int, int]
"""Which case, its seeds at each look, the noise, the seed of the simulation, and which batch."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.verdicts", description=__doc__)
    parser.add_argument("--studies", type=int, default=30_000, help="of each case; of data that is not normal a third of that")
    parser.add_argument("--seeds", type=int, nargs="+", default=[3, 5, 10])
    parser.add_argument("--noise", nargs="+", default=list(NOISE), choices=list(NOISE))
    parser.add_argument("--groups", nargs="+", default=GROUPS, choices=GROUPS)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, help="write the counts here, and take over those that are there")
    parser.add_argument("--markdown", action="store_true", help="print the tables of docs/statistics.md")
    args = parser.parse_args()
    lines: list[Line] = json.loads(args.json.read_text()) if args.json and args.json.exists() else []
    failed = 0

    def save() -> None:
        if args.json:
            write(args.json, lines)

    with ProcessPoolExecutor(args.jobs) as pool:
        run = map if args.jobs == 1 else pool.map
        for noise in args.noise:
            wanted = max(BATCH, args.studies if noise == "normal" else args.studies // 3)
            cases = [n for n, case in enumerate(CASES) if case.group in args.groups and args.only in case.name]
            chosen = [(n, line_of(lines, n, looks, noise, args.seed)) for n, looks in asked(cases, noise, args.seeds)]
            for last, least in ((min(FIRST, wanted), 0.0), (wanted, ENOUGH)):  # a first look at all before much is spent on one
                for n, line in chosen:
                    if bound(line) > least:
                        add(line, n, last, run, save)
            for n, line in chosen:
                checked = noise == "normal" and CASES[n].group == "relations"
                if checked and bound(line) > MOST:
                    add(line, n, 2 * wanted, run, save)
                above = checked and bound(line) > MOST
                failed += above
                told = f"{line['case']:50} {noise:7} n={', '.join(map(str, line['looks'])):9} {share(line)}"
                print(f"{told}{'  TOO OFTEN' if above else ''}", file=sys.stderr if args.markdown else sys.stdout, flush=True)
    if args.markdown:
        print(markdown(lines))
    return 1 if failed else 0


def asked(cases: Iterable[int], noise: str, seeds: Iterable[int]) -> Iterable[tuple[int, tuple[int, ...]]]:
    """Yield cases, as far as they are of this noise, with their seeds."""
    for n in cases:
        if noise == "normal" or (CASES[n].group == "relations" and CASES[n].drawn == "values"):
            yield from ((n, looks) for looks in seeds_of(CASES[n]) if len(looks) > 1 or looks[0] in seeds)


def line_of(lines: list[Line], n: int, looks: tuple[int, ...], noise: str, seed: int) -> Line:
    """Return the line of a case, with what has been counted before."""
    case = CASES[n]
    line = {"case": case.name, "group": case.group, "looks": list(looks), "noise": noise, "seed": seed}
    for counted in lines:
        if counted.items() >= line.items():
            return counted
    lines.append(line | {"why": case.why, "false": [claimed.false for claimed in case.claims], "counts": {}})
    return lines[-1]


def add(line: Line, n: int, last: int, run: Callable[..., Iterable[Counter[str]]], save: Callable[[], None]) -> None:
    """Count more studies of a case, until there are so many."""
    counts = Counter(line["counts"])
    batches = range(counts["studies"] // BATCH, last // BATCH)
    tasks = [(n, tuple(line["looks"]), line["noise"], line["seed"], batch) for batch in batches]
    for of_batch in run(count, tasks):
        counts.update(of_batch)
        line["counts"] = dict(counts)
        save()


def count(task: Task) -> Counter[str]:
    """Return the counts of a batch of studies."""
    n, looks, noise, seed, batch = task
    key = zlib.crc32(f"{CASES[n].group} {CASES[n].name} {noise}".encode())
    return prepared(n, looks, noise).count(BATCH, np.random.default_rng([seed, batch, key, *looks]))


@lru_cache(maxsize=1)
def prepared(n: int, looks: tuple[int, ...], noise: str) -> Studies:
    with tempfile.TemporaryDirectory() as folder:
        return studies(Path(folder), CASES[n], looks, noise)


def write(path: Path, lines: list[Line]) -> None:
    """Write the counts, so that a stop loses nothing."""
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(lines, indent=1))
    beside.replace(path)


if __name__ == "__main__":
    sys.exit(main())
