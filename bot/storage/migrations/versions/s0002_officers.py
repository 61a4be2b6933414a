"""What is kept for officers: how far each case is, which case a token or a mail belongs to, and words not yet sent."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "docket",
        sa.Column("reference", sa.LargeBinary, primary_key=True),
        sa.Column("who", sa.LargeBinary, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("docket_who", "docket", ["who"])
    op.create_index("docket_expires", "docket", ["expires"])
    op.create_table(
        "mark",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("reference", sa.LargeBinary, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("mark_reference", "mark", ["reference"])
    op.create_index("mark_expires", "mark", ["expires"])
    op.create_table(
        "draft",
        sa.Column("officer", sa.LargeBinary, primary_key=True),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
