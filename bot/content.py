"""Where the bot's content lies: flows, locales and example missions, in a checkout or in the installed package.

Only paths. Reading what lies there belongs to the rooms that know the formats.
"""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
PLACES = {  # name -> folder or file in a checkout
    "flows": "flows",
    "locales": "locales",
    "missions": "config/missions",
    "lock": "requirements.txt",
}


def content(name: str, package: Path = PACKAGE) -> Path:
    """Return the folder of `name`: "flows", "locales" or "missions"; or the file "lock", of what was tested.

    A checkout is known by its pyproject.toml and goes first, so that an edited file is never stale.

    Raises:
        KeyError: there is no content of that name.

    """
    checkout = package.parent
    if (checkout / "pyproject.toml").is_file():
        return checkout / PLACES[name]
    return package / "_content" / Path(PLACES[name]).name
