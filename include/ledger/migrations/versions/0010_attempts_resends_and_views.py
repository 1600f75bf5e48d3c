"""attempts one by one, who let a list go once more, and who was shown a name"""

import sqlalchemy as sa
from alembic import op


revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attempt",
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(length=9), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('queued', 'unknown', 'refused', 'delivered')", name=op.f("ck_attempt_outcome")
        ),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_attempt_delivery_id")),
        sa.PrimaryKeyConstraint("delivery_id", "number", name=op.f("pk_attempt")),
    )
    op.create_table(
        "resend",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("resent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resent_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("trim(resent_by) <> ''", name=op.f("ck_resend_resent_by_somebody")),
        sa.CheckConstraint("trim(reason) <> ''", name=op.f("ck_resend_with_reason")),
        sa.ForeignKeyConstraint(["list_id"], ["list.id"], name=op.f("fk_resend_list_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resend")),
    )
    op.create_index("ix_resend_list_id", "resend", ["list_id"])
    op.create_table(
        "viewed",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("viewed_by", sa.Text(), nullable=False),
        sa.Column("viewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("page", sa.String(length=10), nullable=False),
        sa.Column("host_country", sa.String(length=3), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("entry", sa.String(length=12), nullable=True),
        sa.CheckConstraint("trim(viewed_by) <> ''", name=op.f("ck_viewed_viewed_by_somebody")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_viewed")),
    )
    op.create_index("ix_viewed_host_country_case_id", "viewed", ["host_country", "case_id"])
    # All that was told of a case, or of a host country, whatever the office.
    op.create_index("ix_entry_host_country_case_id", "entry", ["host_country", "case_id"])


def downgrade() -> None:
    op.drop_index("ix_entry_host_country_case_id", "entry")
    for name in ("viewed", "resend", "attempt"):
        op.drop_table(name)
