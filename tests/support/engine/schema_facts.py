"""What a schema consists of, as its database tells it: to be compared with another one."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import text

from worker.store.database import Database

Facts = Mapping[str, str]

#: Alembic's own table says which version it is, and is of no version itself.
_SQLITE: Final = """
    SELECT type || ' ' || name, COALESCE(sql, '') FROM sqlite_master
    WHERE tbl_name <> 'alembic_version'
"""
_SQLITE_COLUMNS: Final = """
    SELECT 'column ' || t.name || '.' || c.name,
        c.type || ' ' || c."notnull" || ' ' || c.pk || ' ' || COALESCE(c.dflt_value, '-')
    FROM sqlite_master AS t, pragma_table_info(t.name) AS c
    WHERE t.type = 'table' AND t.name <> 'alembic_version'
"""
_POSTGRES: Final = """
    WITH ours AS (
        SELECT c.oid, c.relname, c.reloptions FROM pg_class AS c
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
            AND relname <> 'alembic_version'
    )
    SELECT 'options ' || relname, COALESCE(reloptions::text, '') FROM ours
    UNION ALL
    SELECT 'column ' || relname || '.' || attname,
        format_type(atttypid, atttypmod) || ' ' || attnotnull || ' '
        || COALESCE((SELECT collname FROM pg_collation AS l WHERE l.oid = attcollation), '-') || ' '
        || COALESCE(pg_get_expr(adbin, adrelid), '-')
    FROM ours JOIN pg_attribute ON attrelid = ours.oid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT 'index ' || i.relname, pg_get_indexdef(indexrelid)
    FROM ours JOIN pg_index ON indrelid = ours.oid JOIN pg_class AS i ON i.oid = indexrelid
    UNION ALL
    SELECT 'constraint ' || conname, pg_get_constraintdef(k.oid)
    FROM ours JOIN pg_constraint AS k ON conrelid = ours.oid
    UNION ALL
    SELECT 'trigger ' || tgname, pg_get_triggerdef(t.oid)
    FROM ours JOIN pg_trigger AS t ON tgrelid = ours.oid WHERE NOT tgisinternal
    UNION ALL
    SELECT 'function ' || proname, pg_get_functiondef(p.oid) FROM pg_proc AS p
    WHERE pronamespace = 'public'::regnamespace
"""


def facts(database: Database) -> Facts:
    """Return tables, columns, indexes, constraints, triggers and functions by name."""
    queries = [_SQLITE, _SQLITE_COLUMNS] if database.is_sqlite else [_POSTGRES]
    with database.read() as connection:
        return {
            row[0]: " ".join(row[1].split())
            for query in queries
            for row in connection.execute(text(query))
        }
