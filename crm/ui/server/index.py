"""Streamlit's first page as this app serves it: the reader's language, our name and icon, our script before others."""

import hashlib
import re
from functools import cache
from importlib import resources
from pathlib import Path

from streamlit import file_util

from crm.locale import DEFAULT_LANGUAGE, LANGUAGES, _, use_language
from crm.ui.server import program

# Pages that are not Streamlit's.
OWN_PAGES = frozenset(
    {"/login", "/setup", "/logout", "/password", "/token", "/language", "/healthz", "/session", "/favicon.ico"}
)
HTML_LANGUAGE = {"zh_CN": "zh-CN", "en": "en"}
_ASSETS = resources.files("crm.ui").joinpath("assets")


@cache
def asset(name: str) -> bytes | None:
    """Return one of our own files, None where there is no such file."""
    known = {item.name: item for item in _ASSETS.iterdir() if item.is_file()}
    return known[name].read_bytes() if name in known else None


@cache
def asset_address(name: str) -> str:
    """Return the address of one of our own files; it changes with its content, so browsers may keep it for good."""
    return f"/assets/{name}?v={hashlib.sha256(asset(name) or b'').hexdigest()[:12]}"


@cache
def page(language: str) -> bytes:
    """Return Streamlit's index.html rewritten for a language."""
    language = language if language in LANGUAGES else DEFAULT_LANGUAGE
    html = Path(file_util.get_static_dir(), "index.html").read_text("utf-8")
    with use_language(language):
        title, no_script = str(_("Investment CRM")), str(_("This app needs JavaScript: switch it on in the browser."))
    html = html[html.index("<!DOCTYPE html>") :]
    html = re.sub(r"<!--.*?-->", "", html, flags=re.S)
    html = html.replace('<html lang="en">', f'<html lang="{HTML_LANGUAGE[language]}" translate="no">')
    html = re.sub(r"<title>.*?</title>", f"<title>{title}</title>", html)
    html = re.sub(r"<noscript>.*?</noscript>", f"<noscript>{no_script}</noscript>", html, flags=re.S)
    # An inline script, a preloaded font that the theme does not use, and pointers to a closed interface.
    html = re.sub(r"<script>.*?</script>", "", html, flags=re.S)
    html = re.sub(r'<link\s+rel="(?:preload|service-desc|shortcut icon)"[^>]*>', "", html)
    words = [asset_address("words.zh.js")] if language == "zh_CN" else []
    own = [asset_address(name) for name in ("shell.js", "keys.js", "print.js")]
    scripts = "".join(f'<script src="{address}"></script>' for address in [*words, *own])
    head = (
        f'<link rel="icon" type="image/svg+xml" href="{asset_address("icon.svg")}" />'
        + "".join(f'<link rel="stylesheet" href="{asset_address(name)}" />' for name in ("shell.css", "print.css"))
        + scripts
    )
    html = html.replace('<meta charset="UTF-8" />', f'<meta charset="UTF-8" />{head}', 1)
    early = "".join(f'<link rel="modulepreload" href="{address}" />' for address in program.early_files())
    html = html.replace("</head>", f"{early}</head>", 1)
    # Sub-paths such as /ranking must load the same files: Streamlit's addresses are relative to the page.
    return re.sub(r"\n\s*\n+", "\n", html).replace('"./static/', '"/static/').encode()
