"""What a judge has before it: the rows of one sheet as values, the database they meet, and the word on each row.

A `Case` holds the parsed columns, looks names up, knows what the actor may touch and collects rejections and
warnings. The judges of the kinds are in `directory` (enterprises and what hangs on them), `projects` (the life of a
project) and `figures` (targets, adjustments, opportunities).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from operator import itemgetter
from typing import Any

from crm import permissions
from crm.errors import Denied, Refused
from crm.exchange.books import Books, Record
from crm.exchange.columns import Column, Kind, Type, heading_key, heading_text, headings_of, report_heading
from crm.exchange.reading import Sheet
from crm.exchange.values import Money, Names, Problem, as_text, read_cells
from crm.locale import Message, _, listed
from crm.model import Actor
from crm.permissions import Action, Scope
from crm.store import Database, Params, Session, Transaction, name_key

_HEADING_ROWS = 20
# A cell of these that shows a value which is not stored makes its row unreadable; a text is just left out.
_EXACT = frozenset({Type.DATE, Type.MONEY, Type.NUMBER, Type.YEAR, Type.MONTH})


@dataclass(frozen=True, slots=True)
class Remark:
    """Something said of a cell: `row` is the sheet's row number, `column` the heading in the user's file."""

    row: int
    column: str
    value: str
    reason: Message


@dataclass(frozen=True)
class Layout:
    """Where a sheet holds what: the row of the headings and the columns found there, by field."""

    heading_row: int
    columns: Mapping[str, tuple[int, Column, str]]
    unknown: tuple[str, ...]


def find_layout(sheet: Sheet, kind: Kind) -> Layout:
    """Find the row of headings; raises Refused where a required one is missing or one stands twice.

    Of different headings for one field its own name is read, else the first; the others are unknown.
    """
    known = headings_of(kind)
    best, best_row = -1, 0
    for row in range(min(sheet.height, _HEADING_ROWS)):
        matches = sum(
            1
            for column in range(len(sheet.columns))
            if isinstance(cell := sheet.cell(row, column), str) and heading_key(cell) in known
        )
        if matches > best:
            best, best_row = matches, row
    texts = [as_text(sheet.cell(best_row, number)).strip() for number in range(len(sheet.columns) if best > 0 else 0)]
    _refuse_repeated(texts, known)
    means = [known.get(heading_key(text)) if text else None for text in texts]
    columns: dict[str, tuple[int, Column, str]] = {}
    for number, column in enumerate(means):
        if column is None:
            continue
        own = heading_key(texts[number]) == heading_key(column.heading)
        if own or column.field not in columns:
            columns[column.field] = (number, column, texts[number])
    unknown: list[str] = []
    for number, (text, column) in enumerate(zip(texts, means, strict=True)):
        if column is not None and columns[column.field][0] == number:
            continue
        if text and heading_key(text) != heading_key(report_heading(kind)):
            unknown.append(text)
        elif not text and any(sheet.columns[number].codes[best_row + 1 :]):
            unknown.append(_column_letters(number))
    missing = [column.heading for column in kind.columns if column.required and column.field not in columns]
    if missing:
        raise Refused(_missing_headings(missing, sheet, found=bool(columns)))
    return Layout(best_row, columns, tuple(unknown))


def _refuse_repeated(texts: Sequence[str], known: Mapping[str, Column]) -> None:
    """Refuse headings of which one stands twice; brackets tell those apart that are not known."""
    first: dict[str, int] = {}
    for number, text in enumerate(texts):
        key = heading_key(text)
        earlier = first.setdefault(key if key in known else heading_text(text), number)
        if text and earlier != number:
            raise Refused(
                _(
                    "The heading “{heading}” stands twice, in the columns {first} and {second}. Leave one of them out.",
                    heading=text,
                    first=_column_letters(earlier),
                    second=_column_letters(number),
                )
            )


def _missing_headings(missing: list[str], sheet: Sheet, *, found: bool) -> Message:
    names = "、".join(missing)
    if sheet.other_sheets:
        return _(
            "The sheet “{sheet}” lacks the headings {headings}. The other sheets are {others}: name the one to import.",
            sheet=sheet.name,
            headings=names,
            others="、".join(sheet.other_sheets),
        )
    if not found:
        return _("The file has no row of headings: it needs at least {headings}.", headings=names)
    return _("The file lacks the headings {headings}.", headings=names)


def _column_letters(number: int) -> str:
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


@dataclass
class Case:
    """One sheet under judgement. Rows are counted from 0 here; `numbers` are the sheet's own."""

    database: Database
    session: Session | Transaction
    actor: Actor
    kind: Kind
    sheet: Sheet
    layout: Layout
    today: date
    books: Books
    names: Names
    unit_names: Mapping[int, str]
    numbers: list[int]
    values: dict[str, list[Any]] = field(default_factory=dict)
    actions: list[str] = field(default_factory=list)
    subjects: list[tuple[str, int] | None] = field(default_factory=list)
    rejects: list[Remark] = field(default_factory=list)
    warnings: list[Remark] = field(default_factory=list)
    _may: dict[tuple[int | None, int | None], bool] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many rows there are."""
        return len(self.numbers)

    def column(self, name: str) -> list[Any]:
        """Return the values of a field, one a row; all None where the sheet has no such column."""
        return self.values.get(name) or [None] * self.size

    def text(self, row: int, name: str) -> str:
        """Return the cell as the user's file has it."""
        found = self.layout.columns.get(name)
        if found is None:
            return ""
        place = (self.numbers[row] - 1, found[0])
        unread = self.sheet.unread.get(place)
        return unread[0] if unread else as_text(self.sheet.cell(*place))

    def heading(self, name: str) -> str:
        """Return the heading of a field as the user's file has it, else its own name."""
        found = self.layout.columns.get(name)
        if found is not None:
            return found[2]
        return next((column.title for column in self.kind.columns if column.field == name), "")

    def reject(self, row: int, name: str, reason: Message) -> None:
        """Reject a row for what stands in one of its cells."""
        self.actions[row] = "rejected"
        self.rejects.append(Remark(self.numbers[row], self.heading(name), self.text(row, name), reason))

    def warn(self, row: int, name: str, reason: Message) -> None:
        """Say something of a cell without rejecting its row."""
        self.warnings.append(Remark(self.numbers[row], self.heading(name), self.text(row, name), reason))

    def rows(self) -> Iterator[int]:
        """Walk through the rows that nothing was said against yet."""
        for row in range(self.size):
            if self.actions[row] != "rejected":
                yield row

    def reject_repeated(self, keys: Mapping[str, list[Any]]) -> None:
        """Reject every row with a key of an earlier row; `keys` has a list of keys by the field they come from."""
        repeated: set[int] = set()
        for name, key in keys.items():
            first: dict[Any, int] = {}
            for row, value in enumerate(key):
                earlier = row if value is None else first.setdefault(value, row)
                if earlier != row and row not in repeated:
                    self.reject(row, name, _("The row has the key of row {first}.", first=self.numbers[earlier]))
                    repeated.add(row)

    def done(self, row: int, table: str, record_id: int, changed: bool) -> None:
        """Say what became of a row that was taken."""
        self.subjects[row] = (table, record_id)
        self.actions[row] = "new" if record_id < 0 else "updated" if changed else "unchanged"

    # What the actor may touch.

    def may(self, unit_id: int | None, industry_id: int | None = None) -> bool:
        """Whether the actor may import a record of this unit."""
        key = (unit_id, industry_id)
        known = self._may.get(key)
        if known is None:
            try:
                permissions.require_for_unit(self.actor, Action.IMPORT, unit_id, industry_id)
            except Denied:
                known = False
            else:
                known = True
            self._may[key] = known
        return known

    @property
    def sees_all(self) -> bool:
        """Whether the actor may import records of every unit."""
        return Scope.ALL in permissions.scopes(self.actor, Action.IMPORT)

    def within(self, subject: str, ids: Iterable[int]) -> set[int]:
        """Return which of these records are within the actor's right to import."""
        wanted = list(ids)
        if self.sees_all or not wanted:
            return set(wanted)
        params = Params([wanted])
        condition = permissions.visible(self.actor, Action.IMPORT, subject, "r", params)
        sql = f"select r.id from {subject} r where r.id in (select unnest($1::bigint[])) and {condition}"
        return {row[0] for row in self.session.rows(sql, params)}

    # Records that rows name.

    def projects(self, name: str = "project") -> Callable[[int], Record | None]:
        """Look the column's project codes up; the function returned rejects a row whose project cannot be used."""
        codes = self.column(name)
        self.books.fetch("project", "code", codes)
        found = {r["code"]: r for code in set(codes) if code for r in self.books.where("project", "code", code)}
        usable = self.within("project", [record["id"] for record in found.values()])

        def look_up(row: int) -> Record | None:
            record = found.get(codes[row])
            if record is None or record["id"] not in usable:
                self.reject(row, name, _("There is no project “{code}” that you may change.", code=codes[row]))
                return None
            return record

        return look_up

    def enterprises_by_name(self, keys: Iterable[str | None]) -> dict[str | None, list[Record]]:
        """Return the enterprises known under these name keys, former names and merged records among them."""
        wanted = {key for key in keys if key}
        self.books.fetch("enterprise", "name_key", wanted)
        aliases = self.session.rows(
            "select a.name_key, a.enterprise_id from enterprise_alias a join enterprise e on e.id = a.enterprise_id"
            " where a.archived_at is null and e.archived_at is null and a.name_key in (select unnest($1::text[]))"
            " order by a.id",
            [list(wanted)],
        )
        self.books.fetch("enterprise", "id", [row[1] for row in aliases])
        found: dict[str | None, list[Record]] = {}
        for record in self.books.all("enterprise"):
            if record["name_key"] in wanted:
                found.setdefault(record["name_key"], []).append(record)
        for key, enterprise_id in aliases:
            found.setdefault(key, [self.books.get("enterprise", enterprise_id)])
        return found

    # Rows to records.

    def plain_fields(self) -> list[str]:
        """Return the fields whose columns are columns of the kind's own table, amounts with their two companions."""
        known = set(self.database.columns(self.kind.table))
        return [name for name in self.values if name in known]

    def records(self) -> Iterator[tuple[int, Record]]:
        """Walk through the rows that nothing was said against, with what each says of its record."""
        names = self.plain_fields()
        for row, said in enumerate(zip(*(self.values[name] for name in names), strict=True)):
            if self.actions[row] != "rejected":
                yield row, dict(zip(names, said, strict=True))

    def segment(self, row: int, industry_id: int | None, name: str | None) -> int | None:
        """Return the segment of an industry by its name; another text is a warning and links nothing."""
        if name is None:
            return None
        if industry_id is None:
            self.warn(row, "segment", _("A segment needs its industry: it was not linked."))
            return None
        found = self.segments().get((industry_id, name_key(name)))
        if found is None:
            self.warn(row, "segment", _("The industry has no segment of this name: it was not linked."))
        return found

    _segments: dict[tuple[int, str], int] = field(default_factory=dict)

    def segments(self) -> dict[tuple[int, str], int]:
        """Return the segments by industry and name key or code."""
        if not self._segments:
            for record_id, industry_id, name, code in self.session.rows(
                "select id, industry_id, name, code from segment where archived_at is null order by id desc"
            ):
                self._segments[industry_id, name_key(code)] = record_id
                self._segments[industry_id, name_key(name)] = record_id
        return self._segments


def ambiguous(records: Sequence[Record]) -> Message:
    """Return that a name is the name of several enterprises, with the credit codes that tell them apart."""
    codes = [record["credit_code"] for record in records if record["credit_code"]]
    if not codes:
        return _("The directory has {count} enterprises of this name: merge them first.", count=len(records))
    return _(
        "{count} enterprises have this name, with the credit codes {codes}: it does not say which one is meant.",
        count=len(records),
        codes=listed(codes),
    )


class Enterprises:
    """The enterprises that a column names; `by_name` holds all of each name key, within the actor's right or not."""

    def __init__(self, case: Case, name: str = "enterprise") -> None:
        self.case, self.name = case, name
        self.keys = [name_key(value) if value else None for value in case.column(name)]
        self.by_name = case.enterprises_by_name(self.keys)
        self._usable = case.within("enterprise", {r["id"] for records in self.by_name.values() for r in records})

    def find(self, row: int, *, may_be_new: bool = False, unit_id: int | None = None) -> Record | None:
        """Return the enterprise of a row; rejects the row where it is unknown, another unit's, or one of several.

        With `may_be_new` an unknown one is no reason. Of several, the unit's own is meant.
        """
        case, records = self.case, self.by_name.get(self.keys[row], [])
        within = [record for record in records if record["id"] in self._usable]
        if len(within) > 1:
            own = [record for record in within if record["owner_unit_id"] == (unit_id or case.actor.unit_id)]
            within = own if len(own) == 1 else within
        if len(within) == 1:
            return within[0]
        if within:
            case.reject(row, self.name, ambiguous(within))
        elif records:
            unit = case.unit_names.get(records[0]["owner_unit_id"] or 0, "—")
            case.reject(row, self.name, _("The enterprise is held by {unit}, outside your scope.", unit=unit))
        elif not may_be_new:
            case.reject(row, self.name, _("The enterprise is not in the directory: import it first."))
        return None


def given(said: Mapping[str, Any], record: Mapping[str, Any]) -> Record:
    """Return what a row changes of a record: blank cells nothing, an amount together with its currency."""
    changes = {name: value for name, value in said.items() if value is not None and record[name] != value}
    for name in changes.copy():
        root = name.removesuffix("_original")
        if f"{root}_currency" in said:
            for part in (root, f"{root}_original", f"{root}_currency"):
                if record[part] != said[part]:
                    changes[part] = said[part]
    return changes


def open_case(
    database: Database, session: Session | Transaction, actor: Actor, kind: Kind, sheet: Sheet, *, today: date
) -> Case:
    """Read a sheet's cells as values of a kind; what cannot be read is already said of its rows."""
    layout = find_layout(sheet, kind)
    names, unit_names = load_names(session)
    first = layout.heading_row + 1
    held = [
        row
        for row, filled in enumerate(zip(*(cells.codes for cells in sheet.columns), strict=True))
        if row >= first and any(filled)
    ]
    shown = {row for row, _column in sheet.unread if row >= first}
    rows = held if shown <= set(held) else sorted({*held, *shown})
    case = Case(
        database=database,
        session=session,
        actor=actor,
        kind=kind,
        sheet=sheet,
        layout=layout,
        today=today,
        books=Books(database, session),
        names=names,
        unit_names=unit_names,
        numbers=[row + 1 for row in rows],
        actions=[""] * len(rows),
        subjects=[None] * len(rows),
    )
    together = bool(rows) and rows[-1] - rows[0] + 1 == len(rows)
    for name, (number, column, heading) in layout.columns.items():
        cells = sheet.columns[number]
        distinct = ["" if value is None else value for value in cells.values]
        values, problems = read_cells(column, distinct, heading=heading, names=names, today=today)
        if together:
            codes = cells.codes[rows[0] : rows[-1] + 1].tolist()
        else:
            codes = itemgetter(*rows)(cells.codes) if len(rows) > 1 else [cells.codes[row] for row in rows]
        _spread(case, name, column, values, codes)
        _complain(case, name, column, codes, problems)
    _note_unread(case, {row: n for n, row in enumerate(rows)})
    case.rejects.sort(key=lambda remark: remark.row)
    case.warnings.sort(key=lambda remark: remark.row)
    return case


def _spread(case: Case, name: str, column: Column, values: list[Any], codes: Iterable[int]) -> None:
    """Give every row its value; an amount becomes three fields."""
    if column.type is Type.MONEY:
        codes = list(codes)
        money: list[Money | None] = values
        for part, attribute in (("", "amount"), ("_original", "original"), ("_currency", "currency")):
            distinct = [None if value is None else getattr(value, attribute) for value in money]
            case.values[name + part] = list(map(distinct.__getitem__, codes))
    else:
        case.values[name] = list(map(values.__getitem__, codes))


def _complain(case: Case, name: str, column: Column, codes: Iterable[int], problems: Mapping[int, Problem]) -> None:
    """Say of each row what is wrong with its cell, or that it is missing."""
    if problems:
        for row, code in enumerate(codes):
            problem = problems.get(code)
            if problem is not None:
                (case.reject if problem.rejects else case.warn)(row, name, problem.reason)
    if column.required:
        original = case.values.get(f"{name}_original")
        for row, value in enumerate(case.values[name]):
            if value is None and not (original and original[row] is not None):
                problem = problems.get(codes[row]) if isinstance(codes, (list, tuple)) else None
                if problem is None or not problem.rejects:
                    case.reject(row, name, _("{column} is required.", column=column.heading))


def _note_unread(case: Case, rows: Mapping[int, int]) -> None:
    """Blank the cells that show something which is not stored, and say so."""
    by_number = {number: (name, column) for name, (number, column, _heading) in case.layout.columns.items()}
    for (sheet_row, number), (_text, reason) in case.sheet.unread.items():
        row, found = rows.get(sheet_row), by_number.get(number)
        if row is None or found is None:
            continue
        name, column = found
        parts = [name, f"{name}_original", f"{name}_currency"] if column.type is Type.MONEY else [name]
        for part in parts:
            case.values[part][row] = None
        exact = column.type in _EXACT or column.required or column.key
        (case.reject if exact else case.warn)(row, name, reason)


def load_names(session: Session | Transaction) -> tuple[Names, dict[int, str]]:
    """Return what units and industries are called, and each unit's name by id."""
    units: dict[str, int] = {}
    # A unit's own name goes before its code, that before a short name, and all before anybody's former name.
    for sql in (
        "select id, name from unit where archived_at is null order by display_order",
        "select id, code from unit where archived_at is null order by display_order",
        "select id, short_name from unit where archived_at is null order by display_order",
        "select unit_id, name from unit_alias where archived_at is null order by id",
    ):
        for unit_id, name in session.rows(sql):
            units.setdefault(name_key(name), unit_id)
    industries: dict[str, int] = {}
    for column in ("name", "code", "name_en"):
        for industry_id, name in session.rows(
            f"select id, {column} from industry where archived_at is null order by display_order"
        ):
            industries.setdefault(name_key(name), industry_id)
    return Names(units, industries), dict(session.rows("select id, name from unit"))
