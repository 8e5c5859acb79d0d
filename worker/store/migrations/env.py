"""Alembic's environment: the caller hands over an open connection, there is no ini file."""

from alembic import context

from worker.store.invoice_tables import INVOICES

context.configure(
    connection=context.config.attributes["connection"],
    # Of all tables: this module knows the others.
    target_metadata=INVOICES.metadata,
    render_as_batch=True,
    # A migration is whole or it is not there, on both databases.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
