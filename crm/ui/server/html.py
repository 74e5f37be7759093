"""How the pages outside Streamlit look: one frame, one card, plain forms. Every value is escaped here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from crm.locale import LANGUAGES, Message, _, language
from crm.ui.server.index import HTML_LANGUAGE, asset_address

Text = Message | str


@dataclass(frozen=True)
class Field:
    """One input of a form; `kind` and `autocomplete` as in HTML."""

    name: str
    label: Text
    kind: str = "text"
    autocomplete: str = "off"
    hint: Text = ""
    required: bool = True
    focus: bool = False


def frame(title: Text, card: str, *, address: str) -> str:
    """Return a whole page: the brand beside one card; `address` is where the language switch comes back to."""
    switch = "".join(
        f'<a class="{"on" if code == language() else ""}" lang="{HTML_LANGUAGE[code]}"'
        f' href="/language?to={code}&amp;next={quote(address, safe="")}">{"中文" if code == "zh_CN" else "English"}</a>'
        for code in LANGUAGES
    )
    points = (_("Every contact on record"), _("Every project on schedule"), _("Every rate explained"))
    return (
        f'<!DOCTYPE html><html lang="{HTML_LANGUAGE[language()]}" translate="no"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(title)} · {_text(_('Investment CRM'))}</title>"
        f'<link rel="icon" type="image/svg+xml" href="{asset_address("icon.svg")}">'
        f'<link rel="stylesheet" href="{asset_address("door.css")}"></head><body>'
        f'<aside><a class="brand" href="/"><img src="{asset_address("brand.svg")}" alt="">'
        f"{_text(_('Investment CRM'))}</a>"
        f'<div class="pitch"><p>{_text(_("From the first contact to production"))}</p>'
        f"<ul>{''.join(f'<li>{_text(point)}</li>' for point in points)}</ul></div></aside>"
        f'<main><nav aria-label="{_text(_("Language"))}">{switch}</nav><section class="card">{card}</section></main>'
        "</body></html>"
    )


def form(
    action: str,
    fields: Iterable[Field],
    *,
    submit: Text,
    values: Mapping[str, str] | None = None,
    hidden: Mapping[str, str] | None = None,
    problems: Mapping[str, Text] | None = None,
) -> str:
    """Return a form with its fields, what was typed before and what is wrong with it; passwords are never put back."""
    values, problems = values or {}, problems or {}
    kept = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in (hidden or {}).items()
    )
    inputs = "".join(_input(field, values.get(field.name, ""), problems.get(field.name)) for field in fields)
    return (
        f'<form method="post" action="{escape(action)}" novalidate>{kept}{inputs}'
        f'<button type="submit">{_text(submit)}</button></form>'
    )


def heading(title: Text, lead: Text = "") -> str:
    """Return the title of a card, with a line below it."""
    return f"<h1>{_text(title)}</h1>" + (f'<p class="lead">{_text(lead)}</p>' if str(lead) else "")


def alert(text: Text, kind: str = "error") -> str:
    """Return a sentence in a box: `error` or `done`."""
    return f'<p class="{kind}" role="{"alert" if kind == "error" else "status"}">{_text(text)}</p>'


def paragraph(text: Text) -> str:
    """Return a quiet paragraph."""
    return f'<p class="hint">{_text(text)}</p>'


def link(address: str, text: Text) -> str:
    """Return a quiet link below a form."""
    return f'<p class="other"><a href="{escape(address)}">{_text(text)}</a></p>'


def secret(text: str, *, typed: bool = False) -> str:
    """Return a secret to be copied; one that is typed by hand stands in groups of four."""
    shown = " ".join(text[start : start + 4] for start in range(0, len(text), 4)) if typed else text
    return f'<p class="secret"><code>{escape(shown)}</code></p>'


def picture(svg: str, description: Text) -> str:
    """Return a drawing; `svg` is our own."""
    return f'<div class="picture" role="img" aria-label="{_text(description)}">{svg}</div>'


def _input(field: Field, value: str, problem: Text | None) -> str:
    shown = "" if field.kind == "password" else f' value="{escape(value)}"'
    code = ' inputmode="numeric" maxlength="8"' if field.autocomplete == "one-time-code" else ""
    below = f'<span class="problem" id="{field.name}-problem">{_text(problem)}</span>' if problem is not None else ""
    if not below and str(field.hint):
        below = f'<span class="hint">{_text(field.hint)}</span>'
    marks = f' aria-invalid="true" aria-describedby="{field.name}-problem"' if problem is not None else ""
    return (
        f'<label for="{field.name}">{_text(field.label)}</label>'
        f'<input id="{field.name}" name="{field.name}" type="{field.kind}" autocomplete="{field.autocomplete}"'
        f' autocapitalize="none" spellcheck="false"{shown}{code}{marks}'
        f"{' required' if field.required else ''}{' autofocus' if field.focus else ''}>{below}"
    )


def _text(text: Text) -> str:
    return escape(str(text))
