"""The one place where an error becomes a sentence on the screen.

A refusal of our own says its sentence. Anything else is a defect: the reader sees a reference number, the log keeps
the trace under that number, and nothing of the inside is shown.
"""

import logging
import re
import secrets

import streamlit as st

from crm.errors import CrmError
from crm.locale import _

log = logging.getLogger("crm.ui")


def show(error: Exception) -> bool:
    """Show an error where the page stopped; returns True, which tells Streamlit that it has been shown."""
    if isinstance(error, CrmError):
        st.error(safe(str(error)), icon=":material/error:")
        return True
    reference = f"{secrets.token_hex(2)}-{secrets.token_hex(2)}".upper()
    log.error("reference %s", reference, exc_info=error)
    message = _(
        "Something went wrong here. Try again; if it happens again, give your administrator this number: {reference}",
        reference=reference,
    )
    st.error(str(message), icon=":material/error:")
    return True


_MARKDOWN = {ord(character): f"\\{character}" for character in "\\`*_{}[]()<>#+-.!|~$^=&"}
# What Streamlit replaces after Markdown was read, so that no backslash stops it: addresses become links, :words:
# become icons, pictures and colours, <- and -- become signs. A joiner that nobody sees takes them apart.
_JOINER = "\N{WORD JOINER}"
_REPLACED_LATER = re.compile(r":(?=//|[A-Za-z])|(?<=www)(?=\.)|(?=@)|(?<=[<>~-])(?=[->=])", re.I)


def safe(text: object) -> str:
    """Return text that Markdown shows as it is: no emphasis, link, picture, colour, icon or formula comes of it."""
    apart = _REPLACED_LATER.sub(lambda found: found[0] + _JOINER, " ".join(str(text).splitlines()))
    return apart.translate(_MARKDOWN)
