"""How Alembic runs Daypass's migrations: on the connection of `store.schema`, in its transaction."""

from alembic import context

from daypass.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
context.run_migrations()
