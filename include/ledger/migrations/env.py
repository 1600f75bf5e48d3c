"""Alembic's entry: runs the migrations on the connection that `include.ledger.migrating` hands over."""

from alembic import context

from include.ledger.models import Base, Moment


def render_item(kind, item, autogen_context):  # type: ignore[no-untyped-def]
    """A migration must not import the models, which move on; it names the plain column type."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Moment) else False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    # SQLite cannot alter a table in place.
    render_as_batch=connection.dialect.name == "sqlite",
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
