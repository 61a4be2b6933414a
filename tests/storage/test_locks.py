"""Processes that share a server keep out of one another's way; on a file there is one writer, and nothing to hold."""

import os
import signal
from collections.abc import Iterator
from threading import Event

import pytest
import sqlalchemy as sa
from fakes_postgres import Postgres
from storage.databases import Database, on_a_file, on_a_server

from bot.storage import transactions
from bot.storage.locks import Held, Leases, collided, hold
from bot.storage.transactions import Transaction, became, lost

ANA, BEN = b"a" * 16, b"b" * 16


@pytest.fixture
def both(database: Database) -> Iterator[tuple[sa.Connection, sa.Connection]]:
    """Two processes' connections."""
    engine = database.engine()
    with engine.connect() as one, engine.connect() as other:
        yield one, other


def is_held(conn: sa.Connection, name: bytes) -> bool:
    try:
        hold(conn, name)
    except Held as error:
        return collided(error)
    return False


@on_a_server
def test_who_is_held_by_one_process_is_tried_again_by_another_until_the_commit(
    both: tuple[sa.Connection, sa.Connection],
) -> None:
    one, other = both
    with one.begin():
        hold(one, ANA)
        hold(one, ANA)  # as often as it likes
        with other.begin():
            assert is_held(other, ANA)
            assert not is_held(other, BEN)
            assert is_held(one, BEN)
    with other.begin():
        assert not is_held(other, ANA)


@on_a_file
def test_on_a_file_nobody_is_held_and_everything_is_taken(conn: sa.Connection) -> None:
    assert not is_held(conn, ANA)
    assert Leases().take(conn, ANA)
    assert Leases().take(conn, ANA)


@on_a_server
def test_a_lease_is_one_process_s_until_it_gives_it_back(both: tuple[sa.Connection, sa.Connection]) -> None:
    one, other = both
    ours, theirs = Leases(), Leases()
    assert ours.take(one, ANA) and ours.take(one, BEN) and ours.take(one, ANA)
    assert not theirs.take(other, ANA)
    ours.keep(one, [BEN])
    assert theirs.take(other, ANA)
    assert not ours.take(one, ANA)
    assert not theirs.take(other, BEN)


@on_a_server
def test_a_lease_outlives_a_transaction_that_is_undone_and_ends_with_its_process(
    both: tuple[sa.Connection, sa.Connection],
) -> None:
    one, other = both
    ours, theirs = Leases(), Leases()
    with one.begin() as transaction:
        assert ours.take(one, ANA)
        transaction.rollback()
    assert not theirs.take(other, ANA)
    other.rollback()
    one.invalidate()
    one.close()
    assert until_taken(theirs, other)


def until_taken(leases: Leases, conn: sa.Connection) -> bool:
    """Ask until it is given: a server takes a moment to see that a process has gone."""
    waited = "SELECT pg_sleep(0.01)"
    return any(leases.take(conn, ANA) or not conn.exec_driver_sql(waited).all() for _ in range(1000))


@on_a_server
def test_leases_of_a_connection_that_was_lost_are_taken_anew(database: Database, postgresql: Postgres) -> None:
    leases, engine = Leases(), database.engine()
    with engine.connect() as conn:
        assert leases.take(conn, ANA)
        postgresql.disconnect(database.url)
    with engine.connect() as conn, engine.connect() as other:
        assert leases.take(conn, ANA)
        assert not Leases().take(other, ANA)


@on_a_server
@pytest.mark.parametrize("ends", ["commit", "rollback"])
def test_what_became_of_a_transaction_is_known_after_its_connection_was_lost(
    database: Database, postgresql: Postgres, ends: str
) -> None:
    engine = database.engine()
    with engine.connect() as conn:
        transaction = Transaction(conn)
        begun = conn.begin()
        assert transaction.committed(engine.connect) is False  # it had not come to its end
        transaction.ends()
        (begun.commit if ends == "commit" else begun.rollback)()
        postgresql.disconnect(database.url)
        with pytest.raises(sa.exc.OperationalError) as caught:
            conn.exec_driver_sql("SELECT 1")
        assert lost(conn, caught.value)
        assert transaction.committed(engine.connect) is (ends == "commit")


@on_a_server
def test_a_transaction_whose_end_never_came_to_its_server_is_broken_off_there_and_not_committed(
    database: Database,
) -> None:
    """The line is cut, and the server doesn't know it: it would hold the transaction open for hours."""
    engine = database.engine()
    with engine.connect() as conn:
        transaction = Transaction(conn)
        conn.begin()
        transaction.ends()
        assert became(transaction, engine.connect, Event()) is False
        conn.invalidate()


@on_a_server
def test_nobody_elses_transaction_is_broken_off_though_its_number_fits(
    database: Database, postgresql: Postgres
) -> None:
    """A server that was killed gives numbers again, and to any database."""
    engine, other = database.engine(), sa.create_engine(postgresql.fresh())
    with engine.connect() as conn, other.connect() as theirs:
        conn.begin()
        transaction = Transaction(conn)
        transaction.ends()
        begun = theirs.begin()
        transaction._number = str(theirs.exec_driver_sql("SELECT pg_current_xact_id()::text").scalar_one())
        assert became(transaction, engine.connect, soon()) is None
        assert theirs.exec_driver_sql("SELECT 1").scalar_one() == 1
        begun.rollback()
    other.dispose()


@on_a_server
def test_nobody_waits_for_ever_for_a_transaction_that_its_server_can_not_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "MOST_ASKED", 3)
    engine = database.engine()
    with engine.connect() as conn:
        transaction = Transaction(conn)
        conn.begin()
        transaction.ends()
        process = conn.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        os.kill(process, signal.SIGSTOP)
        try:
            assert became(transaction, engine.connect, Event()) is None
        finally:
            os.kill(process, signal.SIGCONT)
        conn.invalidate()


@on_a_server
@pytest.mark.parametrize("error", [ConnectionResetError(), MemoryError(), RuntimeError()])
def test_whatever_goes_wrong_while_it_is_asked_nobody_can_say(database: Database, error: Exception) -> None:
    def connected() -> sa.Connection:
        raise error

    with database.engine().connect() as conn, conn.begin():
        transaction = Transaction(conn)
        transaction.ends()
        assert became(transaction, connected, Event()) is None


def soon() -> Event:
    """One that has been set: whoever waits for it waits no longer."""
    event = Event()
    event.set()
    return event


def test_a_connection_that_works_is_not_lost(conn: sa.Connection) -> None:
    with pytest.raises(sa.exc.DBAPIError) as caught:
        conn.exec_driver_sql("SELECT nothing FROM nowhere")
    assert not lost(conn, caught.value)
    conn.rollback()
