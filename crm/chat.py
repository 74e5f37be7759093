"""Reading a chat message about a contact: what it proposes for the form, by rules alone, with the words it came from.

A message is read as it lies: nothing is sent anywhere and nothing is written. Each `Found` carries the positions of its
words in the message, so that a form can show what a proposal rests on. Where a message is silent or speaks in riddles,
nothing is proposed: a person fills the form in.

How days are read, seen from `today`: 昨天, 上周五 and 3天前 lie behind, 下周二, 3天内, 月底前 and 12月5日前
ahead; a bare 周三 lies behind for a contact and ahead for a next step; a day without a year is the nearest one, so that
a December read in January is the last one.
"""

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Generic, TypeVar

from crm.model import YUAN_PER_WAN, YUAN_PER_YI, Method

Value = TypeVar("Value")
LONGEST = 4000


class Kind(StrEnum):
    """What words of a message stand for."""

    DATE = "date"
    METHOD = "method"
    PERSON = "person"
    PHONE = "phone"
    AMOUNT = "amount"
    STEP = "step"
    DUE = "due"
    ENTERPRISE = "enterprise"


@dataclass(frozen=True)
class Found(Generic[Value]):
    """A value and the words it was read from: `text[start:end]` of the message."""

    value: Value
    start: int
    end: int


@dataclass(frozen=True)
class Person:
    """Somebody whom the message names with a title; an official is of the bureau's own side."""

    name: str
    title: str
    is_official: bool

    def __str__(self) -> str:
        return self.name + self.title


@dataclass(frozen=True)
class Amount:
    """An amount of money; `currency` is empty for 元."""

    value: Decimal
    currency: str = ""


@dataclass(frozen=True)
class Reading:
    """What a message proposes; None or empty where it says nothing of the kind."""

    text: str
    happened_on: Found[date] | None = None
    method: Found[Method] | None = None
    people: tuple[Found[Person], ...] = ()
    phones: tuple[Found[str], ...] = ()
    amount: Found[Amount] | None = None
    next_step: Found[str] | None = None
    next_due_on: Found[date] | None = None
    enterprises: tuple[Found[str], ...] = ()

    def marks(self) -> list[tuple[int, int, Kind]]:
        """Return what to highlight, in order and without overlaps: the shorter words win, a step shows around them."""
        single = (
            (self.happened_on, Kind.DATE),
            (self.method, Kind.METHOD),
            (self.amount, Kind.AMOUNT),
            (self.next_due_on, Kind.DUE),
        )
        marks = [(found.start, found.end, kind) for found, kind in single if found is not None]
        marks += [(found.start, found.end, Kind.PERSON) for found in self.people]
        marks += [(found.start, found.end, Kind.PHONE) for found in self.phones]
        marks += [(found.start, found.end, Kind.ENTERPRISE) for found in self.enterprises]
        chosen: list[tuple[int, int, Kind]] = []
        for start, end, kind in sorted(marks, key=lambda mark: (mark[1] - mark[0], mark[0])):
            if all(end <= other[0] or start >= other[1] for other in chosen):
                chosen.append((start, end, kind))
        if self.next_step is not None:
            chosen += list(_gaps(self.next_step.start, self.next_step.end, chosen))
        return sorted(chosen)


def read(text: str, *, today: date) -> Reading:
    """Read a message; text after the first 4,000 characters is left alone."""
    text = text[:LONGEST]
    plain = text.translate(_PLAIN)
    clauses = _clauses(plain)
    days = [_told(plain, clauses, day) for day in _days(plain, today)]
    due, step = _next_step(plain, clauses, days)
    said = [day for day in days if step is None or not step.start <= day.start < step.end]
    happened = next((day for day in said if day.value.lies_behind(today)), None)
    phones = tuple(_phones(plain))
    people = tuple(_people(plain))
    return Reading(
        text,
        Found(happened.value.past, happened.start, happened.end) if happened else None,
        _method(plain, step),
        people,
        phones,
        _amount(plain),
        Found(text[step.start : step.end].strip(), step.start, step.end) if step else None,
        due,
        tuple(_enterprises(plain, people)),
    )


# Full-width digits, letters and signs as half-width ones, one for one: positions stay.
_PLAIN = {0xFEE0 + code: code for code in range(0x21, 0x7F)} | {0x3000: 0x20, 0x00A0: 0x20}
# Those that divide Chinese sentences stay what they are.
for _sign in "，；：！？":
    del _PLAIN[ord(_sign)]


def _gaps(start: int, end: int, taken: list[tuple[int, int, Kind]]) -> Iterator[tuple[int, int, Kind]]:
    for other_start, other_end, _kind in sorted(taken):
        if other_end <= start or other_start >= end:
            continue
        if start < other_start:
            yield start, other_start, Kind.STEP
        start = other_end
    if start < end:
        yield start, end, Kind.STEP


# ---------------------------------------------------------------------------------------------------------------- days


@dataclass(frozen=True)
class _Day:
    """A day as it may be meant, behind or ahead; `is_sure` unless only nearness decides between the two."""

    past: date
    future: date
    tense: str  # "past", "future", or "" where the clause decides
    is_deadline: bool = False
    is_sure: bool = True

    def lies_behind(self, today: date) -> bool:
        """Whether it may be the day of a contact."""
        return self.tense != "future" and not self.is_deadline and self.past <= today


_NUMBER = r"(?:\d{1,3}|[一二两三四五六七八九]?十[一二三四五六七八九]?|[一二两三四五六七八九半])"
_WEEKDAYS = {name: n for n, names in enumerate(("一1", "二2", "三3", "四4", "五5", "六6", "日天7")) for name in names}
_HOUR = r"(?:上午|下午|晚上|中午|早上)?\s*(?:(?:\d{1,2}|十[一二]?|[一二两三四五六七八九])(?:点半?|时|:\d{2}))?"
_BEFORE = rf"(?P<before>\s*{_HOUR}\s*(?:之前|以前|前|之内|以内|内))?"
_DAY_WORDS = {
    "大前天": -3, "前天": -2, "昨天": -1, "昨日": -1, "昨晚": -1, "昨下午": -1, "昨上午": -1, "昨早": -1,
    "今天": 0, "今日": 0, "今早": 0, "今晚": 0, "今上午": 0, "今下午": 0, "刚刚": 0, "刚才": 0,
    "大后天": 3, "后天": 2, "明天": 1, "明日": 1, "明早": 1, "明晚": 1, "明上午": 1, "明下午": 1,
}  # fmt: skip
_CHINESE_MONTH = "十一|十二|[一二三四五六七八九十]"
_CHINESE_DAY = "三十一|三十|二?十[一二三四五六七八九]?|[一二三四五六七八九]"
# What a number of 号 or 日 is besides a day of the month: 3号地块, 2号楼.
_NO_DAY = "地块|地|楼|厂|线|机|院|仓|井|会议|馆|门|路|车间|车|炉|文|栋|标|产品|区|园|公馆|均|产|用|本"
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<!\d)(?P<year>20\d\d)(?:年|[-/.])(?P<month>\d{1,2})(?:月|[-/.])(?P<day>\d{1,2})(?:日|号|(?!\d))" + _BEFORE,
        r"(?<![\d年])(?:(?P<whose>去年|今年|明年))?(?P<month>\d{1,2}|" + _CHINESE_MONTH + r")月"
        r"(?P<day>\d{1,2}|" + _CHINESE_DAY + r")(?:日|号|(?=[^\d个]|$))" + _BEFORE,
        r"(?P<whose>上个?月|本月|这个?月|下个?月)(?P<day>\d{1,2}|" + _CHINESE_DAY + r")[日号]" + _BEFORE,
        rf"(?<![\d月.A-Za-z第])(?P<day>\d{{1,2}})[号日](?!{_NO_DAY})" + _BEFORE,
        r"(?P<word>" + "|".join(sorted(_DAY_WORDS, key=len, reverse=True)) + r")" + _BEFORE,
        r"(?P<which>上上|下下|上|下|本|这)?个?(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天1-6])(?![\d年期家])"
        + _BEFORE,
        r"(?P<which>上|下|本|这)?个?周末" + _BEFORE,
        r"(?P<which>下|本|这)个?(?:周|星期|礼拜)(?![一二三四五六日天末\d])" + _BEFORE,
        rf"(?P<count>{_NUMBER})个?(?P<unit>工作日|天|日|周|星期|礼拜|月)(?P<way>之内|以内|内|之后|以后|后|之前|以前|前)",
        r"(?P<whose>上个?|本|这个?|下个?|)月(?P<part>底|末|初|中旬|中|上旬|下旬)" + _BEFORE,
        r"(?P<whose>今|明|)年(?P<part>底|末|内)" + _BEFORE,
    )
)


def _days(text: str, today: date) -> Iterator[Found[_Day]]:
    """Yield the days of a text in their order; of two readings of the same words the longer one."""
    found: list[Found[_Day]] = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            day = _day(match, today)
            if day is not None:
                found.append(Found(day, match.start(), match.end()))
    end = 0
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if one.start >= end:
            yield one
            end = one.end


def _day(match: re.Match[str], today: date) -> _Day | None:
    part = match.groupdict()
    is_deadline = bool(part.get("before"))
    try:
        if part.get("word"):
            return _shifted(today, _DAY_WORDS[part["word"]], is_deadline)
        if "weekday" in part:
            return _weekday(part["which"], _WEEKDAYS[part["weekday"]], today, is_deadline)
        if "count" in part:
            return _counted(part["count"], part["unit"], part["way"], today)
        if "part" in part:
            return _part_of_period(match[0], part["whose"], part["part"], today, is_deadline)
        if "day" in part:
            return _dated(part, today, is_deadline)
        return _week(match[0], part["which"], today, is_deadline)
    except (ValueError, OverflowError):
        return None


# What has been done: 15号去了东莞.
_DONE = re.compile(r"[去来谈见看签聊访到开问说打][过了]|(?:考察|走访|拜访|接待|对接|沟通|会见|洽谈|参加)[过了]")


def _told(text: str, clauses: "list[_Clause]", day: Found[_Day]) -> Found[_Day]:
    """Let a clause that tells of something done decide for the day behind where only nearness spoke."""
    if day.value.is_sure or day.value.is_deadline or day.value.tense != "future":
        return day
    told = any(c.start <= day.start < c.end and _DONE.search(text, day.end, c.end) for c in clauses)
    return replace(day, value=replace(day.value, tense="past")) if told else day


def _shifted(today: date, days: int, is_deadline: bool) -> _Day:
    day = today + timedelta(days=days)
    return _Day(day, day, "past" if days < 0 else "future" if days > 0 else "", is_deadline)


def _weekday(which: str | None, weekday: int, today: date, is_deadline: bool) -> _Day:
    monday = today - timedelta(days=today.weekday())
    if which:
        day = monday + timedelta(
            weeks={"上上": -2, "上": -1, "本": 0, "这": 0, "下": 1, "下下": 2}[which], days=weekday
        )
        return _Day(day, day, "past" if day < today else "future" if day > today else "", is_deadline)
    ahead = (weekday - today.weekday()) % 7
    behind = (today.weekday() - weekday) % 7
    return _Day(today - timedelta(days=behind), today + timedelta(days=ahead), "", is_deadline)


def _week(words: str, which: str | None, today: date, is_deadline: bool) -> _Day | None:
    """Read 周末 as its Saturday, a week as a whole as its Friday."""
    weekday = 5 if "末" in words else 4
    day = _weekday(which or "本", weekday, today, is_deadline)
    # A week that has begun may be said of what is over; only as a term does it name a day.
    return day if "末" in words else _Day(day.future, max(day.future, today), "future", True)


def _counted(count: str, unit: str, way: str, today: date) -> _Day | None:
    number = _number(count)
    if number is None or number > 400:
        return None
    behind = "前" in way
    if unit == "工作日":
        if behind or number != int(number):
            return None
        day = today
        for _n in range(int(number)):
            day += timedelta(days=1 if day.weekday() < 4 else 7 - day.weekday())
    elif unit == "月":
        if number == Decimal("0.5"):
            day = today + timedelta(days=-15 if behind else 15)
        else:
            month = today.year * 12 + today.month - 1 + (-int(number) if behind else int(number))
            day = date(month // 12, month % 12 + 1, min(today.day, monthrange(month // 12, month % 12 + 1)[1]))
    else:
        days = int(number * (7 if unit in ("周", "星期", "礼拜") else 1))
        day = today + timedelta(days=-days if behind else days)
    return _Day(day, day, "past" if behind else "future", "内" in way)


def _part_of_period(words: str, whose: str, part: str, today: date, is_deadline: bool) -> _Day | None:
    if "年" in words:
        year = today.year + (whose == "明")
        return _Day(date(year, 12, 31), date(year, 12, 31), "future", True)
    months = today.year * 12 + today.month - 1 + {"上": -1, "下": 1}.get(whose[:1], 0)
    year, month = months // 12, months % 12 + 1
    last = monthrange(year, month)[1]
    day = date(year, month, {"初": 5, "上旬": 10, "中": 15, "中旬": 20}.get(part, last))
    if not whose and day < today and part in ("初", "上旬"):
        months += 1
        day = date(months // 12, months % 12 + 1, day.day)
    if day < today or whose[:1] == "上":
        return None  # a part of a month that is over names no day
    return _Day(day, day, "future", True)


def _dated(part: dict[str, str | None], today: date, is_deadline: bool) -> _Day | None:
    number = _number(part["day"] or "")
    day = int(number) if number is not None else 0
    if part.get("year"):
        on = date(int(part["year"] or 0), int(part["month"] or 0), day)
        return _Day(on, on, "past" if on < today else "future" if on > today else "", is_deadline)
    whose = part.get("whose") or ""
    if part.get("month"):
        of = _number(part["month"] or "")
        month = int(of) if of is not None else 0
        if whose:
            on = date(today.year + {"去年": -1, "今年": 0, "明年": 1}[whose], month, day)
            return _Day(on, on, "past" if on < today else "future" if on > today else "", is_deadline)
        near = [_real(today.year + year, month, day) for year in (-1, 0, 1, 2)]
    elif whose:
        months = today.year * 12 + today.month - 1 + {"上": -1, "下": 1}.get(whose[:1], 0)
        on = date(months // 12, months % 12 + 1, day)
        return _Day(on, on, "past" if on < today else "future" if on > today else "", is_deadline)
    else:
        months = today.year * 12 + today.month - 1
        near = [_real((months + n) // 12, (months + n) % 12 + 1, day) for n in (-2, -1, 0, 1, 2)]
    past = max((one for one in near if one is not None and one <= today), default=None)
    future = min((one for one in near if one is not None and one >= today), default=None)
    if past is None or future is None:
        return None
    # Without a year the nearest day is meant; a term is ahead in any case.
    tense = "" if past == future else "past" if today - past <= future - today else "future"
    if not part.get("month") and tense == "future" and past.month == today.month:
        tense = "past"
    return _Day(past, future, tense, is_deadline, is_sure=False)


def _real(year: int, month: int, day: int) -> date | None:
    return date(year, month, day) if 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1] else None


_DIGITS = {digit: n for n, digit in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_POWERS = {"十": 10, "百": 100, "千": 1000}


def _number(text: str) -> Decimal | None:
    """Read a number in digits or in Chinese: 12, 三, 二十五, 一百二十, 一点二, 半."""
    text = text.replace(",", "")
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return Decimal(text)
    if text == "半":
        return Decimal("0.5")
    whole, point, rest = text.partition("点")
    total = digit = 0
    for character in whole:
        if character in _DIGITS:
            digit = _DIGITS[character]
        elif character in _POWERS:
            total += (digit or 1) * _POWERS[character]
            digit = 0
        else:
            return None
    decimals = "".join(str(_DIGITS[c]) for c in rest if c in _DIGITS)
    if not whole or (point and len(decimals) != len(rest)):
        return None
    return Decimal(f"{total + digit}.{decimals or 0}")


# ----------------------------------------------------------------------------------------------------------- next step

_LEAD_IN = re.compile(
    r"\s*(?:下一步(?:计划|工作|安排|打算)?|下步|接下来|后续(?:计划|工作|安排)?|待办(?:事项)?|跟进事项)\s*[:：,，是为]?\s*"
)
_VAGUE = re.compile(r"回头|改天|改日|尽快|再约|再联系|再沟通|再跟进|再对接|过几天|这几天|稍后|随后")
# 最快 and the like before what will be; and what opens a clause without being part of the step.
_JOINING = re.compile(r"\s*(?:并且|并|另外|另|然后|同时|最后|此外|还|且|后面|双方)?\s*")


@dataclass(frozen=True)
class _Clause:
    start: int
    end: int
    sentence_end: int


def _clauses(text: str) -> list[_Clause]:
    found = []
    for sentence in re.finditer(r"[^。！!？?；;\n]+", text):
        for clause in re.finditer(r"[^，,]+", sentence[0]):
            found.append(_Clause(sentence.start() + clause.start(), sentence.start() + clause.end(), sentence.end()))
    return found


def _next_step(
    text: str, clauses: list[_Clause], days: list[Found[_Day]]
) -> tuple[Found[date] | None, Found[str] | None]:
    """Find the clause that says what comes next: one that is announced, one with a day ahead, or a vague one."""
    for clause in clauses:
        lead = _LEAD_IN.match(text, clause.start, clause.end)
        if lead is None:
            continue
        # After “下一步：” follows all of it, to the end of the sentence.
        end = clause.sentence_end
        step = _trimmed(text, lead.end(), end)
        if step is not None:
            due = next((day for day in days if step.start <= day.start < step.end and day.value.tense != "past"), None)
            return _as_due(due), step
    for n, day in enumerate(days):
        if day.value.tense == "future" or day.value.is_deadline:
            earlier = [other for other in days[:n] if other.value.tense == "past"]
            step = _around(text, clauses, day, after=earlier[-1].end if earlier else 0)
            # A term that the nearest year puts behind us may still have come after a contact that is told of late.
            if day.value.tense == "past" and earlier and day.value.past >= earlier[-1].value.past:
                return Found(day.value.past, day.start, day.end), step
            if day.value.tense != "past" or not day.value.is_sure:
                return _as_due(day), step
    for clause in clauses:
        if _VAGUE.search(text, clause.start, clause.end):
            return None, _trimmed(text, clause.start, clause.end)
    return None, None


def _as_due(day: Found[_Day] | None) -> Found[date] | None:
    return None if day is None else Found(day.value.future, day.start, day.end)


def _around(text: str, clauses: list[_Clause], day: Found[_Day], *, after: int) -> Found[str] | None:
    """Return the clause that holds a day; from the day on, where what lies before it (`after`) is of the contact.

    A clause that is hardly more than the day takes the next one with it.
    """
    for n, clause in enumerate(clauses):
        if clause.start <= day.start < clause.end:
            end = clause.end
            if clause.end - clause.start <= day.end - day.start + 1 and end < clause.sentence_end:
                end = clauses[n + 1].end
            return _trimmed(text, day.start if after > clause.start else clause.start, end)
    return None


def _trimmed(text: str, start: int, end: int) -> Found[str] | None:
    joining = _JOINING.match(text, start, end)
    start = joining.end() if joining else start
    while end > start and text[end - 1] in " \t\r，,、~":
        end -= 1
    return Found(text[start:end], start, end) if end > start else None


# -------------------------------------------------------------------------------------------------------------- method

_METHODS: tuple[tuple[Method, str], ...] = (
    (Method.VIDEO, r"视频(?!号)|腾讯会议|钉钉会议|线上会议|线上会|网络会议|云洽谈|云会议|云签约|[Zz]oom"),
    (
        Method.PHONE,
        r"电话(?!号|簿|\s*(?:是|为)?\s*[:：]?\s*[\d(+])|通话|致电|来电|去电|打电话|电联|通了个话"
        r"|打了个(?:招呼)?电话",
    ),
    (
        Method.MESSAGE,
        r"(?<!加)(?<!加了)(?<!加个)微信(?!号|同号|\s*[:：]?\s*[\dA-Za-z_])|短信|(?<![A-Za-z])QQ(?!\s*[:：]?\s*\d)|发消息|聊天",
    ),
    (Method.EVENT, r"推介会|招商会|对接会|洽谈会|洽谈周|博览会|展会|论坛|交易会|年会|签约仪式|活动上|酒会"),
    (
        Method.RECEPTION,
        r"来访|到访|接待|来我[州市县区局园]|来州|来县|来吉首|来湘西|来考察|来园区|来局|来公司考察|一行来|莅临|陪同"
        r"|到我[州市县区局园]|来我们|过来(?:考察|看|谈)|来(?:实地|现场)",
    ),
    (
        Method.VISIT,
        r"拜访|走访|登门|上门|回访企业|赴|前往|去了|我们去|到企业|到.{0,12}(?:公司|厂|集团|总部)|实地(?:考察|走访|查看|看)"
        r"|考察了?|去.{0,8}(?:公司|厂|集团|总部)",
    ),
    (Method.LETTER, r"发函|来函|去函|函件|公函|复函|寄信|邀请函"),
)


def _method(text: str, step: Found[str] | None) -> Found[Method] | None:
    """Find the first word that says how the contact was made, not one of what comes next."""
    found: list[tuple[int, int, Found[Method]]] = []
    for rank, (method, pattern) in enumerate(_METHODS):
        for match in re.finditer(pattern, text):
            if step is None or not step.start <= match.start() < step.end:
                found.append((match.start(), rank, Found(method, match.start(), match.end())))
                break
    return min(found, key=lambda one: one[:2])[2] if found else None


# -------------------------------------------------------------------------------------------------------------- people

_SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆"
    "范汪廖石金韦贾夏付傅方邹熊白孟秦邱侯江尹薛闫雷段龙黎史贺陶顾毛郝龚邵万覃武钱戴莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜"
    "倪庄聂章鲁岳翟申欧耿关焦左柳甘祝包宁尚符舒阮纪梅童凌毕单裴霍成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁房滕屈饶解"
    "牟艾尤时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬仇栾隋商刁沙荣巫寇桑郎"
    "甄丛仲虞敖巩明佘池查麻苑迟匡揭"
)
_COMMON = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余杜叶程魏苏吕丁任卢姚沈姜崔谭陆向石龙麻滕覃"
)
_COMPOUND = ("欧阳", "上官", "司马", "诸葛", "司徒", "东方", "皇甫", "尉迟", "公孙", "令狐", "慕容", "夏侯", "端木")
_OFFICIAL = (
    "副州长|州长|副市长|市长|副县长|县长|副区长|区长|副镇长|镇长|乡长|副书记|书记|副局长|局长|副主任|主任|副科长|科长|副处长|处长"
    "|局|处|科"
)
_BUSINESS = (
    "副董事长|董事长|执行董事|董事|副总经理|总经理|副总裁|总裁|总监|总工程师|总工|副总|副经理|项目经理|经理|厂长|副厂长|会长|副会长|秘书长"
    "|部长|院长|所长|教授|博士|工程师|主管|老板|先生|女士|小姐|助理|主席|理事长|老师|总|董|工"
)
# One letter is a title only where the sentence goes on after it, not inside another word: 王总 but not 总投资.
_SHORT = {
    "总": r"(?!部|体|投|额|量|计|共|结|产|面积|装机|承包|公司|局|长|数|建筑|规模|价|理|书记|工|经理|监|裁|产值)",
    "董": r"(?!事)",
    "工": r"(?=[^\u4e00-\u9fff]|$|[的说来和与及跟约也提表带反一等去给])",
    "局": r"(?=[^\u4e00-\u9fff]|$|[的说来和与及跟约也提表带一等去给牵])",
    "处": r"(?=[^\u4e00-\u9fff]|$|[的说来和与及跟约也提表带一等去给])",
    "科": r"(?=[^\u4e00-\u9fff]|$|[的说来和与及跟约也提表带一等去给])",
}
_TITLES = re.compile(
    "|".join(
        f"(?P<{group}>{'|'.join(title + _SHORT.get(title, '') for title in titles.split('|'))})"
        for group, titles in (("official", _OFFICIAL), ("business", _BUSINESS))
    )
)
_BOUNDARY = frozenset(
    "和与跟同及、，。,. ;；：:()（）“”\"'！!见找访系给向对请约的了由是为\n/司团厂市县区州局会委办院部@陪天日午晚到联"
)
# Second and third characters that make a word, and no name, of what stands before a title.
_NO_NAME = re.compile(
    r"[部处局会司厂办室区县市州院所级务行目户总副公任党常分各某该的了和与跟同及请约见找在是我你他她们个位责招项监全一组委]"
)
# A surname and a title by their letters, and neither by their sense: 对方总经理, 施工, 万科; 向总经理汇报.
_NOBODY = re.compile(
    r"[对甲乙丙双我各资]方|施工|农工|华工|何处|全局|时局|万科|金科|古董|向(?:总经理|董事长|总裁|领导|县长|书记|局长)[汇报介说反请了]"
)


_WEEKDAY = re.compile("周[一二三四五六日天末]")


def _people(text: str) -> Iterator[Found[Person]]:
    """Yield those whom a title follows: 王总, 李建国经理, 欧阳主任; each once."""
    seen: set[str] = set()
    end = 0
    for match in _TITLES.finditer(text):
        start = _name_start(text, match.start(), end, len(match[0]))
        if start is None:
            continue
        end = match.end()
        person = Person(text[start : match.start()], match[0], match["official"] is not None)
        if str(person) not in seen:
            seen.add(str(person))
            yield Found(person, start, end)


def _name_start(text: str, end: int, earliest: int, title_length: int) -> int | None:
    """Return where a name that ends here begins, None where there is none: a surname, and up to two given letters."""

    def is_name(start: int) -> bool:
        given = text[start + 1 : end]
        return (
            start >= earliest
            and not _WEEKDAY.match(text, start)
            and text[start : start + 1] in _SURNAMES
            and not _NO_NAME.search(given)
            and all("\u4e00" <= c <= "\u9fff" for c in given)
        )

    if _NOBODY.search(text[max(0, end - 2) : end + title_length + 1]):
        return None
    for compound in _COMPOUND:
        for given in (0, 1, 2):
            start = end - given - 2
            if start >= earliest and text.startswith(compound, start) and not _NO_NAME.search(text[start + 2 : end]):
                return start
    for length in (3, 2):
        start = end - length
        before = text[start - 1] if start > 0 else "\n"
        if start >= 0 and text[start] in _COMMON and is_name(start) and (before in _BOUNDARY or not is_name(end - 1)):
            return start
    if is_name(end - 1) and (text[end - 1] in _COMMON or end == 1 or text[end - 2] in _BOUNDARY):
        return end - 1
    if title_length > 1:
        for length in (3, 2):
            if end - length >= 0 and is_name(end - length):
                return end - length
    return None


# -------------------------------------------------------------------------------------------------------------- phones

_PHONE = re.compile(
    r"(?<![0-9A-Za-z.])(?:"
    r"(?:\+?86[- ]?)?(?P<mobile>1[3-9]\d(?P<gap>[- ]?)\d{4}(?P=gap)\d{4})"
    r"|\(?(?P<area>0(?:10|2\d|[3-9]\d{2}))\)?[- ]?(?P<line>[2-8]\d{6,7})(?:(?:转|-)(?P<extension>\d{1,6}))?"
    r"|(?P<service>400[- ]?\d{3}[- ]?\d{4}|400[- ]?\d{4}[- ]?\d{3})"
    r")(?![0-9A-Za-z])"
)


def _phones(text: str) -> Iterator[Found[str]]:
    """Yield telephone numbers in one form: 13812345678, 0743-8222222, 400-8001234."""
    seen: set[str] = set()
    for match in _PHONE.finditer(text):
        if match["mobile"]:
            number = re.sub(r"\D", "", match["mobile"])
        elif match["line"]:
            number = f"{match['area']}-{match['line']}" + (f"-{match['extension']}" if match["extension"] else "")
        else:
            number = "400-" + re.sub(r"\D", "", match["service"])[3:]
        if number not in seen:
            seen.add(number)
            yield Found(number, match.start(), match.end())


# -------------------------------------------------------------------------------------------------------------- amount

_CHINESE_NUMBER = "[零〇一二两三四五六七八九十百千点半]+"
_SCALES = {
    "亿": YUAN_PER_YI, "千万": YUAN_PER_WAN * 1000, "百万": YUAN_PER_WAN * 100, "万": YUAN_PER_WAN, "": Decimal(1),
}  # fmt: skip
_CURRENCIES = {
    "美元": "USD", "美金": "USD", "港元": "HKD", "港币": "HKD", "欧元": "EUR", "日元": "JPY", "英镑": "GBP",
}  # fmt: skip
# What is counted in 万 besides money: 5万平方米, 3万吨, 2万人.
_COUNTED = (
    "平|方|吨|人|台|套|件|只|辆|头|亩|㎡|m|M|千瓦|kW|KW|度|立方|公里|米|片|支|条|户|羽|株|盒|瓶|次|颗|枚|名|个|年|字|股|部"
    "|斤|公斤|升|粒|块|双|伏|安"
)
_AMOUNT = re.compile(
    rf"(?:(?P<lower>\d[\d,]*(?:\.\d+)?)\s*(?P<scale>亿|千万|百万|万)?元?\s*(?:-|—|–|~|至|到)\s*)?"
    rf"(?P<number>\d[\d,]*(?:\.\d+)?|{_CHINESE_NUMBER})\s*个?(?P<unit>亿|千万|百万|万)?(?:多|余|左右)?"
    rf"(?P<currency>元人民币|元|人民币|块钱|{'|'.join(_CURRENCIES)})?(?!{_COUNTED})"
)
# Money that is no investment: 年产值3亿, 税收500万.
_OTHER_MONEY = re.compile(
    r"(?:产值|营收|收入|税收|纳税|税|销售额?|利润|注册资本|注册资金|融资|估值|贷款|补贴|奖励|奖补|租金|市值|负债|订单|采购|罚款|欠款"
    r"|订货|费用|成本|合同价|标的|工资|月薪|年薪)[^，,。；;\n\d]{0,6}$"
)
_INVESTED = re.compile(r"(?:投资|投入|投|固投|意向金额|总投|资金|规模)[^，,。；;\n\d]{0,8}$")


def _amount(text: str) -> Found[Amount] | None:
    """Find the amount to be invested: the first that is called so, else the first that is not called anything else."""
    found: list[Found[Amount]] = []
    for match in _AMOUNT.finditer(text):
        if not match["unit"] and not match["currency"]:
            continue
        # Of a range the lower end is proposed, in the unit that either end names.
        number = _number(match["lower"] or match["number"])
        if number is None or number == 0:
            continue
        scale = _SCALES[(match["scale"] or match["unit"] or "") if match["lower"] else (match["unit"] or "")]
        value = number * scale
        if value < YUAN_PER_WAN or value >= Decimal(10) ** 15:
            continue
        before = text[max(0, match.start() - 14) : match.start()]
        if _OTHER_MONEY.search(before) and not _INVESTED.search(before):
            continue
        amount = Amount(value.quantize(Decimal("0.01")), _CURRENCIES.get(match["currency"] or "", ""))
        one = Found(amount, match.start(), match.start() + len(match[0].rstrip()))
        if _INVESTED.search(before):
            return one
        found.append(one)
    return found[0] if found else None


# --------------------------------------------------------------------------------------------------------- enterprises

_LEGAL_FORM = re.compile(
    r"(?:集团股份|集团|股份|有限责任|有限)*(?:有限公司|有限责任公司|集团公司|集团|公司)|(?:合作社|研究院|商会)"
)
_IN_NAME = re.compile(r"[\u4e00-\u9fffA-Za-z0-9()（）·&]")
# Words that end before a name begins.
_BEFORE_NAME = re.compile(
    r"(?:今天|昨天|前天|上午|下午|晚上|今日|昨日|拜访了?|走访了?|考察了?|接待了?|陪同|对接了?|联系了?|联系上|电话|致电|来电|视频|微信"
    r"|前往|去了|去|赴|到了?|和|与|跟|同|给|向|约了?|见了?|会见|是|在|来自|的|了|我们|我局|我州|我县|企业|客商|意向|介绍|推荐|参观"
    r"|洽谈|沟通|签约|邀请|回访|对|请|由|找|一家|这家|那家|该|其|本|[一二三四五六日]|[号日])"
)
_GENERIC = re.compile(
    r"(?:他们|对方|我们|你们|贵|该|本|分|子|母|总|新|项目|上市|民营|国有|央企|外资|集团|这家|那家|一家|两家|几家|家|多家|成立|注册|设立|各|某|投资|科技"
    r"|有限|责任|股份|大|小|的|在|联系人|对接人|负责人|客户|客商|企业|老板)*(?:公司|集团|有限公司)?"
)


def _enterprises(text: str, people: tuple[Found[Person], ...]) -> Iterator[Found[str]]:
    """Yield names that may be enterprises: what ends in a legal form, what is quoted, what stands before a person."""
    taken: list[tuple[int, int]] = []

    def fresh(start: int, end: int) -> bool:
        return end - start >= 2 and all(end <= s or start >= e for s, e in taken)

    for match in _LEGAL_FORM.finditer(text):
        start = _start_of_name(text, match.start(), match.end())
        name = text[start : match.end()]
        if fresh(start, match.end()) and len(name) > len(match[0]) + 1 and not _GENERIC.fullmatch(name):
            taken.append((start, match.end()))
            yield Found(name, start, match.end())
    for match in re.finditer(r"[“\"「《]([^”\"」》]{2,30})[”\"」》]", text):
        if fresh(match.start(1), match.end(1)):
            taken.append((match.start(1), match.end(1)))
            yield Found(match[1], match.start(1), match.end(1))
    for person in people:
        if person.value.is_official:
            continue
        end = person.start - (text[person.start - 1 : person.start] == "的")
        start = _start_of_name(text, end, end)
        name = text[start:end]
        if fresh(start, end) and not _GENERIC.fullmatch(name) and "、" not in name:
            taken.append((start, end))
            yield Found(name, start, end)


def _start_of_name(text: str, end: int, name_end: int) -> int:
    start = end
    while start > 0 and end - start < 30 and _IN_NAME.match(text[start - 1]):
        start -= 1
    last = start
    for match in _BEFORE_NAME.finditer(text, start, end):
        # 同仁堂 or 到家科技 may hold such a word: only one that leaves a name behind it is cut off.
        if name_end - match.end() >= 2 or match.end() == end:
            last = match.end()
    return last
