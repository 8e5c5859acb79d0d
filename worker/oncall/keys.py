"""`uprid keys`: makes the keys that seal personal data."""

import secrets

import typer

from worker.oncall.output import say
from worker.privacy.sealing import new_key

app = typer.Typer(no_args_is_help=True, help="The keys that seal personal data.")


@app.command()
def generate() -> None:
    """Print new keys, for an environment file. Do not store them beside backups."""
    say(f"UPRID_SEAL_KEYS={new_key()}")
    say(f"UPRID_FINGERPRINT_KEY={secrets.token_urlsafe(32)}")
