"""The address of an attached file: to whom may read its record now, as a download, and to nobody else."""

import http.client
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

import pytest

from crm import store
from crm.actions import accounts
from crm.actions.attachments import attach
from crm.model import FileDraft, Role
from tests.apps import PEOPLE, SYSTEM, App, Client, add_people, running_app, utc_now
from tests.engines import ServerEngine
from tests.probes import insert_enterprise, unit_ids

CONTENT = b"%PDF-1.7\n\x00\xff not text"
NAME = '方案 "最终"; a.pdf'


class Bureau(NamedTuple):
    """The app on PostgreSQL, so that its database is at hand here too."""

    app: App
    database: store.Database
    file_id: int
    enterprise_id: int


@pytest.fixture(scope="module")
def bureau(server_engine: ServerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    """A file on an enterprise of 吉首."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_FILES", str(tmp_path_factory.mktemp("files")))
        url = server_engine.clone()
        database = store.connect(url)
        secrets = add_people(database, {**PEOPLE, "leaver": ("周九", Role.STAFF, "433101", None)})
        enterprise = insert_enterprise(database, "湖南甲科技有限公司", owner_unit_id=unit_ids(database)["吉首"])
        files = [FileDraft(NAME, CONTENT)]
        [file_id] = attach(database, SYSTEM, "enterprise", enterprise, files, now=utc_now())
        with running_app(url, secrets=secrets) as app:
            yield Bureau(app, database, file_id, enterprise)
        database.close()
        server_engine.drop(url)


class Fetched(NamedTuple):
    """What came back, byte by byte."""

    status: int
    headers: http.client.HTTPMessage
    content: bytes


def fetch(client: Client, path: str, method: str = "GET", **headers: str) -> Fetched:
    with closing(http.client.HTTPConnection(client.app.host, timeout=20)) as connection:
        connection.request(method, path, headers={"accept": "text/html", **client.cookie_header(), **headers})
        with connection.getresponse() as response:
            return Fetched(response.status, response.headers, response.read())


def downloads(bureau: Bureau) -> int:
    return int(bureau.database.value("select count(*) from audit where action = 'download'"))


def test_a_colleague_downloads_it_whole_under_its_name_and_the_browser_guesses_nothing(bureau: Bureau) -> None:
    before = downloads(bureau)
    for login in ("zhangsan", "lisi", "zhaoliu", "sunba"):
        got = fetch(Client(bureau.app).sign_in(login), f"/files/{bureau.file_id}")
        assert (got.status, got.content) == (200, CONTENT)
        assert got.headers["content-type"] == "application/pdf"
        assert got.headers["content-length"] == str(len(CONTENT))
        assert got.headers["content-disposition"] == (
            "attachment; filename*=utf-8''%E6%96%B9%E6%A1%88%20%22%E6%9C%80%E7%BB%88%22%3B%20a.pdf"
        )
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["cache-control"] == "no-store"
    assert downloads(bureau) == before + 4


def test_somebody_of_another_unit_gets_the_same_404_as_for_no_file_at_all(bureau: Bureau) -> None:
    before = downloads(bureau)
    for login in ("wangwu", "qianqi", "admin", "auditor"):
        client = Client(bureau.app).sign_in(login)
        theirs, none = fetch(client, f"/files/{bureau.file_id}"), fetch(client, "/files/999999999")
        assert (theirs.status, none.status) == (404, 404)
        assert theirs.content.replace(str(bureau.file_id).encode(), b"") == none.content.replace(b"999999999", b"")
        assert "方案".encode() not in theirs.content
        assert theirs.headers["content-disposition"] is None
    assert downloads(bureau) == before


@pytest.mark.parametrize("path", ["/files/0", "/files/99999999999999999999999", "/files/x", "/files/", "/files/-1"])
def test_no_other_address_leads_to_a_file(bureau: Bureau, path: str) -> None:
    got = fetch(Client(bureau.app).sign_in("zhaoliu"), path)
    assert got.headers["content-disposition"] is None
    assert CONTENT not in got.content


def test_nobody_without_a_live_session_gets_it(bureau: Bureau) -> None:
    path = f"/files/{bureau.file_id}"
    got = fetch(Client(bureau.app), path)
    assert (got.status, got.headers["location"]) == (303, f"/login?next=%2Ffiles%2F{bureau.file_id}")
    assert fetch(Client(bureau.app), path, accept="*/*").status == 401
    leaver = Client(bureau.app).sign_in("leaver")
    assert fetch(leaver, path).status == 200
    account = bureau.database.value("select id from account where login = 'leaver'")
    accounts.disable_account(bureau.database, SYSTEM, account, now=utc_now())
    assert fetch(leaver, path).status == 303
    assert fetch(leaver, path, accept="*/*").status == 401


def test_only_reading_is_possible_there(bureau: Bureau) -> None:
    client = Client(bureau.app).sign_in("zhangsan")
    for method in ("POST", "PUT", "DELETE"):
        assert fetch(client, f"/files/{bureau.file_id}", method, origin=bureau.app.url).status in (403, 405)
    assert fetch(client, f"/files/{bureau.file_id}", "HEAD").content == b""


def test_a_right_that_is_gone_counts_at_the_next_request(bureau: Bureau) -> None:
    client = Client(bureau.app).sign_in("zhangsan")
    units = unit_ids(bureau.database)

    def hand_over(unit: str) -> None:
        version = bureau.database.value("select version from enterprise where id = $1", [bureau.enterprise_id])
        with store.transaction(bureau.database, actor="test", now=utc_now()) as work:
            work.update("enterprise", bureau.enterprise_id, version, {"owner_unit_id": units[unit]})

    hand_over("凤凰")
    try:
        assert fetch(client, f"/files/{bureau.file_id}").status == 404
    finally:
        hand_over("吉首")
    assert fetch(client, f"/files/{bureau.file_id}").status == 200
