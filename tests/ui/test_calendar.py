"""The calendar feed: open to who holds a live token and to nobody else, valid to the letter, with one's own alone."""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from crm import store
from crm.actions import accounts
from crm.actions.tokens import renew_token, revoke_token
from crm.exchange.calendar import write_calendar
from crm.locale import use_language
from crm.months import bureau_day
from crm.reports.accounts import Token, find_actor
from crm.reports.desk import Due, DueKind
from tests.apps import PASSWORD, SYSTEM, App, Client, add_people, running_app, utc_now
from tests.engines import ServerEngine
from tests.probes import insert, insert_enterprise, unit_ids

TODAY = bureau_day(utc_now())
CHANGED = datetime(2026, 6, 30, 8, 0, 5, 999)  # noqa: DTZ001  # moments are stored as UTC without zone
NASTY = 'a;b,c\\n\\d"\r\nEND:VEVENT\nBEGIN:VALARM\x00\x1b\x7f <b>x</b>'


# -------------------------------------------------------------------------------------------- a strict little parser


def unfolded(content: bytes) -> list[str]:
    """The content lines; fails on anything that RFC 5545 does not allow."""
    assert content.endswith(b"\r\n")
    lines = content.removesuffix(b"\r\n").split(b"\r\n")
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    assert max(map(len, lines)) <= 75
    assert all(line for line in lines)
    for line in lines:
        line.decode("utf-8")  # no character is torn apart
    joined = content.removesuffix(b"\r\n").replace(b"\r\n ", b"").decode("utf-8").split("\r\n")
    assert not any(character < " " and character != "\t" for line in joined for character in line)
    return joined


def unescaped(text: str) -> str:
    """A TEXT value; fails where a separator stands bare or a backslash escapes nothing."""
    assert not re.search(r"(?<!\\)(?:\\\\)*[;,]", text), text
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "N": "\n", ";": ";", ",": ",", "\\": "\\"}[found[1]], text)


def parsed(content: bytes) -> tuple[dict[str, str], list[dict[str, str]]]:
    """The calendar's own properties and its events."""
    stack: list[tuple[str, dict[str, str]]] = []
    done: list[tuple[str, dict[str, str]]] = []
    for line in unfolded(content):
        found = re.fullmatch(r"([A-Z-]+(?:;[A-Z]+=[A-Z]+)*):(.*)", line, re.S)
        assert found is not None, line
        name, value = found.groups()
        if name == "BEGIN":
            assert (not stack) is (value == "VCALENDAR")
            stack.append((value, {}))
        elif name == "END":
            assert stack[-1][0] == value
            done.append(stack.pop())
        else:
            assert name not in stack[-1][1], f"{name} twice"
            stack[-1][1][name] = value
    assert stack == []
    assert [name for name, _values in done].count("VCALENDAR") == 1
    assert {name for name, _values in done} <= {"VCALENDAR", "VTIMEZONE", "STANDARD", "VEVENT"}
    assert len(done) > 1, "a calendar holds a component"
    calendar = done[-1][1]
    assert (calendar["VERSION"], bool(calendar["PRODID"])) == ("2.0", True)
    events = [values for name, values in done if name == "VEVENT"]
    for event in events:
        assert {"UID", "DTSTAMP", "DTSTART;VALUE=DATE", "SUMMARY"} <= set(event)
        assert re.fullmatch(r"\d{8}T\d{6}Z", event["DTSTAMP"])
        assert re.fullmatch(r"\d{8}", event["DTSTART;VALUE=DATE"])
    assert len({event["UID"] for event in events}) == len(events)
    return calendar, events


# ---------------------------------------------------------------------------------------------------------- the writer


def due(**values: Any) -> Due:
    """A next step with these facts."""
    given = {
        "kind": DueKind.NEXT_STEP,
        "id": 7,
        "version": 3,
        "updated_at": CHANGED,
        "text": "寄送资料",
        "due_on": date(2026, 7, 1),
        "enterprise_id": 9,
        "enterprise": "湖南甲科技有限公司",
        "project_id": None,
        "project": "",
        "unit": "吉首",
        "person": "张三",
    }
    return Due(**{**given, **values})


def test_an_event_in_full() -> None:
    with use_language("zh_CN"):
        calendar, events = parsed(write_calendar([due()], name="张三", address="https://crm.example"))
    assert calendar["NAME"] == calendar["X-WR-CALNAME"] == "张三的待办"
    assert events == [
        {
            "UID": "next_step-7@zhaoshang-crm",
            "DTSTAMP": "20260630T080005Z",
            "SEQUENCE": "3",
            "DTSTART;VALUE=DATE": "20260701",
            "SUMMARY": "寄送资料 · 湖南甲科技有限公司",
            "DESCRIPTION": r"下一步\n湖南甲科技有限公司\n张三",
            "URL": "https://crm.example/enterprise?id=9",
            "TRANSP": "TRANSPARENT",
        }
    ]


@pytest.mark.parametrize(
    ("kind", "project_id", "page"),
    [
        (DueKind.MILESTONE, 5, "project?id=5"),
        (DueKind.PLANNED_START, 5, "project?id=5"),
        (DueKind.NEXT_STEP, 5, "enterprise?id=9"),
        (DueKind.ENGAGEMENT_STEP, None, "enterprise?id=9"),
        (DueKind.SUPERVISION, 5, "supervision?order=7"),
    ],
)
def test_an_event_links_to_the_record_that_it_is_done_on(kind: DueKind, project_id: int | None, page: str) -> None:
    item = due(kind=kind, text="land", project_id=project_id)
    _calendar, (event,) = parsed(write_calendar([item], name="张三", address="https://crm.example"))
    assert event["URL"] == f"https://crm.example/{page}"


def test_typed_text_comes_back_whole_and_makes_no_line_of_its_own() -> None:
    content = write_calendar([due(text=NASTY, enterprise=NASTY, person=NASTY)], name=NASTY, address="http://x")
    calendar, (event,) = parsed(content)
    kept = 'a;b,c\\n\\d"\nEND:VEVENT\nBEGIN:VALARM <b>x</b>'
    assert unescaped(event["SUMMARY"]) == f"{kept} · {kept}"
    assert unescaped(event["DESCRIPTION"]).endswith(f"{kept}\n{kept}")
    assert kept in unescaped(calendar["NAME"])
    assert b"VALARM\r\n" not in content


@pytest.mark.parametrize("character", ["a", "é", "字", "😀", ","])
def test_long_lines_are_folded_between_characters_and_come_back_whole(character: str) -> None:
    for length in (*range(1, 90), 1000):
        text = character * length
        _calendar, (event,) = parsed(write_calendar([due(text=text)], name="x", address="http://x"))
        assert unescaped(event["SUMMARY"]) == f"{text} · 湖南甲科技有限公司"


def test_a_calendar_without_events_is_valid_too() -> None:
    _calendar, events = parsed(write_calendar([], name="x", address="http://x"))
    assert events == []


def test_the_same_work_gives_the_same_octets_and_each_thing_its_own_name() -> None:
    items = [due(kind=kind, text="land" if "milestone" in kind else "x") for kind in DueKind]
    first = write_calendar(items, name="x", address="http://x")
    assert first == write_calendar(items, name="x", address="http://x")
    assert len(parsed(first)[1]) == len(DueKind)


# ----------------------------------------------------------------------------------------------------------- the feed


@pytest.fixture(scope="module")
def shared(server_engine: ServerEngine) -> Iterator[tuple[App, store.Database]]:
    """The app on PostgreSQL with two people's work in it, and the same database at hand here."""
    url = server_engine.clone()
    database = store.connect(url)
    add_people(database)
    units = unit_ids(database)
    for name, unit in (("张三", "吉首"), ("王五", "凤凰")):
        enterprise = insert_enterprise(database, f"{name}的企业", owner_unit_id=units[unit], owner_person=name)
        for days in (-3, 3):
            insert(
                database,
                "follow_up",
                enterprise_id=enterprise,
                happened_on=TODAY - timedelta(days=10),
                method="phone",
                content="谈",
                next_step=f"{name}的下一步",
                next_due_on=TODAY + timedelta(days=days),
                author=name,
            )
    with running_app(url) as app:
        yield app, database
    database.close()
    server_engine.drop(url)


def token_of(database: store.Database, login: str) -> str:
    """A new calendar token of a person."""
    actor = find_actor(database, login)
    assert actor is not None
    return renew_token(database, actor, Token.CALENDAR, now=utc_now())


@pytest.mark.server_engine
class TestTheFeed:
    def test_it_holds_ones_own_alone(self, shared: tuple[App, store.Database]) -> None:
        app, database = shared
        for login, mine, other in (("zhangsan", "张三", "王五"), ("wangwu", "王五", "张三")):
            answer = Client(app).request("GET", f"/calendar/{token_of(database, login)}.ics")
            assert answer.status == 200
            assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["set-cookie"] is None
            _calendar, events = parsed(answer.text.encode())
            assert [event["SUMMARY"] for event in events] == [f"{mine}的下一步 · {mine}的企业"] * 2
            assert other not in answer.text
            assert all(event["URL"].startswith(f"{app.url}/enterprise?id=") for event in events)

    def test_the_scope_is_that_of_the_moment(self, shared: tuple[App, store.Database]) -> None:
        app, database = shared
        path = f"/calendar/{token_of(database, 'zhangsan')}.ics"
        assert len(parsed(Client(app).request("GET", path).text.encode())[1]) == 2
        units = unit_ids(database)
        for unit, count in (("凤凰", 0), ("吉首", 2)):
            with database.transaction() as session:
                session.execute("update account set unit_id = $1 where login = 'zhangsan'", [units[unit]])
            assert len(parsed(Client(app).request("GET", path).text.encode())[1]) == count

    def test_no_token_no_calendar(self, shared: tuple[App, store.Database]) -> None:
        app, database = shared
        token = token_of(database, "zhangsan")
        wrong = ("A" if token[0] != "A" else "B") + token[1:]
        client = Client(app)
        assert client.request("GET", f"/calendar/{wrong}.ics").status == 404
        key = database.value("select calendar_token_hash from account where login = 'zhangsan'")
        for path in (
            "/calendar/",
            "/calendar/.ics",
            "/calendar/x.ics",
            f"/calendar/{token}",
            f"/calendar/{token}.ics/",
            f"/calendar/{token}.ics/x",
            f"/calendar/../calendar/{token}.ics",
            f"/calendar/{token}x.ics",
            f"/calendar/{token[:-1]}%00.ics",
            f"/calendar/{key}.ics",
            f"/calendar/{'%' * 43}.ics",
        ):
            for accept in ("text/html", "*/*"):
                answer = client.request("GET", path, headers={"accept": accept})
                assert answer.status in {303, 307, 400, 401, 404}, path
                assert "VEVENT" not in answer.text
        assert client.request("POST", f"/calendar/{token}.ics", body=b"x").status == 405

    def test_the_token_opens_nothing_else(self, shared: tuple[App, store.Database]) -> None:
        app, database = shared
        client = Client(app)
        client.cookies["crm_session"] = token_of(database, "zhangsan")
        assert client.get("/desk").status == 303
        assert client.request("GET", "/session").status == 401

    def test_a_session_does_not_stand_in_for_a_token(self, shared: tuple[App, store.Database]) -> None:
        app, _database = shared
        client = Client(app).sign_in("zhangsan")
        assert client.get(f"/calendar/{'A' * 43}.ics").status == 404

    def test_revoked_renewed_and_shut_out_at_once(self, shared: tuple[App, store.Database]) -> None:
        app, database = shared
        account_id, code = accounts.add_account(
            database, SYSTEM, login="leaving", name="离职", roles=["leader"], now=utc_now()
        )
        accounts.set_password(database, login="leaving", code=code, password=PASSWORD, now=utc_now())
        actor = find_actor(database, "leaving")
        assert actor is not None

        def status(token: str) -> int:
            return Client(app).request("GET", f"/calendar/{token}.ics").status

        first = token_of(database, "leaving")
        assert status(first) == 200
        second = token_of(database, "leaving")
        assert (status(first), status(second)) == (404, 200)
        revoke_token(database, actor, Token.CALENDAR, now=utc_now())
        assert status(second) == 404
        third = token_of(database, "leaving")
        assert status(third) == 200
        accounts.disable_account(database, SYSTEM, account_id, now=utc_now())
        assert status(third) == 404
        accounts.enable_account(database, SYSTEM, account_id, now=utc_now())
        assert status(third) == 404, "what was shut out does not come back by itself"
