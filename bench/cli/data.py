"""`bench data`: prepare, list and verify data sets (and fetch the hub weights that a suite names)."""

import argparse

from bench.cli import common
from bench.errors import BenchError


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


def _sections(args: argparse.Namespace, name: str) -> list:
    """Return the distinct sections of a suite, those that its searches may draw included."""
    suite = common.load(args)
    cells = [cell for stage, some in suite.cells.items() for cell in (*some, *suite.all_cells[stage].samples)]
    return list({getattr(cell, name).key: getattr(cell, name) for cell in cells}.values())


def _images(args: argparse.Namespace) -> list:
    """Return one data section for each distinct set of images."""
    return list({section.config.origin: section for section in _sections(args, "data")}.values())


def _prepare(args: argparse.Namespace) -> int:
    from bench import data, models

    for section in _images(args):
        try:
            dataset = data.prepare(section.config, download=True, say=lambda text: print(f"  {text}", flush=True))
        except BenchError as error:
            raise _placed(error, section, "source") from None
        images = len(dataset.train_labels) + (len(dataset.test_labels) if dataset.test_labels is not None else 0)
        print(f"{dataset.name}: {images} images in {len(dataset.classes)} classes, in {data.data_root()}")
    failed = 0
    for section in [] if args.no_weights else _sections(args, "model"):
        if models.unavailable(section.config):
            try:
                models.fetch(section.config)
                print(f"{section.config.name}: weights fetched")
            except BenchError as error:
                print(f"note: {_placed(error, section, 'name')}")
                failed += 1
    return 3 if failed else 0


def _verify(args: argparse.Namespace) -> int:
    from bench import data

    for section in _images(args):
        try:
            digest = data.verify(section.config)
        except BenchError as error:
            raise _placed(error, section, "source") from None
        print(f"{section.config.source}: as prepared ({digest[:16]})")
    return 0


def _ls(args: argparse.Namespace) -> int:
    from bench import data

    found = data.cached()
    if args.json:
        common.show_json({"root": str(data.data_root()), "prepared": found})
        return 0
    print(f"in {data.data_root()}:" if found else f"nothing is prepared in {data.data_root()}")
    for one in found:
        size = f"{one['images']} images, {one['classes']} classes, {one['bytes'] / 1e6:.0f} MB"
        print(f"  {one['name']}: {size}, {one['digest'][:16]}")
    return 0


def _placed(error: BenchError, section, setting: str) -> BenchError:
    return BenchError(str(error).split("\n")[0], where=section.place((setting,)), mend=error.mend)
