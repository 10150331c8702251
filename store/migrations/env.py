"""What Alembic runs: on the connection, and in the transaction, that `store.migrate` gave."""

from alembic import context

config = context.config

context.configure(
    connection=config.attributes["connection"],
    target_metadata=config.attributes["metadata"],
    transactional_ddl=True,  # SQLite too: the transaction was begun before any DDL
    render_as_batch=True,  # SQLite alters a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
