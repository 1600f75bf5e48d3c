"""what pages and watches ask again and again is found by an index, however many years there are"""

import sqlalchemy as sa
from alembic import op


revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_list_office_id", "list", ["office", "id"])
    op.create_index("ix_list_period_to_state_told_at", "list", ["period_to", "state", "told_at"])
    chased = sa.text("reminded_at IS NOT NULL OR escalated_at IS NOT NULL")
    op.create_index("ix_list_chased", "list", ["office"], sqlite_where=chased, postgresql_where=chased)
    op.create_index("ix_delivery_state", "delivery", ["state"])
    op.create_index("ix_paper_delivery_state", "paper_delivery", ["state"])
    op.create_index("ix_paper_addressee_id", "paper", ["addressee", "id"])
    op.create_index("ix_approval_list_id", "approval", ["list_id"])
    op.create_index("ix_match_host_country_case_id", "match", ["host_country", "case_id"])
    op.create_index("ix_review_host_country_case_id", "review", ["host_country", "case_id"])
    op.create_index("ix_answer_list_id_entry", "answer", ["list_id", "entry"])


def downgrade() -> None:
    op.drop_index("ix_answer_list_id_entry", "answer")
    op.drop_index("ix_review_host_country_case_id", "review")
    op.drop_index("ix_match_host_country_case_id", "match")
    op.drop_index("ix_approval_list_id", "approval")
    op.drop_index("ix_paper_addressee_id", "paper")
    op.drop_index("ix_paper_delivery_state", "paper_delivery")
    op.drop_index("ix_delivery_state", "delivery")
    for name in ("ix_list_chased", "ix_list_period_to_state_told_at", "ix_list_office_id"):
        op.drop_index(name, "list")
