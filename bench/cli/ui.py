"""`bench ui`: open MLflow's web interface on the recorded runs."""

import argparse
import os
import sys


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: %(default)s)")
    parser.add_argument("--port", type=int, default=5000, help="port to listen at (default: %(default)s)")


def main(args: argparse.Namespace) -> int:
    from bench.api.store import store

    tracker = store()
    if (command := tracker.ui_command(args.host, args.port)) is None:
        print(f"the runs are at {tracker.uri}")
        return 0
    os.execv(sys.executable, [sys.executable, "-m", *command])
    return 0
