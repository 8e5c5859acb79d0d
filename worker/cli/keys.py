"""`uprid keys`: makes the keys that seal personal data."""

import secrets

import typer

from uprid_client.sealing import new_key
from worker.cli.output import say

app = typer.Typer(no_args_is_help=True, help="The keys that seal personal data.")


@app.command()
def generate() -> None:
    """Print new keys, for an environment file. Do not store them beside backups."""
    say(f"UPRID_SEAL_KEYS={new_key()}")
    say(f"UPRID_FINGERPRINT_KEY={secrets.token_urlsafe(32)}")
