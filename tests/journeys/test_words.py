"""Streamlit's own words in the reader's language; what somebody typed stays as it is."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from crm import store
from tests.apps import PASSWORD, App, add_people, probe_program, running_app
from tests.engines import EmbeddedEngine
from tests.journeys.browser import idle

pytestmark = pytest.mark.browser


SCRIPT = """
import datetime
import time
import pandas as pd
import streamlit as st
from crm.ui import session
session.current_actor()
if st.button("wait", key="wait"):
    time.sleep(2)
st.markdown("Upload")
st.html("<p id='data'>No results</p>")
st.selectbox("Search", ["Open", "Search", "Select all"], key="box")
st.multiselect("several", ["Close", "Upload"], key="many")
st.selectbox("one", ["a"], index=None, key="one")
st.date_input("day", datetime.date(2026, 3, 5), key="day")
st.text_input("needed", required=True, key="needed")
st.text_area("long", key="long")
st.number_input("number", key="number")
st.file_uploader("file", type=["csv"], key="file")
st.pagination(3, key="pages")
st.dataframe(pd.DataFrame({"Search": ["Upload", "Open"]}), key="frame")
with st.form("form"):
    st.text_input("in a form", key="inside")
    st.form_submit_button("Upload")
"""


@pytest.fixture(scope="module")
def widgets(embedded_engine: EmbeddedEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A page with one widget of each kind."""
    url = embedded_engine.clone()
    database = store.connect(url)
    add_people(database)
    database.close()
    with running_app(url, program=probe_program(tmp_path_factory.mktemp("widgets"), SCRIPT)) as app:
        yield app


def open_page(context: BrowserContext, app: App, language: str) -> Page:
    """Sign in on a new page in a language."""
    page = context.new_page()
    page.goto(f"{app.url}/login?lang={language}")
    page.locator("#login").fill("zhangsan")
    page.locator("#password").fill(PASSWORD)
    page.locator("button[type=submit]").click()
    idle(page)
    return page


def test_chinese(context: BrowserContext, widgets: App) -> None:
    page = open_page(context, widgets, "zh_CN")
    expect(page.locator(".st-key-many").get_by_placeholder("请选择（可多选）")).to_be_visible()
    expect(page.locator(".st-key-one").get_by_placeholder("请选择")).to_be_visible()
    expect(page.locator(".st-key-needed")).to_contain_text("（必填）")
    uploader = page.locator(".st-key-file")
    expect(uploader).to_contain_text("选择文件")
    expect(uploader).to_contain_text("不超过 50MB • CSV")
    expect(page.get_by_role("button", name="下一页")).to_be_visible()
    page.locator(".st-key-inside input").fill("x")
    expect(page.locator(".st-key-inside")).to_contain_text("按回车提交")
    page.locator(".st-key-long textarea").fill("x")
    expect(page.locator(".st-key-long")).to_contain_text("按 Ctrl+回车确认")
    page.locator(".st-key-many input").fill("zzz")
    expect(page.get_by_role("listbox")).to_contain_text("没有匹配项")
    page.keyboard.press("Escape")
    uploader.locator("input[type=file]").set_input_files(
        {"name": "Upload.txt", "mimeType": "text/plain", "buffer": b"x"}
    )
    expect(uploader).to_contain_text("Upload.txt")
    page.locator(".st-key-day button").first.click()
    expect(page.locator("[role=dialog], [data-testid=stDateInputCalendar]").first).to_contain_text("三月")


@pytest.mark.parametrize(("language", "words"), [("zh_CN", '"正在处理…"'), ("en", '"Working…"')])
def test_a_page_that_takes_its_time_says_so(context: BrowserContext, widgets: App, language: str, words: str) -> None:
    page = open_page(context, widgets, language)
    said = "getComputedStyle(document.querySelector('[data-testid=stApp]'), '::after').content"
    assert page.evaluate(said) == "none"
    page.locator(".st-key-wait button").click()
    expect(page.locator('[data-testid="stApp"][data-test-script-state="running"]')).to_be_attached()
    assert page.evaluate(said) == words
    idle(page)
    assert page.evaluate(said) == "none"


def test_chinese_leaves_data_alone(context: BrowserContext, widgets: App) -> None:
    page = open_page(context, widgets, "zh_CN")
    expect(page.locator("#data")).to_have_text("No results")
    expect(page.get_by_text("Upload", exact=True).first).to_be_visible()
    expect(page.get_by_role("button", name="Upload", exact=True)).to_be_visible()
    box = page.locator(".st-key-box")
    expect(box.locator("label")).to_have_text("Search")
    expect(box.locator("input")).to_have_value("Open")
    box.locator("input").click()
    assert page.get_by_role("option").all_inner_texts() == ["Open", "Search", "Select all"]
    page.keyboard.press("Escape")
    page.locator(".st-key-many input").click()
    assert page.get_by_role("option").all_inner_texts() == ["全选", "Close", "Upload"]


def test_english(context: BrowserContext, widgets: App) -> None:
    page = open_page(context, widgets, "en")
    expect(page.locator(".st-key-many").get_by_placeholder("Choose options")).to_be_visible()
    expect(page.locator(".st-key-file")).to_contain_text("Upload")
    page.locator(".st-key-day button").first.click()
    expect(page.locator("[role=dialog], [data-testid=stDateInputCalendar]").first).to_contain_text("March")
