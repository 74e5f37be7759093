"""Cells to values: text, dates, amounts, choices. Each distinct cell of a column is read once.

A reader takes the distinct cells of a column and returns their values in the same order, with what was wrong by
position. Blank is None: an empty cell, or one that says so (`N/A`, `无`, `-`).
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any, NamedTuple

from crm.errors import Invalid
from crm.exchange.columns import YES_NO, Choices, Column, Type, heading_notes
from crm.locale import Message, _
from crm.months import Month
from crm.rules import credit_code_problem
from crm.store import name_key

BLANK = frozenset(
    {"", "N/A", "n/a", "#N/A", "N／A", "无", "-", "--", "—", "——", "–", "－", "/", "／", "\\", "null", "NULL", "None"}
)
MOST_MONEY = Decimal(10) ** 16  # DECIMAL(18, 2)
_CENT = Decimal("0.01")
# Text that a spreadsheet would take for a formula; blanks in front do not disarm it, apostrophes may be there already.
# Written so that Arrow's regular expressions read it the same way.
FORMULA_LIKE = "^'*[ \t\r\n\u00a0\u3000]*[=+\\-@\t\r]"
_FORMULA_LIKE = re.compile(FORMULA_LIKE)
_ERRORS = frozenset({"#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#GETTING_DATA", "#SPILL!", "#CALC!"})


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a cell was not read as it stands; `rejects` its whole row, else it is a warning."""

    reason: Message
    rejects: bool


class Money(NamedTuple):
    """An amount in 元, or in another currency: then `original` and `currency`, and no amount until there is a rate."""

    amount: Decimal | None
    original: Decimal | None = None
    currency: str | None = None


# The values of a column's distinct cells, and the problems by position.
Read = tuple[list[Any], dict[int, Problem]]


@dataclass(frozen=True)
class Names:
    """What names stand for in this database: name key -> id."""

    units: Mapping[str, int]
    industries: Mapping[str, int]


def guard(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would take for a formula."""
    return "'" + text if _FORMULA_LIKE.match(text) else text


def unguard(text: str) -> str:
    """Take away the apostrophe that `guard` put there."""
    return text[1:] if text[:1] == "'" and _FORMULA_LIKE.match(text) else text


def as_text(cell: Any) -> str:
    """Return a cell as a person reads it: whole numbers without point, dates as 2026-03-05."""
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return format(Decimal(repr(cell)).normalize(), "f") if cell == cell and abs(cell) < 1e30 else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(" ") if cell.time() != time(0) else cell.date().isoformat()
    return str(cell)


def clean(text: str) -> str:
    """Return text without blanks at its ends and without characters that no sheet can hold."""
    text = text.strip()
    if not text.isprintable():
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
        text = "".join(c for c in text if c == "\n" or unicodedata.category(c) not in {"Cc", "Cf", "Cs"}).strip()
    return text


# ------------------------------------------------------------------------------------------------------------- text


def _read_texts(column: Column, cells: Sequence[Any]) -> Read:
    values: list[Any] = []
    problems: dict[int, Problem] = {}
    longest = column.longest
    for cell in cells:
        text = cell if type(cell) is str else as_text(cell)
        text = text.strip()
        if not text.isprintable():
            text = clean(text)
        if text in BLANK:
            values.append(None)
            continue
        if text[0] == "'":
            text = unguard(text)
        if len(text) > longest:
            problems[len(values)] = Problem(
                _(
                    "The text has {count} characters, more than the {most} that fit here.",
                    count=len(text),
                    most=longest,
                ),
                column.required or column.key,
            )
            values.append(None)
        elif text in _ERRORS:
            problems[len(values)] = Problem(
                _("The cell holds an error value of the spreadsheet."), column.required or column.key
            )
            values.append(None)
        else:
            values.append(text)
    return values, problems


def _read_names(column: Column, cells: Sequence[Any]) -> Read:
    values, problems = _read_texts(column, cells)
    for n, value in enumerate(values):
        # Punctuation alone would be the same name as any other punctuation.
        if value is not None and not name_key(value):
            values[n] = None
            problems[n] = Problem(_("This is not a name."), True)
    return values, problems


def _read_personal(column: Column, cells: Sequence[Any]) -> Read:
    values, problems = _read_texts(column, cells)
    for n, value in enumerate(values):
        if value is not None and "****" in value:
            # What an export masked must not overwrite what it hides.
            problems[n] = Problem(_("The value is masked and was left as it is."), False)
            values[n] = None
    return values, problems


_NOT_CODE = re.compile(r"[^0-9A-Z]")


def _read_credit_codes(column: Column, cells: Sequence[Any]) -> Read:
    values, problems = _read_texts(column, cells)
    for n, value in enumerate(values):
        if value is None:
            continue
        if isinstance(cells[n], float) and abs(cells[n]) >= 1e15:
            reason = _(
                "The cell holds a number, of which a spreadsheet keeps 15 digits only: format the column as text."
            )
            problems[n] = Problem(reason, False)
            values[n] = None
            continue
        code = "".join(unicodedata.normalize("NFKC", value).split()).upper()
        problem = credit_code_problem(code)
        if code != value:
            values[n] = code
        if problem is None:
            continue
        if len(code) == 18 and not _NOT_CODE.search(code):
            problems[n] = Problem(problem, False)
        else:
            # Nothing that could be another enterprise's code, or nobody's, may serve as a key.
            values[n] = None
            problems[n] = Problem(
                _("{problem} It was left out, and the name identifies the enterprise.", problem=problem), False
            )
    return values, problems


def _read_lists(column: Column, cells: Sequence[Any]) -> Read:
    values, problems = _read_texts(column, cells)
    return [None if value is None else split_list(value) for value in values], problems


def split_list(text: str) -> tuple[str, ...]:
    """Return the parts of a text joined by 、 or the like, blanks and repetitions left out."""
    parts = (part.strip() for part in re.split(r"[、;；,，\n|]", text))
    return tuple(dict.fromkeys(part for part in parts if part not in BLANK))


# ------------------------------------------------------------------------------------------------------------ dates

_DATE = re.compile(
    r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|\.(\d{1,2})\.(\d{1,2})|年(\d{1,2})月(\d{1,2})日?|(\d{2})(\d{2}))"
    r"(?:[ T]*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?",
    re.ASCII,
)


def read_date(cell: Any) -> date | None:
    """Return the date that a cell holds, None where it holds none."""
    if isinstance(cell, datetime):
        # A spreadsheet keeps moments as fractions of a day, which may fall short of midnight by a hair.
        found = (cell + timedelta(milliseconds=500)).date()
    elif isinstance(cell, date):
        found = cell
    else:
        match = _DATE.fullmatch(unicodedata.normalize("NFKC", unguard(as_text(cell).strip())))
        if match is None:
            return None
        year, month, day = (int(group) for group in match.groups() if group is not None)
        try:
            found = date(year, month, day)
        except ValueError:
            return None
    return found if 1900 <= found.year <= 2999 else None


def _read_dates(column: Column, cells: Sequence[Any]) -> Read:
    values: list[Any] = []
    problems: dict[int, Problem] = {}
    for cell in cells:
        if type(cell) is date:
            values.append(cell if 1900 <= cell.year <= 2999 else None)
        else:
            values.append(read_date(cell))
        if values[-1] is None and as_text(cell).strip() not in BLANK:
            problems[len(values) - 1] = Problem(_("This is not a date: write it as 2026-03-05."), True)
    return values, problems


def _read_months(column: Column, cells: Sequence[Any]) -> Read:
    values: list[Any] = []
    problems: dict[int, Problem] = {}
    for n, cell in enumerate(cells):
        text = unicodedata.normalize("NFKC", unguard(as_text(cell).strip()))
        if text in BLANK:
            values.append(None)
            continue
        if isinstance(cell, date):
            text = f"{cell.year:04d}-{cell.month:02d}"
        elif found := re.fullmatch(r"(\d{4})(?:[-/.年](\d{1,2})月?|(\d{2}))", text, re.ASCII):
            text = f"{found[1]}-{int(found[2] or found[3]):02d}"
        try:
            values.append(str(Month.parse(text)))
        except Invalid:
            values.append(None)
            problems[n] = Problem(_("This is not a month: write it as 2026-03."), True)
    return values, problems


def _read_years(column: Column, cells: Sequence[Any]) -> Read:
    values: list[Any] = []
    problems: dict[int, Problem] = {}
    for n, cell in enumerate(cells):
        text = unicodedata.normalize("NFKC", unguard(as_text(cell).strip()))
        found = re.fullmatch(r"(\d{4})年?度?", text, re.ASCII)
        values.append(int(found[1]) if found and 1900 <= int(found[1]) <= 2999 else None)
        if values[-1] is None and text not in BLANK:
            problems[n] = Problem(_("This is not a year: write it as 2026."), True)
    return values, problems


# ---------------------------------------------------------------------------------------------------------- amounts

# Currency words, the longer ones first where one holds another; the first word of a code is the one written.
_CURRENCY_WORDS = {
    "人民币": "CNY",
    "RMB": "CNY",
    "CNY": "CNY",
    "¥": "CNY",
    "美元": "USD",
    "美金": "USD",
    "USD": "USD",
    "US$": "USD",
    "$": "USD",
    "香港元": "HKD",
    "港元": "HKD",
    "港币": "HKD",
    "HKD": "HKD",
    "HK$": "HKD",
    "欧元": "EUR",
    "EUR": "EUR",
    "€": "EUR",
    "英镑": "GBP",
    "GBP": "GBP",
    "£": "GBP",
    "日元": "JPY",
    "日圆": "JPY",
    "JPY": "JPY",
    "新加坡元": "SGD",
    "新加坡币": "SGD",
    "新币": "SGD",
    "SGD": "SGD",
    "新台币": "TWD",
    "台币": "TWD",
    "TWD": "TWD",
    "澳门元": "MOP",
    "澳门币": "MOP",
    "MOP": "MOP",
    "韩元": "KRW",
    "韩币": "KRW",
    "KRW": "KRW",
    "加拿大元": "CAD",
    "加元": "CAD",
    "CAD": "CAD",
    "澳大利亚元": "AUD",
    "澳元": "AUD",
    "AUD": "AUD",
    "瑞士法郎": "CHF",
    "CHF": "CHF",
    "泰铢": "THB",
    "THB": "THB",
    "林吉特": "MYR",
    "MYR": "MYR",
    "新西兰元": "NZD",
    "NZD": "NZD",
    "卢布": "RUB",
}
CURRENCIES = tuple(dict.fromkeys(code for code in _CURRENCY_WORDS.values() if code != "CNY"))
_SCALES = {"亿": Decimal(10) ** 8, "千万": Decimal(10) ** 7, "百万": Decimal(10) ** 6, "十万": Decimal(10) ** 5}
_SCALES |= {"万": Decimal(10) ** 4, "千": Decimal(10) ** 3, "百": Decimal(10) ** 2}
_scales = "|".join(_SCALES)
_words = "|".join(re.escape(word) for word in sorted(_CURRENCY_WORDS, key=len, reverse=True))
# Whatever ends as a currency does: 80万元 and 80余万元 name none.
_letter = "(?:(?![万亿千百十元圆币])[\u4e00-\u9fff])"
_endings = (
    "镑|盾|铢|法郎|马克|克朗|卢布|卢比|比索|里拉|里亚尔|第纳尔|迪拉姆|先令|兰特|令吉|坚戈|福林|兹罗提|雷亚尔|索姆|塔卡"
)
_any = rf"{_words}|(?-i:[A-Z]{{3}})|(?![余多来几约计每整])(?:{_letter}{{1,8}}[元圆币]|{_letter}{{0,8}}(?:{_endings}))"
_UNIT = re.compile(rf"({_any})?({_scales})?(元|圆)?({_any})?(元|圆)?整?", re.IGNORECASE)
# A unit among other words: 折合亿元; an amount (含5000万元流动资金) is none.
_UNIT_WITHIN = re.compile(rf"(?<!\d)({_words})?({_scales})(?:(元|圆)|(?={_words}))({_words})?(元|圆)?", re.IGNORECASE)
# What speaks of money in a heading, understood or not.
_MONEY_SAID = re.compile(
    rf"[万亿元圆币镑%]|{_words}|单位:.|^(?:k|m|mn|mln|bn|thousand|million|billion)$", re.IGNORECASE
)
_AMOUNT = re.compile(
    rf"({_any})?([+-]?(?:\d{{1,3}}(?:,\d{{3}})+|\d{{1,30}})(?:\.\d{{1,30}})?(?:[eE][+-]?\d{{1,2}}(?![0-9]))?)(.*)",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)
_PUNCTUATION = re.compile(r"[\s()\[\]【】〔〕:]+")


@dataclass(frozen=True, slots=True)
class Unit:
    """What a number counts: so many 元 (or units of a currency)."""

    scale: Decimal
    currency: str = "CNY"


WAN = Unit(Decimal(10_000))
YUAN = Unit(Decimal(1))


def currency_word(code: str) -> str:
    """Return the Chinese word for a currency code, the code itself where there is none."""
    return next((word for word, known in _CURRENCY_WORDS.items() if known == code), code)


@cache
def _currencies() -> Mapping[str, str]:
    """Return the codes of all currencies by code and Chinese name."""
    # Imported here: few ledgers have a currency that is not among the words above.
    from babel import Locale

    names = Locale("zh").currencies
    return {name: code for code, name in names.items()} | {code: code for code in names}


def _currency(word: str) -> str | None:
    """Return the code of a currency, its name where it has none that is known; None for what names no currency."""
    known = _CURRENCY_WORDS.get(word.upper()) or _currencies().get(word)
    if known is not None:
        return known
    return None if word.isascii() or any(part in word for part in _CURRENCY_WORDS) else word


def _unit_of(matches: Sequence[re.Match[str]], default: Unit) -> Unit | None:
    """Return the unit that these say together, None where they contradict each other."""
    words = [word for match in matches for word in (match[1], match[4]) if word]
    codes = {_currency(word) for word in words}
    scales = {_SCALES.get(match[2], Decimal(1)) for match in matches if match[2] or match[3] or match[5]}
    if None in codes or len(codes) > 1 or len(scales) > 1:
        return None
    # 元 said without 万 is 元; a currency alone (600(人民币)) leaves the heading's unit.
    if not scales and any(word[-1] in "元圆" for word in words):
        scales = {Decimal(1)}
    currency = (codes.pop() or "") if codes else "CNY" if scales else default.currency
    return Unit(scales.pop() if scales else default.scale, currency)


def _read_unit(text: str, default: Unit) -> Unit | None:
    match = _UNIT.fullmatch(_PUNCTUATION.sub("", text))
    return _unit_of([match], default) if match else None


def _without_label(note: str) -> str:
    return note.rpartition("单位")[2].lstrip(":")


def unit_of_heading(heading: str) -> Unit | None:
    """Return the unit that amounts under a heading have: what its brackets say, 万元 where they say nothing of it.

    None where they speak of money in words that are not understood.
    """
    found, others = [], []
    for note in heading_notes(heading):
        match = _UNIT.fullmatch(_without_label(note))
        if match and all(_currency(word) for word in (match[1], match[4]) if word):
            found.append(match)
        else:
            others.append(note)
    if not any(match[2] or match[3] or match[5] for match in found):
        for note in others:
            if match := _UNIT_WITHIN.search(note):
                found.append(match)
            elif _MONEY_SAID.search(note):
                return None
    unit = _unit_of(found, WAN)
    return unit if unit and unit.currency.isascii() else None


def read_money(cell: Any, unit: Unit | None) -> Money | Message:
    """Read an amount, exactly; returns why not where it cannot be. The unit is None where the heading's is unknown."""
    if unit is None:
        found = read_money(cell, WAN)
        # What says its own unit is the same under every heading.
        if isinstance(found, Message) or found == read_money(cell, YUAN):
            return found
        return _("The unit in the heading is not understood: write 元, 万元 or 亿元 there.")
    if isinstance(cell, (bool, date, time, timedelta)):
        return _("This is not an amount: write a number, or a text such as 1.2亿元.")
    if isinstance(cell, (int, float)):
        number, said = Decimal(repr(cell)), unit
        if not number.is_finite():
            return _("This is not an amount: write a number, or a text such as 1.2亿元.")
    else:
        text = re.sub(r"\s+", "", unicodedata.normalize("NFKC", unguard(str(cell).strip())))
        match = _AMOUNT.fullmatch(text)
        read = match and _read_unit((match[1] or "") + match[3], unit)
        if match is None or read is None:
            return _("This is not an amount: write a number, or a text such as 1.2亿元.")
        number, said = Decimal(match[2].replace(",", "")), read
    if number < 0:
        return _("An amount cannot be negative.")
    if number * said.scale >= MOST_MONEY:
        return _("The amount is too large: at most 1,000,000,000,000 万元 fit.")
    amount = (number * said.scale).quantize(_CENT, ROUND_HALF_UP)
    if amount >= MOST_MONEY:
        return _("The amount is too large: at most 1,000,000,000,000 万元 fit.")
    return Money(amount) if said.currency == "CNY" else Money(None, amount, said.currency)


_PLAIN = 1e8  # in the largest unit of a heading, 亿元, still less than fits


def _money_reader(unit: Unit | None) -> Callable[[Column, Sequence[Any]], Read]:
    def read(column: Column, cells: Sequence[Any]) -> Read:
        values: list[Any] = []
        problems: dict[int, Problem] = {}
        plain = unit.scale if unit and unit.currency == "CNY" else None
        for n, cell in enumerate(cells):
            if type(cell) is float and plain is not None and 0 <= cell < _PLAIN:
                # Most cells of most ledgers: what read_money would do, without its questions.
                values.append(Money((Decimal(repr(cell)) * plain).quantize(_CENT, ROUND_HALF_UP)))
                continue
            if type(cell) is str and cell.strip() in BLANK:
                values.append(None)
                continue
            found = read_money(cell, unit)
            if isinstance(found, Message):
                values.append(None)
                problems[n] = Problem(found, True)
                continue
            values.append(found)
            if found.currency is not None:
                problems[n] = Problem(
                    _(
                        "The amount is in {currency}: it is kept, and counts once a rate is given.",
                        currency=found.currency,
                    ),
                    False,
                )
        return values, problems

    return read


def write_money(amount: Decimal | None, original: Decimal | None, currency: str | None) -> str:
    """Return an amount as text in 万元, or as `80(万美元)`; empty where it is unknown."""
    if amount is not None:
        return plain_number(amount / 10_000)
    if original is not None and currency:
        return f"{plain_number(original / 10_000)}(万{currency_word(currency)})"
    return ""


def plain_number(number: Decimal) -> str:
    """Return a number without exponent and trailing zeros."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


# How many 亩 a unit of area is.
_AREAS = {"亩": Decimal(1), "平方米": Decimal("0.0015"), "平方公里": Decimal(1500)}
_AREAS |= {"公顷": Decimal(15), "万平方米": Decimal(15), "ha": Decimal(15), "hm2": Decimal(15)}
_AREAS |= {"平米": _AREAS["平方米"], "m2": _AREAS["平方米"], "km2": _AREAS["平方公里"]}
_AREA_SAID = re.compile(r"[亩顷坪平方]|m2|单位:.|acre", re.IGNORECASE)
_POINTS = {"": Decimal(1), "分": Decimal(1)}
_NUMBER = re.compile(r"([+-]?(?:\d{1,3}(?:,\d{3})+|\d{1,30})(?:\.\d{1,30})?)(.*)", re.ASCII | re.DOTALL)


def read_number(cell: Any, *, units: Mapping[str, Decimal], largest: int = 10**4, places: int = 4) -> Decimal | Message:
    """Read a plain number, rounded half up; one of `units` may follow it, "" stands for none."""
    problem = _("This is not a number.")
    if isinstance(cell, (bool, date, time, timedelta)):
        return problem
    text = re.sub(r"\s+", "", unicodedata.normalize("NFKC", unguard(as_text(cell).strip())))
    match = _NUMBER.fullmatch(text)
    unit = units.get(_PUNCTUATION.sub("", match[2]).lower()) if match else None
    if match is None or unit is None:
        return problem
    number = Decimal(match[1].replace(",", "")) * unit
    if abs(number) >= largest:
        return _("The number is too large.")
    return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _number_reader(read_one: Callable[[Any], Decimal | Problem]) -> Callable[[Column, Sequence[Any]], Read]:
    def read(column: Column, cells: Sequence[Any]) -> Read:
        values: list[Any] = []
        problems: dict[int, Problem] = {}
        for n, cell in enumerate(cells):
            # A lone minus is blank; everything else has to be a number.
            found = None if as_text(cell).strip() in BLANK else read_one(cell)
            values.append(None if isinstance(found, Problem) else found)
            if isinstance(found, Problem):
                problems[n] = found
        return values, problems

    return read


def _points(cell: Any) -> Decimal | Problem:
    found = read_number(cell, units=_POINTS)
    return Problem(found, True) if isinstance(found, Message) else found


def _area_of_heading(heading: str) -> Decimal | None:
    """Return how many 亩 the unit in a heading's brackets is, None for one that is not understood."""
    for note in heading_notes(heading):
        unit = _AREAS.get(_without_label(note).lower())
        if unit is not None or _AREA_SAID.search(note):
            return unit
    return Decimal(1)


def _area(unit: Decimal | None) -> Callable[[Any], Decimal | Problem]:
    def read_one(cell: Any) -> Decimal | Problem:
        found = read_number(cell, units={**_AREAS, "": unit or Decimal(0)}, largest=10**15, places=2)
        if not isinstance(found, Message) and found < 0:
            found = _("An area cannot be negative.")
        if isinstance(found, Message):
            return Problem(found, True)
        if unit is None and not found:
            words = _("The unit in the heading is not understood: write 亩 or 公顷 there. The number was left out.")
            return Problem(words, False)
        return found

    return read_one


# ---------------------------------------------------------------------------------------------------- known by name


def _choice_words(choices: Choices) -> dict[str, str]:
    return {name_key(word): str(value) for value, words in choices.items() for word in (*words, str(value))}


def _read_choices(column: Column, cells: Sequence[Any]) -> Read:
    words = _choice_words(column.choices)
    values: list[Any] = []
    problems: dict[int, Problem] = {}
    for n, cell in enumerate(cells):
        text = clean(unguard(as_text(cell).strip()))
        # Asked before blanks: 无 is a choice in some columns.
        found = words.get(name_key(text)) if text else None
        values.append(found)
        if found is None and text not in BLANK:
            problems[n] = Problem(
                _("“{value}” is not one of the choices: {choices}.", value=text, choices="、".join(column.words)), True
            )
    return values, problems


def _read_many_choices(column: Column, cells: Sequence[Any]) -> Read:
    words = _choice_words(column.choices)
    values: list[Any] = []
    problems: dict[int, Problem] = {}
    for n, cell in enumerate(cells):
        parts = [part.strip() for part in re.split(r"[、;；,，\n|]", clean(unguard(as_text(cell).strip())))]
        found = [None if part in BLANK else words.get(name_key(part), "") for part in parts]
        values.append(tuple(found) if any(found) else None)
        if "" in found:
            values[-1] = None
            value = parts[found.index("")]
            problems[n] = Problem(
                _("“{value}” is not one of the choices: {choices}.", value=value, choices="、".join(column.words)), True
            )
    return values, problems


def _read_yes_no(column: Column, cells: Sequence[Any]) -> Read:
    words = {word.lower(): value == "yes" for value, known in YES_NO.items() for word in (value, *known)}
    values: list[Any] = []
    problems: dict[int, Problem] = {}
    for n, cell in enumerate(cells):
        text = unicodedata.normalize("NFKC", as_text(cell).strip()).lower()
        values.append(words.get(text))
        if values[-1] is None and text.upper() not in BLANK and text not in BLANK:
            problems[n] = Problem(
                _("“{value}” is not one of the choices: {choices}.", value=text, choices="、".join(column.words)), True
            )
    return values, problems


def _read_known(known: Mapping[str, int], column: Column, cells: Sequence[Any]) -> Read:
    values, problems = _read_texts(column, cells)
    for n, value in enumerate(values):
        if value is None:
            continue
        values[n] = known.get(name_key(value))
        if values[n] is None:
            reason = (
                _("There is no unit “{value}”: give its name, short name or code.", value=value)
                if column.type is Type.UNIT
                else _("There is no industry “{value}”: give its name or code.", value=value)
            )
            problems[n] = Problem(reason, True)
    return values, problems


def _read_industries(known: Mapping[str, int], column: Column, cells: Sequence[Any]) -> Read:
    values, problems = _read_texts(column, cells)
    for n, value in enumerate(values):
        if value is None:
            continue
        parts = split_list(value)
        unknown = [part for part in parts if name_key(part) not in known]
        values[n] = None if unknown else tuple(dict.fromkeys(known[name_key(part)] for part in parts)) or None
        if unknown:
            reason = _("There is no industry “{value}”: give its name or code.", value="、".join(unknown))
            problems[n] = Problem(reason, True)
    return values, problems


_READERS: dict[Type, Callable[[Column, Sequence[Any]], Read]] = {
    Type.TEXT: _read_texts,
    Type.NAME: _read_names,
    Type.PERSONAL: _read_personal,
    Type.CREDIT_CODE: _read_credit_codes,
    Type.LIST: _read_lists,
    Type.DATE: _read_dates,
    Type.MONTH: _read_months,
    Type.YEAR: _read_years,
    Type.NUMBER: _number_reader(_points),
    Type.CHOICE: _read_choices,
    Type.CHOICES: _read_many_choices,
    Type.YES_NO: _read_yes_no,
}


def read_cells(column: Column, cells: Sequence[Any], *, heading: str, names: Names, today: date) -> Read:
    """Read the distinct cells of a column under its heading as the user's file has it."""
    if column.type is Type.MONEY:
        return _money_reader(unit_of_heading(heading))(column, cells)
    if column.unit == "亩":
        return _number_reader(_area(_area_of_heading(heading)))(column, cells)
    if column.type is Type.UNIT:
        return _read_known(names.units, column, cells)
    if column.type is Type.INDUSTRY:
        return _read_known(names.industries, column, cells)
    if column.type is Type.INDUSTRIES:
        return _read_industries(names.industries, column, cells)
    values, problems = _READERS[column.type](column, cells)
    if column.actual:
        for n, value in enumerate(values):
            if value is not None and value > today:
                values[n] = None
                problems[n] = Problem(_("The date {day} is later than today.", day=value), True)
    return values, problems
