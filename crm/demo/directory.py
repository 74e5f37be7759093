"""What makes the directory look used: labels on enterprises, some of them recorded twice, views that people share."""

from datetime import datetime
from urllib.parse import urlencode

import numpy as np
import pandas as pd

from crm.demo.draw import Array, Random, kept, pick
from crm.demo.people import Enterprises
from crm.locale import _
from crm.model import Grade, Role
from crm.reports.accounts import parse_roles
from crm.store import Database, name_key, search_text, transaction

_TAGS = ("重点跟踪", "州领导联系", "推介会邀约", "湘商回归", "专精特新", "需报上级")
_TAG_WEIGHTS = (0.3, 0.12, 0.22, 0.16, 0.12, 0.08)
# What is heard on the telephone and written otherwise.
_SAME_SOUND = {
    "源": "元",
    "盛": "晟",
    "华": "骅",
    "达": "答",
    "宏": "弘",
    "泰": "太",
    "恒": "衡",
    "诚": "程",
    "辉": "晖",
    "信": "芯",
}
_UNITS_WITH_TWINS = 6
_ALIKE = ("kind", "origin_province", "origin_city", "main_business", "investment_direction", "registered_capital")


def tags(rng: Random, count: int) -> Array:
    """Draw the labels of each enterprise: none for most, two for a few."""
    first, second = (pick(rng, _TAGS, count, _TAG_WEIGHTS) for _ in range(2))
    chance = rng.random(count)
    both = np.array(["、".join(sorted({a, b})) for a, b in zip(first, second, strict=True)], object)
    return kept(np.where(chance < 0.04, both, first), chance < 0.22)


def with_twins(rng: Random, people: Enterprises, with_projects: Array) -> pd.DataFrame:
    """Return the enterprises with some that bear nearly the name of another, as happens when two people record one.

    Only enterprises without projects are renamed; in each of the first units one is like another of the same unit, and
    one like another unit's.
    """
    frame = people.frame.copy()
    known, count = set(frame["name_key"]), len(frame)
    free = np.setdiff1d(np.arange(count // 2, count), with_projects)
    models = rng.permutation(np.intersect1d(np.arange(count // 10, count), with_projects))
    number = 0
    for unit in range(_UNITS_WITH_TWINS):
        own = free[people.unit[free] == unit][:2]
        for twin, same_unit in zip(own, (True, False), strict=False):
            for model in models[(people.unit[models] == unit) == same_unit]:
                name = _variant(str(frame.at[model, "name"]), number)
                if name and name_key(name) not in known:
                    known.add(name_key(name))
                    frame.loc[twin, list(_ALIKE)] = frame.loc[model, list(_ALIKE)]
                    frame.loc[twin, ["name", "name_key"]] = [name, name_key(name)]
                    # Who records an enterprise a second time has only heard of it.
                    frame.loc[twin, ["credit_code", "search_text"]] = [None, search_text(name=name)]
                    number += 1
                    break
    return frame


def _variant(name: str, number: int) -> str | None:
    """Return another spelling of a name, the ways in turn; None where this way does not fit it."""
    if number % 3 == 0:
        found = next((sign for sign in name[2:5] if sign in _SAME_SOUND), None)
        return name.replace(found, _SAME_SOUND[found], 1) if found else None
    if number % 3 == 1:
        return name.replace("有限公司", "有限责任公司") if name.endswith("有限公司") else None
    return f"{name[:2]}市{name[2:]}" if len(name) > 10 else None


def _views(role: Role) -> tuple[tuple[str, dict[str, str]], ...]:
    """Return the views of a role: a name, and the filters as the address says them."""
    if role is Role.DISPATCHER:
        return (
            ("甲级企业九十天未对接", {"grade": str(Grade.A), "quiet": str(_("{days} days", days=90))}),
            ("意向一亿元以上", {"from": "10000", "sort": str(_("Intended amount"))}),
        )
    if role is Role.UNIT_HEAD:
        return (("重点跟踪企业", {"tags": _TAGS[0]}),)
    return (("茶叶链意向企业", {"industry": "茶叶"}),) if role is Role.TASKFORCE else ()


def share_views(database: Database, *, now: datetime) -> None:
    """Save and share a view or two for whoever has none of the people who may read enterprises."""
    people = database.rows(
        "select a.id, a.login, a.roles from account a where a.archived_at is null and not exists"
        " (select 1 from saved_view v where v.owner_id = a.id) order by a.id"
    )
    for account_id, login, roles in people:
        views = [view for role in parse_roles(roles) for view in _views(role)]
        if views:
            with transaction(database, actor=login, now=now) as work:
                for name, query in views:
                    work.insert(
                        "saved_view",
                        {
                            "owner_id": account_id,
                            "page": "enterprises",
                            "name": name,
                            "query": urlencode(query),
                            "shared": True,
                        },
                    )
