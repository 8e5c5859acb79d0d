"""A PostgreSQL that takes no writes: from all, or from the sessions that are open now."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql


@contextmanager
def read_only(url: str, *, ends_sessions: bool = False) -> Iterator[None]:
    """Have a server take no writes for the time of a `with` block, as one whose disk is full.

    `ends_sessions`: it ends those of all others, too, as it begins. `url` is a superuser's.
    """
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as administrator:
        administrator.execute("SET default_transaction_read_only = off")
        administrator.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        administrator.execute("SELECT pg_reload_conf()")
        try:
            if ends_sessions:
                administrator.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                )
            yield
        finally:
            administrator.execute("ALTER SYSTEM RESET default_transaction_read_only")
            administrator.execute("SELECT pg_reload_conf()")


@contextmanager
def read_only_for_old_sessions(url: str, role: str = "uprid") -> Iterator[None]:
    """Have the sessions that are open now refuse every write, as on a server that was demoted.

    Sessions of `role` that are opened later may write. `url` is a superuser's.
    """
    url = url.replace("+psycopg", "")
    writes = sql.SQL("ALTER ROLE {} SET default_transaction_read_only = off")
    forget = sql.SQL("ALTER ROLE {} RESET default_transaction_read_only")
    with psycopg.connect(url, autocommit=True) as administrator:
        administrator.execute("SET default_transaction_read_only = off")
        administrator.execute(writes.format(sql.Identifier(role)))
        administrator.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        administrator.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            administrator.execute("ALTER SYSTEM RESET default_transaction_read_only")
            administrator.execute("SELECT pg_reload_conf()")
            administrator.execute(forget.format(sql.Identifier(role)))
