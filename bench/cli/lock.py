"""`bench lock`: write down what a suite declares, beside it, before it runs."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write what a suite declares (claims, margins, metrics, alpha, seeds, splits) into SUITE.lock beside it, to be committed "
        "before the suite runs. Where the suite declares otherwise than the file says, that needs a reason, which is kept there."
    )
    parser.add_argument("suite", metavar="SUITE", help="suite file")
    parser.add_argument("--profile", metavar="NAME", help="only with this profile (default: with none, and with each)")
    parser.add_argument("--reason", metavar="TEXT", default="", help="why it differs from what is locked")


def main(args: argparse.Namespace) -> int:
    from bench.api.locking import described, lock

    result = lock(args.suite, args.profile, reason=args.reason)
    for profile in result.new:
        print(f"{result.path}: {profile}: locked")
    for profile, changes in result.changes.items():
        for change in changes:
            print(f"{result.path}: {profile}: {described(change)}")
    if not result.new and not result.changes:
        print(f"{result.path}: nothing has changed")
    return 0
