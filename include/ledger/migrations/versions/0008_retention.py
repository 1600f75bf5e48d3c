"""erasures, what orders them and what holds them up"""

import sqlalchemy as sa
from alembic import op


revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("case", sa.Column("erased_on", sa.Date(), nullable=True))
    op.create_table(
        "hold",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("host_country", sa.String(length=3), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("placed_by", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("lifted_by", sa.Text(), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("trim(placed_by) <> '' AND trim(lifted_by) <> ''", name=op.f("ck_hold_by_somebody")),
        sa.CheckConstraint("trim(reason) <> ''", name=op.f("ck_hold_with_reason")),
        sa.CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name=op.f("ck_hold_lifted_by_somebody")),
        sa.ForeignKeyConstraint(
            ["host_country", "case_id"],
            ["case.host_country", "case.case_id"],
            name=op.f("fk_hold_host_country_case_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
    )
    op.create_index(
        "uq_hold_one_a_case",
        "hold",
        ["host_country", "case_id"],
        unique=True,
        sqlite_where=sa.text("lifted_at IS NULL"),
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_table(
        "erasure_order",
        sa.Column("host_country", sa.String(length=3), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("ordered_by", sa.Text(), nullable=False),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("trim(ordered_by) <> ''", name=op.f("ck_erasure_order_ordered_by_somebody")),
        sa.CheckConstraint("trim(reason) <> ''", name=op.f("ck_erasure_order_with_reason")),
        sa.ForeignKeyConstraint(
            ["host_country", "case_id"],
            ["case.host_country", "case.case_id"],
            name=op.f("fk_erasure_order_host_country_case_id"),
        ),
        sa.PrimaryKeyConstraint("host_country", "case_id", name=op.f("pk_erasure_order")),
    )
    op.create_table(
        "erasure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("host_country", sa.String(length=3), nullable=False),
        sa.Column("case_hash", sa.String(length=64), nullable=False),
        sa.Column("registration_hash", sa.String(length=64), nullable=False),
        sa.Column("why", sa.String(length=9), nullable=False),
        sa.Column("erased_by", sa.Text(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("proof", sa.JSON(), nullable=True),
        sa.CheckConstraint("why IN ('retention', 'request')", name=op.f("ck_erasure_why")),
        sa.CheckConstraint(
            "length(case_hash) = 64 AND length(registration_hash) = 64", name=op.f("ck_erasure_hashes")
        ),
        sa.CheckConstraint("trim(erased_by) <> ''", name=op.f("ck_erasure_erased_by_somebody")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
        sa.UniqueConstraint("registration_hash", name=op.f("uq_erasure_registration_hash")),
    )
    op.create_index("ix_erasure_case_hash", "erasure", ["case_hash"])


def downgrade() -> None:
    op.drop_table("erasure")
    op.drop_table("erasure_order")
    op.drop_table("hold")
    op.drop_column("case", "erased_on")
