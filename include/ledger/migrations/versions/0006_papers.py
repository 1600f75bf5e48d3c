"""papers: numbered, sealed documents that are no notification lists, and the months that summaries are counted by"""

import sqlalchemy as sa
from alembic import op


revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "paper_series",
        sa.Column("series", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("series", name=op.f("pk_paper_series")),
    )
    op.create_table(
        "paper",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("series", sa.String(length=40), nullable=False),
        sa.Column("addressee", sa.String(length=20), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("number_text", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=6), nullable=False),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_to", sa.Date(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("arrangement_version", sa.Text(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("void_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("number > 0", name=op.f("ck_paper_number")),
        sa.CheckConstraint("period_from <= period_to", name=op.f("ck_paper_period")),
        sa.CheckConstraint("state IN ('sealed', 'told', 'void')", name=op.f("ck_paper_state")),
        sa.CheckConstraint("(state = 'told') = (told_at IS NOT NULL)", name=op.f("ck_paper_told_with_moment")),
        sa.CheckConstraint("(state = 'void') = (voided_at IS NOT NULL)", name=op.f("ck_paper_void_with_moment")),
        sa.ForeignKeyConstraint(["series"], ["paper_series.series"], name=op.f("fk_paper_series")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper")),
        sa.UniqueConstraint("series", "year", "number", name=op.f("uq_paper_series_year_number")),
        sa.UniqueConstraint("number_text", name=op.f("uq_paper_number_text")),
    )
    not_void = sa.text("state <> 'void'")
    op.create_index(
        "uq_paper_one_a_period",
        "paper",
        ["series", "period_from", "period_to"],
        unique=True,
        sqlite_where=not_void,
        postgresql_where=not_void,
    )
    op.create_table(
        "paper_case",
        sa.Column("paper_id", sa.Integer(), nullable=False),
        sa.Column("host_country", sa.String(length=3), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"], name=op.f("fk_paper_case_paper_id")),
        sa.ForeignKeyConstraint(
            ["host_country", "case_id"],
            ["case.host_country", "case.case_id"],
            name=op.f("fk_paper_case_host_country_case_id"),
        ),
        sa.PrimaryKeyConstraint("paper_id", "host_country", "case_id", name=op.f("pk_paper_case")),
    )
    op.create_table(
        "paper_delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("paper_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cover", sa.JSON(), nullable=False),
        sa.Column("proof", sa.JSON(), nullable=True),
        sa.Column("bounced_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'unknown', 'refused', 'delivered', 'void')", name=op.f("ck_paper_delivery_state")
        ),
        sa.CheckConstraint(
            "(state = 'delivered') = (delivered_at IS NOT NULL)", name=op.f("ck_paper_delivery_delivered_with_moment")
        ),
        sa.ForeignKeyConstraint(["paper_id"], ["paper.id"], name=op.f("fk_paper_delivery_paper_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper_delivery")),
        sa.UniqueConstraint("paper_id", "channel", name=op.f("uq_paper_delivery_paper_id_channel")),
    )
    op.create_table(
        "paper_file",
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["paper_delivery.id"], name=op.f("fk_paper_file_delivery_id")),
        sa.PrimaryKeyConstraint("delivery_id", "position", name=op.f("pk_paper_file")),
        sa.UniqueConstraint("delivery_id", "name", name=op.f("uq_paper_file_delivery_id_name")),
    )
    op.create_table(
        "counted_month",
        sa.Column("coverage", sa.Text(), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("as_of", sa.JSON(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("coverage", "month", name=op.f("pk_counted_month")),
    )


def downgrade() -> None:
    for name in ("counted_month", "paper_file", "paper_delivery", "paper_case"):
        op.drop_table(name)
    op.drop_index("uq_paper_one_a_period", "paper")
    op.drop_table("paper")
    op.drop_table("paper_series")
