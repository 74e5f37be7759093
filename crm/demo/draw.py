"""Small tools for drawing whole columns at once; every one takes the random generator and gives a numpy array.

Days are `datetime64[D]`, with NaT for what has not happened.
"""

from collections.abc import Mapping, Sequence
from string import Formatter
from typing import Any

import numpy as np
import numpy.typing as npt

from crm.rules import credit_check_character

Array = npt.NDArray[Any]
Random = np.random.Generator
NAT = np.datetime64("NaT", "D")
NOTHING: Any = None


def texts(values: Sequence[Any]) -> Array:
    """Return values as a column of Python objects."""
    column = np.empty(len(values), object)
    column[:] = list(values)
    return column


def pick(rng: Random, options: Sequence[Any], count: int, weights: Sequence[float] | None = None) -> Array:
    """Draw `count` of the options, each as likely as its weight says."""
    if weights is None:
        return texts(options)[rng.integers(0, len(options), count)]
    column: Array = texts(options)[rng.choice(len(options), count, p=np.asarray(weights) / np.sum(weights))]
    return column


def pick_by(rng: Random, table: Sequence[Sequence[Any]], key: Array) -> Array:
    """Draw for each row one of the options that `table` holds for its key."""
    lengths = np.array([len(options) for options in table])
    starts = np.cumsum(lengths) - lengths
    flat = texts([option for options in table for option in options])
    column: Array = flat[starts[key] + (rng.random(len(key)) * lengths[key]).astype(np.int64)]
    return column


def filled(templates: Array, slots: Mapping[str, Array]) -> Array:
    """Fill each row's template with the row's slots."""
    out = np.empty(len(templates), object)
    codes = {template: n for n, template in enumerate(dict.fromkeys(templates))}
    number = np.fromiter((codes[template] for template in templates), np.int64, len(templates))
    for template, code in codes.items():
        rows = np.flatnonzero(number == code)
        names = list(dict.fromkeys(name for _text, name, _spec, _conversion in Formatter().parse(template) if name))
        columns = [slots[name][rows] for name in names]
        if names:
            out[rows] = [template.format(**dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)]
        else:
            out[rows] = template
    return out


def joined(*columns: Array) -> Array:
    """Join text columns row by row."""
    return texts(list(map("".join, zip(*columns, strict=True))))


def kept(values: Array, where: Array, otherwise: Any = NOTHING) -> Array:
    """Keep values where a condition holds; elsewhere nothing."""
    out = values.copy()
    out[~where] = otherwise
    return out


def after(day: Array, lag: Array, *, end: np.datetime64, where: Array | bool = True) -> Array:
    """Return the working day `lag` days later, nothing where that lies after `end` or the condition does not hold."""
    later = workday(day + np.maximum(lag, 3).astype("timedelta64[D]"))
    return np.where((later <= end) & where, later, NAT)


def workday(day: Array) -> Array:
    """Return the day, or the Friday before where it falls on a weekend."""
    # 1970-01-01 was a Thursday.
    weekday = (day.astype(np.int64) + 3) % 7
    earlier: Array = day - np.maximum(weekday - 4, 0).astype("timedelta64[D]")
    return earlier


_ALPHABET = np.array(list("0123456789ABCDEFGHJKLMNPQRTUWXY"))


def credit_codes(divisions: Array, *, first: int, seed: int) -> Array:
    """Return distinct unified social credit codes that check: companies ("91") in the given divisions.

    `first` is the serial number of the first one. Organisation codes start with "XX", which is issued to nobody.
    """
    # Steps of a number coprime with 31^6 visit every serial once: distinct, and without an order to the eye.
    serial = (np.arange(first, first + len(divisions), dtype=np.int64) * 387_420_489 + 123_456_789 + seed) % 31**6
    digits = np.stack([serial // 31**place % 31 for place in range(5, -1, -1)], axis=1)
    body = np.concatenate([np.full((len(serial), 2), 29), digits], axis=1)
    # The organisation code's own check character, by GB 11714: its letters weigh one step per letter of the alphabet.
    worth = np.array([int(c, 36) for c in _ALPHABET])[body]
    check = (11 - (worth * np.array([3, 7, 9, 10, 5, 8, 4, 2])).sum(axis=1) % 11) % 11
    letters = _ALPHABET[body]
    organisations = ["".join(row) + ("X" if c == 10 else str(c)) for row, c in zip(letters, check, strict=True)]
    bodies = [f"91{division}{code}" for division, code in zip(divisions, organisations, strict=True)]
    return texts([text + credit_check_character(text) for text in bodies])
