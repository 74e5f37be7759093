"""Judges of the directory: enterprises with their chain links and first contact, contact people, follow-ups."""

from collections.abc import Sequence
from typing import Any

from crm.exchange.books import Record
from crm.exchange.judging import Case, Enterprises, ambiguous, given
from crm.locale import Message, _
from crm.store import name_key, search_text


def judge_enterprises(case: Case) -> None:
    """The credit code identifies an enterprise, else its name; of one name there may be several with codes."""
    books, codes = case.books, case.column("credit_code")
    # Where the key is the name, as most are, it is kept once.
    keys = [key if name and (key := name_key(name)) != name else name for name in case.column("name")]
    # A name alone is the key where this row or the first of the name has no code.
    first_of: dict[str, int] = {}
    named = list(keys)
    for row, key in enumerate(keys):
        if key and (first := first_of.setdefault(key, row)) != row and codes[row] and codes[first]:
            named[row] = None
    case.reject_repeated({"credit_code": codes, "name": named})
    books.fetch("enterprise", "credit_code", set(codes))
    by_code = {record["credit_code"]: record for record in books.all("enterprise")}
    by_name = case.enterprises_by_name(keys)
    known = {record["id"] for record in books.all("enterprise")}
    usable = case.within("enterprise", known)
    links, people = _Links(case, known), _FirstContacts(case, known)
    fields, units = case.plain_fields(), case.column("owner_unit_id")
    new: list[int] = []
    first_code: dict[str | None, str] = {}
    for row in case.rows():
        key, code = keys[row], codes[row]
        record = _find(case, row, by_code.get(code) if code else None, by_name.get(key, []), code)
        if code and case.actions[row] != "rejected":
            others = [other["credit_code"] for other in by_name.get(key, ()) if other is not record]
            other = next(filter(None, others), None) or first_code.setdefault(key, code)
            if other != code and (record is None or record["name_key"] != key):
                reason = _("The enterprise with the credit code {code} has this name too: both are kept.", code=other)
                case.warn(row, "name", reason)
        if record is not None:
            said = {name: case.values[name][row] for name in fields}
            changed = _change_enterprise(case, row, said, record, allowed=record["id"] in usable)
            if case.actions[row] != "rejected":
                changed |= links.settle(row, record["id"])
                changed |= people.settle(row, record["id"])
                case.done(row, "enterprise", record["id"], changed)
        elif case.actions[row] != "rejected":
            if case.may(units[row] or case.actor.unit_id):
                new.append(row)
            else:
                case.reject(row, "owner_unit_id", _("You may import for your own unit only."))
    for row, enterprise_id in zip(new, _new_enterprises(case, new, fields, keys), strict=True):
        links.settle(row, enterprise_id)
        people.settle(row, enterprise_id)
        case.done(row, "enterprise", enterprise_id, True)
    links.finish()
    people.finish()


def _new_enterprises(case: Case, rows: list[int], fields: list[str], keys: list[str | None]) -> Sequence[int]:
    """Make an enterprise of each of these rows and return the ids."""
    columns = {name: list(map(case.values[name].__getitem__, rows)) for name in fields}
    units = columns.get("owner_unit_id", [None] * len(rows))
    codes = columns.get("credit_code", [None] * len(rows))
    columns["owner_unit_id"] = [unit or case.actor.unit_id for unit in units]
    columns["name_key"] = [keys[row] for row in rows]
    columns["search_text"] = [search_text(code, name=name) for code, name in zip(codes, columns["name"], strict=True)]
    return case.books.add_columns("enterprise", rows, columns)


def _change_enterprise(case: Case, row: int, said: Record, record: Record, *, allowed: bool) -> bool:
    """Update an enterprise from a row, or reject the row; returns whether anything changed."""
    if not allowed:
        unit = case.unit_names.get(record["owner_unit_id"] or 0, "—")
        case.reject(row, "name", _("The enterprise is held by {unit}, outside your scope.", unit=unit))
        return False
    changes = given(said, record)
    if "owner_unit_id" in changes and not case.sees_all:
        case.reject(row, "owner_unit_id", _("Only the bureau hands an enterprise to another unit."))
        return False
    code = said.get("credit_code")
    _name_changes(case, row, record, changes, by_code=code is not None and record["credit_code"] == code)
    return case.books.change("enterprise", record["id"], row, changes)


def _find(case: Case, row: int, coded: Record | None, named: list[Record], code: str | None) -> Record | None:
    """Return the enterprise that a row means; None for a new one, and where the row was rejected."""
    if coded is not None:
        if any(other["id"] != coded["id"] and not other["credit_code"] for other in named):
            case.reject(
                row,
                "name",
                _("Another enterprise already has this name, and the code belongs to “{name}”.", name=coded["name"]),
            )
            return None
        return coded
    # A code that is not known yet is another enterprise's than those with codes of their own.
    meant = [record for record in named if not (code and record["credit_code"])]
    if len(meant) > 1:
        case.reject(row, "name", ambiguous(meant))
        return None
    return meant[0] if meant else None


def _name_changes(case: Case, row: int, record: Record, changes: Record, *, by_code: bool) -> None:
    """Let a code rename its enterprise; a name that found its enterprise is not written over by another spelling."""
    name = changes.get("name")
    if name is not None and not by_code:
        del changes["name"]
        name = None
    if name is not None and name_key(name) != record["name_key"]:
        case.warn(
            row,
            "name",
            _("The enterprise of this credit code was called “{name}” and is renamed.", name=record["name"]),
        )
    if name is not None or "credit_code" in changes:
        final = name or record["name"]
        changes["name_key"] = name_key(final)
        changes["search_text"] = search_text(changes.get("credit_code", record["credit_code"]), name=final)


_Link = tuple[int, int | None, str | None]  # industry, segment, role


class _Links:
    """The chain links of enterprises: which industries and segments they fit, in which role.

    A row that names industries says all of them, one that names segments all segments of these industries. The role
    goes for all links of the row, or one for each: the segments in the order given, then industries without one.
    """

    def __init__(self, case: Case, enterprise_ids: set[int]) -> None:
        self.case = case
        self._new: list[tuple[int, int, int, int | None, str | None]] = []
        self.industries, self.segments = case.column("industries"), case.column("segments")
        self.roles = case.column("roles")
        # What rows ask for repeats itself: it is worked out once.
        self._known: dict[tuple[Any, ...], tuple[list[_Link], list[tuple[str, Message]]]] = {}
        if any(self.industries) or any(self.segments):
            case.books.fetch("enterprise_segment", "enterprise_id", enterprise_ids)

    def settle(self, row: int, enterprise_id: int) -> bool:
        """Bring the links of a row's enterprise in line with the row; returns whether any changed."""
        named, segments = self.industries[row], self.segments[row] or ()
        if not named and not segments:
            if self.roles[row]:
                self.case.warn(row, "roles", _("A role needs its industry: it was not taken."))
            return False
        books = self.case.books
        held = [] if enterprise_id < 0 else books.where("enterprise_segment", "enterprise_id", enterprise_id)
        industry_ids = named or tuple(dict.fromkeys(link["industry_id"] for link in held))
        asked = (industry_ids, segments, self.roles[row] or ())
        if asked not in self._known:
            self._known[asked] = self._wanted(*asked)
        wanted, warnings = self._known[asked]
        for name, reason in warnings:
            self.case.warn(row, name, reason)
        return self._write(row, enterprise_id, held, wanted, all_industries=bool(named), all_segments=bool(segments))

    def finish(self) -> None:
        """Make the links that rows asked for."""
        if self._new:
            rows, *cells = zip(*self._new, strict=True)
            names = ("enterprise_id", "industry_id", "segment_id", "role")
            self.case.books.add_columns("enterprise_segment", rows, dict(zip(names, cells, strict=True)))

    def _wanted(
        self, industry_ids: tuple[int, ...], names: tuple[str, ...], roles: tuple[str | None, ...]
    ) -> tuple[list[_Link], list[tuple[str, Message]]]:
        """Return the links that a row asks for, and what to say of it."""
        known = self.case.segments()
        links: list[tuple[int, int | None]] = []
        warnings: list[tuple[str, Message]] = []
        for name in names:
            key = name_key(name)
            found = next(((i, known[i, key]) for i in industry_ids if (i, key) in known), None)
            if found is None:
                reason = _("None of the row's industries has the segment “{value}”: it was not linked.", value=name)
                warnings.append(("segments", reason))
            elif found not in links:
                links.append(found)
        covered = {industry_id for industry_id, _segment in links}
        links += [(industry_id, None) for industry_id in industry_ids if industry_id not in covered]
        if len(roles) > 1 and len(roles) != len(links):
            reason = _("Give one role for all links or one for each of the {count}: none was taken.", count=len(links))
            warnings.append(("roles", reason))
            roles = ()
        each = roles if len(roles) > 1 else (roles or (None,)) * len(links)
        return [(*link, role) for link, role in zip(links, each, strict=True)], warnings

    def _write(
        self,
        row: int,
        enterprise_id: int,
        held: list[Record],
        wanted: list[_Link],
        *,
        all_industries: bool,
        all_segments: bool,
    ) -> bool:
        books, changed = self.case.books, False
        if not held:
            self._new += [(row, enterprise_id, *asked) for asked in wanted]
            return bool(wanted)
        left = {(link["industry_id"], link["segment_id"]): link for link in held}
        for industry_id, segment_id, role in wanted:
            link = left.pop((industry_id, segment_id), None)
            if link is None and segment_id is None:
                # The industry alone is said by any of its links.
                if any(industry == industry_id for industry, _segment in left):
                    for place in [place for place in left if place[0] == industry_id]:
                        other = left.pop(place)
                        if role is not None:
                            changed |= books.change("enterprise_segment", other["id"], row, {"role": role})
                    continue
            if link is None:
                link = left.pop((industry_id, None), None)
            if link is not None:
                said = {"segment_id": segment_id, "role": role if role is not None else link["role"]}
                changed |= books.change("enterprise_segment", link["id"], row, said)
            else:
                self._new.append((row, enterprise_id, industry_id, segment_id, role))
                changed = True
        meant = {industry_id for industry_id, _segment, _role in wanted}
        for (industry_id, segment_id), link in left.items():
            unsaid = segment_id is not None if industry_id in meant else all_industries
            if unsaid and (all_segments or industry_id not in meant):
                changed |= books.archive("enterprise_segment", link["id"], row)
        return changed


class _FirstContacts:
    """The contact person that stands on an enterprise's own row."""

    def __init__(self, case: Case, enterprise_ids: set[int]) -> None:
        self.case = case
        self.names, self.titles = case.column("contact_name"), case.column("contact_title")
        self.phones = case.column("contact_phone")
        self._new: list[tuple[int, int, str, str | None, str | None]] = []
        if any(self.names):
            case.books.fetch("contact_person", "enterprise_id", enterprise_ids)

    def settle(self, row: int, enterprise_id: int) -> bool:
        """Make or update the contact person of a row; returns whether anything changed."""
        name = self.names[row]
        if name is None:
            for field, values in (("contact_title", self.titles), ("contact_phone", self.phones)):
                if values[row] is not None:
                    reason = _("The name of the contact person is missing: this was not taken.")
                    self.case.warn(row, field, reason)
            return False
        if enterprise_id < 0:
            self._new.append((row, enterprise_id, name, self.titles[row], self.phones[row]))
            return True
        said = {"title": self.titles[row], "phone": self.phones[row]}
        books = self.case.books
        held = books.where("contact_person", "enterprise_id", enterprise_id)
        for person in held:
            if person["name"] == name:
                return books.change("contact_person", person["id"], row, given(said, person))
        key = not any(person["is_key"] for person in held)
        books.add("contact_person", row, said | {"enterprise_id": enterprise_id, "name": name, "is_key": key})
        return True

    def finish(self) -> None:
        """Make the contact people of new enterprises."""
        if self._new:
            rows, *cells = zip(*self._new, strict=True)
            columns = dict(zip(("enterprise_id", "name", "title", "phone"), cells, strict=True))
            self.case.books.add_columns("contact_person", rows, columns | {"is_key": [True] * len(rows)})


def judge_contacts(case: Case) -> None:
    """Contact people: one of a name at an enterprise."""
    keys = [
        (name_key(enterprise), name) if enterprise and name else None
        for enterprise, name in zip(case.column("enterprise"), case.column("name"), strict=True)
    ]
    case.reject_repeated({"name": keys})
    enterprises = Enterprises(case)
    found = {row: enterprise for row in list(case.rows()) if (enterprise := enterprises.find(row)) is not None}
    case.books.fetch("contact_person", "enterprise_id", {enterprise["id"] for enterprise in found.values()})
    for row, said in case.records():
        enterprise_id = found[row]["id"]
        held = case.books.where("contact_person", "enterprise_id", enterprise_id)
        person = next((person for person in held if person["name"] == said["name"]), None)
        if person is not None:
            changed = case.books.change("contact_person", person["id"], row, given(said, person))
            case.done(row, "contact_person", person["id"], changed)
        else:
            said = {**said, "enterprise_id": enterprise_id, "is_key": said.get("is_key") or False}
            case.done(row, "contact_person", case.books.add("contact_person", row, said), True)


def judge_followups(case: Case) -> None:
    """Contacts made: one of an enterprise, day and content; they set the enterprise's last and next contact."""
    days, contents = case.column("happened_on"), case.column("content")
    keys = [
        (name_key(enterprise), day, content) if enterprise and day and content else None
        for enterprise, day, content in zip(case.column("enterprise"), days, contents, strict=True)
    ]
    case.reject_repeated({"content": keys})
    enterprises = Enterprises(case)
    found = {row: enterprise for row in list(case.rows()) if (enterprise := enterprises.find(row)) is not None}
    codes = case.column("project")
    look_up_project = case.projects() if any(codes) else None
    case.books.fetch("follow_up", "enterprise_id", {enterprise["id"] for enterprise in found.values()})
    earlier: dict[tuple[Any, ...], Record] = {}
    for enterprise_id in {enterprise["id"] for enterprise in found.values()}:
        for record in case.books.where("follow_up", "enterprise_id", enterprise_id):
            earlier.setdefault((enterprise_id, record["happened_on"], record["content"]), record)
    touched: dict[int, int] = {}
    for row, said in case.records():
        enterprise = found[row]
        day = said["happened_on"]
        if codes[row] and look_up_project is not None:
            project = look_up_project(row)
            if project is None:
                continue
            if project["enterprise_id"] != enterprise["id"]:
                case.warn(row, "project", _("The project belongs to another enterprise."))
            said["project_id"] = project["id"]
        if said.get("next_due_on") and said["next_due_on"] < day:
            case.warn(row, "next_due_on", _("The next contact is due before this one."))
        known = earlier.get((enterprise["id"], day, said["content"]))
        unit_id = said.get("unit_id")
        if unit_id is not None and not case.may(unit_id) and (known is None or known["unit_id"] != unit_id):
            case.reject(row, "unit_id", _("You may import for your own unit only."))
            continue
        if known is not None:
            changed = case.books.change("follow_up", known["id"], row, given(said, known))
            case.done(row, "follow_up", known["id"], changed)
        else:
            said["enterprise_id"] = enterprise["id"]
            said["unit_id"] = unit_id or case.actor.unit_id or enterprise["owner_unit_id"]
            if said.get("author") is None:
                said |= {"author": case.actor.name or case.actor.login, "author_id": case.actor.account_id}
            case.done(row, "follow_up", case.books.add("follow_up", row, said), True)
            changed = True
        if changed:
            touched.setdefault(enterprise["id"], row)
    for enterprise_id, row in touched.items():
        made = case.books.where("follow_up", "enterprise_id", enterprise_id)
        due = [record["next_due_on"] for record in made if record["next_due_on"] and record["done_at"] is None]
        dates = {"last_contact_on": max(r["happened_on"] for r in made), "next_contact_on": min(due, default=None)}
        case.books.change("enterprise", enterprise_id, row, dates)
