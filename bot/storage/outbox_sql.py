"""The statements of the outbox: what they are for is told where they are used."""

from bot.storage.statement import Statement

PUT = Statement(
    "INSERT INTO outbox (id, kind, lane, next_try, expires, attempts, trying, channel, wrapped, sealed) "
    "VALUES (:id, :kind, :lane, :next_try, :expires, 0, 0, :channel, :wrapped, :sealed)"
)
WORDS, SENT, ALL_KINDS, SEALED = 0, 1, 2, 3  # what is looked for; WORDS: whatever is none of the others
COMING = Statement(
    "SELECT id, wrapped FROM outbox WHERE lane = :lane AND next_try <= :minute "
    "AND (:sought = 2 OR CASE WHEN kind = 'mail' THEN 1 WHEN kind IN ('hand_off', 'note') THEN 3 ELSE 0 END = :sought) "
    "AND (kind NOT IN ('say', 'clear') OR channel NOT IN (:full_1, :full_2))"
)
DOUBTED = Statement("SELECT COUNT(*) FROM outbox WHERE id >= :who AND id < :after AND kind = 'mail' AND trying = 1")
OF_ONE = Statement(
    "SELECT id, kind, lane, attempts, trying, expires, wrapped, sealed FROM outbox "
    "WHERE id >= :who AND id < :after AND (next_try <= :minute OR (kind = 'say' AND attempts > 0)) "
    "AND (:sought = 2 OR CASE WHEN kind = 'mail' THEN 1 WHEN kind IN ('hand_off', 'note') THEN 3 ELSE 0 END = :sought) "
    "AND (kind NOT IN ('say', 'clear') OR channel NOT IN (:full_1, :full_2))"
)
DROP_WORDS = Statement("DELETE FROM outbox WHERE id >= :who AND id < :after AND kind IN ('say', 'clear')")
DROP_SAYS = Statement("DELETE FROM outbox WHERE id >= :who AND id < :after AND kind = 'say'")
DROP_WAKES = Statement("DELETE FROM outbox WHERE id >= :who AND id < :after AND kind = 'wake'")
MARK = Statement("UPDATE outbox SET trying = 1, attempts = attempts + 1 WHERE id = :id")
DONE = Statement("DELETE FROM outbox WHERE id = :id")
WRAPPED = Statement("SELECT wrapped FROM outbox WHERE id = :id")
AGAIN = Statement("UPDATE outbox SET trying = :trying, next_try = :next_try, wrapped = :wrapped WHERE id = :id")
NEXT_MINUTE = Statement("SELECT MIN(next_try) FROM outbox WHERE lane = :lane AND next_try >= :minute")
IN_MINUTE = Statement("SELECT id, wrapped FROM outbox WHERE lane = :lane AND next_try = :minute LIMIT :most")
ONE = Statement("SELECT kind, lane, wrapped, sealed FROM outbox WHERE id = :id")
FOR_OFFICERS = Statement(
    "SELECT id, wrapped, sealed, kind FROM outbox "
    "WHERE id >= :who AND id < :after AND kind IN ('hand_off', 'mail', 'ping')"
)
HURRY = Statement(
    "UPDATE outbox SET lane = :lane WHERE id >= :who AND id < :after AND kind IN ('hand_off', 'mail', 'ping')"
)
TIMED = Statement(
    "SELECT id, wrapped, CASE WHEN kind IN ('mail', 'ping', 'wake') OR attempts > 0 THEN 1 ELSE 0 END FROM outbox"
)
AHEAD = Statement(
    "INSERT INTO state (name, value) VALUES ('clock ahead', :value) "
    "ON CONFLICT (name) DO UPDATE SET value = :value WHERE state.value < :value"
)
MOVE = Statement("UPDATE outbox SET next_try = :next_try, wrapped = :wrapped WHERE id = :id")
REWRITE = Statement("UPDATE outbox SET next_try = :next_try, wrapped = :wrapped, sealed = :sealed WHERE id = :id")
