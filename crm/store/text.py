"""Search keys: one normal form for names, so that a plain LIKE finds what a person types."""

import os
import re
import unicodedata
from functools import lru_cache

_NOISE = re.compile(r"[\s()\[\]{}<>《》【】〔〕「」,.;:!?'\"、。，；：！？·・\-—–_/\\|&]+")


def normalised(text: str) -> str:
    """Return text in compatibility form, lower case, spaces folded."""
    return " ".join(unicodedata.normalize("NFKC", text).split()).lower()


def name_key(name: str) -> str:
    """Return the key under which two spellings of one name meet: normal form without spaces and punctuation."""
    return _NOISE.sub("", normalised(name))


@lru_cache(maxsize=1)
def _initials() -> dict[int, str]:
    # A table of first letters is built once: per-character look-ups make 200k names a matter of a second.
    table: dict[int, str] = {}
    for code, readings in _readings().items():
        letter = unicodedata.normalize("NFKD", readings.split(",")[0])[:1]
        if letter.isascii():
            table[code] = letter
    return table


@lru_cache(maxsize=1)
def _syllables() -> dict[int, str]:
    table: dict[int, str] = {}
    for code, readings in _readings().items():
        letters = unicodedata.normalize("NFKD", readings.split(",")[0])
        table[code] = "".join(letter for letter in letters if letter.isascii()) + " "
    return table


def _readings() -> dict[int, str]:
    """Return the readings of each character, the usual one first."""
    # The phrases are of no use here, and would take a third of a second and 40 MB.
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "1")
    os.environ.setdefault("PYPINYIN_NO_DICT_COPY", "1")
    from pypinyin.constants import PINYIN_DICT

    readings: dict[int, str] = PINYIN_DICT
    return readings


def pinyin_initials(text: str) -> str:
    """Return the first letters of the pinyin of each character; letters and digits stay."""
    return name_key(text).translate(_initials())


def pinyin(text: str) -> str:
    """Return the toneless syllables of a text's usual readings, a space after each: two names that sound alike meet."""
    return name_key(text).translate(_syllables())


def search_text(*parts: str | None, name: str) -> str:
    """Return what a record is found by: its name, name key, pinyin initials and codes, each on a line of its own."""
    # An import builds these by the ten thousand: each form is derived once from the one before it.
    plain = normalised(name)
    key = _NOISE.sub("", plain)
    keys = [plain, key, key.translate(_initials()), *(normalised(part) for part in parts if part)]
    return "\n".join(dict.fromkeys(keys))


def like_pattern(query: str) -> str:
    """Return the LIKE pattern (escape character `\\`) that finds a typed text anywhere in a search text."""
    escaped = normalised(query).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
