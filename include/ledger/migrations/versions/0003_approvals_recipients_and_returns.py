"""approvals of lists out of proportion, confirmed recipients, lead times, and messages that came back"""

import sqlalchemy as sa
from alembic import op


revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "approval",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("office", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=9), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("decision", sa.String(length=7), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("list_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("kind IN ('scheduled', 'urgent')", name=op.f("ck_approval_kind")),
        sa.CheckConstraint("decision IN ('approve', 'hold')", name=op.f("ck_approval_decision")),
        sa.CheckConstraint("trim(decided_by) <> ''", name=op.f("ck_approval_decided_by_somebody")),
        sa.CheckConstraint("(decision = 'hold') = (list_id IS NULL)", name=op.f("ck_approval_approved_with_list")),
        sa.ForeignKeyConstraint(["office"], ["office.office"], name=op.f("fk_approval_office")),
        sa.ForeignKeyConstraint(["list_id"], ["list.id"], name=op.f("fk_approval_list_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
    )
    op.create_table(
        "recipient",
        sa.Column("office", sa.String(length=20), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("tested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proof", sa.JSON(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(confirmed_at IS NULL) = (confirmed_by IS NULL)", name=op.f("ck_recipient_confirmed_by_somebody")
        ),
        sa.PrimaryKeyConstraint("office", "channel", "address", name=op.f("pk_recipient")),
        sa.UniqueConstraint("code", name=op.f("uq_recipient_code")),
    )
    op.add_column("delivery", sa.Column("bounced_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("told", sa.Column("lead_days", sa.Integer(), nullable=True))
    op.add_column("told", sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("told", "returned_at")
    op.drop_column("told", "lead_days")
    op.drop_column("delivery", "bounced_at")
    op.drop_table("recipient")
    op.drop_table("approval")
