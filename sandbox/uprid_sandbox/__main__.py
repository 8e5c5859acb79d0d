"""`python -m uprid_sandbox`: the sandbox as a process of its own."""

import argparse
import sys
from collections.abc import Sequence

from uprid_sandbox.options import SandboxOptions, read_settings
from uprid_sandbox.scenarios import describe
from uprid_sandbox.server import serve


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT and return 0; 1 where the port is taken."""
    parser = _parser()
    given = vars(parser.parse_args(arguments))
    if given.pop("scenarios"):
        for row in describe():
            sys.stdout.write(f"{row.provider:14} {row.number:03}  {row.name:34} {row.what}\n")
        return 0
    try:
        others = read_settings(given.pop("set"))
        options = SandboxOptions(**given | others)
    except ValueError as error:
        parser.error(str(error))
    try:
        serve(options, _announce)
    except OSError as error:
        sys.stderr.write(f"port {options.port} cannot be had: {error.strerror}\n")
        return 1
    return 0


def _announce(address: str) -> None:
    sys.stdout.write(f"sandbox ready on {address}\n")
    # A process that waits for this line reads from a pipe.
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    usual = SandboxOptions()
    parser = argparse.ArgumentParser(
        prog="python -m uprid_sandbox",
        description="The providers' stand-ins on 127.0.0.1, each under its own prefix.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=int, default=usual.port, help="0: a free one")
    add("--username", default=usual.username, help="MONETA: the user that is let in")
    add("--password", default=usual.password, help="MONETA: that user's password")
    add("--anonymous-group-id", type=int, default=usual.anonymous_group_id, help="MONETA")
    add("--simplified-group-id", type=int, default=usual.simplified_group_id, help="MONETA")
    add("--full-group-id", type=int, default=usual.full_group_id, help="MONETA")
    add("--delay", type=float, default=usual.delay, help="seconds a task is in progress")
    add("--task-timeout", type=float, default=usual.task_timeout, help="seconds to expiry")
    add("--callbacks", action="store_true", help="call back on loopback when a task ends")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="any other option")
    add("--scenarios", action="store_true", help="print the magic numbers and stop")
    return parser


if __name__ == "__main__":
    sys.exit(main())
