"""Why a file could not be read as text, in the words of whoever must mend it. Reads nothing itself."""


def unread(error: Exception) -> str:
    """Return what was expected where a file could not be read as text, in words for "expected …"."""
    return _EXPECTED.get(type(error), "a text file that we can read")


_EXPECTED: dict[type[Exception], str] = {
    FileNotFoundError: "a text file, and there is none",
    NotADirectoryError: "a text file, and there is none",  # what is named as its folder is a file
    IsADirectoryError: "a text file, and this is a folder",
    UnicodeDecodeError: "a text file, and what is in it is no text",
}
