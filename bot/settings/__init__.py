"""What an operator and a mission have written down: settings, secrets, the mission's profile; read at the start."""

from bot.settings.files import read_mission, read_settings, unspoken
from bot.settings.values import Logs, Mailbox, MailFolder, Operations, Settings, Signal, Smtp, Storage, Telegram

__all__ = [
    "Logs",
    "MailFolder",
    "Mailbox",
    "Operations",
    "Settings",
    "Signal",
    "Smtp",
    "Storage",
    "Telegram",
    "read_mission",
    "read_settings",
    "unspoken",
]
