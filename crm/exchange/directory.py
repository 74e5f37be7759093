"""Judges of the directory: enterprises with their chain links and first contact, contact people, follow-ups."""

from typing import Any

from crm.exchange.books import Record
from crm.exchange.judging import Case, Enterprises, given
from crm.locale import Message, _
from crm.store import name_key, search_text


def judge_enterprises(case: Case) -> None:
    """The credit code identifies an enterprise, else its name; one name is one enterprise."""
    names, codes = case.column("name"), case.column("credit_code")
    keys = [name_key(name) if name else None for name in names]
    case.reject_repeated({"credit_code": codes, "name": keys})
    case.books.fetch("enterprise", "credit_code", set(codes))
    by_code = {record["credit_code"]: record for record in case.books.all("enterprise")}
    by_name = case.enterprises_by_name(keys)
    usable = case.within(
        "enterprise", {r["id"] for r in by_code.values()} | {r["id"] for rs in by_name.values() for r in rs}
    )
    linked = _Links(case, {r["id"] for r in by_code.values()} | {r["id"] for rs in by_name.values() for r in rs})
    people = _FirstContacts(case, linked.enterprise_ids)
    has_links = not case.values.keys().isdisjoint({"industries", "segments", "roles"})
    has_people = not case.values.keys().isdisjoint({"contact_name", "contact_title", "contact_phone"})
    books, actor_unit = case.books, case.actor.unit_id
    for row, said in case.records():
        key, code = keys[row], codes[row]
        record = _find(case, row, by_code.get(code) if code else None, by_name.get(key, []), code)
        if record is None and case.actions[row] == "rejected":
            continue
        if record is None:
            unit_id = said.get("owner_unit_id") or actor_unit
            if not case.may(unit_id):
                case.reject(row, "owner_unit_id", _("You may import for your own unit only."))
                continue
            said["owner_unit_id"] = unit_id
            said["name_key"] = key
            said["search_text"] = search_text(code, name=names[row])
            record_id = books.add("enterprise", row, said)
            changed = True
        else:
            record_id = record["id"]
            if record_id not in usable:
                unit = case.unit_names.get(record["owner_unit_id"] or 0, "—")
                case.reject(row, "name", _("The enterprise is held by {unit}, outside your scope.", unit=unit))
                continue
            changes = given(said, record)
            _name_changes(case, row, record, changes, by_code=bool(code) and record["credit_code"] == code)
            if "owner_unit_id" in changes and not case.sees_all:
                case.reject(row, "owner_unit_id", _("Only the bureau hands an enterprise to another unit."))
                continue
            changed = books.change("enterprise", record_id, row, changes)
        if has_links:
            changed |= linked.settle(row, record_id)
        if has_people:
            changed |= people.settle(row, record_id)
        case.done(row, "enterprise", record_id, changed)


def _find(case: Case, row: int, coded: Record | None, named: list[Record], code: str | None) -> Record | None:
    """Return the enterprise that a row means; None for a new one, and where the row was rejected."""
    if coded is not None:
        if any(other["id"] != coded["id"] for other in named):
            case.reject(
                row,
                "name",
                _("Another enterprise already has this name, and the code belongs to “{name}”.", name=coded["name"]),
            )
            return None
        return coded
    if not named:
        return None
    if len(named) > 1:
        case.reject(
            row, "name", _("The directory has {count} enterprises of this name: merge them first.", count=len(named))
        )
        return None
    if code and named[0]["credit_code"] and named[0]["credit_code"] != code:
        known = named[0]["credit_code"]
        case.reject(
            row, "credit_code", _("The enterprise is in the directory under the credit code {code}.", code=known)
        )
        return None
    return named[0]


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
        self.enterprise_ids = enterprise_ids
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
            for asked in wanted:
                books.add("enterprise_segment", row, _new_link(enterprise_id, asked))
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
                books.add("enterprise_segment", row, _new_link(enterprise_id, (industry_id, segment_id, role)))
                changed = True
        meant = {industry_id for industry_id, _segment, _role in wanted}
        for (industry_id, segment_id), link in left.items():
            unsaid = segment_id is not None if industry_id in meant else all_industries
            if unsaid and (all_segments or industry_id not in meant):
                changed |= books.archive("enterprise_segment", link["id"], row)
        return changed


def _new_link(enterprise_id: int, link: _Link) -> Record:
    industry_id, segment_id, role = link
    return {"enterprise_id": enterprise_id, "industry_id": industry_id, "segment_id": segment_id, "role": role}


class _FirstContacts:
    """The contact person that stands on an enterprise's own row."""

    def __init__(self, case: Case, enterprise_ids: set[int]) -> None:
        self.case = case
        self.names, self.titles = case.column("contact_name"), case.column("contact_title")
        self.phones = case.column("contact_phone")
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
        said = {"title": self.titles[row], "phone": self.phones[row]}
        books = self.case.books
        held = [] if enterprise_id < 0 else books.where("contact_person", "enterprise_id", enterprise_id)
        for person in held:
            if person["name"] == name:
                return books.change("contact_person", person["id"], row, given(said, person))
        key = not any(person["is_key"] for person in held)
        books.add("contact_person", row, said | {"enterprise_id": enterprise_id, "name": name, "is_key": key})
        return True


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
