"""Who comes next is told from an index alone, however large the mails are that wait."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let the index hold what a look at the line reads."""
    op.drop_index("outbox_next", "outbox")
    op.create_index("outbox_next", "outbox", ["lane", "next_try", "expires", "kind", "channel", "wrapped"])
