"""extracts, cases, matches, lists and what was told"""

import sqlalchemy as sa
from alembic import op


revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "case",
        sa.Column("host_country", sa.String(length=3), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("iom_office", sa.Text(), nullable=True),
        sa.Column("family_name", sa.Text(), nullable=True),
        sa.Column("given_names", sa.Text(), nullable=True),
        sa.Column("date_of_birth", sa.Text(), nullable=True),
        sa.Column("sex", sa.Text(), nullable=True),
        sa.Column("nationality", sa.Text(), nullable=False),
        sa.Column("typed_asylum_reference", sa.Text(), nullable=True),
        sa.Column("unhcr_reference", sa.Text(), nullable=True),
        sa.Column("destination_country", sa.Text(), nullable=True),
        sa.Column("registered_on", sa.Date(), nullable=False),
        sa.Column("expected_departure_on", sa.Date(), nullable=True),
        sa.Column("departed_on", sa.Date(), nullable=True),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("status_since", sa.Date(), nullable=False),
        sa.Column("sharing_consent", sa.Boolean(), nullable=True),
        sa.Column("standing", sa.String(length=20), nullable=False),
        sa.Column("to_tell", sa.Boolean(), nullable=False),
        sa.Column("marked", sa.Text(), nullable=False),
        sa.Column("missing_since", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "standing IN ('pending', 'rejected', 'recognised', 'withdrawn_claim', 'not_in_procedure', 'review', 'awaiting_consent', 'unusable')",
            name=op.f("ck_case_standing"),
        ),
        sa.CheckConstraint("status <> 'departed' OR departed_on IS NOT NULL", name=op.f("ck_case_departed_with_date")),
        sa.CheckConstraint(
            "status IN ('registered', 'booked', 'departed', 'withdrawn', 'no_show', 'closed')",
            name=op.f("ck_case_status"),
        ),
        sa.PrimaryKeyConstraint("host_country", "case_id", name=op.f("pk_case")),
    )
    op.create_table(
        "extract",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("host_country", sa.String(length=3), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("good_count", sa.Integer(), nullable=False),
        sa.Column("quarantined_count", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('avr_cases', 'asylum_procedure')", name=op.f("ck_extract_kind")),
        sa.CheckConstraint("row_count = good_count + quarantined_count", name=op.f("ck_extract_adds_up")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extract")),
        sa.UniqueConstraint(
            "host_country", "day", "kind", "sha256", name=op.f("uq_extract_host_country_day_kind_sha256")
        ),
        sa.UniqueConstraint("host_country", "day", "kind", "turn", name=op.f("uq_extract_host_country_day_kind_turn")),
    )
    op.create_table(
        "office",
        sa.Column("office", sa.String(length=20), nullable=False),
        sa.Column("composed_for", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("office", name=op.f("pk_office")),
    )
    op.create_table(
        "procedure_record",
        sa.Column("host_country", sa.String(length=3), nullable=False),
        sa.Column("asylum_reference", sa.Text(), nullable=False),
        sa.Column("applied_on", sa.Date(), nullable=False),
        sa.Column("stage", sa.String(length=20), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("outcome_on", sa.Date(), nullable=True),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("host_country", "asylum_reference", name=op.f("pk_procedure_record")),
    )
    op.create_table(
        "entry",
        sa.Column("entry", sa.String(length=12), nullable=False),
        sa.Column("office", sa.String(length=20), nullable=False),
        sa.Column("host_country", sa.String(length=3), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["host_country", "case_id"],
            ["case.host_country", "case.case_id"],
            name=op.f("fk_entry_host_country_case_id"),
        ),
        sa.ForeignKeyConstraint(["office"], ["office.office"], name=op.f("fk_entry_office")),
        sa.PrimaryKeyConstraint("entry", name=op.f("pk_entry")),
    )
    with op.batch_alter_table("entry", schema=None) as batch_op:
        batch_op.create_index(
            "uq_entry_one_open_a_case_and_office",
            ["office", "host_country", "case_id"],
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    op.create_table(
        "list",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("office", sa.String(length=20), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=9), nullable=False),
        sa.Column("state", sa.String(length=6), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("period_from", sa.Date(), nullable=False),
        sa.Column("period_to", sa.Date(), nullable=False),
        sa.Column("as_of", sa.JSON(), nullable=False),
        sa.Column("arrangement_version", sa.Text(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("void_reason", sa.Text(), nullable=True),
        sa.Column("void_named_on", sa.Integer(), nullable=True),
        sa.CheckConstraint("(state = 'told') = (told_at IS NOT NULL)", name=op.f("ck_list_told_with_moment")),
        sa.CheckConstraint("(state = 'void') = (voided_at IS NOT NULL)", name=op.f("ck_list_void_with_moment")),
        sa.CheckConstraint("kind IN ('scheduled', 'urgent')", name=op.f("ck_list_kind")),
        sa.CheckConstraint("state IN ('sealed', 'told', 'void')", name=op.f("ck_list_state")),
        sa.CheckConstraint("number > 0", name=op.f("ck_list_number")),
        sa.ForeignKeyConstraint(["office"], ["office.office"], name=op.f("fk_list_office")),
        sa.ForeignKeyConstraint(["void_named_on"], ["list.id"], name=op.f("fk_list_void_named_on")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_list")),
        sa.UniqueConstraint("office", "year", "number", name=op.f("uq_list_office_year_number")),
    )
    op.create_table(
        "match",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("host_country", sa.String(length=3), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("asylum_reference", sa.Text(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("decision", sa.String(length=6), nullable=False),
        sa.Column("method", sa.String(length=9), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.CheckConstraint("decision IN ('accept', 'review')", name=op.f("ck_match_decision")),
        sa.CheckConstraint("method IN ('reference', 'linkage')", name=op.f("ck_match_method")),
        sa.CheckConstraint("probability BETWEEN 0 AND 1", name=op.f("ck_match_probability")),
        sa.ForeignKeyConstraint(
            ["host_country", "asylum_reference"],
            ["procedure_record.host_country", "procedure_record.asylum_reference"],
            name=op.f("fk_match_host_country_asylum_reference"),
        ),
        sa.ForeignKeyConstraint(
            ["host_country", "case_id"],
            ["case.host_country", "case.case_id"],
            name=op.f("fk_match_host_country_case_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match")),
    )
    with op.batch_alter_table("match", schema=None) as batch_op:
        batch_op.create_index(
            "uq_match_one_open_accept_a_case",
            ["host_country", "case_id"],
            unique=True,
            sqlite_where=sa.text("ended_on IS NULL AND decision = 'accept'"),
            postgresql_where=sa.text("ended_on IS NULL AND decision = 'accept'"),
        )
        batch_op.create_index(
            "uq_match_open_pair",
            ["host_country", "case_id", "asylum_reference"],
            unique=True,
            sqlite_where=sa.text("ended_on IS NULL"),
            postgresql_where=sa.text("ended_on IS NULL"),
        )

    op.create_table(
        "reconciliation",
        sa.Column("host_country", sa.String(length=3), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("cases_extract_id", sa.Integer(), nullable=False),
        sa.Column("procedure_extract_id", sa.Integer(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("missing_count", sa.Integer(), nullable=False),
        sa.Column("without_office_count", sa.Integer(), nullable=False),
        sa.Column("reconciled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["cases_extract_id"], ["extract.id"], name=op.f("fk_reconciliation_cases_extract_id")),
        sa.ForeignKeyConstraint(
            ["procedure_extract_id"], ["extract.id"], name=op.f("fk_reconciliation_procedure_extract_id")
        ),
        sa.PrimaryKeyConstraint("host_country", "day", name=op.f("pk_reconciliation")),
    )
    op.create_table(
        "standing",
        sa.Column("host_country", sa.String(length=3), nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("standing", sa.String(length=20), nullable=False),
        sa.CheckConstraint(
            "standing IN ('pending', 'rejected', 'recognised', 'withdrawn_claim', 'not_in_procedure', 'review', 'awaiting_consent', 'unusable')",
            name=op.f("ck_standing_standing"),
        ),
        sa.ForeignKeyConstraint(
            ["host_country", "case_id"],
            ["case.host_country", "case.case_id"],
            name=op.f("fk_standing_host_country_case_id"),
        ),
        sa.PrimaryKeyConstraint("host_country", "case_id", "since", name=op.f("pk_standing")),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cover", sa.JSON(), nullable=False),
        sa.Column("proof", sa.JSON(), nullable=True),
        sa.CheckConstraint(
            "(state = 'delivered') = (delivered_at IS NOT NULL)", name=op.f("ck_delivery_delivered_with_moment")
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'unknown', 'refused', 'delivered', 'void')", name=op.f("ck_delivery_state")
        ),
        sa.ForeignKeyConstraint(["list_id"], ["list.id"], name=op.f("fk_delivery_list_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("list_id", "channel", name=op.f("uq_delivery_list_id_channel")),
    )
    op.create_table(
        "notice",
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("entry", sa.String(length=12), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("notice", sa.String(length=9), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("expected_departure_on", sa.Date(), nullable=True),
        sa.Column("previous_expected_departure_on", sa.Date(), nullable=True),
        sa.Column("departed_on", sa.Date(), nullable=True),
        sa.Column("marked", sa.Text(), nullable=False),
        sa.Column("shared", sa.JSON(), nullable=False),
        sa.CheckConstraint("notice IN ('NEW', 'CHANGED', 'CANCELLED', 'DEPARTED')", name=op.f("ck_notice_notice")),
        sa.CheckConstraint(
            "reason IN ('', 'date_moved', 'name_corrected', 'stays', 'closed', 'no_show', 'notified_in_error', 'other_office', 'consent_withdrawn', 'departure_corrected')",
            name=op.f("ck_notice_reason"),
        ),
        sa.CheckConstraint("sequence > 0", name=op.f("ck_notice_sequence")),
        sa.ForeignKeyConstraint(["entry"], ["entry.entry"], name=op.f("fk_notice_entry")),
        sa.ForeignKeyConstraint(["list_id"], ["list.id"], name=op.f("fk_notice_list_id")),
        sa.PrimaryKeyConstraint("list_id", "entry", name=op.f("pk_notice")),
        sa.UniqueConstraint("entry", "sequence", name=op.f("uq_notice_entry_sequence")),
    )
    op.create_table(
        "sealed_file",
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_sealed_file_delivery_id")),
        sa.PrimaryKeyConstraint("delivery_id", "position", name=op.f("pk_sealed_file")),
        sa.UniqueConstraint("delivery_id", "name", name=op.f("uq_sealed_file_delivery_id_name")),
    )
    op.create_table(
        "told",
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_told_delivery_id")),
        sa.ForeignKeyConstraint(
            ["list_id", "entry"], ["notice.list_id", "notice.entry"], name=op.f("fk_told_list_id_entry")
        ),
        sa.PrimaryKeyConstraint("list_id", "entry", "delivery_id", name=op.f("pk_told")),
    )


def downgrade() -> None:
    op.drop_table("told")
    op.drop_table("sealed_file")
    op.drop_table("notice")
    op.drop_table("delivery")
    op.drop_table("standing")
    op.drop_table("reconciliation")
    with op.batch_alter_table("match", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_match_open_pair", sqlite_where=sa.text("ended_on IS NULL"), postgresql_where=sa.text("ended_on IS NULL")
        )
        batch_op.drop_index(
            "uq_match_one_open_accept_a_case",
            sqlite_where=sa.text("ended_on IS NULL AND decision = 'accept'"),
            postgresql_where=sa.text("ended_on IS NULL AND decision = 'accept'"),
        )

    op.drop_table("match")
    op.drop_table("list")
    with op.batch_alter_table("entry", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_entry_one_open_a_case_and_office",
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    op.drop_table("entry")
    op.drop_table("procedure_record")
    op.drop_table("office")
    op.drop_table("extract")
    op.drop_table("case")
