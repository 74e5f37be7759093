"""Export: one kind as a sheet, within the actor's scope, in the very columns that import reads.

The database itself writes every cell as text (money in 万元, dates as 2026-03-05, choices in their words), so that an
export imports again unchanged. What a table keeps beyond its columns stays there.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from crm import permissions
from crm.errors import Refused
from crm.exchange.columns import MONEY_MEASURES, YES_NO, Choices, Column, Kind, Type, kind_of
from crm.exchange.sheets import guard_columns, write_workbook
from crm.exchange.values import CURRENCIES, currency_word
from crm.locale import _
from crm.model import Actor
from crm.permissions import Action
from crm.reports.rankings import find_industry, find_unit
from crm.store import Database, Params, like_pattern, transaction

if TYPE_CHECKING:
    import pyarrow as pa

# ------------------------------------------------------------------------------------------------- cells in SQL


def _words(expression: str, choices: Choices) -> str:
    cases = " ".join(f"when '{value}' then '{words[0]}'" for value, words in choices.items())
    return f"case {expression} {cases} else {expression} end"


def _number(expression: str) -> str:
    return f"rtrim(rtrim(cast({expression} as text), '0'), '.')"


def _wan(expression: str) -> str:
    # Multiplied, not divided: a quotient would be a float in one of the engines.
    return _number(f"({expression} * cast(0.0001 as decimal(5, 4)))")


def _money(column: str) -> str:
    currency = f"{column}_currency"
    words = " ".join(f"when '{code}' then '{currency_word(code)}'" for code in CURRENCIES)
    return (
        f"case when {column} is not null then {_wan(column)} when {column}_original is not null"
        f" then {_wan(f'{column}_original')} || '(万' || (case {currency} {words} else {currency} end) || ')' end"
    )


def _cell(column: Column, expression: str) -> str:
    """Return the SQL of a cell as text."""
    if column.type is Type.MONEY:
        return _money(expression)
    if column.type is Type.NUMBER:
        return _number(expression)
    if column.type is Type.CHOICE:
        return _words(expression, column.choices)
    if column.type is Type.YES_NO:
        return f"case when {expression} then '{YES_NO['yes'][0]}' else '{YES_NO['no'][0]}' end"
    if column.type in {Type.DATE, Type.YEAR}:
        return f"cast({expression} as text)"
    return expression


# ---------------------------------------------------------------------------------------------------- what is read


@dataclass(frozen=True)
class _Source:
    """Where a kind's rows come from: joins, fields that are not plain columns of the table `r`, order, filters."""

    joins: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    where: str = ""
    order: str = "r.id"
    filters: Mapping[str, str] = field(default_factory=dict)


_UNIT = "(select u.name from unit u where u.id = {column})"
_INDUSTRY = "(select i.name from industry i where i.id = r.industry_id)"
_SEGMENT = "(select s.name from segment s where s.id = r.segment_id)"
_OF_ENTERPRISE = "join enterprise e on e.id = r.enterprise_id and e.archived_at is null"
_OF_PROJECT = "join project p on p.id = r.project_id and p.archived_at is null"

_BY_INDUSTRY = "r.industry_id = {industry}"
_BY_SEGMENT = "r.segment_id in (select s.id from segment s where {value} in (s.name, s.code))"
_BY_PROJECT = "p.code = {value}"
_BY_TEXT = "r.search_text like {pattern} escape '\\'"
_PROJECT_UNIT = {"unit": "p.unit_id = {unit}", "project": _BY_PROJECT}

# The chain links of an enterprise, those with a segment first; the industry alone where none of its segments is said.
_LINKS = """
left join (
    select l.enterprise_id,
        string_agg(s.name, '、' order by l.id) as segments,
        case when count(distinct coalesce(l.role, '')) = 1 then {one}
            else string_agg(coalesce({role}, '无'), '、' order by l.segment_id is null, l.id) end as roles
    from enterprise_segment l
    left join segment s on s.id = l.segment_id
    where l.archived_at is null and (l.segment_id is not null or not exists (
        select 1 from enterprise_segment o where o.enterprise_id = l.enterprise_id and o.industry_id = l.industry_id
        and o.segment_id is not null and o.archived_at is null))
    group by l.enterprise_id
) link on link.enterprise_id = r.id
left join (
    select n.enterprise_id, string_agg(n.name, '、' order by n.first_id) as industries
    from (
        select l.enterprise_id, i.name, min(l.id) as first_id
        from enterprise_segment l join industry i on i.id = l.industry_id
        where l.archived_at is null group by l.enterprise_id, i.name
    ) n
    group by n.enterprise_id
) chain on chain.enterprise_id = r.id
left join (
    select distinct on (c.enterprise_id) c.enterprise_id, c.id, c.name, c.title, c.phone
    from contact_person c where c.archived_at is null order by c.enterprise_id, c.is_key desc, c.id
) person on person.enterprise_id = r.id
""".format(  # noqa: UP032  # the braces of the template are its own
    one=_words("min(l.role)", kind_of("enterprises").column("roles").choices),
    role=_words("l.role", kind_of("enterprises").column("roles").choices),
)

_SOURCES: Mapping[str, _Source] = {
    "enterprises": _Source(
        joins=_LINKS,
        fields={
            "industries": "chain.industries",
            "segments": "link.segments",
            "roles": "link.roles",
            "owner_unit_id": _UNIT.format(column="r.owner_unit_id"),
            "contact_name": "person.name",
            "contact_title": "person.title",
            "contact_phone": "person.phone",
        },
        filters={
            "unit": "r.owner_unit_id = {unit}",
            "industry": "r.id in (select l.enterprise_id from enterprise_segment l"
            " where l.archived_at is null and l.industry_id = {industry})",
            "segment": "r.id in (select l.enterprise_id from enterprise_segment l"
            " join segment s on s.id = l.segment_id where l.archived_at is null and {value} in (s.name, s.code))",
            "grade": "r.grade = {value}",
            "source": "r.source = {value}",
            "stage": "r.id in (select p.enterprise_id from project p"
            " where p.archived_at is null and p.stage = {value})",
            "text": _BY_TEXT,
        },
    ),
    "contacts": _Source(
        joins=_OF_ENTERPRISE,
        fields={"enterprise": "e.name"},
        filters={
            "unit": "e.owner_unit_id = {unit}",
            "text": "e.search_text like {pattern} escape '\\'",
        },
    ),
    "followups": _Source(
        joins=f"{_OF_ENTERPRISE} left join project p on p.id = r.project_id",
        fields={"enterprise": "e.name", "project": "p.code", "unit_id": _UNIT.format(column="r.unit_id")},
        order="r.happened_on, r.id",
        filters={
            "unit": "r.unit_id = {unit}",
            "project": _BY_PROJECT,
            "from": "r.happened_on >= {day}",
            "to": "r.happened_on <= {day}",
            "text": "e.search_text like {pattern} escape '\\'",
        },
    ),
    "opportunities": _Source(
        fields={"industry_id": _INDUSTRY, "segment": _SEGMENT, "unit_id": _UNIT.format(column="r.unit_id")},
        filters={
            "unit": "r.unit_id = {unit}",
            "industry": _BY_INDUSTRY,
            "segment": _BY_SEGMENT,
        },
    ),
    "projects": _Source(
        joins="join enterprise e on e.id = r.enterprise_id"
        " left join (select distinct on (a.project_id) a.project_id, a.number from agreement a"
        " where a.archived_at is null and a.status = 'active' order by a.project_id, a.signed_on, a.id) g"
        " on g.project_id = r.id",
        fields={
            "investor": "e.name",
            "unit_id": _UNIT.format(column="r.unit_id"),
            "industry_id": _INDUSTRY,
            "segment": _SEGMENT,
            # A lead date that nobody gave is worked out again from the other dates.
            "entered_on": "case when r.entered_given then r.entered_on end",
            "agreement_number": "g.number",
        },
        filters={
            "unit": "r.unit_id = {unit}",
            "industry": _BY_INDUSTRY,
            "segment": _BY_SEGMENT,
            "stage": "r.stage = {value}",
            "status": "r.status = {value}",
            "project": "r.code = {value}",
            "text": _BY_TEXT,
        },
    ),
    "agreements": _Source(
        joins=_OF_PROJECT,
        fields={"project": "p.code"},
        # An agreement without number or kind is known from its project's own row only.
        where="r.number is not null and r.kind is not null",
        filters={**_PROJECT_UNIT, "from": "r.signed_on >= {day}", "to": "r.signed_on <= {day}"},
    ),
    "transfers": _Source(
        joins=_OF_PROJECT,
        fields={"project": "p.code", "unit_id": _UNIT.format(column="r.unit_id")},
        # A first unit that gave the project away on the day it came has held it on no day.
        where="not (r.is_first and exists (select 1 from project_unit later where later.project_id = r.project_id"
        " and later.valid_from = r.valid_from and not later.is_first and later.archived_at is null))",
        order="p.code, r.is_first desc, r.valid_from, r.id",
        filters=_PROJECT_UNIT,
    ),
    "funds": _Source(
        joins=_OF_PROJECT,
        fields={"project": "p.code"},
        order="r.arrived_on, r.id",
        filters={**_PROJECT_UNIT, "from": "r.arrived_on >= {day}", "to": "r.arrived_on <= {day}"},
    ),
    "milestones": _Source(
        joins=_OF_PROJECT,
        fields={"project": "p.code", "unit_id": _UNIT.format(column="r.unit_id")},
        filters=_PROJECT_UNIT,
    ),
    "commitments": _Source(
        joins=_OF_PROJECT,
        fields={"project": "p.code", "unit_id": _UNIT.format(column="r.unit_id")},
        filters={**_PROJECT_UNIT, "from": "r.due_on >= {day}", "to": "r.due_on <= {day}"},
    ),
    "targets": _Source(
        fields={
            "unit_id": _UNIT.format(column="r.unit_id"),
            "value": f"case when r.measure in ({', '.join(repr(str(m)) for m in sorted(MONEY_MEASURES))})"
            f" then {_wan('r.value')} else {_number('r.value')} end",
        },
        order="r.year, r.id",
        filters={
            "unit": "r.unit_id = {unit}",
            "year": "cast(r.year as text) = {value}",
        },
    ),
    "adjustments": _Source(
        fields={"unit_id": _UNIT.format(column="r.unit_id")},
        order="r.month, r.id",
        filters={
            "unit": "r.unit_id = {unit}",
            "month": "r.month = {value}",
            "from": "r.month >= {value}",
            "to": "r.month <= {value}",
        },
    ),
}
# Where a personal value is hidden unless the actor may see it: kind -> (the record asked about, its id).
_PERSONAL = {"contacts": ("contact_person", "r"), "enterprises": ("enterprise", "r")}


def filters_of(kind: str) -> tuple[str, ...]:
    """Return the names of the filters that an export of this kind knows."""
    return tuple(_SOURCES[kind_of(kind).slug].filters)


def export_table(
    database: Database,
    actor: Actor,
    kind: str,
    path: Path,
    *,
    filters: Mapping[str, str] | None = None,
    where: Callable[[Params], str] | None = None,
    now: datetime,
) -> int:
    """Write the rows of a kind that the actor may export to an .xlsx or .csv file and return how many there are.

    `where` adds a condition over the records (named `r`), for a page that exports what it shows.

    Phones and the like are masked where the actor may not reveal them. The export is audited before anything is
    written. Raises Refused for another ending or an unknown filter, Invalid for an unknown unit or industry, Denied.
    """
    found = kind_of(kind)
    permissions.require_right(actor, Action.EXPORT)
    ending = path.suffix.lower().lstrip(".")
    if ending not in {"xlsx", "csv"}:
        raise Refused(_("“{name}” cannot be written: give a name that ends in .xlsx or .csv.", name=path.name))
    chosen = {name: value for name, value in (filters or {}).items() if value not in (None, "")}
    sql, params = _query(database, actor, found, chosen, where)
    with database.reading() as session:
        rows: pa.Table = session.table(sql, params)
    rows, masked = _masked(found, rows)
    note = {"kind": found.slug, "rows": rows.num_rows, "filters": chosen, "masked": masked, "file": path.name}
    with transaction(database, actor=actor.login, now=now) as work:
        work.record_change("export", found.table, None, None, note)
    rows = guard_columns(found.columns, rows)
    partial = path.with_name(path.name + ".part")
    try:
        if ending == "csv":
            _write_csv(found, rows, partial)
        else:
            write_workbook(partial, found.title, found.columns, rows)
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise Refused(
            _("The file “{name}” cannot be written: check the folder and the space on it.", name=path.name)
        ) from error
    return int(rows.num_rows)


def _query(
    database: Database, actor: Actor, kind: Kind, filters: Mapping[str, str], where: Callable[[Params], str] | None
) -> tuple[str, Params]:
    source, params = _SOURCES[kind.slug], Params()
    cells = []
    for column in kind.columns:
        expression = source.fields.get(column.field, f"r.{column.field}")
        own = column.type not in {Type.UNIT, Type.INDUSTRY} and column.field != "value"
        cells.append(f"{_cell(column, expression) if own else expression} as {column.field}")
    if kind.slug in _PERSONAL:
        subject, alias = _PERSONAL[kind.slug]
        cells.append(f"{permissions.visible(actor, Action.REVEAL, subject, alias, params)} as revealed")
    conditions = ["r.archived_at is null", permissions.visible(actor, Action.EXPORT, kind.table, "r", params)]
    if source.where:
        conditions.append(source.where)
    if where:
        conditions.append(where(params))
    for name, value in filters.items():
        if name not in source.filters:
            raise Refused(
                _(
                    "{kind} cannot be filtered by “{name}”. The filters are: {filters}.",
                    kind=kind.slug,
                    name=name,
                    filters=", ".join(source.filters),
                )
            )
        conditions.append(_condition(database, source.filters[name], value, params))
    sql = (
        f"select {', '.join(cells)} from {kind.table} r {source.joins}"
        f" where {' and '.join(conditions)} order by {source.order}"
    )
    return sql, params


def _condition(database: Database, template: str, value: str, params: Params) -> str:
    if "{unit}" in template:
        return template.replace("{unit}", params.add(find_unit(database, value).id))
    if "{industry}" in template:
        return template.replace("{industry}", params.add(find_industry(database, value)))
    if "{pattern}" in template:
        return template.replace("{pattern}", params.add(like_pattern(value)))
    if "{day}" in template:
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise Refused(_("“{value}” is not a date: write it as 2026-03-05.", value=value)) from None
        return template.replace("{day}", params.add(day))
    return template.replace("{value}", params.add(value))


def _masked(kind: Kind, rows: "pa.Table") -> tuple["pa.Table", int]:
    """Hide the personal values of the rows that the actor may not reveal; returns how many rows that were."""
    import pyarrow as pa

    if "revealed" not in rows.column_names:
        return rows, 0
    revealed = rows.column("revealed").to_pylist()
    rows = rows.drop_columns(["revealed"])
    hidden = revealed.count(False)
    if hidden:
        for column in kind.columns:
            if column.type is Type.PERSONAL:
                values = rows.column(column.field).to_pylist()
                shown = [
                    value if open_ or value is None else permissions.mask(value)
                    for value, open_ in zip(values, revealed, strict=True)
                ]
                number = rows.column_names.index(column.field)
                rows = rows.set_column(number, column.field, pa.array(shown, pa.string()))
    return rows, hidden


def _write_csv(kind: Kind, rows: "pa.Table", path: Path) -> None:
    """Write text with the mark that makes spreadsheets read UTF-8."""
    from pyarrow import csv as arrow_csv

    with path.open("wb") as file:
        file.write(b"\xef\xbb\xbf")
        heading = [column.title for column in kind.columns]
        file.write((",".join(f'"{title}"' for title in heading) + "\n").encode())
        if rows.num_rows:
            arrow_csv.write_csv(rows, file, arrow_csv.WriteOptions(include_header=False))
