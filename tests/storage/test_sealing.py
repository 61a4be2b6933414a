"""What is sealed opens only with its key, in its place, unchanged."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import SealingError
from bot.storage.sealing import BUCKET, Cipher, joined, new_key, padded, seal, unpadded, unseal


@settings(deadline=None)
@given(plain=st.binary(max_size=3000), place=st.binary(max_size=50))
def test_what_is_sealed_opens_again(plain: bytes, place: bytes) -> None:
    cipher = Cipher(new_key())
    assert unseal(cipher, seal(cipher, plain, place), place) == plain


@settings(deadline=None)
@given(plain=st.binary(max_size=100), bit=st.integers(min_value=0))
def test_any_changed_bit_is_noticed(plain: bytes, bit: int) -> None:
    cipher = Cipher(new_key())
    blob = bytearray(seal(cipher, plain, b"place"))
    at = bit % (8 * len(blob))
    blob[at // 8] ^= 1 << at % 8
    with pytest.raises(SealingError):
        unseal(cipher, bytes(blob), b"place")


@settings(deadline=None)
@given(length=st.integers(min_value=0, max_value=60))
def test_a_cut_blob_is_noticed(length: int) -> None:
    cipher = Cipher(new_key())
    with pytest.raises(SealingError):
        unseal(cipher, seal(cipher, b"x" * 40, b"place")[:length], b"place")


def test_another_key_or_place_does_not_open() -> None:
    cipher = Cipher(new_key())
    blob = seal(cipher, b"words", b"here")
    with pytest.raises(SealingError):
        unseal(Cipher(new_key()), blob, b"here")
    with pytest.raises(SealingError):
        unseal(cipher, blob, b"there")


def test_the_same_words_never_seal_to_the_same_bytes() -> None:
    cipher = Cipher(new_key())
    assert seal(cipher, b"words", b"") != seal(cipher, b"words", b"")


@settings(deadline=None)
@given(plain=st.binary(max_size=5000))
def test_padding_fills_whole_buckets_and_comes_off_again(plain: bytes) -> None:
    filled = padded(plain)
    assert len(filled) % BUCKET == 0
    assert len(filled) - len(plain) <= BUCKET + 3
    assert unpadded(filled) == plain


@pytest.mark.parametrize("filled", [b"", b"\0\0\0", b"\0\0\0\x05abcd", b"\xff\xff\xff\xff"])
def test_a_length_that_does_not_fit_is_refused(filled: bytes) -> None:
    with pytest.raises(SealingError):
        unpadded(filled)


@settings(deadline=None)
@given(one=st.lists(st.binary(max_size=5)), other=st.lists(st.binary(max_size=5)))
def test_two_lists_of_parts_never_join_to_the_same(one: list[bytes], other: list[bytes]) -> None:
    assert (joined(*one) == joined(*other)) == (one == other)
