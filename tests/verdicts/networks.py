"""`python -m tests.verdicts.networks`: random fives of one cell's seeds against random fives of others, on real networks.

One small network is trained on digits with 400 seeds, and its test accuracies are drawn from without end: both arms are the same
cell, so every verdict that one is higher is false. Prints the share of each verdict with its Monte-Carlo error.
"""

import argparse
import math
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from bench import api
from bench.reports.claims.judge import judge
from bench.reports.records.arms import Records

from .studies import made_up

SUITE = """\
suite: networks
title: One network with many seeds
data: {{source: digits, subset: {{train: 300, val: 100}}}}
base:
  model: {{name: simple_cnn, args: {{filters: [4, 8, 8], hidden: 16}}}}
  train: {{epochs: 3, batch_size: 32, optimizer: {{name: sgd, lr: 0.05, momentum: 0.9}}}}
seeds: {seeds}
stages:
  s: {{axes: {{arm: {{left: {{}}, right: {{}}}}}}}}
claims:
  higher: {{says: it is so, metric: test/accuracy, stage: s, of: {{arm: left}}, higher_than: {{arm: right}}}}
  same: {{says: it is so, metric: test/accuracy, stage: s, of: {{arm: left}}, same_as: {{arm: right}}, margin: 0.02}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.verdicts.networks", description=__doc__)
    parser.add_argument("--trained", type=int, default=400, help="seeds that are trained (default: 400)")
    parser.add_argument("--studies", type=int, default=20_000)
    parser.add_argument("--each", type=int, default=5, help="seeds of an arm (default: 5)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        values = _trained(Path(folder), args.trained)
        print(f"{len(values)} seeds: mean {values.mean():.4f}, SD {values.std(ddof=1):.4f}")
        path = Path(folder) / "drawn.yaml"
        path.write_text(SUITE.format(seeds=args.each).replace("suite: networks", "suite: drawn"))
        counts = _drawn(path, values, args.studies, args.each)
    for name, verdicts in counts.items():
        for verdict, count in verdicts.most_common():
            share = count / args.studies
            print(f"{name:7} {verdict:25} {share:.4f} ± {math.sqrt(share * (1 - share) / args.studies):.4f}")


def _trained(folder: Path, seeds: int) -> np.ndarray:
    """Return the test accuracies of one cell."""
    path = folder / "networks.yaml"
    path.write_text(SUITE.format(seeds=seeds))
    loaded = api.load(path, tracker=f"sqlite:///{folder}/mlflow.db")
    loaded.run()
    frame = loaded.report().frame()
    values: np.ndarray = frame[frame["arm"] == "left"]["test/accuracy"].to_numpy()
    return values


def _drawn(path: Path, values: np.ndarray, studies: int, each: int) -> dict[str, Counter[str]]:
    """Return the verdicts on two arms of so many seeds each, drawn from the same ones without one standing in both."""
    suite, records = made_up(path)
    rng = np.random.default_rng(0)
    counts: dict[str, Counter[str]] = {name: Counter() for name in suite.claims}
    for _ in range(studies):
        drawn = rng.choice(values, size=2 * each, replace=False)
        for record in records:
            record.run.metrics["test/accuracy"] = float(drawn[record.seed + each * (record.labels["arm"] == "right")])
        for claim in judge(suite.tested_claims, suite.schedules, Records(records)).claims:
            counts[claim.name][claim.verdict] += 1
    return counts


if __name__ == "__main__":
    main()
