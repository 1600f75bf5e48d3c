"""a person looks before an office is first told of a case, where a rule on persons of concern says so"""

import sqlalchemy as sa
from alembic import op


revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Until its host country is reconciled again, nobody has to look at a case, as it was before.
    op.add_column("case", sa.Column("review", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "clearance",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry", sa.String(length=12), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cleared_by", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint("(cleared_at IS NULL) = (cleared_by IS NULL)", name=op.f("ck_clearance_cleared_by_somebody")),
        sa.CheckConstraint("trim(cleared_by) <> ''", name=op.f("ck_clearance_cleared_by_somebody_named")),
        sa.ForeignKeyConstraint(["entry"], ["entry.entry"], name=op.f("fk_clearance_entry")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clearance")),
    )
    op.create_index(
        "uq_clearance_one_open_an_entry",
        "clearance",
        ["entry"],
        unique=True,
        sqlite_where=sa.text("cleared_at IS NULL"),
        postgresql_where=sa.text("cleared_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("clearance")
    op.drop_column("case", "review")
