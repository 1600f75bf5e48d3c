"""a paper may name a case that no reconciliation has seen yet"""

from alembic import op


revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_CASE = "fk_paper_case_host_country_case_id"


def upgrade() -> None:
    with op.batch_alter_table("paper_case") as batch_op:
        batch_op.drop_constraint(_CASE, type_="foreignkey")


def downgrade() -> None:
    # The older form has no place for a case that no reconciliation has seen.
    op.execute(
        """
        DELETE FROM paper_case WHERE NOT EXISTS (
            SELECT 1 FROM "case"
            WHERE "case".host_country = paper_case.host_country AND "case".case_id = paper_case.case_id)
        """
    )
    with op.batch_alter_table("paper_case") as batch_op:
        batch_op.create_foreign_key(_CASE, "case", ["host_country", "case_id"], ["host_country", "case_id"])
