"""Measure the product beside named baselines, and print one Markdown table (`suite` prints one of its own before it).

    python tests/benchmarks/measure.py [NAME …] [--rounds N] [--device cpu|cuda] [--json FILE] [--smoke]

On a machine with a GPU, `--device cuda` measures in one go what there is to measure there. The measurements want a quiet
machine; arms take turns, and the table gives medians.
"""

import argparse
from importlib import import_module
from pathlib import Path

import harness

MEASUREMENTS = {
    "help": "startup",
    "plan": "planning",
    "report": "reporting",
    "tracking": "tracking",
    "writing": "writing",
    "throughput": "throughput",
    "workers": "workers",
    "fresh": "fresh",
    "suite": "suite",
    "packs": "packs",
    "engine": "engine",
}
"""name → the module whose `measure(rounds, smoke)` returns the rows, and whose ROUNDS is the usual number of rounds."""
ON_DEVICE = ("engine", "packs", "suite")
"""Those whose `measure` takes a device as well, and which alone are done for `--device cuda`; the others are of the CPU."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure bench beside named baselines.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MEASUREMENTS)} (default: all)")
    parser.add_argument("--rounds", type=int, metavar="N", help="samples of each arm (default: the measurement's own)")
    parser.add_argument("--device", choices=["cpu", "cuda"], help=f"where {', '.join(ON_DEVICE)} train (default: cpu)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples there, too")
    parser.add_argument("--smoke", action="store_true", help="as small as can be, to see that it runs: the numbers mean nothing")
    args = parser.parse_args()
    if unknown := set(args.names) - set(MEASUREMENTS):
        parser.error(f"no measurement {min(unknown)!r}; there are {', '.join(MEASUREMENTS)}")
    if args.rounds is not None and args.rounds < 1:
        parser.error("--rounds is at least 1")
    where, rows = harness.machine(), []
    for name in args.names or (ON_DEVICE if args.device == "cuda" else MEASUREMENTS):
        harness.tell(name)
        module = import_module(MEASUREMENTS[name])
        device = {"device": args.device or "cpu"} if name in ON_DEVICE else {}
        rows += module.measure(args.rounds or (1 if args.smoke else module.ROUNDS), args.smoke, **device)
        if args.json:  # after each one: a later one may fail
            args.json.write_text(harness.as_json(rows, where), encoding="utf-8")
    print(harness.markdown(rows, where))


if __name__ == "__main__":
    main()
