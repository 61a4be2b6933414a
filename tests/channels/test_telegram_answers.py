"""Answers that are hardly JSON: read as far as they can be, and never for long."""

import time

import pytest

from bot.channels.telegram_answers import read_answer


@pytest.mark.parametrize("end", [b"", b"\\"])
def test_a_string_that_never_ends_is_given_up_at_once(end: bytes) -> None:
    began = time.process_time()

    assert read_answer(b'{"text":"' + b'\\"' * 100_000 + end) is None
    assert time.process_time() - began < 5


def test_what_lies_too_deep_takes_nothing_else_with_it() -> None:
    assert read_answer(b'{"a":"\\"[","b":' + b"[" * 5000 + b"]" * 5000 + b"}") is not None
