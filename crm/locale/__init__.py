"""Messages in the reader's language: msgids are English, the default language is Simplified Chinese.

`_("…{name}…", name=…)` makes a `Message` that becomes text only when it is shown, in the language of the moment
(`use_language`). The catalogs are `*.po` files under `zh_CN/LC_MESSAGES`, one per area, read as one.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

DEFAULT_LANGUAGE = "zh_CN"
LANGUAGES = {"zh_CN": "简体中文", "en": "English"}

_language: ContextVar[str | None] = ContextVar("language", default=None)


def _source() -> str | None:
    """Name the language of the moment where nothing was set; the app puts its own in place."""
    return None


class Message:
    """A sentence of the catalog with its values, rendered by `str()` in the current language."""

    __slots__ = ("msgid", "values")

    def __init__(self, msgid: str, values: dict[str, Any]) -> None:
        self.msgid = msgid
        self.values = values

    def __str__(self) -> str:
        template = _catalog(language()).get(self.msgid) or self.msgid
        return template.format(**self.values) if self.values else template

    def __repr__(self) -> str:
        return f"_({self.msgid!r}, {self.values!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and (self.msgid, self.values) == (other.msgid, other.values)

    def __hash__(self) -> int:
        return hash(self.msgid)


def _(msgid: str, /, **values: Any) -> Message:
    """Name a sentence of the catalog; `{name}` in it is replaced by the value of that name."""
    return Message(msgid, values)


def listed(words: Iterable[object]) -> str:
    """Write words one after another, as the language of the moment does."""
    return ("、" if language() == "zh_CN" else ", ").join(map(str, words))


def language() -> str:
    """Return the language of the moment: `zh_CN` or `en`."""
    code = _language.get() or _source()
    return code if code in LANGUAGES else DEFAULT_LANGUAGE


def set_language(code: str) -> None:
    """Set the language of this thread's context; an unknown code means the default."""
    _language.set(code)


def set_language_source(source: Callable[[], str | None]) -> None:
    """Ask `source` wherever no language was set: a surface that serves many readers at once knows whose turn it is."""
    global _source
    _source = source


@contextmanager
def use_language(code: str) -> Iterator[None]:
    """Render messages in another language within the block."""
    token = _language.set(code)
    try:
        yield
    finally:
        _language.reset(token)


@cache
def _catalog(code: str) -> dict[str, str]:
    # Imported here: the catalog reader is only needed once text is shown.
    from babel.messages.pofile import read_po

    entries: dict[str, str] = {}
    for path in sorted((Path(__file__).parent / code / "LC_MESSAGES").glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=code):
                if message.id and isinstance(message.id, str) and isinstance(message.string, str):
                    entries[message.id] = message.string
    return entries
