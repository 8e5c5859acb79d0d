"""Checks the rights of our role: by name, and by a write that is rolled back."""

from typing import Final

from sqlalchemy import Connection, delete, insert, text

from uprid_client.database.address import PostgresAddress
from uprid_client.database.postgres.refusals import lacking_rights, lacking_schema, quoted, role_of
from uprid_client.errors import DatabaseRefused
from worker.domain.ids import new_id
from worker.store.database import Database
from worker.store.invoice_tables import INVOICES
from worker.store.tables import LOCKS

_UTF_8: Final = "UTF8"
_SCHEMA: Final = text(
    "SELECT to_regnamespace(:quoted) IS NOT NULL,"
    " CASE WHEN to_regnamespace(:quoted) IS NOT NULL THEN"
    " has_schema_privilege(CAST(:name AS text), :right) END"
)
#: Our tables that lack a right, and the sequences that number their rows.
_LACKING: Final = text("""
    SELECT c.relname FROM pg_class AS c
    WHERE c.relnamespace = to_regnamespace(:quoted) AND c.relkind IN ('r', 'p')
      AND c.relname = ANY(:tables)
      AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
           AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))
    UNION ALL
    SELECT s.relname FROM pg_class AS s
      JOIN pg_depend AS d
        ON d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.deptype = 'a'
      JOIN pg_class AS c ON c.oid = d.refobjid
    WHERE c.relnamespace = to_regnamespace(:quoted) AND c.relname = ANY(:tables)
      -- In one expression: asked of an index, the function raises.
      AND CASE WHEN s.relkind = 'S' THEN NOT has_sequence_privilege(s.oid, 'USAGE') ELSE false END
    ORDER BY 1
""")
_OWNERS: Final = text("""
    SELECT DISTINCT pg_get_userbyid(c.relowner) FROM pg_class AS c
    WHERE c.relnamespace = to_regnamespace(:quoted) AND c.relkind IN ('r', 'p')
      AND c.relname = ANY(:tables) AND NOT pg_has_role(c.relowner, 'USAGE')
""")
#: Where tables of ours are that the role's own search path would have found.
_ELSEWHERE: Final = text("""
    SELECT n.nspname FROM pg_namespace AS n
    WHERE n.oid <> to_regnamespace(:quoted)
      AND (SELECT count(*) FROM pg_class AS c WHERE c.relnamespace = n.oid AND c.relkind = 'r'
             AND c.relname IN ('operation', 'alembic_version')) = 2
      AND n.nspname = ANY(SELECT CASE btrim(part, ' "') WHEN '$user' THEN current_user
                                 ELSE btrim(part, ' "') END
                          FROM pg_settings, unnest(string_to_array(reset_val, ',')) AS part
                          WHERE name = 'search_path')
""")


def require_encoding(database: Database) -> None:
    """Raise `DatabaseRefused` where the server keeps texts in anything but UTF-8."""
    if database.address is None:
        return
    with database.read() as connection:
        found: str = connection.execute(text("SHOW server_encoding")).scalar_one()
    if found != _UTF_8:
        made = "`createdb --encoding=UTF8 --template=template0 NAME`"
        why = f"Its encoding is {found}, which cannot hold every name: make another with {made}"
        raise DatabaseRefused(why)


def require_schema(connection: Connection, address: PostgresAddress, right: str = "USAGE") -> None:
    """Raise `DatabaseRefused` where the tables' schema is missing, or closed to us."""
    found, may = connection.execute(_SCHEMA, {**_named(address), "right": right}).one()
    if not found:
        made = f"CREATE SCHEMA {quoted(address.schema)} AUTHORIZATION {role_of(address)};"
        why = f"It has no schema {address.schema}: as the database's owner: {made}"
        raise DatabaseRefused(why)
    if not may:
        why = f"The role has no {right} on schema {address.schema}: {lacking_schema(address)}"
        raise DatabaseRefused(why)


def require_owner(connection: Connection, address: PostgresAddress) -> None:
    """Raise `DatabaseRefused` where the tables are another role's, which alone can change them."""
    others = connection.execute(_OWNERS, {**_named(address), "tables": _tables()}).scalars().all()
    if others:
        why = f"The tables belong to {', '.join(sorted(others))}: run `uprid migrate` as that role"
        raise DatabaseRefused(why)


def schema_elsewhere(connection: Connection, address: PostgresAddress) -> str | None:
    """Return the schema in which release 0.1.0 left tables by the role's own search path."""
    found: str | None = connection.execute(_ELSEWHERE, _named(address)).scalars().first()
    return found


def require_rights(database: Database) -> None:
    """Raise `DatabaseUnavailable` unless a worker can write all that it has to. Changes nothing."""
    with database.begin() as connection:
        address = database.address
        if address is not None:
            require_schema(connection, address)
            asked = {**_named(address), "tables": _tables()}
            lacking = connection.execute(_LACKING, asked).scalars().all()
            if lacking:
                why = f"The role lacks rights on {', '.join(lacking)}"
                raise DatabaseRefused(f"{why}: {lacking_rights(address)}")
        # In truth, too: a server may take no writes, a disk may be full.
        name = new_id()
        connection.execute(insert(LOCKS).values(name=name, holder=name, until=database.now()))
        connection.execute(delete(LOCKS).where(LOCKS.c.name == name))
        connection.rollback()


def _tables() -> list[str]:
    # Of all: the invoices' module knows the others.
    return [table.name for table in INVOICES.metadata.sorted_tables]


def _named(address: PostgresAddress) -> dict[str, str]:
    return {"name": address.schema, "quoted": quoted(address.schema)}
