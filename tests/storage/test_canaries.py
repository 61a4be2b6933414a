"""The search itself finds what it must find."""

import base64
import json
from pathlib import Path

import pytest
from storage.canaries import hits

CANARY = "Zwölfkanariennamen"


@pytest.mark.parametrize(
    "written",
    [
        CANARY.encode(),
        CANARY.encode("utf-16-le"),
        CANARY.encode("utf-16-be"),
        json.dumps([CANARY]).encode(),
        base64.b64encode(b"" + CANARY.encode() + b"?"),
        base64.b64encode(b"1" + CANARY.encode() + b"!!"),
        base64.b64encode(b"12" + CANARY.encode() + b"???"),
    ],
)
def test_each_form_is_found_within_other_bytes(tmp_path: Path, written: bytes) -> None:
    (tmp_path / "file").write_bytes(b"\x00\xffbefore" + written + b"after\x00")
    assert hits([CANARY], [tmp_path / "file"]) == [f"file: {CANARY}"]


def test_other_words_are_not_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"nothing of the kind")
    assert hits([CANARY], [tmp_path / "file"]) == []
