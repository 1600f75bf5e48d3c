"""decisions of review, and by which record an entry was told"""

import sqlalchemy as sa
from alembic import op


revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "review",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("host_country", sa.String(length=3), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("asylum_reference", sa.Text(), nullable=False),
        sa.Column("decision", sa.String(length=6), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("evidence", sa.String(length=64), nullable=True),
        sa.Column("shares_case", sa.Boolean(), nullable=False),
        sa.Column("shares_record", sa.Boolean(), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "decision = 'accept' OR NOT (shares_case OR shares_record)",
            name=op.f("ck_review_only_accepted_is_shared"),
        ),
        sa.CheckConstraint("decision IN ('accept', 'reject', 'reopen')", name=op.f("ck_review_decision")),
        sa.CheckConstraint("length(evidence) = 64", name=op.f("ck_review_evidence")),
        sa.CheckConstraint("superseded_at >= decided_at", name=op.f("ck_review_superseded_later")),
        sa.CheckConstraint("trim(decided_by) <> ''", name=op.f("ck_review_decided_by_somebody")),
        sa.CheckConstraint("trim(reason) <> ''", name=op.f("ck_review_with_reason")),
        sa.ForeignKeyConstraint(
            ["host_country", "asylum_reference"],
            ["procedure_record.host_country", "procedure_record.asylum_reference"],
            name=op.f("fk_review_host_country_asylum_reference"),
        ),
        sa.ForeignKeyConstraint(
            ["host_country", "case_id"],
            ["case.host_country", "case.case_id"],
            name=op.f("fk_review_host_country_case_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
    )
    for name, columns, where in (
        ("uq_review_one_in_force_a_pair", ["case_id", "asylum_reference"], "superseded_at IS NULL"),
        (
            "uq_review_one_accept_a_case",
            ["case_id"],
            "superseded_at IS NULL AND decision = 'accept' AND NOT shares_case",
        ),
        (
            "uq_review_one_accept_a_record",
            ["asylum_reference"],
            "superseded_at IS NULL AND decision = 'accept' AND NOT shares_record",
        ),
    ):
        op.create_index(
            name,
            "review",
            ["host_country", *columns],
            unique=True,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )
    # Not in a batch: SQLite adds and drops a column in place, and notices point to the entries.
    op.add_column("entry", sa.Column("asylum_reference", sa.Text(), nullable=True))
    # Until now a told match was never moved, so the newest accepted one is the one an entry was told by.
    op.execute(
        """
        UPDATE entry SET asylum_reference = (
            SELECT asylum_reference FROM match
            WHERE match.host_country = entry.host_country AND match.case_id = entry.case_id AND decision = 'accept'
            ORDER BY CASE WHEN ended_on IS NULL THEN 0 ELSE 1 END, id DESC LIMIT 1)
        """
    )


def downgrade() -> None:
    op.drop_column("entry", "asylum_reference")
    op.drop_table("review")
