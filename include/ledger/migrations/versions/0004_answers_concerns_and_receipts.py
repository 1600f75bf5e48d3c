"""what comes back: responses, answers, concerns, receipts and reminders"""

import sqlalchemy as sa
from alembic import op


revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "response",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("office", sa.String(length=20), nullable=False),
        sa.Column("via", sa.String(length=5), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("came_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(length=9), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("via IN ('sftp', 'email')", name=op.f("ck_response_via")),
        sa.CheckConstraint(
            "outcome IN ('read', 'partly', 'refused', 'unsettled', 'receipt', 'letter', 'stranger')",
            name=op.f("ck_response_outcome"),
        ),
        sa.CheckConstraint(
            "(office = '') = (outcome = 'stranger')", name=op.f("ck_response_stranger_without_office")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_response")),
        sa.UniqueConstraint("office", "sha256", name=op.f("uq_response_office_sha256")),
    )
    op.create_table(
        "receipt",
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["list.id"], name=op.f("fk_receipt_list_id")),
        sa.PrimaryKeyConstraint("list_id", name=op.f("pk_receipt")),
    )
    op.create_table(
        "answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("response_id", sa.Integer(), nullable=False),
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("concern", sa.Boolean(), nullable=True),
        sa.Column("record_closed_on", sa.Date(), nullable=True),
        sa.Column("remarks", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "concern IS NOT NULL OR record_closed_on IS NOT NULL OR remarks <> ''",
            name=op.f("ck_answer_says_something"),
        ),
        sa.ForeignKeyConstraint(["response_id"], ["response.id"], name=op.f("fk_answer_response_id")),
        sa.ForeignKeyConstraint(
            ["list_id", "entry"], ["notice.list_id", "notice.entry"], name=op.f("fk_answer_list_id_entry")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer")),
        sa.UniqueConstraint("response_id", "list_id", "entry", name=op.f("uq_answer_response_id_list_id_entry")),
    )
    op.create_index("ix_answer_entry", "answer", ["entry"])
    op.create_table(
        "concern",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry", sa.String(length=12), nullable=False),
        sa.Column("answer_id", sa.Integer(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_days_left", sa.Integer(), nullable=True),
        sa.Column("departed_on", sa.Date(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (closed_by IS NULL) AND (closed_at IS NULL) = (note IS NULL)",
            name=op.f("ck_concern_closed_by_somebody_with_note"),
        ),
        sa.CheckConstraint("trim(closed_by) <> ''", name=op.f("ck_concern_closed_by_somebody")),
        sa.CheckConstraint("trim(note) <> ''", name=op.f("ck_concern_with_note")),
        sa.ForeignKeyConstraint(["entry"], ["entry.entry"], name=op.f("fk_concern_entry")),
        sa.ForeignKeyConstraint(["answer_id"], ["answer.id"], name=op.f("fk_concern_answer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_concern")),
    )
    op.create_index(
        "uq_concern_one_open_an_entry",
        "concern",
        ["entry"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    for name in ("reminded_at", "escalated_at"):
        op.add_column("list", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    for name in ("reminded_at", "asked_at"):
        op.add_column("entry", sa.Column(name, sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for name in ("asked_at", "reminded_at"):
        op.drop_column("entry", name)
    for name in ("escalated_at", "reminded_at"):
        op.drop_column("list", name)
    op.drop_table("concern")
    op.drop_table("answer")
    op.drop_table("receipt")
    op.drop_table("response")
