"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table."""
    _talk()
    _outbox()
    _notice()
    _keyed_hashes()
    _numbers()


def _talk() -> None:
    op.create_table(
        "talk",
        sa.Column("who", sa.LargeBinary, primary_key=True),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("talk_day", "talk", [sa.text("substr(wrapped, 1, 4)"), "expires"])


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.LargeBinary, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("lane", sa.Integer, nullable=False),
        sa.Column("next_try", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("trying", sa.Integer, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("outbox_next", "outbox", ["lane", "next_try", "expires"])


def _notice() -> None:
    op.create_table(
        "notice",
        sa.Column("reference", sa.LargeBinary, primary_key=True),
        sa.Column("who", sa.LargeBinary, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("notice_who", "notice", ["who"])


def _keyed_hashes() -> None:
    op.create_table(
        "way_back",
        sa.Column("code", sa.LargeBinary, primary_key=True),
        sa.Column("who", sa.LargeBinary, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("way_back_who", "way_back", ["who"])
    op.create_index("way_back_expires", "way_back", ["expires"])
    op.create_table(
        "seen",
        sa.Column("hash", sa.LargeBinary, primary_key=True),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("seen_expires", "seen", ["expires"])


def _numbers() -> None:
    op.create_table(
        "counts",
        sa.Column("week", sa.String, primary_key=True),
        sa.Column("level", sa.Integer, primary_key=True),
        sa.Column("language", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "state",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
