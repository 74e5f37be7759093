"""A supervision order as a Word document of one page, in the layout of the bulletin: number, unit, demand, day.

The same order gives the same bytes; it is in Chinese for whoever asks.
"""

from datetime import date, datetime, time

from crm.locale import use_language
from crm.model import Actor, label
from crm.months import Month
from crm.reports.bulletin_texts import templates
from crm.reports.bulletins import Bulletin, Cell, Column, Paragraph, Table, printable
from crm.reports.supervision import Order, order_record
from crm.store import Database, transaction


def export_order(database: Database, actor: Actor, order_id: int, *, now: datetime) -> bytes:
    """Make an order's document for a person, and note it in the audit trail; raises NotFound beyond their scope."""
    order = order_record(database, actor, order_id).order
    # It takes a while to load.
    from crm.exchange.bulletin.word import write_page

    content = write_page(_document(database, order))
    with transaction(database, actor=actor.login, now=now) as work:
        work.record_change("export", "supervision_order", order_id, None, {"number": order.number})
    return content


def _document(database: Database, order: Order) -> Bulletin:
    texts = templates(database)
    with use_language("zh_CN"):
        facts = [
            ("督办级别", f"{label(order.level)}督办"),
            ("办结期限", _day(order.due_on)),
            *([("督办事由", f"{order.month} {label(order.card)}")] if order.card else []),
            *([("涉及项目", order.project)] if order.project else []),
        ]
    rows = tuple((Cell(name), Cell(printable(value))) for name, value in facts)
    columns = (Column("事项", 40), Column("内容", 116, align="left"))
    return Bulletin(
        month=Month.of(order.issued_on),
        draft_note="",
        office=texts["office"],
        number=order.number,
        title=("督办通知单",),
        salutation=f"{printable(order.unit)}：",
        blocks=(
            *(Paragraph(printable(line)) for line in order.demand.splitlines() if line.strip()),
            Paragraph(f"请于{_day(order.due_on)}前办结，并在系统中反馈办理情况。"),
            Table("", "督办", columns, rows),
        ),
        signature=texts["signature"],
        date=_day(order.issued_on),
        annex=None,
        details=(),
        stamped_at=datetime.combine(order.issued_on, time()),
        corrections=0,
    )


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
