"""Judges of a project's life: projects, agreements, transfers, funds, milestones, commitments.

Whatever a row says of a project, `_Life.settle` draws the conclusions: signing date and kind from the agreements, first
funds from the arrivals, milestones from the dates, the stage from all of them, each unit's time from the transfers.
"""

from datetime import date
from typing import Any

from crm import permissions, rules
from crm.exchange.books import Record
from crm.exchange.judging import Case, Enterprises, given
from crm.locale import Message, _
from crm.model import MilestoneKind, ProjectStatus, Stage
from crm.permissions import Action
from crm.rules import ACTUAL_DATES, DATE_OF_STAGE, FIELD_LABELS, STAGES
from crm.store import name_key, search_text

_CONTRACTED = ("contracted_amount", "contracted_amount_original", "contracted_amount_currency")
_AMOUNT = ("amount", "amount_original", "amount_currency")


class _Life:
    """What is known of the projects that a file touches, and what follows from its rows."""

    def __init__(self, case: Case, project_ids: set[int]) -> None:
        self.case = case
        for table in ("agreement", "milestone", "project_unit", "stage_log", "fund_arrival"):
            case.books.fetch(table, "project_id", project_ids)

    def of(self, table: str, project_id: int) -> list[Record]:
        """Return a project's records of a table."""
        return self.case.books.where(table, "project_id", project_id)

    def signing(self, project_id: int) -> Record | None:
        """Return the agreement that a project counts as signed by."""
        active = [agreement for agreement in self.of("agreement", project_id) if agreement["status"] == "active"]
        return min(active, key=lambda agreement: (agreement["signed_on"], _age(agreement)), default=None)

    def arrived(self, project_id: int) -> Any:
        """Return the sum of a project's arrivals in 元."""
        return sum(record["amount"] or 0 for record in self.of("fund_arrival", project_id))

    def settle(self, row: int, project_id: int) -> bool:
        """Draw the conclusions from a project's dates, agreements and arrivals; returns whether anything changed."""
        books = self.case.books
        project = books.get("project", project_id)
        changes: Record = {}
        agreements = [{**agreement, "id": _age(agreement)} for agreement in self.of("agreement", project_id)]
        if agreements:
            changes["signed_on"], changes["agreement_kind"] = rules.signing_of(agreements)
        arrivals = [record["arrived_on"] for record in self.of("fund_arrival", project_id)]
        paid = [m for m in self.of("milestone", project_id) if m["kind"] == MilestoneKind.FIRST_FUNDS]
        if arrivals:
            changes["first_funds_on"] = min(arrivals)
        elif paid and paid[0]["actual_on"] is not None:
            changes["first_funds_on"] = paid[0]["actual_on"]
        final = {**project, **changes}
        if not project["entered_given"]:
            changes["entered_on"] = min(
                [project["entered_on"], *(final[f] for f in ACTUAL_DATES if final[f] is not None)]
            )
        if final["withdrawn_on"] is not None:
            changes["status"] = str(ProjectStatus.WITHDRAWN)
        stage = max(Stage(project["stage"]), rules.stage_reached(final), key=STAGES.index)
        changes["stage"] = str(stage)
        before = project["stage"]
        changed = books.change("project", project_id, row, changes)
        if arrivals and paid:
            changed |= self.claim("milestone", paid[0], row, {"actual_on": min(arrivals)})
        if stage != before:
            changed |= self._log_move(row, project_id, before, stage)
        changed |= self._settle_milestones(row, project_id)
        changed |= self._settle_holdings(row, project_id)
        return changed

    def claim(self, table: str, record: Record, row: int, changes: Record) -> bool:
        """Change a milestone or an arrival of funds: what is claimed anew is yet to be verified."""
        return self.case.books.change(table, record["id"], row, {**changes, **rules.claimed_anew(record, changes)})

    def verify_first_funds(self, row: int, project_id: int) -> None:
        """Let the verification of the step “first funds” follow its arrivals."""
        arrivals = self.of("fund_arrival", project_id)
        for step in self.of("milestone", project_id):
            if step["kind"] == MilestoneKind.FIRST_FUNDS and step["actual_on"] is not None:
                said = rules.first_funds_verification(arrivals, step["actual_on"])
                self.case.books.change("milestone", step["id"], row, said)

    def _log_move(self, row: int, project_id: int, before: str, stage: Stage) -> bool:
        project = self.case.books.get("project", project_id)
        field = DATE_OF_STAGE.get(stage)
        moved_on = (project[field] if field else None) or project["entered_on"]
        logs = self.of("stage_log", project_id)
        made = [log for log in logs if log["id"] < 0]
        if made:
            # The file itself made the project: it enters at the stage that its rows show.
            return self.case.books.change(
                "stage_log", made[-1]["id"], row, {"to_stage": str(stage), "moved_on": moved_on}
            )
        last = max((log["moved_on"] for log in logs), default=None)
        days = (moved_on - last).days if last is not None and moved_on >= last else None
        self.case.books.add(
            "stage_log",
            row,
            {
                "project_id": project_id,
                "from_stage": before,
                "to_stage": str(stage),
                "moved_on": moved_on,
                "days_in_stage": days,
            },
        )
        return True

    def _settle_milestones(self, row: int, project_id: int) -> bool:
        books, changed = self.case.books, False
        held = {milestone["kind"]: milestone for milestone in self.of("milestone", project_id)}
        for kind, said in rules.milestones_of(books.get("project", project_id)).items():
            if kind in held:
                changed |= self.claim("milestone", held[kind], row, said)
            else:
                books.add("milestone", row, {"project_id": project_id, "kind": str(kind), **said})
                changed = True
        return changed

    def _settle_holdings(self, row: int, project_id: int) -> bool:
        books, changed = self.case.books, False
        project = books.get("project", project_id)
        holdings = self.of("project_unit", project_id)
        for holding in holdings:
            if holding["is_first"]:
                changed |= books.change("project_unit", holding["id"], row, {"valid_from": project["entered_on"]})
        for holding, end in zip(holdings, rules.holding_ends(holdings), strict=True):
            changed |= books.change("project_unit", holding["id"], row, {"valid_to": end})
        holder = holder_on(holdings, self.case.today)
        if holder is not None:
            changed |= books.change("project", project_id, row, {"unit_id": holder["unit_id"]})
        return changed


def _age(record: Record) -> int:
    """Return a number by which a record made by the file comes after those of the database, in the file's order."""
    record_id: int = record["id"]
    return record_id if record_id > 0 else 2**62 - record_id


def holder_on(holdings: list[Record], day: date) -> Record | None:
    """Return the holding of a day: the last one to begin by then, the first unit's before any other."""
    begun = [holding for holding in holdings if holding["is_first"] or holding["valid_from"] <= day]
    return max(begun, key=lambda holding: (not holding["is_first"], holding["valid_from"]), default=None)


# -------------------------------------------------------------------------------------------------------- projects


def judge_projects(case: Case) -> None:
    """One line a project, by its code, else by its name and investor."""
    codes, names, investors = case.column("code"), case.column("name"), case.column("investor")
    keys = [
        (name_key(name), name_key(investor)) if name and investor else None
        for name, investor in zip(names, investors, strict=True)
    ]
    coded = {key for key, code in zip(keys, codes, strict=True) if code}
    # Rows without a code are known by name and investor; so a coded row of the same project is the same row.
    alone = {key for key, code in zip(keys, codes, strict=True) if not code}
    case.reject_repeated({"code": codes, "name": [key if key in alone else None for key in keys]})
    books = case.books
    books.fetch("project", "code", codes)
    books.fetch("project", "name_key", {key[0] for key in coded | alone if key})
    enterprises = Enterprises(case, "investor")
    known = {record["id"] for code in set(codes) if code for record in books.where("project", "code", code)}
    known |= {record["id"] for key in coded | alone if key for record in books.where("project", "name_key", key[0])}
    usable = case.within("project", known)
    life = _Life(case, known)
    new_codes = _Codes(case, codes)
    investor_ids: dict[str, int] = {}
    units, segments = case.column("unit_id"), case.column("segment")
    signing = _Signing(case, life)
    for row, said in case.records():
        key = keys[row] or ("", "")  # both are required, so that a row without them is rejected by now
        record = _find_project(case, row, codes[row], key[0], enterprises.by_name.get(key[1], []))
        if case.actions[row] == "rejected":
            continue
        if record is not None and record["id"] not in usable:
            case.reject(
                row, "code", _("There is no project “{code}” that you may change.", code=codes[row] or names[row])
            )
            continue
        if record is None and codes[row] in new_codes.archived:
            case.reject(row, "code", _("The code belongs to a project that was archived."))
            continue
        if record is None and not case.may(units[row], said.get("industry_id")):
            case.reject(row, "unit_id", _("You may import for your own unit only."))
            continue
        if not _dates_can_be(case, row, said, record):
            continue
        enterprise_id = investor_ids.get(key[1])
        namesakes = [investor["id"] for investor in enterprises.by_name.get(key[1], [])]
        if record is not None and len(namesakes) > 1 and record["enterprise_id"] in namesakes:
            enterprise_id = record["enterprise_id"]
        if enterprise_id is None:
            enterprise = enterprises.find(row, may_be_new=True, unit_id=units[row])
            if case.actions[row] == "rejected":
                continue
            enterprise_id = enterprise["id"] if enterprise else _new_investor(case, row, investors[row], units[row])
            investor_ids[key[1]] = enterprise_id
        segment_id = case.segment(
            row, said.get("industry_id") or (record["industry_id"] if record else None), segments[row]
        )
        if segment_id is not None:
            said["segment_id"] = segment_id
        if record is None:
            project_id = _new_project(case, row, said, new_codes.code(row), enterprise_id)
            changed = True
        else:
            project_id = record["id"]
            changed = _change_project(case, row, said, record, enterprise_id, segment_id)
        changed |= signing.take(row, project_id, said)
        changed |= life.settle(row, project_id)
        signing.check(row, project_id)
        _warn(case, row, life, project_id)
        case.done(row, "project", project_id, changed)


class _Codes:
    """The codes that the system makes: never one of the database, nor one that a row of the file brings."""

    def __init__(self, case: Case, codes: list[str | None]) -> None:
        self.codes = codes
        self.year = case.today.year
        self.taken = {code for code in codes if code}
        prefix = f"P{self.year}-"
        used = [row[0] for row in case.session.rows("select code from project where code like $1", [prefix + "%"])]
        numbers = [
            int(code[len(prefix) :])
            for code in [*used, *self.taken]
            if code.startswith(prefix) and code[len(prefix) :].isdecimal()
        ]
        self.last = max((number for number in numbers if number < 10**6), default=0)
        self.taken.update(used)
        found = case.session.rows(
            "select code from project where archived_at is not null and code in (select unnest($1::text[]))",
            [[code for code in codes if code]],
        )
        self.archived = {row[0] for row in found}

    def code(self, row: int) -> str:
        """Return the row's code, or a new one."""
        code = self.codes[row]
        while not code:
            self.last += 1
            made = rules.PROJECT_CODE.format(year=self.year, number=self.last)
            code = made if made not in self.taken else None
        return code


def _find_project(case: Case, row: int, code: str | None, key: str, investors: list[Record]) -> Record | None:
    """Return the project that a row means, None for a new one, and where the row was rejected."""
    if code:
        found = case.books.where("project", "code", code)
        if found:
            return found[0]
    ids = {investor["id"] for investor in investors}
    held = case.books.where("project", "name_key", key) if ids else []
    same = [record for record in held if record["id"] > 0 and record["enterprise_id"] in ids]
    if code and same:
        reason = _("A project of this name and investor is known under the code {code}.", code=same[0]["code"])
        case.warn(row, "code", reason)
    if code or not same:
        return None
    if len(same) > 1:
        case.reject(row, "name", _("Several projects have this name and investor: give the code."))
    return same[0]


def _dates_can_be(case: Case, row: int, said: Record, record: Record | None) -> bool:
    """Reject a row with a date that cannot be: before the lead date that was given, in this row or before."""
    dates = {field: said[field] for field in ("entered_on", *ACTUAL_DATES) if said.get(field) is not None}
    project = {**(record or {}), **dates}
    if "entered_on" in dates:
        project["entered_given"] = True
    moved = record is None or project.get("entered_on") != record["entered_on"]
    problems = rules.check_dates(
        project, today=case.today, fields=("entered_on", *ACTUAL_DATES) if moved else tuple(dates)
    )
    for field, reason in problems.items():
        # A date that other sheets brought is at odds with the lead date that this row brings.
        case.reject(row, field if field in dates else "entered_on", reason)
    return not problems


def _new_investor(case: Case, row: int, name: str, unit_id: int) -> int:
    values = {
        "name": name,
        "name_key": name_key(name),
        "search_text": search_text(None, name=name),
        "owner_unit_id": unit_id,
    }
    return case.books.add("enterprise", row, values)


def _new_project(case: Case, row: int, said: Record, code: str, enterprise_id: int) -> int:
    dates = [said[field] for field in ACTUAL_DATES if said.get(field) is not None]
    entered_on = said.get("entered_on") or min(dates, default=case.today)
    key = name_key(said["name"])
    project = {
        **{field: value for field, value in said.items() if field not in {"agreement_kind", "signed_on"}},
        "code": code,
        "name_key": key,
        "search_text": search_text(code, name=said["name"]),
        "enterprise_id": enterprise_id,
        "entered_on": entered_on,
        "entered_given": said.get("entered_on") is not None,
        "status": str(ProjectStatus.ACTIVE),
    }
    stage = rules.stage_reached(said)
    project["stage"] = str(stage)
    project_id = case.books.add("project", row, project)
    moved_on = said.get(DATE_OF_STAGE.get(stage, "")) or entered_on
    case.books.add("stage_log", row, {"project_id": project_id, "to_stage": str(stage), "moved_on": moved_on})
    case.books.add(
        "project_unit",
        row,
        {"project_id": project_id, "unit_id": said["unit_id"], "is_first": True, "valid_from": entered_on},
    )
    return project_id


def _change_project(
    case: Case, row: int, said: Record, record: Record, enterprise_id: int, segment_id: int | None
) -> bool:
    said = {field: value for field, value in said.items() if field not in {"agreement_kind", "signed_on", "code"}}
    unit_id = said.pop("unit_id")
    if unit_id != record["unit_id"]:
        case.warn(
            row,
            "unit_id",
            _(
                "The project is held by {unit}: it stays there; use transfers.",
                unit=case.unit_names.get(record["unit_id"], "—"),
            ),
        )
    changes = given(said, record)
    if said.get("entered_on") is not None and not record["entered_given"]:
        changes["entered_given"] = True
    if enterprise_id != record["enterprise_id"]:
        case.warn(row, "investor", _("The project had another investor, which is replaced."))
        changes["enterprise_id"] = enterprise_id
    if "name" in changes:
        if name_key(changes["name"]) != record["name_key"]:
            case.warn(
                row, "name", _("The project of this code was called “{name}” and is renamed.", name=record["name"])
            )
        changes["name_key"] = name_key(changes["name"])
        changes["search_text"] = search_text(record["code"], name=changes["name"])
    # A segment belongs to its industry.
    if "industry_id" in changes and segment_id is None and record["segment_id"] is not None:
        changes["segment_id"] = None
    before = {name: record[name] for name in _CONTRACTED}
    changed = case.books.change("project", record["id"], row, changes)
    if any(name in changes for name in _CONTRACTED):
        # The agreement that stated the amount states the new one.
        for agreement in case.books.where("agreement", "project_id", record["id"]):
            if [agreement[name] for name in _AMOUNT] == list(before.values()) and any(before.values()):
                after = {name: record[other] for name, other in zip(_AMOUNT, _CONTRACTED, strict=True)}
                case.books.change("agreement", agreement["id"], row, after)
    return changed


class _Signing:
    """The agreement that a project's own row speaks of."""

    def __init__(self, case: Case, life: _Life) -> None:
        self.case, self.life = case, life
        self.days, self.kinds = case.column("signed_on"), case.column("agreement_kind")
        self.numbers = case.column("agreement_number")
        case.books.fetch("agreement", "number", self.numbers)
        numbered = [
            a for number in set(self.numbers) if number for a in case.books.where("agreement", "number", number)
        ]
        case.books.fetch("project", "id", {agreement["project_id"] for agreement in numbered})
        self.living = {record["id"] for record in case.books.all("project")}

    def take(self, row: int, project_id: int, said: Record) -> bool:
        """Make or update the agreement; returns whether anything changed."""
        day, kind, number = self.days[row], self.kinds[row], self.numbers[row]
        if day is None and kind is None and number is None:
            return False
        held = self.life.of("agreement", project_id)
        agreement = next((a for a in held if number is not None and a["number"] == number), None)
        numbered = self.case.books.where("agreement", "number", number) if number is not None else []
        others = [a["project_id"] for a in numbered if a["project_id"] < 0 or a["project_id"] in self.living]
        if agreement is None and others:
            code = self.case.books.get("project", others[0])["code"]
            reason = _("The number belongs to an agreement of the project {code}: it was left out.", code=code)
            self.case.warn(row, "agreement_number", reason)
            number = None
        if agreement is None:
            signing = self.life.signing(project_id)
            if signing is not None and (number is None or signing["number"] is None):
                agreement = signing
        values = {"signed_on": day, "kind": kind, "number": number}
        if agreement is not None:
            return self.case.books.change("agreement", agreement["id"], row, given(values, agreement))
        if day is None:
            for name, value in (("agreement_kind", kind), ("agreement_number", number)):
                if value is not None:
                    self.case.warn(row, name, _("An agreement needs its signing date: it was not taken."))
            return False
        project = self.case.books.get("project", project_id)
        amounts = {name: project[other] for name, other in zip(_AMOUNT, _CONTRACTED, strict=True)} if not held else {}
        self.case.books.add("agreement", row, values | amounts | {"project_id": project_id})
        return True

    def check(self, row: int, project_id: int) -> None:
        """Say where the project counts as signed on another day than its row says."""
        day, counted = self.days[row], self.case.books.get("project", project_id)["signed_on"]
        if day is not None and counted != day:
            self.case.warn(
                row, "signed_on", _("The project has an earlier agreement and counts as signed on {day}.", day=counted)
            )


def _warn(case: Case, row: int, life: _Life, project_id: int) -> None:
    """Name what is odd about a project, and what it lacks for its stage."""
    project = case.books.get("project", project_id)
    for field, reason in rules.odd_dates(project).items():
        case.warn(row, field if case.heading(field) else "name", reason)
    if project["contracted_amount"] is not None and life.arrived(project_id) > project["contracted_amount"]:
        case.warn(row, "contracted_amount", _ABOVE_CONTRACT)
    signing = life.signing(project_id)
    asked = {**project, "agreement_number": signing["number"] if signing else None}
    stage = Stage(project["stage"])
    lacking: list[str] = list(rules.check_complete(asked, stage))
    if project["withdrawn_on"] is not None:
        lacking += list(rules.check_withdrawal(project, today=case.today))
    if lacking:
        fields = "、".join(str(FIELD_LABELS[field]) for field in dict.fromkeys(lacking))
        case.warn(row, "name", _("At this stage the project should also have: {fields}.", fields=fields))


_ABOVE_CONTRACT = _("The funds that arrived exceed the contracted amount.")


# ---------------------------------------------------------------------------------------- what belongs to a project


def _projects_of(case: Case) -> tuple[dict[int, Record], _Life]:
    """Return the project of each row that names one, and the life of them all."""
    look_up = case.projects()
    found = {row: record for row in list(case.rows()) if (record := look_up(row)) is not None}
    return found, _Life(case, {record["id"] for record in found.values()})


def _check_day(case: Case, row: int, name: str, day: date | None, project: Record, label: Message) -> bool:
    """Reject an actual date that lies before the project's given lead date."""
    problem = rules.check_actual_date(day, project, today=case.today, name=label) if day is not None else None
    if problem is not None:
        case.reject(row, name, problem)
    return problem is None


def judge_agreements(case: Case) -> None:
    """Agreements by their number; the project follows in date, kind and amount."""
    numbers = case.column("number")
    case.reject_repeated({"number": numbers})
    projects, life = _projects_of(case)
    case.books.fetch("agreement", "number", numbers)
    for row, said in case.records():
        project = projects[row]
        if not _check_day(case, row, "signed_on", said["signed_on"], project, FIELD_LABELS["signed_on"]):
            continue
        found = case.books.where("agreement", "number", numbers[row])
        found = [agreement for agreement in found if agreement["project_id"] == project["id"]] or found
        if found and found[0]["project_id"] != project["id"]:
            case.reject(row, "number", _("The agreement belongs to another project."))
            continue
        if not found:
            # A project's own row may have made the agreement before its number was known.
            held = life.of("agreement", project["id"])
            found = [a for a in held if a["number"] is None and a["signed_on"] == said["signed_on"]]
        before = {name: found[0][name] for name in _AMOUNT} if found else dict.fromkeys(_AMOUNT)
        if found:
            agreement_id = found[0]["id"]
            changed = case.books.change("agreement", agreement_id, row, given(said, found[0]))
        else:
            agreement_id = case.books.add("agreement", row, {**said, "project_id": project["id"]})
            changed = True
        life.settle(row, project["id"])
        _follow_amount(
            case, row, project, life.signing(project["id"]), case.books.get("agreement", agreement_id), before
        )
        for field, reason in rules.odd_dates(project).items():
            if field == "signed_on":
                case.warn(row, "signed_on", reason)
        case.done(row, "agreement", agreement_id, changed)


def _follow_amount(
    case: Case, row: int, project: Record, signing: Record | None, agreement: Record, before: Record
) -> None:
    """Let the project's contracted amount follow the agreement's, unless it was stated otherwise.

    One that is unknown is learnt from the agreement by which the project counts as signed, from no other.
    """
    after = [agreement[name] for name in _AMOUNT]
    if after == list(before.values()):
        return
    held = [project[name] for name in _CONTRACTED]
    if not any(value is not None for value in held):
        follows = signing is not None and signing["id"] == agreement["id"]
    else:
        follows = held == list(before.values())
    if follows:
        case.books.change("project", project["id"], row, dict(zip(_CONTRACTED, after, strict=True)))
    elif held != after and any(value is not None for value in held):
        case.warn(row, "amount", _("The project's contracted amount was stated otherwise and stays as it is."))


def judge_transfers(case: Case) -> None:
    """Which unit holds a project from a day on; the first unit holds it from its lead date."""
    permissions.require_right(case.actor, Action.TRANSFER)
    codes, days = case.column("project"), case.column("valid_from")
    keys = [key if None not in key else None for key in zip(codes, days, strict=True)]
    case.reject_repeated({"valid_from": keys})
    projects, life = _projects_of(case)
    # Judged in the order of the days, so that each row meets the holder that the earlier ones made.
    said_of = dict(case.records())
    for row in sorted(said_of, key=lambda row: (codes[row], days[row])):
        said, project = said_of[row], projects[row]
        day, unit_id = said["valid_from"], said["unit_id"]
        if project["entered_given"] and day < project["entered_on"]:
            case.reject(
                row, "valid_from", _("The date is earlier than the lead date {entered}.", entered=project["entered_on"])
            )
            continue
        holdings = life.of("project_unit", project["id"])
        # A first unit that gave the project away on its very first day gives way to the one it went to.
        of_day = [holding for holding in holdings if holding["valid_from"] == day]
        found = min(of_day, key=lambda holding: bool(holding["is_first"]), default=None)
        if found is not None:
            changed = case.books.change("project_unit", found["id"], row, {"unit_id": unit_id})
            holding_id = found["id"]
        else:
            holder = holder_on(holdings, day)
            if holder is not None and holder["unit_id"] == unit_id:
                case.warn(row, "unit_id", _("The unit already holds the project on that day."))
            values = {"project_id": project["id"], "unit_id": unit_id, "is_first": False, "valid_from": day}
            holding_id = case.books.add("project_unit", row, values)
            changed = True
        life.settle(row, project["id"])
        case.done(row, "project_unit", holding_id, changed)


def judge_funds(case: Case) -> None:
    """Arrivals by their voucher, else by project, day, amount, kind and how often the file says so."""
    vouchers = case.column("voucher")
    case.reject_repeated({"voucher": vouchers})
    projects, life = _projects_of(case)
    case.books.fetch("fund_arrival", "voucher", vouchers)
    counted: dict[tuple[Any, ...], int] = {}
    for row, said in case.records():
        project = projects[row]
        if not _check_day(case, row, "arrived_on", said["arrived_on"], project, _("Arrival date")):
            continue
        held = life.of("fund_arrival", project["id"])
        first_on, touched = project["first_funds_on"], {said["arrived_on"]}
        if vouchers[row]:
            found = case.books.where("fund_arrival", "voucher", vouchers[row])
            if found and found[0]["project_id"] != project["id"]:
                case.reject(row, "voucher", _("The voucher is already booked on another project."))
                continue
            same, occurrence = (found[0] if found else None), 1
        else:
            key = tuple(said.get(name) for name in ("arrived_on", *_AMOUNT, "kind"))
            occurrence = counted[project["id"], key] = counted.get((project["id"], key), 0) + 1
            same = next(
                (
                    a
                    for a in held
                    if a["voucher"] is None
                    and a["occurrence"] == occurrence
                    and (a["arrived_on"], *(a[name] for name in _AMOUNT), a["kind"]) == key
                ),
                None,
            )
        if same is not None:
            arrival_id = same["id"]
            touched.add(same["arrived_on"])
            changed = life.claim("fund_arrival", same, row, given(said, same))
        else:
            if occurrence == 1 and any(arrival["arrived_on"] == said["arrived_on"] for arrival in held):
                case.warn(
                    row, "amount", _("The project has another arrival on this day: this may be a correction of it.")
                )
            values = {**said, "project_id": project["id"], "occurrence": occurrence}
            arrival_id = case.books.add("fund_arrival", row, values)
            changed = True
        life.settle(row, project["id"])
        if changed and touched & {first_on, project["first_funds_on"]}:
            life.verify_first_funds(row, project["id"])
        if project["contracted_amount"] is not None and life.arrived(project["id"]) > project["contracted_amount"]:
            case.warn(row, "amount", _ABOVE_CONTRACT)
        case.done(row, "fund_arrival", arrival_id, changed)


def judge_milestones(case: Case) -> None:
    """The steps of a project's roadmap, one of a kind; the project's own dates follow."""
    kinds = case.column("kind")
    keys = [key if None not in key else None for key in zip(case.column("project"), kinds, strict=True)]
    case.reject_repeated({"kind": keys})
    projects, life = _projects_of(case)
    for row, said in case.records():
        project = projects[row]
        if not _check_day(case, row, "actual_on", said.get("actual_on"), project, _("Actual date")):
            continue
        arrivals = life.of("fund_arrival", project["id"]) if kinds[row] == MilestoneKind.FIRST_FUNDS else []
        if arrivals and said.get("actual_on") is not None:
            first = min(arrival["arrived_on"] for arrival in arrivals)
            if said["actual_on"] != first:
                case.warn(
                    row, "actual_on", _("The project's first funds arrived on {day}, by its arrivals.", day=first)
                )
            said["actual_on"] = first
        found = next((m for m in life.of("milestone", project["id"]) if m["kind"] == kinds[row]), None)
        if found is not None:
            milestone_id = found["id"]
            changed = life.claim("milestone", found, row, given(said, found))
        else:
            milestone_id = case.books.add("milestone", row, {**said, "project_id": project["id"]})
            changed = True
        dates = rules.dates_of_milestone(case.books.get("milestone", milestone_id))
        case.books.change("project", project["id"], row, dates)
        life.settle(row, project["id"])
        odd = rules.odd_dates(project)
        for field in dates.keys() & odd.keys():
            case.warn(row, "planned_on" if field == "planned_start_on" else "actual_on", odd[field])
        case.done(row, "milestone", milestone_id, changed)


def judge_commitments(case: Case) -> None:
    """Promises in a project's agreements: one of a clause."""
    clauses = case.column("clause")
    keys = [key if None not in key else None for key in zip(case.column("project"), clauses, strict=True)]
    case.reject_repeated({"clause": keys})
    projects, _life = _projects_of(case)
    case.books.fetch("commitment", "project_id", {project["id"] for project in projects.values()})
    for row, said in case.records():
        project = projects[row]
        if not _check_day(case, row, "fulfilled_on", said.get("fulfilled_on"), project, _("Fulfilment date")):
            continue
        held = case.books.where("commitment", "project_id", project["id"])
        found = next((record for record in held if record["clause"] == clauses[row]), None)
        if found is not None:
            changed = case.books.change("commitment", found["id"], row, given(said, found))
            case.done(row, "commitment", found["id"], changed)
        else:
            values = {**said, "project_id": project["id"]}
            case.done(row, "commitment", case.books.add("commitment", row, values), True)
