"""Word lists: shipped to begin with, the bureau's own from the first change, and never in the way of what is typed."""

import pytest

from crm.actions.dictionaries import add_word, move_word, remove_word, rename_word, replace_text
from crm.errors import Conflict, Denied, Invalid, NotFound
from crm.model import Role
from crm.reports.vocabulary import (
    DICTIONARIES,
    dictionary,
    offered,
    shipped_words,
    unlisted_words,
    words,
)
from crm.store import reference_rows
from tests.probes import NOW, dump, insert_enterprise, person

ADMIN = person("admin", Role.ADMIN)
KIND = "source"


@pytest.fixture(params=["shipped", "migrated"])
def bureau(db, request):
    """A new database, and one from before there were lists."""
    if request.param == "migrated":
        with db.transaction() as session:
            session.execute("delete from dictionary_entry")
    return db


def version(db, name):
    return next(word.version for word in dictionary(db, ADMIN, KIND) if word.name == name)


def test_every_list_begins_with_the_shipped_words(bureau):
    assert {row["kind"] for row in reference_rows("dictionaries")} == set(DICTIONARIES)
    for kind, found in DICTIONARIES.items():
        assert words(bureau, kind) == list(shipped_words(kind)) != []
        assert found.column in bureau.columns(found.table)


def test_a_list_is_added_to_ordered_and_thinned(bureau):
    first, second, *rest = shipped_words(KIND)
    add_word(bureau, ADMIN, KIND, "  基金  招商会 ", now=NOW)
    move_word(bureau, ADMIN, KIND, "基金 招商会", version(bureau, "基金 招商会"), places=-99, now=NOW)
    move_word(bureau, ADMIN, KIND, first, version(bureau, first), places=1, now=NOW)
    remove_word(bureau, ADMIN, KIND, rest[0], version(bureau, rest[0]), now=NOW)
    assert words(bureau, KIND) == ["基金 招商会", second, first, *rest[1:]]
    # The other lists are as they were.
    assert words(bureau, "outcome") == list(shipped_words("outcome"))


def test_a_list_emptied_on_purpose_stays_empty(bureau):
    for name in shipped_words(KIND):
        remove_word(bureau, ADMIN, KIND, name, version(bureau, name), now=NOW)
    assert words(bureau, KIND) == []
    assert dictionary(bureau, ADMIN, KIND) == []
    assert offered(bureau, KIND, "客商来电") == ["客商来电"]


def test_a_renamed_word_takes_its_records_along_where_that_is_wanted(bureau):
    first, second, *_rest = shipped_words(KIND)
    users = [insert_enterprise(bureau, f"企业{n}", source=first) for n in range(3)]
    gone = insert_enterprise(bureau, "旧企业", source=first, archived_at=NOW)
    other = insert_enterprise(bureau, "别家", source=second, kind=first)
    assert rename_word(bureau, ADMIN, KIND, first, 0, "驻地招商", change_records=False, now=NOW) == 0
    assert offered(bureau, KIND, first) == [first, *words(bureau, KIND)]
    assert (
        rename_word(bureau, ADMIN, KIND, "驻地招商", version(bureau, "驻地招商"), "驻点", change_records=True, now=NOW)
        == 0
    )
    assert replace_text(bureau, ADMIN, KIND, first, "驻点", now=NOW) == 3
    assert (
        rename_word(bureau, ADMIN, KIND, "驻点", version(bureau, "驻点"), "驻点招引", change_records=True, now=NOW) == 3
    )
    assert words(bureau, KIND)[0] == "驻点招引"
    found = {row[0]: row[1:] for row in bureau.rows("select id, source, version, updated_by, kind from enterprise")}
    assert {found[user] for user in users} == {("驻点招引", 3, "admin", None)}
    assert (found[gone][:2], found[other]) == ((first, 1), (second, 1, "test", first))
    assert bureau.rows(
        "select subject, before, after from audit where action = 'rename_word' order by id desc limit 1"
    ) == [("enterprise", '{"source":"驻点"}', '{"records":3,"source":"驻点招引"}')]


def test_use_is_counted_and_what_no_list_knows_is_shown_most_used_first(bureau):
    first = shipped_words(KIND)[0]
    for n, source in enumerate((first, first, "老乡", "朋友介绍", "老乡", "朋友介绍", "朋友介绍", "只此一家", None)):
        insert_enterprise(bureau, f"企业{n}", source=source)
    insert_enterprise(bureau, "旧企业", source=first, archived_at=NOW)
    assert [(word.name, word.used) for word in dictionary(bureau, ADMIN, KIND)][:2] == [
        (first, 2),
        (shipped_words(KIND)[1], 0),
    ]
    assert [(word.name, word.used) for word in unlisted_words(bureau, ADMIN, KIND)] == [("朋友介绍", 3), ("老乡", 2)]
    assert [word.name for word in unlisted_words(bureau, ADMIN, KIND, limit=1)] == ["朋友介绍"]


def test_nonsense_is_refused_and_nothing_changes(bureau):
    first, second, *_rest = shipped_words(KIND)
    insert_enterprise(bureau, "企业", source=first)
    before = dump(bureau)
    for name in ("", "  ", first, "长" * 61):
        with pytest.raises(Invalid):
            add_word(bureau, ADMIN, KIND, name, now=NOW)
    for name in ("", second):
        with pytest.raises(Invalid):
            rename_word(bureau, ADMIN, KIND, first, 0, name, change_records=True, now=NOW)
    with pytest.raises(Invalid):
        replace_text(bureau, ADMIN, KIND, first, "没有的词", now=NOW)
    with pytest.raises(Conflict):
        rename_word(bureau, ADMIN, KIND, first, 7, "新词", change_records=True, now=NOW)
    for kind, name in ((KIND, "没有的词"), ("colour", first)):
        with pytest.raises(NotFound):
            remove_word(bureau, ADMIN, kind, name, 0, now=NOW)
    assert dump(bureau) == before


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_only_an_administrator_keeps_the_lists(db, role):
    other = person("x", role, unit_id=1)
    first, second, *_rest = shipped_words(KIND)
    before = dump(db)
    for attempt in (
        lambda: add_word(db, other, KIND, "新词", now=NOW),
        lambda: rename_word(db, other, KIND, first, 0, "新词", change_records=True, now=NOW),
        lambda: replace_text(db, other, KIND, first, second, now=NOW),
        lambda: move_word(db, other, KIND, first, 0, places=1, now=NOW),
        lambda: remove_word(db, other, KIND, first, 0, now=NOW),
        lambda: dictionary(db, other, KIND),
        lambda: unlisted_words(db, other, KIND),
    ):
        with pytest.raises(Denied):
            attempt()
    assert dump(db) == before
