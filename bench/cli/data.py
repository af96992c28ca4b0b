"""`bench data`: prepare, list and verify data sets (and fetch the hub weights that a suite names)."""

import argparse

from bench.cli import common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    prepare = verbs.add_parser("prepare", help="download or decode what a suite trains on, and fetch hub weights")
    common.add_suite(prepare)
    prepare.add_argument("--no-weights", action="store_true", help="leave the hub's weights out")
    verify = verbs.add_parser("verify", help="check the prepared arrays of a suite against their hashes")
    common.add_suite(verify)
    common.add_json(verbs.add_parser("ls", help="list what is prepared"))


def main(args: argparse.Namespace) -> int:
    return {"prepare": _prepare, "verify": _verify, "ls": _ls}[args.what](args)


def _prepare(args: argparse.Namespace) -> int:
    from bench.api import data

    suite = common.load(args)
    result = data.prepare(suite, weights=not args.no_weights, say=lambda text: print(f"  {text}", flush=True), done=print)
    for error in result.failed:
        print(f"note: {error}")
    return 3 if result.failed else 0


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
