"""`bench data`: prepare, list and verify the images and weights that suites name."""

import argparse
from typing import TYPE_CHECKING

from bench.cli import common
from bench.cli.describe import size

if TYPE_CHECKING:
    from bench.api.data import Need


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    prepare = verbs.add_parser("prepare", help="download, make or decode what a suite needs with its profile: images and weights")
    common.add_suite(prepare)
    prepare.add_argument("--no-weights", action="store_true", help="leave weights out")
    prepare.add_argument("--list", action="store_true", help="only show what is there, and what would be done; no network")
    verify = verbs.add_parser("verify", help="check the prepared arrays of a suite against their hashes")
    common.add_suite(verify)
    common.add_json(verbs.add_parser("ls", help="list what is prepared"))


def main(args: argparse.Namespace) -> int:
    return {"prepare": _prepare, "verify": _verify, "ls": _ls}[args.what](args)


def _prepare(args: argparse.Namespace) -> int:
    from bench.api import data

    suite = common.load(args)
    if args.list:
        return _show(data.needs(suite, weights=not args.no_weights))

    def done(need: "Need", already: bool) -> None:
        print(f"{need.name}{', there already' if already else ''}: {size(need.bytes)} in {need.place}", flush=True)

    result = data.prepare(suite, weights=not args.no_weights, say=lambda text: print(f"  {text}", flush=True), done=done)
    for error in result.failed:
        print(f"note: {error}")
    return 3 if result.failed else 0


def _show(needs: "list[Need]") -> int:
    """Print what is there and what is not."""
    downloads: dict[str, int] = {}
    for need in needs:
        if need.problem:
            print(f"{need.name}: not here, and cannot be prepared\n  {need.problem}")
        elif need.todo:
            print(f"{need.name}: to do: {need.todo.text}" + (f", about {size(need.todo.bytes)}" if need.todo.bytes else ""))
            downloads |= {need.todo.url: need.todo.bytes} if need.todo.url else {}
        else:
            print(f"{need.name}: there, {size(need.bytes)} in {need.place}")
    print(f"to download: about {size(sum(downloads.values()))}" if downloads else "nothing to download")
    return 3 if any(need.problem for need in needs) else 0


def _verify(args: argparse.Namespace) -> int:
    from bench.api import data

    for source, digest in data.verify(common.load(args)).items():
        print(f"{source}: as prepared ({digest[:16]})")
    return 0


def _ls(args: argparse.Namespace) -> int:
    from bench.api import data

    root, datasets = data.listed()
    if args.json:
        common.show_json({"root": str(root), "prepared": datasets})
        return 0
    print(f"in {root}:" if datasets else f"nothing is prepared in {root}")
    for dataset in datasets:
        size = f"{dataset['images']} images, {dataset['classes']} classes, {dataset['bytes'] / 1e6:.0f} MB"
        print(f"  {dataset['name']}: {size}, {dataset['digest'][:16]}")
    return 0
