"""`uprid keys`: the keys that seal what is personal."""

import secrets

import typer

from uprid_client.sealing import new_key
from worker.cli.output import say

app = typer.Typer(no_args_is_help=True, help="The keys that seal what is personal.")


@app.command()
def generate() -> None:
    """Print fresh keys as two lines for an environment file. Keep them away from the backups."""
    say(f"UPRID_SEAL_KEYS={new_key()}")
    say(f"UPRID_FINGERPRINT_KEY={secrets.token_urlsafe(32)}")
