"""Reading a rule set from its JSON, every unknown key or value refused under its path."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from crm.errors import Invalid
from crm.locale import Message, _
from crm.metrics.rates import RATES
from crm.metrics.rule_sets import FundsBase, Method, Performance, Rounding, RuleSet, Withdrawn
from crm.model import AgreementKind, UnitKind
from crm.months import WindowMode


def read_settings(text: str) -> Any:
    """Read the JSON of a rule set so that `parse_rule_set` sees a key that stands twice; raises ValueError."""
    return json.loads(text, object_pairs_hook=_Table)


class _Table(dict[str, Any]):
    """A JSON object with the keys that stood in it more than once."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeated = [key for key, times in Counter(key for key, _value in pairs).items() if times > 1]


def parse_rule_set(settings: Any, *, version: int = 1, known_groups: Iterable[str] = ()) -> RuleSet:
    """Read a rule set from its JSON; what is left out takes the default.

    Raises Invalid, keyed by the path of each unknown key or value.
    """
    reader = _SettingsReader()
    top = reader.table(settings, "", tuple(RuleSet().settings()))
    window = reader.table(top.get("window", {}), "window", ("mode", "base_date", "cohort_year"))
    startup = reader.table(top.get("startup", {}), "startup", ("due_only", "grace_months"))
    score = reader.table(top.get("score", {}), "score", ("method", "weights"))
    lists = reader.table(top.get("lists", {}), "lists", ("red", "black", "target"))
    cards = reader.table(top.get("cards", {}), "cards", ("stalled_months", "overdue_start_red_months"))
    standard = RuleSet()
    mode = reader.choice(window, "window.mode", WindowMode, standard.window_mode)
    base_date = reader.day(window, "window.base_date")
    cohort_year = reader.whole(window, "window.cohort_year", None, least=1900)
    if mode is WindowMode.SINCE and base_date is None:
        reader.refuse("window.base_date", _("the window “since” needs a base date (YYYY-MM-DD)"))
    if mode is WindowMode.COHORT and cohort_year is None:
        reader.refuse("window.cohort_year", _("the window “cohort” needs a signing year"))
    rules = RuleSet(
        name=reader.text(top, "name", standard.name, required=True),
        version=version,
        note=reader.text(top, "note", standard.note),
        window_mode=mode,
        base_date=base_date,
        cohort_year=cohort_year,
        threshold_wan=reader.number(top, "threshold_wan", standard.threshold_wan) or Decimal(0),
        verified_only=reader.flag(top, "verified_only", standard.verified_only),
        agreement_kinds=reader.kinds(top, "agreement_kinds"),
        withdrawn=reader.choice(top, "withdrawn", Withdrawn, standard.withdrawn),
        performance=reader.choice(top, "performance", Performance, standard.performance),
        due_only=reader.flag(startup, "startup.due_only", standard.due_only),
        grace_months=reader.whole(startup, "startup.grace_months", standard.grace_months) or 0,
        funds_base=reader.choice(top, "funds_base", FundsBase, standard.funds_base),
        rounding=reader.choice(top, "rounding", Rounding, standard.rounding),
        method=reader.choice(score, "score.method", Method, standard.method),
        weights=reader.weights(score, "score.weights", standard.weights),
        groups=reader.groups(top, "groups", standard.groups, {*map(str, UnitKind), *known_groups}),
        red=reader.whole(lists, "lists.red", standard.red) or 0,
        black=reader.whole(lists, "lists.black", standard.black) or 0,
        list_target=reader.number(lists, "lists.target", None),
        stalled_months=reader.stalled(cards, "cards.stalled_months", standard.stalled_months),
        overdue_start_red_months=reader.whole(
            cards, "cards.overdue_start_red_months", standard.overdue_start_red_months, least=1
        )
        or standard.overdue_start_red_months,
    )
    if reader.problems:
        raise Invalid(reader.problems)
    return rules


_Choice = TypeVar("_Choice", bound=StrEnum)
# NUL and halves of surrogate pairs: JSON can write them, no database keeps them.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class _SettingsReader:
    """Takes settings apart, noting each unknown key or value under its path."""

    def __init__(self) -> None:
        self.problems: dict[str, Message] = {}

    def refuse(self, path: str, reason: Message) -> None:
        self.problems.setdefault(path, _("Rule set, {path}: {reason}.", path=path or "$", reason=reason))

    def unknown(self, path: str, value: Any) -> None:
        shown = _UNSTORABLE.sub("�", json.dumps(value, ensure_ascii=False, default=str))
        self.refuse(path, _("the value {value} is not known", value=shown[:80]))

    def table(self, value: Any, path: str, keys: tuple[str, ...]) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            self.unknown(path, value)
            return {}
        for key in value:
            if key not in keys:
                self.refuse(f"{path}.{key}" if path else str(key), _("there is no such setting"))
        for key in value.repeated if isinstance(value, _Table) else ():
            self.refuse(f"{path}.{key}" if path else key, _("this setting stands twice"))
        return value

    def choice(self, table: Mapping[str, Any], path: str, kind: type[_Choice], standard: _Choice) -> _Choice:
        value = table.get(path.rpartition(".")[2], standard)
        if isinstance(value, str) and value in list(kind):
            return kind(value)
        self.unknown(path, value)
        return standard

    def text(self, table: Mapping[str, Any], path: str, standard: str, *, required: bool = False) -> str:
        value = table.get(path, standard)
        if (
            not isinstance(value, str)
            or (required and not 1 <= len(value.strip()) <= 64)
            or len(value) > 2000
            or _UNSTORABLE.search(value)
        ):
            self.unknown(path, value)
            return standard
        return value.strip()

    def flag(self, table: Mapping[str, Any], path: str, standard: bool) -> bool:
        value = table.get(path.rpartition(".")[2], standard)
        if not isinstance(value, bool):
            self.unknown(path, value)
            return standard
        return value

    def whole(self, table: Mapping[str, Any], path: str, standard: int | None, *, least: int = 0) -> int | None:
        value = table.get(path.rpartition(".")[2], standard)
        if value is None and standard is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= 9999:
            self.unknown(path, value)
            return standard
        return value

    def number(self, table: Mapping[str, Any], path: str, standard: Decimal | None) -> Decimal | None:
        value = table.get(path.rpartition(".")[2], standard)
        if value is None and standard is None:
            return None
        number = _exact(value)
        # Below 万亿元 and to the 分 (a hundredth of 元 is a millionth of 万元): what an amount can be.
        if number is None or not 0 <= number < 10**12 or number != round(number, 6):
            self.unknown(path, value)
            return standard
        return number

    def day(self, table: Mapping[str, Any], path: str) -> date | None:
        value = table.get(path.rpartition(".")[2])
        if value is None:
            return None
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            self.unknown(path, value)
            return None

    def kinds(self, table: Mapping[str, Any], path: str) -> tuple[AgreementKind, ...] | None:
        value = table.get(path)
        if value is None:
            return None
        if not isinstance(value, list):
            self.unknown(path, value)
            return None
        known = {str(kind): kind for kind in AgreementKind} | AGREEMENT_KIND_WORDS
        for n, kind in enumerate(value):
            if not isinstance(kind, str) or kind not in known:
                self.unknown(f"{path}[{n}]", kind)
        return tuple(dict.fromkeys(known[kind] for kind in value if isinstance(kind, str) and kind in known))

    def weights(
        self, table: Mapping[str, Any], path: str, standard: tuple[tuple[str, Decimal], ...]
    ) -> tuple[tuple[str, Decimal], ...]:
        value = table.get("weights")
        if value is None:
            if "weights" in table:
                self.unknown(path, value)
            return standard
        given = self.table(value, path, tuple(RATES))
        numbers = []
        for slug, weight in given.items():
            number = _exact(weight)
            if number is None or number < 0:
                self.unknown(f"{path}.{slug}", weight)
            else:
                numbers.append((slug, number))
        return tuple(numbers)

    def groups(
        self, table: Mapping[str, Any], path: str, standard: tuple[str, ...], known: set[str]
    ) -> tuple[str, ...]:
        value = table.get(path, list(standard))
        if not isinstance(value, list):
            self.unknown(path, value)
            return standard
        for n, group in enumerate(value):
            if not isinstance(group, str) or group not in known or group in value[:n]:
                self.unknown(f"{path}[{n}]", group)
        return tuple(str(group) for group in value)

    def stalled(self, table: Mapping[str, Any], path: str, standard: tuple[int, int, int]) -> tuple[int, int, int]:
        value = table.get("stalled_months", list(standard))
        whole = isinstance(value, list) and all(isinstance(n, int) and not isinstance(n, bool) for n in value)
        if not whole or len(value) != 3 or not 0 < value[0] < value[1] < value[2]:
            self.unknown(path, value)
            return standard
        return value[0], value[1], value[2]


# The words that ledgers use for the kinds; a rule set may name them so as well.
AGREEMENT_KIND_WORDS = {
    "正式合同": AgreementKind.CONTRACT,
    "框架协议": AgreementKind.FRAMEWORK,
    "意向书": AgreementKind.INTENT,
}


def _exact(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = Decimal(str(value))
    return number if number.is_finite() else None
