"""The texts of the bulletin (通报): blocks that the bureau words itself, with {placeholders} for the month's numbers.

A block's text is the month's own, else what its closing kept, else the standing template, else the shipped one. Text
between braces that is no placeholder stays as it is written: nothing in a text is ever evaluated.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from crm.locale import Message, _
from crm.months import Month
from crm.store import Database, Session, Transaction
from crm.store.reference import reference_rows

Reader = Database | Session | Transaction

# In the order of the document.
BLOCKS: Mapping[str, Message] = {
    "office": _("Issuing office (red heading)"),
    "number": _("Number of the document"),
    "title": _("Title"),
    "salutation": _("Addressed to"),
    "opening": _("Opening"),
    "signings": _("Signings"),
    "rates": _("Three rates"),
    "ranking": _("Ranking"),
    "group": _("Group of many units"),
    "small_group": _("Group of few units"),
    "lists": _("Red and black list"),
    "cards": _("Cards"),
    "difficulties": _("Difficulties"),
    "corrections": _("Corrections"),
    "next_steps": _("Next steps"),
    "signature": _("Signature"),
    "date": _("Date of issue"),
}

_EVERYWHERE: Mapping[str, Message] = {
    "year": _("Year"),
    "month": _("Month"),
    "number": _("Number of the month"),
    "period": _("Statistics period in words"),
    "as_of": _("Cut-off date"),
    "date": _("Day of the close"),
    "rules": _("Rule set"),
    "version": _("Version of the rule set"),
    "weights": _("Weights in words"),
    "units": _("Number of ranked units"),
    "signings": _("New signings of the period"),
    "amount": _("Their planned investment (¥100m)"),
    "month_signings": _("New signings of the month"),
    "month_amount": _("Their planned investment (¥100m)"),
    "signing": _("Signing rate"),
    "performance": _("Performance rate"),
    "startup": _("Start-up rate"),
    "signing_pair": _("Signing rate as N/D"),
    "performance_pair": _("Performance rate as N/D"),
    "startup_pair": _("Start-up rate as N/D"),
    "signing_change": _("Change of the signing rate in words"),
    "performance_change": _("Change of the performance rate in words"),
    "startup_change": _("Change of the start-up rate in words"),
    "red": _("Units of the red list"),
    "black": _("Units of the black list"),
    "yellow": _("Yellow cards"),
    "red_cards": _("Red cards"),
    "removal": _("Projects proposed for removal"),
    "overdue": _("Starts of construction overdue"),
    "difficulties": _("Open difficulties"),
    "difficulties_overdue": _("Overdue difficulties"),
}
_OF_GROUP: Mapping[str, Message] = {
    "group": _("Peer group"),
    "first": _("First three units"),
    "last": _("Last three units"),
    "scores": _("Units with their scores"),
}

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


def placeholders(block: str) -> Mapping[str, Message]:
    """Return the placeholders that a block knows, with what each stands for."""
    return {**_EVERYWHERE, **_OF_GROUP} if block in ("group", "small_group") else _EVERYWHERE


def unknown_placeholders(block: str, content: str) -> list[str]:
    """Return what looks like a placeholder in a text but is none."""
    return [name for name in dict.fromkeys(_PLACEHOLDER.findall(content)) if name not in placeholders(block)]


def filled(content: str, values: Mapping[str, str]) -> str:
    """Put values in the place of their placeholders; what stands in a value is not looked at again."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), content)


@cache
def shipped_texts() -> Mapping[str, str]:
    """Return the texts that the product comes with, by block."""
    return {row["block"]: row["content"] for row in reference_rows("bulletin_texts")}


@dataclass(frozen=True)
class BulletinText:
    """The text that a month's bulletin has in a block, and the stored records that may be changed (None: none yet)."""

    block: str
    content: str
    own: tuple[int, int] | None  # id and version of the month's own text
    template: tuple[int, int] | None  # of the standing template


def templates(reader: Reader) -> dict[str, str]:
    """Return the standing text of every block."""
    stored = reader.rows("select block, content from bulletin_text where month is null and archived_at is null")
    return {**shipped_texts(), **dict(stored)}


def month_texts(reader: Reader, month: Month, kept: Mapping[str, str] | None = None) -> dict[str, BulletinText]:
    """Return the text of every block for a month's bulletin; `kept` are those of its closing."""
    own: dict[str, tuple[int, int, str]] = {}
    standing: dict[str, tuple[int, int, str]] = {}
    for record_id, version, of_month, block, content in reader.rows(
        "select id, version, month, block, content from bulletin_text"
        " where archived_at is null and (month is null or month = $1)",
        [str(month)],
    ):
        (standing if of_month is None else own)[block] = (record_id, version, content)
    texts = {**shipped_texts(), **{block: stored[2] for block, stored in standing.items()}, **(kept or {})}
    texts |= {block: stored[2] for block, stored in own.items()}
    return {
        block: BulletinText(
            block,
            texts[block],
            own[block][:2] if block in own else None,
            standing[block][:2] if block in standing else None,
        )
        for block in BLOCKS
    }
