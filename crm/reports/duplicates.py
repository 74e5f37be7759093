"""The bureau-wide check for enterprises that are recorded twice: by credit code, name, sound, and near name.

Candidates are sought over all live enterprises; what a reader is told of them follows the reader's rights: only groups
with an enterprise within their scope, and of the others no more than name and owner unit.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import combinations

from crm import permissions
from crm.locale import Message, _
from crm.model import Actor
from crm.permissions import Action
from crm.reports.enterprises import NEAR, name_core
from crm.store import Database, Params, pinyin

Progress = Callable[[float], object]

# More than these are not looked through by hand: whoever has dealt with them checks again.
MOST_GROUPS = 2_000
# Names that differ in one sign only by being numbered (一号, 二号, …) fill a block without being one enterprise.
_LARGEST_BLOCK = 60
_LARGEST_GROUP = 12


class Reason(StrEnum):
    """Why enterprises may be one, the strongest first."""

    CODE = "code"
    NAME = "name"
    PINYIN = "pinyin"
    NEAR = "near"


REASON_LABELS: dict[Reason, Message] = {
    Reason.CODE: _("Same credit code"),
    Reason.NAME: _("Same name"),
    Reason.PINYIN: _("Sounds the same"),
    Reason.NEAR: _("Similar name"),
}


@dataclass(frozen=True)
class Candidate:
    """Enterprises that may be one, by their ids."""

    reason: Reason
    ids: tuple[int, ...]


@dataclass(frozen=True)
class Suspect:
    """An enterprise of a group; beyond the reader's scope (`visible` is false) only name and unit are known."""

    id: int
    version: int
    name: str
    unit: str
    visible: bool
    editable: bool
    credit_code: str = ""
    owner_person: str = ""
    last_contact_on: date | None = None
    projects: int = 0


@dataclass(frozen=True)
class Group:
    """Enterprises that may be one, as the reader may see them."""

    reason: Reason
    members: list[Suspect]


def candidates(database: Database, *, progress: Progress | None = None) -> list[Candidate]:
    """Look for enterprises recorded twice over the whole bureau, the strongest reasons first; no right is asked here.

    At 200k enterprises a matter of seconds; `progress` is told the share that is done.
    """
    tell = progress or (lambda _share: None)
    rows = database.rows(
        "select id, name_key, upper(trim(coalesce(credit_code, ''))) from enterprise where archived_at is null"
        " order by id"
    )
    tell(0.1)
    found: list[Candidate] = []
    told: set[tuple[int, int]] = set()

    def take(reason: Reason, groups: Iterable[Sequence[int]]) -> None:
        for ids in groups:
            pairs = set(combinations(ids[:_LARGEST_GROUP], 2))
            if not pairs <= told:
                told.update(pairs)
                found.append(Candidate(reason, tuple(ids[:_LARGEST_GROUP])))

    take(Reason.CODE, _shared((row[0], row[2]) for row in rows))
    take(Reason.NAME, _shared((row[0], row[1]) for row in rows))
    tell(0.2)
    cores = {row[0]: name_core(row[1]) for row in rows}
    take(Reason.PINYIN, _shared((row[0], pinyin(row[1])) for row in rows))
    tell(0.35)
    take(Reason.NEAR, _near(cores, lambda share: tell(0.35 + 0.65 * share)))
    tell(1.0)
    return found


def _shared(keys: Iterable[tuple[int, str]]) -> list[list[int]]:
    """Return the ids that share a key, group by group."""
    groups: dict[str, list[int]] = defaultdict(list)
    for record_id, key in keys:
        if key:
            groups[key].append(record_id)
    return [ids for ids in groups.values() if len(ids) > 1]


def _near(cores: dict[int, str], progress: Progress) -> list[tuple[int, int]]:
    """Return pairs whose names without legal form are alike, the most alike first.

    Two names so alike share what is left of them when one sign is left out of each: only those are compared.
    """
    from rapidfuzz import fuzz

    by_core: dict[str, list[int]] = defaultdict(list)
    for record_id, core in cores.items():
        if len(core) > 2:
            by_core[core].append(record_id)
    pairs = {(100.0, pair) for ids in by_core.values() for pair in combinations(ids[:_LARGEST_GROUP], 2)}
    blocks: dict[str, list[str]] = defaultdict(list)
    for number, core in enumerate(by_core):
        # A sign more or less always counts; one in the place of another only in a name long enough for it.
        if core in blocks or len(core) >= _LONG:
            blocks[core].append(core)
        for place in range(len(core)):
            shorter = core[:place] + core[place + 1 :]
            if len(core) >= _LONG or shorter in by_core:
                blocks[shorter].append(core)
        if number % 20_000 == 0:
            progress(0.6 * number / len(by_core))
    compared: set[tuple[str, str]] = set()
    for shorter, names in blocks.items():
        names = list(dict.fromkeys([*([shorter] if shorter in by_core else []), *names]))
        if not 1 < len(names) <= _LARGEST_BLOCK:
            continue
        for one, other in combinations(names, 2):
            pair = (one, other) if one < other else (other, one)
            if pair in compared:
                continue
            compared.add(pair)
            score = fuzz.ratio(one, other, score_cutoff=NEAR)
            if score:
                pairs.update(
                    (score, (min(a, b), max(a, b)))
                    for a in by_core[one][:_LARGEST_GROUP]
                    for b in by_core[other][:_LARGEST_GROUP]
                )
    progress(1.0)
    return [pair for _score, pair in sorted(pairs, key=lambda item: (-item[0], item[1]))]


# From this length on, two names that differ in one sign are alike enough: 1 - 2 / 2n reaches 88 hundredths.
_LONG = 9


def suspects(database: Database, actor: Actor, found: Sequence[Candidate]) -> list[Group]:
    """Return the candidates as a reader may see them.

    Left out: enterprises that are gone, groups whose every pair was said to be different, groups without an enterprise
    within the reader's scope; and all beyond the first `MOST_GROUPS`.
    """
    ids = sorted({record_id for candidate in found for record_id in candidate.ids})
    params = Params()
    wanted = params.add(ids)
    seen = permissions.visible(actor, Action.READ, "enterprise", "e", params)
    mine = permissions.visible(actor, Action.EDIT, "enterprise", "e", params)
    of_projects = permissions.visible(actor, Action.READ, "project", "p", params)
    with database.reading() as session:
        rows = session.rows(
            f"""
            with suspected as materialized (
                select e.* from enterprise e
                where e.id in (select unnest({wanted}::bigint[])) and e.archived_at is null
            ),
            held as (
                select p.enterprise_id, count(*) as projects
                from project p
                join suspected on suspected.id = p.enterprise_id
                where p.archived_at is null and {of_projects}
                group by p.enterprise_id
            )
            select
                e.id,
                e.version,
                e.name,
                coalesce(u.name, '') as unit,
                {seen} as seen,
                {mine} as mine,
                coalesce(e.credit_code, ''),
                coalesce(e.owner_person, ''),
                e.last_contact_on,
                coalesce(held.projects, 0)
            from suspected e
            left join unit u on u.id = e.owner_unit_id
            left join held on held.enterprise_id = e.id
            """,
            params,
        )
        different = set(
            session.rows(
                "select enterprise_id, other_id from not_duplicate"
                " where archived_at is null and enterprise_id in (select unnest($1::bigint[]))",
                [ids],
            )
        )
    known = {row[0]: Suspect(*row) if row[4] else Suspect(*row[:6]) for row in rows}
    groups = []
    for candidate in found:
        members = [known[record_id] for record_id in candidate.ids if record_id in known]
        pairs = {(min(a.id, b.id), max(a.id, b.id)) for a, b in combinations(members, 2)}
        if pairs - different and any(member.visible for member in members):
            groups.append(Group(candidate.reason, members))
    return groups[:MOST_GROUPS]
