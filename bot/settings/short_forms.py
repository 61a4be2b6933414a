"""What a mission may write shorter in its profile, written out as the one form that the profile has.

Works on a table as TOML gave it: whatever is no short form stays as it stands, for the reader to judge.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.conversation.understanding import fold
from bot.errors import SettingsError
from bot.handoff.mission import MILDEST, Formality, Mode

LEVELS = "by level"  # where `[duty.1]` is written out to
Table = Mapping[str, Any]

_ADDRESSED = {"usted": Formality.FORMAL.value, "tu": Formality.INFORMAL.value}  # folded


def written_out(profile: Table, path: Path) -> Table:
    """Return a profile's table with each short form written out.

    Raises SettingsError: no codes can be made from the labels of `areas`; the text names `path`.
    """
    forms = {"topics": _topics, "formality": _formality, "duty": _duty}
    tables = {key: form(profile[key]) for key, form in forms.items() if isinstance(profile.get(key), dict)}
    lists: dict[str, Any] = {}
    if isinstance(profile.get("areas"), list):
        lists["areas"] = _areas(profile["areas"], path)
    if isinstance(profile.get("contact"), list):
        lists["contact"] = _contacts(profile["contact"], profile.get("delivery_mode"))
    return {**profile, **tables, **lists}


def _topics(topics: Table) -> Table:
    """Write `meetings = "yes"` as `meetings = { availability = "yes" }`."""
    return {key: {"availability": topic} if isinstance(topic, str) else topic for key, topic in topics.items()}


def _formality(forms: Table) -> Table:
    return {tag: _ADDRESSED.get(fold(form), form) if isinstance(form, str) else form for tag, form in forms.items()}


def _duty(duty: Table) -> Table:
    """Gather the tables of the levels: `[duty.1]` is `duty = { "by level" = { 1 = … } }`."""
    levels = {key: duty[key] for key in map(str, range(1, MILDEST + 1)) if key in duty and LEVELS not in duty}
    return {LEVELS: levels, **{key: told for key, told in duty.items() if key not in levels}}


def _areas(labels: list[Any], path: Path) -> Table:
    """Make a code from each label: "Nuevo León" is nuevo-leon."""
    if not all(isinstance(label, str) and fold(label) for label in labels):
        raise SettingsError(f"{path}: areas: expected a table, or a list of labels in quotes")
    coded = {fold(label).replace(" ", "-"): label for label in labels}
    if len(coded) < len(labels):
        raise SettingsError(f"{path}: areas: expected labels that differ in more than accents, capitals and signs")
    return coded


def _contacts(contacts: list[Any], mode: object) -> list[Any]:
    """Give each contact without a mode the one of its certificate, else the profile's `delivery_mode`, if it is one."""
    return [{**_sent(contact, mode), **contact} if isinstance(contact, dict) else contact for contact in contacts]


def _sent(contact: Table, mode: object) -> Table:
    sealed = next((one.value for one in (Mode.OPENPGP, Mode.SMIME) if one in contact), None)
    return {"mode": sealed or mode} if sealed or mode in tuple(Mode) else {}
