"""Long texts in parts that Telegram takes: cut between paragraphs, lines, words, and only then anywhere."""

MOST = 4096  # UTF-16 units of one message
_CUTS = ("\n\n", "\n", " ")


def units(text: str) -> int:
    """Return the length of `text` as Telegram counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parts(text: str, most: int = MOST) -> list[str]:
    """Return `text` in parts of at most so many UTF-16 units, none of them empty."""
    if 2 * len(text) <= most:
        return [text]
    found = []
    while units(text) > most:
        end = _end(text, most)
        found.append(text[:end].strip())
        text = text[end:].lstrip()
    return [part for part in (*found, text) if part.strip()] or [text]


def _end(text: str, most: int) -> int:
    """Return where the first part ends."""
    longest = _fitting(text, most)
    for cut in _CUTS:
        end = text.rfind(cut, 1, longest + len(cut))
        if end > 0 and text[:end].strip():
            return min(end, longest)
    return longest


def _fitting(text: str, most: int) -> int:
    """Return how many characters fit."""
    taken = 0
    for index, char in enumerate(text):
        taken += 1 + (char > "\uffff")
        if taken > most:
            return index
    return len(text)
