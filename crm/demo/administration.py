"""What the bureau set for itself: words of its own and a second rule set with two versions."""

from datetime import date

from crm.metrics import parse_rule_set
from crm.store import Transaction, to_json

_WORDS = (
    ("source", "校友回归"),
    ("source", "异地商会"),
    ("recognition", "省级“小巨人”企业"),
    ("outcome", "签订框架协议"),
    ("difficulty", "标准厂房不足"),
)
# Projects of 亿元 and more, as many bureaus publish them; then only what is due to start, and verified.
_LARGE = {
    "name": "亿元以上项目",
    "note": "计划总投资一亿元以上",
    "threshold_wan": 10_000,
    "score": {"method": "weighted", "weights": {"performance": 40, "startup": 60}},
}
_LATER = {
    **_LARGE,
    "note": "开工率只算到期项目，功效系数计分",
    "startup": {"due_only": True, "grace_months": 6},
    "score": {"method": "efficacy", "weights": {"performance": 40, "startup": 60}},
}


def set_up(work: Transaction, *, first: date) -> None:
    """Add words and rule sets; the versions are in force from the first day shown and from a year later."""
    last = work.value("select coalesce(max(display_order), 0) from dictionary_entry")
    entries = [(kind, name, order) for order, (kind, name) in enumerate(_WORDS, int(last) + 1)]
    work.insert_many("dictionary_entry", ("kind", "name", "display_order"), entries)
    versions = [parse_rule_set(settings, version=version) for version, settings in enumerate((_LARGE, _LATER), 1)]
    work.insert_many(
        "rule_set",
        ("name", "rules_version", "effective_from", "settings", "note"),
        [
            (
                rules.name,
                rules.version,
                date(first.year + rules.version - 1, first.month, 1),
                to_json(rules.settings()),
                rules.note,
            )
            for rules in versions
        ],
    )
