"""The API over HTTP: what the command line says, to the letter and within the same rights; by a live token alone."""

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from crm import store
from crm.actions import accounts, credentials
from crm.actions.tokens import renew_token, revoke_token
from crm.reports.accounts import Token, get_actor
from tests.apps import PASSWORD, PEOPLE, SYSTEM, Answer, App, Client, add_people, running_app, utc_now
from tests.bureaus import project, put
from tests.engines import ServerEngine
from tests.probes import Commands, dump, insert, unit_ids

pytestmark = pytest.mark.server_engine

Shared = tuple[App, store.Database]
TOKEN = re.compile(r"<code>([A-Za-z0-9_-]{43})</code>")


@pytest.fixture(scope="module")
def shared(server_engine: ServerEngine) -> Iterator[Shared]:
    """The app on PostgreSQL with projects of two units, and the same database at hand here."""
    url = server_engine.clone()
    database = store.connect(url)
    secrets = add_people(database)
    units = unit_ids(database)
    signed = {"negotiating_on": date(2026, 2, 1), "signed_on": date(2026, 3, 5), "contracted_amount": Decimal(200)}
    put(
        database,
        [
            project("吉首", **signed, started_on=date(2026, 4, 1), arrivals=[(date(2026, 4, 2), Decimal("50.50"))]),
            project("吉首", **signed, planned_investment=Decimal("12345.67")),
            project("凤凰", **signed),
        ],
        unit_ids=units,
    )
    for name, unit in (("吉首甲企业", "吉首"), ("凤凰乙企业", "凤凰")):
        values = {"name": name, "name_key": name, "search_text": name, "owner_unit_id": units[unit]}
        enterprise = insert(database, "enterprise", **values)
        insert(database, "contact_person", enterprise_id=enterprise, name="王经理", phone=f"1380000{units[unit]:04d}")
    with running_app(url, secrets=secrets) as app:
        yield app, database
    database.close()
    server_engine.drop(url)


@pytest.fixture(scope="module")
def tokens(shared: Shared) -> dict[str, str]:
    """A token of everybody."""
    _app, database = shared
    return {login: new_token(database, login) for login in PEOPLE}


@pytest.fixture
def crm(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Commands:
    """The command line."""
    return Commands(capsys, monkeypatch)


def new_token(database: store.Database, login: str) -> str:
    """A new API token of a person."""
    return renew_token(database, get_actor(database, login), Token.API, now=utc_now())


def ask(app: App, token: str | None, path: str, **query: str) -> Answer:
    """Ask the API."""
    headers = {"authorization": f"Bearer {token}"} if token is not None else {}
    return Client(app).request("GET", f"/api/v1/{quote(path)}?{urlencode(query)}", headers=headers)


def error(answer: Answer) -> str:
    """The sentence of a refusal; fails where there is more than that."""
    assert answer.headers["content-type"] == "application/json"
    document = json.loads(answer.text)
    assert list(document) == ["error"]
    sentence = document["error"]
    assert isinstance(sentence, str)
    assert re.search("[\u4e00-\u9fff]", sentence)
    assert not re.search(r"Traceback|\n|select |/work|\.py", sentence)
    return sentence


# (path, parameters) and the words of the same question on the command line.
QUESTIONS = [
    ("rank", {"month": "2026-05"}),
    ("rank", {"month": "2026-05", "as-of": "2026-04-15", "basis": "amount", "group": "county", "rules": "default"}),
    ("rates", {"from": "2026-04", "to": "2026-05"}),
    ("rates", {"from": "2026-04", "to": "2026-05", "by": "industry", "as-of": "2026-05-15"}),
    ("facts", {"month": "2026-05", "unit": "吉首", "metric": "funds"}),
    ("facts", {"month": "2026-05", "unit": "吉首市", "metric": "startup", "basis": "amount"}),
    ("facts", {"month": "2026-05", "unit": "433123", "metric": "startup"}),
    ("rules", {}),
    ("check", {}),
    ("check", {"month": "2026-05"}),
    ("users", {}),
    ("audit", {}),
    # What is refused, in the same words.
    ("rank", {"month": "2026-05", "rules": "没有"}),
    ("rank", {"month": "2026-05", "group": "village"}),
    ("rates", {"from": "2026-05", "to": "2026-04"}),
    ("facts", {"month": "2026-05", "unit": "火星", "metric": "startup"}),
    ("facts", {"month": "2026-05", "unit": "吉首", "metric": "speed"}),
]
COMMANDS = {"rules": ["rules", "list"], "users": ["user", "list"], "audit": ["audit", "verify"]}


class TestReads:
    @pytest.mark.parametrize("login", PEOPLE)
    def test_they_are_the_command_lines_to_the_letter(
        self, shared: Shared, tokens: dict[str, str], crm: Commands, login: str
    ) -> None:
        app, database = shared
        answered = 0
        for path, query in QUESTIONS:
            words = [*COMMANDS.get(path, [path]), *(w for name, value in query.items() for w in (f"--{name}", value))]
            done = crm(*words, "--as", login, "--db", database.url, "--format", "json")
            answer = ask(app, tokens[login], path, **query)
            if done.out:
                assert (answer.status, answer.text) == (200, done.out), path
                assert answer.headers["content-type"] == "application/json"
                assert answer.headers["cache-control"] == "no-store"
                assert answer.headers["set-cookie"] is None
                answered += 1
            else:
                assert error(answer) == done.sentence
                assert answer.status == (403 if "权限" in done.err else 404 if query.get("rules") == "没有" else 400)
        shown = crm("rules", "show", "default", "--version", "1", "--db", database.url, "--format", "json").out
        assert ask(app, tokens[login], "rules/default", version="1").text == shown
        several = {"zhaoliu": 2, "sunba": 2, "admin": 1, "auditor": 1}
        assert answered == 8 + several.get(login, 0)

    def test_the_projects_of_another_unit_are_not_told(self, shared: Shared, tokens: dict[str, str]) -> None:
        app, _database = shared
        secret = {"zhangsan": "T-00002", "wangwu": "T-00000"}
        for login, unit in (("zhangsan", "凤凰"), ("wangwu", "吉首")):
            for slug in ("signing", "startup", "funds"):
                answer = ask(app, tokens[login], "facts", month="2026-05", unit=unit, metric=slug)
                assert secret[login] not in answer.text
                document = json.loads(answer.text)
                assert (document["rows"], document["hidden"] > 0, document["d"] > 0) == ([], True, True)
                everything = ask(app, tokens["zhaoliu"], "facts", month="2026-05", unit=unit, metric=slug)
                assert secret[login] in everything.text

    def test_the_rights_are_those_of_the_moment(self, shared: Shared, tokens: dict[str, str]) -> None:
        app, database = shared
        units = unit_ids(database)
        for unit, count in (("凤凰", 0), ("吉首", 2)):
            with database.transaction() as session:
                session.execute("update account set unit_id = $1 where login = 'zhangsan'", [units[unit]])
            answer = ask(app, tokens["zhangsan"], "facts", month="2026-05", unit="吉首", metric="signing")
            assert len(json.loads(answer.text)["rows"]) == count

    def test_words_are_in_the_persons_language(self, shared: Shared) -> None:
        app, database = shared
        account_id, _code = accounts.add_account(
            database, SYSTEM, login="guest", name="Guest", roles=["leader"], now=utc_now()
        )
        with database.transaction() as session:
            session.execute("update account set language = 'en' where id = $1", [account_id])
        token = new_token(database, "guest")
        answer = ask(app, token, "facts", month="2026-05", unit="吉首", metric="startup")
        assert [row["reason"] for row in json.loads(answer.text)["rows"]] == ["counted", "not started"]
        said = json.loads(ask(app, token, "facts", month="2026-05", unit="Mars", metric="startup").text)
        assert said["error"].startswith("There is no unit “Mars”.")

    @pytest.mark.parametrize(
        ("path", "query"),
        [
            ("rank", "month=2026-13"),
            ("rank", "month=May"),
            ("rank", "month="),
            ("rank", ""),
            ("rank", "month=2026-05&month=2026-04"),
            ("rank", "month=2026-05&as-of=2026-02-30"),
            ("rank", "month=2026-05&basis=weight"),
            ("rank", "month=2026-05&colour=red"),
            ("rank", "month=2026-05&today=2026-01-01"),
            ("rank", "month=2026-05&database=x"),
            ("rank", "month=2026-05&format=csv"),
            ("rank", "month=2026-05&as=admin"),
            ("rank", "month=2026-05&from_=x"),
            ("rank", "month=2026-05&group=%00"),
            ("rates", "from=2026-01"),
            ("rates", "from=1900-01&to=2999-12"),
            ("rates", "from=2026-01&to=2026-02&by=person"),
            ("facts", "month=2026-05&metric=startup&unit=%00"),
            ("facts", "month=2026-05&metric=startup&unit=%ff%fe"),
            ("rules/default", "version=x"),
            ("rules/default", "version=" + "9" * 5000),
            ("rules", "name=default"),
            ("export/projects", "format=pdf"),
            ("export/projects", "format=/../../../../tmp/crm-evil.csv"),
            ("export/projects", "colour=red"),
            ("export/projects", "unit=%E7%81%AB%E6%98%9F"),
            ("export/projects", "industry=x"),
            ("export/projects", "unit=%00"),
            ("export/projects", "unit="),
            ("export/followups", "from=x"),
        ],
    )
    def test_what_cannot_be_read_is_refused_in_a_sentence(
        self, shared: Shared, tokens: dict[str, str], path: str, query: str
    ) -> None:
        app, database = shared
        before = dump(database)
        headers = {"authorization": f"Bearer {tokens['zhaoliu']}"}
        answer = Client(app).request("GET", f"/api/v1/{path}?{query}", headers=headers)
        assert (answer.status, bool(error(answer))) == (400, True)
        assert dump(database) == before
        assert not Path("/tmp/crm-evil.csv").exists()  # noqa: S108  # what must not be there

    @pytest.mark.parametrize(
        "path",
        ["", "x", "rank/", "rank/x", "rules/none", "rules/", "export", "export/", "export/planets", "backup"]
        + ["rules/{name}", "users/zhangsan", "Rank", "//rank", "v1/rank"],
    )
    def test_what_there_is_not_is_not_there(self, shared: Shared, tokens: dict[str, str], path: str) -> None:
        app, _database = shared
        answer = ask(app, tokens["zhaoliu"], path, month="2026-05")
        assert answer.status in {400, 404}
        error(answer)

    @pytest.mark.parametrize("path", ["..", "../ranking", "../../ranking", "export/../rank", "%2e%2e/ranking"])
    def test_the_api_is_no_way_into_the_app(self, shared: Shared, tokens: dict[str, str], path: str) -> None:
        app, _database = shared
        for headers in ({}, {"authorization": f"Bearer {tokens['zhaoliu']}"}):
            answer = Client(app).request("GET", f"/api/v1/{path}", headers={"accept": "text/html", **headers})
            assert answer.status in {303, 400, 401, 404}
            assert "<html" not in answer.text

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    def test_nothing_is_written(self, shared: Shared, tokens: dict[str, str], method: str) -> None:
        app, database = shared
        before = dump(database)
        headers = {"authorization": f"Bearer {tokens['admin']}", "origin": app.url}
        for path in ("rank?month=2026-05", "users", "backup", "export/projects"):
            assert Client(app).request(method, f"/api/v1/{path}", body=b"{}", headers=headers).status == 405
        assert dump(database) == before


class TestExports:
    def test_they_are_the_command_lines_and_audited_as_the_persons(
        self, shared: Shared, tokens: dict[str, str], crm: Commands, tmp_path: Path
    ) -> None:
        app, database = shared
        for login, codes in (("zhangsan", ["T-00000", "T-00001"]), ("zhaoliu", ["T-00000", "T-00001", "T-00002"])):
            file = tmp_path / f"{login}.csv"
            crm("export", "projects", "-o", str(file), "--as", login, "--db", database.url)
            last = database.value("select max(id) from audit")
            answer = ask(app, tokens[login], "export/projects", format="csv")
            assert answer.status == 200
            assert answer.headers["content-type"] == "text/csv; charset=utf-8"
            assert answer.headers["content-disposition"] == 'attachment; filename="projects.csv"'
            assert answer.text.encode() == file.read_bytes()
            rows = csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))
            assert sorted(row["项目编号"] for row in rows) == codes
            written = database.rows("select actor, action, subject, after from audit where id > $1", [last])
            assert [entry[:3] for entry in written] == [(login, "export", "project")]
            note = json.loads(written[0][3])
            assert note == {"kind": "projects", "rows": len(codes), "filters": {}, "masked": 0, "file": "projects.csv"}

    def test_filters_narrow_and_never_widen(self, shared: Shared, tokens: dict[str, str]) -> None:
        app, _database = shared
        for login, unit, code in (("zhaoliu", "凤凰县", "T-00002"), ("zhangsan", "凤凰县", ""), ("wangwu", "吉首", "")):
            text = ask(app, tokens[login], "export/projects", format="csv", unit=unit).text
            assert re.findall(r"T-\d{5}", text) == ([code] if code else [])

    def test_a_workbook_is_the_default(self, shared: Shared, tokens: dict[str, str]) -> None:
        app, _database = shared
        answer = ask(app, tokens["zhangsan"], "export/enterprises")
        assert answer.status == 200
        assert answer.text.startswith("PK")
        assert answer.headers["content-type"].endswith("spreadsheetml.sheet")

    def test_numbers_of_people_are_masked_for_who_may_not_reveal_them(
        self, shared: Shared, tokens: dict[str, str]
    ) -> None:
        app, database = shared
        phones = {row[0] for row in database.rows("select phone from contact_person")}
        assert len(phones) == 2
        shown = {
            login: set(re.findall(r"\b1380000\d{4}\b", ask(app, tokens[login], "export/contacts", format="csv").text))
            for login in ("zhangsan", "zhaoliu", "qianqi")
        }
        assert (len(shown["zhangsan"]), shown["zhaoliu"], shown["qianqi"]) == (1, phones, set())

    @pytest.mark.parametrize("login", ["sunba", "admin", "auditor"])
    def test_who_may_not_export_gets_nothing(self, shared: Shared, tokens: dict[str, str], login: str) -> None:
        app, database = shared
        before = dump(database)
        for kind in ("projects", "enterprises", "adjustments"):
            answer = ask(app, tokens[login], f"export/{kind}", format="csv")
            assert (answer.status, "权限" in error(answer)) == (403, True)
        assert dump(database) == before


class TestTokens:
    def test_no_token_no_answer(self, shared: Shared, tokens: dict[str, str]) -> None:
        app, database = shared
        good = tokens["zhangsan"]
        key = credentials.session_key(good)
        signed_in = Client(app).sign_in("zhangsan")
        calendar = renew_token(database, get_actor(database, "zhangsan"), Token.CALENDAR, now=utc_now())
        told: set[str] = set()
        for headers in (
            {},
            {"authorization": ""},
            {"authorization": good},
            {"authorization": "Bearer"},
            {"authorization": "Bearer "},
            {"authorization": f"Basic {good}"},
            {"authorization": f"Bearer {good[:-1]}"},
            {"authorization": f"Bearer {good}x"},
            {"authorization": f"Bearer  {good}"},
            {"authorization": f"Bearer {'A' if good[0] != 'A' else 'B'}{good[1:]}"},
            {"authorization": f"Bearer {key}"},
            {"authorization": f"Bearer {key[:43]}"},
            {"authorization": f"Bearer {calendar}"},
            {"authorization": f"Bearer {signed_in.cookies['crm_session']}"},
            {"cookie": f"crm_session={good}"},
            {"x-crm-session": credentials.session_key(signed_in.cookies["crm_session"])},
            {"x-crm-session": key, "x-crm-login": "zhangsan"},
            signed_in.cookie_header(),
        ):
            for path in ("rank?month=2026-05", "users", "export/projects", "nothing", f"rank?token={good}"):
                answer = Client(app).request("GET", f"/api/v1/{path}", headers=headers)
                assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer"), headers
                error(answer)
                told.add(answer.text)
        assert len(told) == 1, "always the same"
        assert ask(app, good, "rank", month="2026-05").status == 200

    def test_a_token_opens_no_page(self, shared: Shared, tokens: dict[str, str]) -> None:
        app, _database = shared
        client = Client(app)
        headers = {"authorization": f"Bearer {tokens['zhangsan']}"}
        for path in ("/", "/desk", "/token", "/password", "/files/1", "/_stcore/health", "/_stcore/stream", "/api/v1"):
            assert client.request("GET", path, headers={"accept": "text/html", **headers}).status in {303, 401}
        client.cookies["crm_session"] = tokens["zhangsan"]
        assert client.request("GET", "/session", headers=headers).status == 401

    def test_renewed_revoked_and_shut_out_at_once(self, shared: Shared) -> None:
        app, database = shared
        account_id, _code = accounts.add_account(
            database, SYSTEM, login="leaving", name="离职", roles=["leader"], now=utc_now()
        )

        def status(token: str) -> int:
            return ask(app, token, "rank", month="2026-05").status

        first = new_token(database, "leaving")
        assert status(first) == 200
        second = new_token(database, "leaving")
        assert (status(first), status(second)) == (401, 200)
        revoke_token(database, get_actor(database, "leaving"), Token.API, now=utc_now())
        assert status(second) == 401
        third = new_token(database, "leaving")
        accounts.reset_account(database, SYSTEM, account_id, now=utc_now())
        assert status(third) == 401
        fourth = new_token(database, "leaving")
        assert status(fourth) == 200
        accounts.disable_account(database, SYSTEM, account_id, now=utc_now())
        assert status(fourth) == 401
        accounts.enable_account(database, SYSTEM, account_id, now=utc_now())
        assert status(fourth) == 401, "what was shut out does not come back by itself"

    @pytest.mark.parametrize("login", ["wangwu", "sunba", "admin", "auditor"])
    def test_everybody_makes_and_revokes_their_own(self, shared: Shared, login: str) -> None:
        app, database = shared
        client = Client(app).sign_in(login)
        assert 'href="/token"' in client.get("/password").text
        if login == "wangwu":
            assert not TOKEN.search(client.get("/token").text)
        made = client.post("/token", {})
        (token,) = TOKEN.findall(made.text)
        assert (made.status, made.headers["cache-control"]) == (200, "no-store")
        assert ask(app, token, "rank", month="2026-05").status == 200
        page = client.get("/token").text
        assert token not in page
        assert "换一个新令牌" in page
        for headers in ({"origin": "https://evil.example"}, {"origin": ""}, {"sec_fetch_site": "cross-site"}):
            assert client.post("/token", {}, **headers).status == 403
            assert client.post("/token", {"do": "revoke"}, **headers).status == 403
        assert ask(app, token, "rank", month="2026-05").status == 200
        (newer,) = TOKEN.findall(client.post("/token", {}).text)
        assert [ask(app, t, "rank", month="2026-05").status for t in (token, newer)] == [401, 200]
        answer = client.post("/token", {"do": "revoke"})
        assert (answer.status, answer.location) == (303, "/token")
        assert ask(app, newer, "rank", month="2026-05").status == 401
        assert "生成令牌" in client.get("/token").text
        written = database.rows("select action, after from audit where actor = $1 order by id desc limit 3", [login])
        assert [action for action, _after in written] == ["revoke_api", "renew_api", "renew_api"]
        assert newer not in repr(dump(database))

    def test_an_old_password_is_changed_before_a_token_is_made(self, shared: Shared) -> None:
        app, database = shared
        client = Client(app).sign_in("lisi", PASSWORD)
        with database.transaction() as session:
            moment = utc_now() - timedelta(days=91)
            session.execute("update account set password_set_at = $1 where login = 'lisi'", [moment])
        assert client.get("/token").location == "/password"
        assert client.post("/token", {}).location == "/password"
        assert 'href="/token"' not in client.get("/password").text
