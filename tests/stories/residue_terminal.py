"""`postigo` for somebody who types faster than any person does, and is heard nevertheless; nothing else differs."""

import bot.gate

bot.gate.LIMITS = bot.gate.UNLIMITED

from bot.cli import main  # noqa: E402 - what is loaded now takes the limits from there

if __name__ == "__main__":
    raise SystemExit(main())
