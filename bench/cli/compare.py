"""`bench compare`: two sets of a suite's results, and whether one is worse."""

import argparse
import shutil

from bench import api
from bench.api.formats import COMPARED
from bench.errors import BenchError

EXAMPLES = """\
sides:
  SUITE.yaml             what counts in its report now
  …@profile:NAME         of a profile
  …@store:ADDRESS        from another store, an MLflow tracking URI
  …@commit:REF or …@REF  made at a commit (REF+changes: in a tree that differed from it)
  B may leave the file out: it is that of A.

examples:
  bench compare suites/x.yaml@v1.0 @v1.1                        two commits
  bench compare suites/x.yaml --baseline main --margin 0.01     CI: are the results now no worse than main's?
  bench compare suites/x.yaml @profile:quick                    a profile against the suite
  bench compare suites/x.yaml@store:sqlite:///old.db suites/x.yaml --format markdown

Differences are B minus A, of times the ratio. Seeds that match are pairs, else the test is Welch's. "no worse": a loss of the
margin or more is ruled out. Every p is corrected for all of them (Holm).

exit codes: 0 nothing is worse (what is not known passes, but for --strict), 1 something is worse, or an error, 2 usage
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument("a", metavar="A", help="the baseline; with --baseline the candidate")
    parser.add_argument("b", metavar="B", nargs="?", help="the candidate")
    parser.add_argument("--baseline", metavar="REF", help="compare A with its own runs made at this commit")
    parser.add_argument(
        "--margin",
        action="append",
        default=[],
        metavar="[METRIC=]M",
        help="the largest loss that does not matter, in the metric's unit, of times the share (default: what the suite declares)",
    )
    parser.add_argument("--strict", action="store_true", help="exit with 1 also where it is not known, or a cell is missing")
    parser.add_argument("--format", choices=COMPARED, default="text", help="default: %(default)s, for the terminal")


def main(args: argparse.Namespace) -> int:
    compared = api.compare(args.a, args.b, baseline=args.baseline, margins=dict(map(_margin, args.margin)))
    print(compared.render(args.format, width=shutil.get_terminal_size().columns))
    return 0 if compared.passes(strict=args.strict) else 1


def _margin(text: str) -> tuple[str, float]:
    """Return metric ("" for all) and margin."""
    metric, _, number = text.rpartition("=")
    try:
        return metric, float(number)
    except ValueError:
        mend = "for example --margin 0.01, or --margin val/accuracy=0.01"
        raise BenchError(f"{text!r} is no margin", where="--margin", mend=mend) from None
