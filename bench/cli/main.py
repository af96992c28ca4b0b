"""The `bench` command. Verbs are loaded one at a time, so that help answers at once."""

import argparse
import keyword
import os
import sys
from importlib import import_module
from types import ModuleType

from bench import clock
from bench.errors import BenchError
from bench.version import __version__

VERBS = {
    "run": "run what a suite still lacks, and print its tables",
    "plan": "show what `run` would do, and how long it would take",
    "status": "show how far a suite is",
    "report": "write a suite's tables with significance tests",
    "export": "write a suite's runs, files and report into a bundle that travels",
    "import": "bring the runs of a bundle into this store",
    "verify": "check bundles: whole, undamaged, and what they lack",
    "validate": "check a suite file",
    "compare": "compare two sets of a suite's results: what changed, and what is worse",
    "clean": "delete the runs that no report needs, after listing them",
    "lock": "write down what a suite declares, before it runs",
    "migrate": "rewrite a suite's claims in today's grammar",
    "data": "prepare, list and verify data sets",
    "ls": "list suites, models, data sources and other parts",
    "ui": "open MLflow's web interface on the recorded runs",
}
EXIT_CODES = "exit codes: 0 complete, 1 error, 2 usage, 3 incomplete (trials failed or missing), 130 interrupted"


def parser(argv: list[str]) -> argparse.ArgumentParser:
    """Return the parser, with the arguments of the verb that is called."""
    top = argparse.ArgumentParser(
        prog="bench", description="Benchmark suites: repeated, seeded trials, recorded and tested.", epilog=EXIT_CODES
    )
    top.add_argument("--version", action="store_true", help="print the version and exit")
    verbs = top.add_subparsers(dest="verb", metavar="VERB")
    called = next((word for word in argv if not word.startswith("-")), "")
    for verb, text in VERBS.items():
        sub = verbs.add_parser(verb, help=text, description=text[0].upper() + text[1:] + ".", epilog=EXIT_CODES)
        if verb == called:
            _module(verb).add_arguments(sub)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    clock.now.watch()  # before a library starts threads
    argv = sys.argv[1:] if argv is None else argv
    top = parser(argv)
    args = top.parse_args(argv)
    if args.version:
        print(f"bench {__version__}")
        return 0
    if not args.verb:
        top.print_help()
        return 2
    _show_progress()
    try:
        return int(_module(args.verb).main(args))
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _module(verb: str) -> ModuleType:
    """Return the module of a verb: `import_` of one that is a word of Python's."""
    return import_module(f"bench.cli.{verb}_" if keyword.iskeyword(verb) else f"bench.cli.{verb}")


def _show_progress() -> None:
    """Let what takes long say so, on standard error."""
    import logging

    logger = logging.getLogger("bench")
    if not logger.handlers:
        logger.addHandler(logging.StreamHandler())
        logger.setLevel(logging.INFO)


if __name__ == "__main__":
    sys.exit(main())
