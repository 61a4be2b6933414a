"""The search itself is not blind: it finds each form in each kind of place, and nothing where nothing is."""

import base64
import json
import os
import quopri
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from residue import BLOCK, Search, canary, files_under, held_open, hits, left_of, memory_of
from residue_forms import forms

WORDS = "Zwölf “Kanarien” in Ayutla"
NUMBER = "+52 155 4815 1623"
LONG_ID = "7123456789012"
UUID = "5ca1ab1e-0000-4000-8000-00000000002a"
CODE = "4815 1623 4248 1516"

WRITTEN: tuple[tuple[str, bytes], ...] = (
    (WORDS, WORDS.encode()),
    (WORDS, WORDS.casefold().encode()),
    (WORDS, WORDS.upper().encode()),
    (WORDS, WORDS.encode("utf-16-le")),
    (WORDS, WORDS.encode("utf-16-be")),
    (WORDS, json.dumps([WORDS]).encode()),
    (WORDS, json.dumps([WORDS], ensure_ascii=False).encode()),
    (WORDS, ascii(WORDS).encode()),
    (WORDS, quote(WORDS, safe="").encode()),
    (WORDS, quote(WORDS, safe="").lower().encode()),
    (WORDS, WORDS.encode().hex().encode()),
    (WORDS, WORDS.encode().hex().upper().encode()),
    (WORDS, quopri.encodestring(WORDS.encode())),
    (WORDS, base64.b64encode(WORDS.encode() + b"?")),
    (WORDS, base64.b64encode(b"1" + WORDS.encode() + b"!!")),
    (WORDS, base64.b64encode(b"12" + WORDS.encode() + b"???")),
    (WORDS, base64.urlsafe_b64encode(b"1" + WORDS.encode() + b"?")),
    (WORDS, base64.b64encode(WORDS.casefold().encode())),
    (NUMBER, b"5215548151623"),
    (NUMBER, quote(NUMBER).encode()),
    (LONG_ID, int(LONG_ID).to_bytes(8, "big")),
    (LONG_ID, int(LONG_ID).to_bytes(8, "little")),
    (LONG_ID, int(LONG_ID).to_bytes(6, "big")),
    (UUID, bytes.fromhex(UUID.replace("-", ""))),
    (UUID, UUID.replace("-", "").upper().encode()),
    (CODE, b"4815162342481516"),
    (CODE, base64.b64encode(b"xx4815162342481516")),
)


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize(("secret", "written"), WRITTEN)
def test_each_form_is_found_within_other_bytes(tmp_path: Path, secret: str, written: bytes, before: int) -> None:
    (tmp_path / "file").write_bytes(b"\xff" * before + written + b"after\x00")
    found = Search([canary("another"), secret, canary("one more")]).files([tmp_path / "file"])
    assert {(hit.place, hit.secret) for hit in found} == {("file", secret)}
    assert before <= found[0].offset <= before + 3  # a bracket, or what base64 mixes with its neighbours


@settings(max_examples=25)
@given(secret=st.text(min_size=10, max_size=40), before=st.binary(max_size=9), after=st.binary(max_size=9))
def test_whatever_was_written_is_found_in_every_form(secret: str, before: bytes, after: bytes) -> None:
    search = Search([secret])
    blind = [name for form, name in forms(secret).items() if not [*search.octets(before + form + after)]]
    assert blind == []


@settings(max_examples=25)
@given(content=st.binary(max_size=400))
def test_other_bytes_hold_nothing(content: bytes) -> None:
    assert [*Search([WORDS, NUMBER, LONG_ID, UUID, CODE, canary()]).octets(content)] == []


QUOTED = "it's Zwölf, who said"


@pytest.mark.parametrize("words", [QUOTED, f'{QUOTED} "no"', 'it\'s "Zwölf" then'])
@pytest.mark.parametrize("shown", [repr, ascii, lambda text: repr([text, "'\""]), lambda text: repr({"a": text + '"'})])
def test_words_with_quotes_are_found_as_they_are_shown(words: str, shown: Callable[[str], str]) -> None:
    assert {hit.secret for hit in Search([words]).octets(shown(words).encode())} == {words}


def test_where_it_stands_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes").write_bytes(b"12345" + WORDS.encode("utf-16-le"))
    assert hits([WORDS, CODE], files_under(tmp_path)) == [f"notes at 5, UTF-16: {WORDS}"]


def test_a_name_of_a_file_may_hold_nothing_either(tmp_path: Path) -> None:
    (tmp_path / canary(1)).write_bytes(b"")
    (hit,) = Search([canary(1)]).files(files_under(tmp_path))
    assert hit.place.startswith("the name ")


HOLDING = """
import os, sys, tempfile
word = sys.stdin.readline().strip()
deleted = tempfile.TemporaryFile(dir=sys.argv[1]); deleted.write(word.encode()); deleted.flush()
unnamed = os.memfd_create("scratch"); os.write(unnamed, word.encode("utf-16-le"))
kept = open(sys.argv[1] + "/kept", "w"); kept.write(word.encode().hex()); kept.flush()
print(flush=True)
sys.stdin.readline()
"""


def test_deleted_files_that_are_held_open_are_read_and_so_is_memory(tmp_path: Path) -> None:
    word = canary("held", os.getpid())
    holding = subprocess.Popen(
        [sys.executable, "-c", HOLDING, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holding:
        assert holding.stdin and holding.stdout
        holding.stdin.write(f"{word}\n")
        holding.stdin.flush()
        holding.stdout.readline()
        search = Search([word])
        assert [path.name for path in files_under(tmp_path)] == ["kept"]
        assert {hit.form for hit in search.open_files(holding.pid)} == {"plain", "UTF-16", "hex"}
        nameless = search.open_files(holding.pid, deleted=True)
        assert {hit.form for hit in nameless} == {"plain", "UTF-16"} and "(deleted), held open" in str(nameless)
        assert any(True for content in memory_of(holding.pid) for _ in search.octets(content))
    assert not [*Path(f"/proc/{holding.pid}").glob("fd/*")]


def test_what_is_no_ordinary_file_is_not_read() -> None:
    with tempfile.TemporaryFile() as own:
        names = {path.name for path, _ in held_open(os.getpid())}
        assert str(own.fileno()) in names
    reads, writes = os.pipe()
    assert not {str(reads), str(writes)} & {path.name for path, _ in held_open(os.getpid())}
    os.close(reads)
    os.close(writes)


@pytest.mark.parametrize("cut", [slice(0, 16), slice(-16, None), slice(64, 100), slice(None)])
def test_a_piece_of_what_was_sealed_is_found_wherever_it_lies(tmp_path: Path, cut: slice) -> None:
    sealed = os.urandom(1000)
    (tmp_path / "db").write_bytes(b"\0" * 13 + sealed[cut] + b"\0")
    (tmp_path / "wal").write_bytes(os.urandom(4096))
    assert left_of([os.urandom(700), sealed], files_under(tmp_path)) == ["db"]


def test_thousands_are_looked_for_in_the_time_of_one(tmp_path: Path) -> None:
    many: Callable[[], Search] = lambda: Search(canary(number) for number in range(5000))  # noqa: E731
    assert [*map(len, many()._by_key)] == [*map(len, Search([canary("one")])._by_key)]


@pytest.mark.parametrize("before", [-200, -40, -13, -1, 0, 1, BLOCK])
@pytest.mark.parametrize(
    "as_written", [str.encode, lambda text: text.encode("utf-16-le"), lambda text: base64.b64encode(text.encode())]
)
def test_across_the_border_of_two_blocks_each_is_found_once(as_written: Callable[[str], bytes], before: int) -> None:
    content = bytes(BLOCK + before) + as_written(WORDS) + bytes(BLOCK)
    assert [hit.offset for hit in Search([WORDS, CODE]).octets(content)] == [BLOCK + before]


def test_what_comes_into_a_clean_file_later_is_found(tmp_path: Path) -> None:
    file, search, content = tmp_path / "log", Search([WORDS, NUMBER]), bytearray(os.urandom(4 * BLOCK))
    file.write_bytes(content)
    assert search.files([file]) == []
    content[BLOCK + 5 : BLOCK + 5] = WORDS.encode()  # all that follows it is moved
    file.write_bytes(content + NUMBER.encode())
    assert [hit.secret for hit in search.files([file])] == [WORDS, NUMBER]
    file.write_bytes(content[: BLOCK + 5])
    assert search.files([file]) == []
    file.write_bytes(content[: BLOCK + 5] + LONG_ID.encode())
    search.add([LONG_ID])
    assert [hit.secret for hit in search.files([file])] == [LONG_ID]


def test_a_clean_block_is_not_read_again_until_it_is_looked_at_afresh() -> None:
    content, search = bytes(BLOCK) + WORDS.encode(), Search([CODE])
    assert [*search.octets(content)] == []
    search.add([WORDS[:20]])  # shorter than what was sought: the blocks are cut as before
    assert [*search.octets(content)] == []
    search.afresh()
    assert [hit.secret for hit in search.octets(content)] == [WORDS[:20]]


def test_what_is_too_short_to_be_told_from_chance_is_refused() -> None:
    with pytest.raises(StopIteration):
        Search(["no"])
