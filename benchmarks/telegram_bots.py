"""The bots that are measured over a loopback Bot API server: ours, and two of python-telegram-bot as documented.

Run as `python -m benchmarks.telegram_bots NAME ADDRESS FOLDER`; they run until they are stopped.
"""

import asyncio
import sys
import warnings
from dataclasses import replace
from math import inf
from pathlib import Path

from telegram import Update
from telegram.ext import (
    Application,
    BaseHandler,
    ContextTypes,
    ConversationHandler,
    MessageHandler,
    PicklePersistence,
    filters,
)

from benchmarks.people import SCRIPTS
from benchmarks.stand import SENDER, NullPost, officers, profile
from bot import logs
from bot.app import Plan, wire
from bot.channels.telegram import Telegram
from bot.gate import UNLIMITED

TOKEN = "1:" + "A" * 35
POSTIGO, MEMORY, PICKLE = NAMES = ("postigo", "ConversationHandler", "the same, pickled")
SCRIPT = (*SCRIPTS["emergency"][:3], "help", *SCRIPTS["emergency"][3:])


async def postigo(address: str, folder: Path) -> None:
    """Run the whole bot, without Telegram's own limits."""
    logs.install("error")
    told = profile()
    told = replace(told, own_words=("telegram", *told.own_words))
    plan = Plan(
        told,
        f"sqlite:///{folder}/postigo.db",
        folder / "keys",
        NullPost(),
        SENDER,
        officers(),
        lambda bot: [Telegram(TOKEN, bot.desk.now, address, per_second=inf, pause=0.0, at_once=64)],
        limits=UNLIMITED,
    )
    await wire(plan).run(asyncio.Event())


def documented(address: str, folder: Path, *, pickled: bool) -> None:
    """Run a ConversationHandler that asks one question after another and keeps the answers, as its example does."""
    persistence = PicklePersistence(folder / "kept.pickle") if pickled else None
    builder = Application.builder().token(TOKEN).base_url(f"{address}/bot")
    application = (builder.persistence(persistence) if persistence else builder).build()

    async def ask(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
        message, kept = update.effective_message, context.user_data
        if message is None or kept is None:
            raise ValueError("an update without a message or a person")
        step = int(kept.get("step", 0))
        kept[f"answer {step}"] = message.text
        kept["step"] = step + 1
        if persistence:
            await context.application.update_persistence()
            await persistence.flush()
        await message.reply_text(f"Question {step + 1}: what do you want to tell about it?\n1 This\n2 That\n3 Skip")
        return 1 if step + 1 < len(SCRIPT) else ConversationHandler.END

    asked: BaseHandler[Update, ContextTypes.DEFAULT_TYPE, object] = MessageHandler(filters.TEXT, ask)
    handler: ConversationHandler[ContextTypes.DEFAULT_TYPE] = ConversationHandler(
        [asked], {1: [asked]}, [], name="intake" if pickled else None, persistent=pickled
    )
    application.add_handler(handler)
    application.run_polling(drop_pending_updates=False, close_loop=False)


def main() -> None:
    """Run the bot that is named."""
    warnings.simplefilter("ignore")
    name, address, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    if name == POSTIGO:
        asyncio.run(postigo(address, folder))
    else:
        documented(address, folder, pickled=name == PICKLE)


if __name__ == "__main__":
    main()
