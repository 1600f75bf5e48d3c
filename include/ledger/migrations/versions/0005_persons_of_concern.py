"""persons of concern: which of headquarters' rules mean a case, and by which version of them"""

import sqlalchemy as sa
from alembic import op


revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Until its host country is reconciled again, a case is one of no concern, as it was before.
    op.add_column("case", sa.Column("concerns", sa.Text(), nullable=False, server_default=""))
    op.add_column("case", sa.Column("urgent", sa.Boolean(), nullable=False, server_default=sa.false()))
    for name in ("reconciliation", "list"):
        op.add_column(name, sa.Column("policy_version", sa.Text(), nullable=True))


def downgrade() -> None:
    for name in ("list", "reconciliation"):
        op.drop_column(name, "policy_version")
    for name in ("urgent", "concerns"):
        op.drop_column("case", name)
