"""Everything that is fuzzed, with its share: what strangers reach first, and what is read in a moment, gets most."""

from collections.abc import Mapping
from types import MappingProxyType

from fuzz import targets_channels as channels
from fuzz import targets_hook as posts
from fuzz import targets_mail as mails
from fuzz import targets_storage as storage
from fuzz import targets_talk as talks
from fuzz import targets_texts as texts
from fuzz.target import Target

TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        target.name: target
        for target in (
            Target("flow", 4, texts.flow),
            Target("files", 6, texts.files),
            Target("profile", 8, texts.profile),
            Target("settings", 8, texts.settings),
            Target("catalog", 8, texts.catalog),
            Target("keys", 8, texts.keys),
            Target("talk", 20, talks.talk),
            Target("words", 45, channels.words),
            Target("telegram", 300, channels.telegram),
            Target("hook", 8, posts.hook),
            Target("signal", 300, channels.signal),
            Target("server", 60, channels.server),
            Target("mail", 35, mails.replies),
            Target("bounce", 35, mails.bounces),
            Target("rows", 100, storage.rows),
            Target("letters", 55, storage.stored),
        )
    }
)
