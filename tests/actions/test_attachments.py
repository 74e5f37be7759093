"""Attached files: what is accepted, where the bytes lie, who sees, adds, removes and downloads them."""

import hashlib
import io
import stat
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

from crm import media, store
from crm.actions.attachments import attach, download_attachment, withdraw_attachment
from crm.actions.followups import log_follow_up, withdraw_follow_up
from crm.errors import Conflict, DatabaseUnusable, Denied, Invalid, NotFound
from crm.model import FileDraft, FollowUpDraft, Method, Role
from crm.permissions import ATTACHABLE
from crm.reports.attachments import attachments
from crm.reports.findings import findings
from tests.probes import NOW, TODAY, dump, insert, insert_enterprise, insert_project, person, unit_ids

PDF = b"%PDF-1.7\n..."
PNG = b"\x89PNG\r\n\x1a\n..."


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The folder of files of each test."""
    monkeypatch.setenv("CRM_FILES", str(tmp_path / "files"))
    return tmp_path / "files"


@pytest.fixture
def unit(db):
    return unit_ids(db)["吉首"]


@pytest.fixture
def staff(unit):
    return person("zhangsan", Role.STAFF, unit_id=unit)


@pytest.fixture
def enterprise(db, unit):
    return insert_enterprise(db, "湖南甲科技有限公司", owner_unit_id=unit)


def add(db, actor, subject, subject_id, *files):
    given = files or (FileDraft("方案.pdf", PDF),)
    return attach(db, actor, subject, subject_id, given, now=NOW)


def kept(folder):
    """What lies in the folder of files, by its place in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def package(*names, content=b"<x/>"):
    """A zip with members of these names."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, content)
    return packed.getvalue()


DOCX = package("[Content_Types].xml", "word/document.xml")
XLSX = package("[Content_Types].xml", "xl/workbook.xml")
PPTX = package("[Content_Types].xml", "ppt/presentation.xml")
COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


def compound(*streams):
    """A compound file whose directory names these streams."""
    return COMPOUND + b"".join(name.encode("utf-16-le") + b"\0\0" for name in streams)


ACCEPTED = {
    "方案.pdf": PDF,
    "大写.PDF": b"\xef\xbb\xbf%PDF-1.4",
    "协议.docx": DOCX,
    "台账.xlsx": XLSX,
    "汇报.pptx": PPTX,
    "旧.doc": compound("WordDocument"),
    "旧.xls": compound("Workbook"),
    "旧.ppt": compound("PowerPoint Document"),
    "现场.png": PNG,
    "现场.jpg": b"\xff\xd8\xff\xe0...",
    "现场.jpeg": b"\xff\xd8\xff\xe1...",
    "现场.webp": b"RIFF\x10\0\0\0WEBPVP8 ",
    "utf8.txt": "纪要\r\n\t第二行".encode(),
    "gbk.txt": "纪要".encode("gb18030"),
}
REFUSED = {
    "空.pdf": b"",
    "假.pdf": b"MZ\x90\0",
    "假.png": PDF,
    "假.docx": XLSX,
    "假.xlsx": package("[Content_Types].xml", "word/document.xml"),
    "压缩包.docx": package("a.txt"),
    "截断.docx": DOCX[:40],
    "带宏.docx": package("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"),
    "带宏.xls": compound("Workbook", "_VBA_PROJECT_CUR"),
    "假.doc": compound("Workbook"),
    "二进制.txt": b"\x00\x01\x02",
    "乱码.txt": b"\xff\xff\xfe\xfa\x80",
    "打包.zip": package("a.txt"),
    "网页.html": b"<script>alert(1)</script>",
    "图.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "程序.exe": b"MZ",
    "宏.docm": DOCX,
    "双.pdf.exe": PDF,
    "反\u202efdp.exe": PDF,
    "没有扩展名": PDF,
    ".pdf": PDF,
    "": PDF,
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_file_whose_content_is_what_its_ending_says_is_accepted(name):
    assert media.file_problem(name, ACCEPTED[name]) is None


@pytest.mark.parametrize("name", REFUSED)
def test_any_other_is_refused_in_one_sentence(embedded_db, name):
    enterprise = insert_enterprise(embedded_db, "甲企业")
    before = dump(embedded_db)
    with pytest.raises(Invalid) as refused:
        add(embedded_db, person("d", Role.DISPATCHER), "enterprise", enterprise, FileDraft(name, REFUSED[name]))
    assert list(refused.value.fields) == ["files"]
    assert dump(embedded_db) == before


def test_the_largest_file_is_accepted_and_one_byte_more_is_not():
    assert media.file_problem("大.txt", b"a" * media.LARGEST) is None
    assert media.file_problem("大.txt", b"a" * (media.LARGEST + 1)) is not None


def test_names_lose_their_folders_and_what_nobody_sees():
    for typed, name in (
        ("../../etc/方案.pdf", "方案.pdf"),
        ("C:\\temp\\方案.pdf", "方案.pdf"),
        ("方案\u202efdp.pdf", "方案fdp.pdf"),
        ("a\r\nSet-Cookie: x.pdf", "aSet-Cookie: x.pdf"),
        ("  方 案 .pdf ", "方 案 .pdf"),
        ("字" * 300 + ".pdf", "字" * 116 + ".pdf"),
    ):
        assert media.file_name(typed) == name


def test_a_file_is_stored_once_by_its_content_for_its_owner_only_and_audited(db, staff, enterprise, folder):
    digest = hashlib.sha256(PDF).hexdigest()
    first, other = add(db, staff, "enterprise", enterprise, FileDraft("方案.pdf", PDF), FileDraft("副本.pdf", PDF))
    stored = db.records("select * from attachment order by id")
    assert stored[0] == {
        "id": first,
        "version": 1,
        "created_at": NOW,
        "created_by": "zhangsan",
        "updated_at": NOW,
        "updated_by": "zhangsan",
        "archived_at": None,
        "subject": "enterprise",
        "subject_id": enterprise,
        "name": "方案.pdf",
        "size": len(PDF),
        "sha256": digest,
        "media_type": "application/pdf",
    }
    assert [(row["id"], row["name"]) for row in stored] == [(first, "方案.pdf"), (other, "副本.pdf")]
    assert kept(folder) == {f"{digest[:2]}/{digest}": PDF}
    place = folder / digest[:2] / digest
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert db.rows("select action, subject, subject_id from audit where actor = 'zhangsan' order by id") == [
        ("attach", "attachment", first),
        ("attach", "attachment", other),
    ]
    before = dump(db)
    assert add(db, staff, "enterprise", enterprise) == [first]
    assert dump(db) == before


def test_one_refused_file_keeps_all_out_and_ten_is_the_most(db, staff, enterprise, folder):
    before = dump(db)
    for files in (
        [FileDraft("好.pdf", PDF), FileDraft("坏.pdf", b"x")],
        [FileDraft(f"{n}.txt", str(n).encode()) for n in range(11)],
    ):
        with pytest.raises(Invalid):
            attach(db, staff, "enterprise", enterprise, files, now=NOW)
    assert dump(db) == before
    assert not folder.exists()
    assert len(attach(db, staff, "enterprise", enterprise, files[:10], now=NOW)) == 10


def test_who_may_not_attach_leaves_no_bytes_behind(db, unit, staff, enterprise, folder):
    add(db, staff, "enterprise", enterprise, FileDraft("一.txt", b"1"))
    before, lying = dump(db), kept(folder)
    for actor, refusal in (
        (person("wangwu", Role.STAFF, unit_id=unit_ids(db)["凤凰"]), NotFound),
        (person("sunba", Role.LEADER), Denied),
        (person("admin", Role.ADMIN), NotFound),
    ):
        with pytest.raises(refusal):
            add(db, actor, "enterprise", enterprise)
    for subject, subject_id in (("account", 1), ("attachment", enterprise), ("enterprise", 999_999_999)):
        with pytest.raises(NotFound):
            add(db, staff, subject, subject_id)
    assert (dump(db), kept(folder)) == (before, lying)


def test_a_folder_that_cannot_be_written_to_is_said_and_nothing_is_written(db, staff, enterprise, folder):
    folder.write_text("a file in the way")
    before = dump(db)
    with pytest.raises(DatabaseUnusable, match="files"):
        add(db, staff, "enterprise", enterprise)
    assert dump(db) == before


@pytest.fixture
def records(db, unit, enterprise):
    """One record of each subject that takes files, all of one enterprise and project of 吉首: {subject: id}."""
    project = insert_project(db, "P1", unit_id=unit, enterprise_id=enterprise)
    key = {"project_id": project}
    return {
        "enterprise": enterprise,
        "project": project,
        "follow_up": insert(
            db, "follow_up", enterprise_id=enterprise, happened_on=TODAY, method="phone", content="谈", unit_id=unit
        ),
        "movement": insert(
            db, "movement", enterprise_id=enterprise, happened_on=TODAY, kind="expansion", content="扩建"
        ),
        "milestone": insert(db, "milestone", kind="start", **key),
        "agreement": insert(db, "agreement", signed_on=TODAY, **key),
        "commitment": insert(db, "commitment", party="government", kind="land", clause="供地", **key),
        "fund_arrival": insert(db, "fund_arrival", arrived_on=TODAY, **key),
        "difficulty": insert(db, "difficulty", kind="land", phase="landing", content="用地", raised_on=TODAY, **key),
        "supervision_order": insert(
            db,
            "supervision_order",
            number="督办〔2026〕1号",
            unit_id=unit,
            level="blue",
            demand="开工",
            issued_on=TODAY,
            due_on=TODAY,
            **key,
        ),
    }


def test_every_subject_shows_its_files_to_who_sees_it_and_to_nobody_else(db, unit, staff, records, folder):
    assert set(records) == set(ATTACHABLE)
    stranger = person("wangwu", Role.STAFF, unit_id=unit_ids(db)["凤凰"])
    for subject, subject_id in records.items():
        [made] = add(db, staff, subject, subject_id)
        for reader in (staff, person("sunba", Role.LEADER)):
            assert [file.id for file in attachments(db, reader, subject, subject_id).files] == [made]
            found = download_attachment(db, reader, made, now=NOW)
            assert (found.name, found.media_type, found.path.read_bytes()) == ("方案.pdf", "application/pdf", PDF)
        for outsider in (stranger, person("admin", Role.ADMIN), person("auditor", Role.AUDITOR)):
            with pytest.raises(NotFound):
                attachments(db, outsider, subject, subject_id)
            with pytest.raises(NotFound):
                download_attachment(db, outsider, made, now=NOW)
            with pytest.raises(NotFound):
                withdraw_attachment(db, outsider, made, 1, now=NOW)


def test_each_download_is_in_the_audit_trail_and_a_refused_one_is_not(db, staff, enterprise):
    [made] = add(db, staff, "enterprise", enterprise)
    download_attachment(db, staff, made, now=NOW + timedelta(hours=1))
    download_attachment(db, person("sunba", Role.LEADER), made, now=NOW)
    with pytest.raises(NotFound):
        download_attachment(db, person("wangwu", Role.STAFF, unit_id=unit_ids(db)["凤凰"]), made, now=NOW)
    with pytest.raises(NotFound):
        download_attachment(db, staff, 999_999_999, now=NOW)
    rows = db.rows("select actor, subject, subject_id, after from audit where action = 'download' order by id")
    assert rows == [(login, "attachment", made, '{"name":"方案.pdf"}') for login in ("zhangsan", "sunba")]
    assert store.verify_audit(db) == []


def test_files_of_a_record_that_is_gone_are_gone_with_it(db, staff, enterprise):
    contact = FollowUpDraft(TODAY, Method.PHONE, "谈", enterprise_id=enterprise, files=(FileDraft("方案.pdf", PDF),))
    logged = log_follow_up(db, staff, contact, now=NOW, today=TODAY)
    [on_contact] = [f.id for f in attachments(db, staff, "follow_up", logged.follow_up_id).files]
    [on_enterprise] = add(db, staff, "enterprise", enterprise)
    withdraw_follow_up(db, staff, logged.follow_up_id, 1, reason="", now=NOW)
    with pytest.raises(NotFound):
        download_attachment(db, staff, on_contact, now=NOW)
    assert download_attachment(db, staff, on_enterprise, now=NOW)
    other = log_follow_up(db, staff, contact, now=NOW, today=TODAY)
    [of_closed] = [f.id for f in attachments(db, staff, "follow_up", other.follow_up_id).files]
    version = db.value("select version from enterprise where id = $1", [enterprise])
    with store.transaction(db, actor="test", now=NOW) as work:
        work.update("enterprise", enterprise, version, {"archived_at": NOW})
    for made in (on_enterprise, of_closed):
        with pytest.raises(NotFound):
            download_attachment(db, staff, made, now=NOW)


def test_one_takes_off_ones_own_file_and_any_of_a_record_one_may_take_back(db, staff, unit, enterprise, folder):
    [mine] = add(db, staff, "enterprise", enterprise, FileDraft("一.txt", b"1"))
    [theirs] = add(db, person("lisi", Role.STAFF, unit_id=unit), "enterprise", enterprise, FileDraft("二.txt", b"2"))
    with pytest.raises(Denied):
        withdraw_attachment(db, staff, theirs, 1, now=NOW)
    with pytest.raises(Conflict):
        withdraw_attachment(db, staff, mine, 2, now=NOW)
    lying = kept(folder)
    withdraw_attachment(db, staff, mine, 1, now=NOW)
    assert [file.id for file in attachments(db, staff, "enterprise", enterprise).files] == [theirs]
    assert kept(folder) == lying
    with pytest.raises(NotFound):
        withdraw_attachment(db, staff, mine, 2, now=NOW)
    with pytest.raises(NotFound):
        download_attachment(db, staff, mine, now=NOW)
    withdraw_attachment(db, person("head", Role.UNIT_HEAD, unit_id=unit), theirs, 1, now=NOW)
    assert db.rows("select subject_id, actor from audit where action = 'withdraw' order by id") == [
        (mine, "zhangsan"),
        (theirs, "head"),
    ]


def test_what_a_reader_may_do_is_told_with_the_list(db, staff, unit, enterprise):
    def may(actor):
        found = attachments(db, actor, "enterprise", enterprise)
        return (found.may_attach, found.may_withdraw_any)

    assert may(staff) == (True, False)
    assert may(person("head", Role.UNIT_HEAD, unit_id=unit)) == (True, True)
    assert may(person("sunba", Role.LEADER)) == (False, False)


def test_a_lost_content_is_found_by_the_check_and_not_handed_out(db, staff, enterprise, folder):
    [made] = add(db, staff, "enterprise", enterprise)
    assert findings(db, today=TODAY) == []
    [path] = [path for path in folder.rglob("*") if path.is_file()]
    for spoil in (lambda: path.write_bytes(b"short"), path.unlink):
        spoil()
        assert [(f.code, f.subject_id) for f in findings(db, today=TODAY)] == [("attachment_content", made)]
    with pytest.raises(NotFound):
        download_attachment(db, staff, made, now=NOW)


def test_a_backup_carries_the_files_and_restores_them(db, engine, staff, enterprise, folder, tmp_path, monkeypatch):
    [made] = add(db, staff, "enterprise", enterprise)
    [gone] = add(db, staff, "enterprise", enterprise, FileDraft("丢.txt", b"lost"))
    store.stored_file(db, store.content_hash(b"lost")).unlink()
    counts = store.backup(db, tmp_path / "copy", now=NOW)
    assert counts["files"] == 1
    monkeypatch.setenv("CRM_FILES", str(tmp_path / "elsewhere"))
    url = engine.empty()
    restored = store.restore(tmp_path / "copy", url)
    try:
        assert download_attachment(restored, staff, made, now=NOW).path.read_bytes() == PDF
        assert [(f.code, f.subject_id) for f in findings(restored, today=TODAY)] == [("attachment_content", gone)]
        assert kept(tmp_path / "elsewhere") == {k: v for k, v in kept(folder).items() if v == PDF}
    finally:
        restored.close()
        engine.drop(url)


def test_a_backup_with_a_damaged_file_is_refused(db, staff, enterprise, tmp_path):
    add(db, staff, "enterprise", enterprise)
    store.backup(db, tmp_path / "copy", now=NOW)
    [copied] = [path for path in (tmp_path / "copy" / "files").rglob("*") if path.is_file()]
    copied.write_bytes(b"other")
    with pytest.raises(Exception, match="damaged|损坏"):
        store.restore(tmp_path / "copy", str(tmp_path / "new.duckdb"))
    assert not (tmp_path / "new.duckdb").exists()


def test_without_a_setting_files_lie_beside_the_database_file(embedded_db, monkeypatch):
    monkeypatch.delenv("CRM_FILES")
    assert store.files_folder(embedded_db) == Path(embedded_db.url).parent / "files"
