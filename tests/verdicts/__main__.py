"""`python -m tests.verdicts`: how often each relation's verdicts are false, by simulation through the public path.

One line a case and number of seeds: the share of false verdicts with its Monte-Carlo error, and the upper 95 % bound. Exits
with 1 where that bound, of normal data, lies above alpha + 0.005.
"""

import argparse
import json
import math
import os
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from .studies import CASES, Studies

ALPHA, ALLOWED = 0.05, 0.005


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.verdicts", description=__doc__)
    parser.add_argument("--studies", type=int, default=30_000, help="of each case (default: 30,000)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[3, 5, 10])
    parser.add_argument("--noise", nargs="+", default=["normal"], choices=["normal", "skewed", "tied"])
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, help="write the counts here too")
    args = parser.parse_args()
    asked = [(n, k, noise) for noise in args.noise for n in range(len(CASES)) for k in args.seeds if args.only in CASES[n].name]
    asked = [one for one in asked if not (CASES[one[0]].crossed and one[2] != "normal")]
    failed, lines = 0, []
    with ProcessPoolExecutor(args.jobs) as pool:
        for (n, seeds, noise), counts in zip(asked, pool.map(partial(_count, args.studies, args.seed), asked), strict=True):
            false = sum(counts[verdict] for verdict in CASES[n].false) / args.studies
            error = math.sqrt(false * (1 - false) / args.studies)
            above = noise == "normal" and false + 1.96 * error > ALPHA + ALLOWED
            failed += above
            lines.append({"case": CASES[n].name, "seeds": seeds, "noise": noise, "false": false, "error": error, **counts})
            print(
                f"{CASES[n].name:42} {noise:7} n={seeds:<3} false {false:.4f} ± {error:.4f}{'  TOO OFTEN' if above else ''}",
                flush=True,
            )
    if args.json:
        args.json.write_text(json.dumps(lines, indent=1))
    return 1 if failed else 0


def _count(studies: int, seed: int, asked: tuple[int, int, str]) -> Counter[str]:
    n, seeds, noise = asked
    with tempfile.TemporaryDirectory() as folder:
        return Studies(Path(folder), CASES[n], seeds, noise).count(studies, seed)


if __name__ == "__main__":
    sys.exit(main())
