"""`python -m tests.chaos`: rounds of `bench run` under seeded faults, one line each, and a table of how many passed.

A round is a scenario and a seed; `--repeat SCENARIO SEED` does one again. Rounds that fail keep their folder. After each fault
`bench run` runs once more, and must exit 0, leave no run RUNNING, no process and no file behind, count every fingerprint once,
train nothing twice that had finished, and say what an undisturbed run says.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from .rounds import Result, Scenario, Session, end_of_logs
from .scenarios import SCENARIOS
from .stores import KINDS

Planned = tuple[Scenario, int, str]


def main() -> int:
    args = _arguments()
    if args.list:
        width = max(map(len, SCENARIOS))
        print("\n".join(f"{one.name:{width}}  {one.about} ({', '.join(one.stores)})" for one in SCENARIOS.values()))
        return 0
    folder = Path(tempfile.mkdtemp(prefix="chaos-", dir=args.folder))
    folder.chmod(0o755)  # PostgreSQL has a user of its own
    log = args.log or folder / "rounds.jsonl"
    results: list[Result] = []
    try:
        with Session(folder, args.ignore) as session, log.open("a") as lines, ThreadPoolExecutor(args.jobs) as pool:
            each = pool.map if args.jobs > 1 else map  # a round in this very thread ends with Ctrl-C
            for result in each(lambda planned: session.run(*planned), _planned(args)):
                results.append(result)
                print(_line(result, len(results)), flush=True)
                if result.broken and result.folder:
                    print(end_of_logs(Path(result.folder)), flush=True)
                lines.write(json.dumps(result.as_dict()) + "\n")
                lines.flush()
    finally:
        if results:
            print(f"\n{_summary(results)}")
    failed = [result for result in results if result.broken]
    if failed or args.keep:
        print(f"\nrounds, a line of JSON each: {log}; folders of failed rounds: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=len(SCENARIOS), metavar="N", help="how many rounds (default: one a scenario)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the first round of each scenario")
    parser.add_argument("--scenario", action="append", default=[], choices=sorted(SCENARIOS), metavar="NAME", help="only these")
    parser.add_argument("--store", action="append", default=[], choices=KINDS, help="only these (default: all, in turn)")
    parser.add_argument("--repeat", nargs=2, metavar=("SCENARIO", "SEED"), help="one round once more, with --store")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="rounds at the same time (default: 1)")
    parser.add_argument("--folder", type=Path, default=Path("/tmp"), help="below which all happens; a short path (default: /tmp)")
    parser.add_argument("--log", type=Path, metavar="FILE", help="append a line of JSON a round (default: in the folder)")
    parser.add_argument("--ignore", action="append", default=[], metavar="CHECK", help="what a round may break and yet pass")
    parser.add_argument("--keep", action="store_true", help="keep the folder also where nothing failed")
    parser.add_argument("--list", action="store_true", help="list the scenarios")
    return parser.parse_args()


def _planned(args: argparse.Namespace) -> list[Planned]:
    """Return the rounds: each scenario in turn, with each of its stores in turn, then the next seed."""
    stores = args.store or list(KINDS)
    if args.repeat:
        name, seed = args.repeat
        return [(SCENARIOS[name], int(seed), next(kind for kind in stores if kind in SCENARIOS[name].stores))]
    chosen = [SCENARIOS[name] for name in args.scenario or SCENARIOS]
    if not (possible := [one for one in chosen if set(one.stores) & set(stores)]):
        sys.exit("none of these scenarios is for such a store")

    def rounds() -> Iterator[Planned]:
        turn = 0
        while True:
            for one in possible:
                own = [kind for kind in stores if kind in one.stores]
                yield one, args.seed + turn, own[turn % len(own)]
            turn += 1

    return list(islice(rounds(), args.rounds))


def _line(result: Result, number: int) -> str:
    verdict = "skipped" if result.skipped else "passed" if result.passed else "FAILED"
    told = [f"{number:4} {verdict:7} {result.scenario} seed {result.seed} {result.store} {result.suite}"]
    told += [result.skipped] if result.skipped else [f"in {result.seconds:.0f} s"]
    told += [] if result.fired or result.skipped else ["the run was over before the fault"]
    told += [f"{name}: {value:g}" for name, value in result.measured.items()]
    lines = [", ".join(told), *(f"     {check}: {wrong}" for check, wrong in result.broken.items())]
    if result.broken:
        lines += [f"     drawn: {json.dumps(result.drawn)}", f"     folder: {result.folder}"]
        lines += [f"     again: python -m tests.chaos --repeat {result.scenario} {result.seed} --store {result.store}"]
    return "\n".join(lines)


def _summary(results: list[Result]) -> str:
    """Return a table in Markdown: a row a scenario. missed: rounds whose run was over before the fault."""
    by_name: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        by_name[result.scenario].append(result)
    width = max(*map(len, by_name), len("scenario"))
    rows = [f"| {'scenario':{width}} | rounds | passed | failed | missed | skipped |", f"|:{'-' * width}-|" + "-------:|" * 5]
    for name, own in [*by_name.items(), ("all", results)]:
        done = [result for result in own if not result.skipped]
        passed, missed = sum(result.passed for result in done), sum(not result.fired for result in done)
        counts = (len(done), passed, len(done) - passed, missed, len(own) - len(done))
        rows.append(f"| {name:{width}} | " + " | ".join(f"{count:6}" for count in counts) + " |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
