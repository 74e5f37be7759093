"""The bulletin (通报) of a month as a document without a format: Word, PDF and Excel are written from this one tree.

Its words are Chinese whatever the reader's language. A closed month's bulletin holds what was published and kept with
the close; an open month's is a draft from the live ranking, and says so. Every number is printed as `metrics` shows it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from crm.locale import use_language
from crm.metrics import (
    RATES,
    Basis,
    CardKind,
    Colour,
    Method,
    Pair,
    RuleSet,
    counted_query,
    percent,
    points,
    red_and_black,
    shown_score,
)
from crm.model import YUAN_PER_YI, Actor, group_label, label
from crm.months import Month, WindowMode, bureau_day
from crm.permissions import Action, Scope, scopes
from crm.reports.bulletin_figures import (
    MOST_NAMED,
    NO_RATE,
    THREE_RATES,
    CardCount,
    Figures,
    figures_of,
    kept_bulletin,
    printed_slugs,
    shown_pair,
    shown_points,
)
from crm.reports.bulletin_texts import BulletinText, filled, month_texts
from crm.reports.closes import Close, published
from crm.reports.rankings import Ranking, RankingRow, ranking
from crm.store import Database, Params

# ---------------------------------------------------------------------------------------------------------- the tree


@dataclass(frozen=True)
class Cell:
    """What stands in a cell: as it is printed, and as a spreadsheet keeps it (a number with its format).

    `pair` is a rate's N and D, printed below it; `tone` is `up` or `down`.
    """

    text: str
    number: Decimal | int | None = None
    format: str = ""
    pair: tuple[Decimal | int, Decimal | int] | None = None
    tone: str = ""

    @property
    def below(self) -> str:
        """The pair as it is printed below a rate; empty where there is none."""
        return shown_pair(Pair(*self.pair)) if self.pair else ""


@dataclass(frozen=True)
class Column:
    """A column of a table: heading and width in millimetres; `has_pairs` where its cells have N and D."""

    title: str
    width: float
    has_pairs: bool = False
    align: str = "center"


@dataclass(frozen=True)
class Table:
    """A table with its caption; `sheet` names its sheet in the workbook."""

    title: str
    sheet: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Chart:
    """A chart with its caption: `kind` is `units` (bars by unit) or `trend` (lines by month); values are rates 0–1."""

    title: str
    kind: str
    series: tuple[str, ...]
    points: tuple[tuple[str, tuple[Fraction | None, ...]], ...]


@dataclass(frozen=True)
class Heading:
    """A heading: level 1 is 一、 in 黑体, level 2 （一） in 楷体."""

    text: str
    level: int = 1


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of the body."""

    text: str


@dataclass(frozen=True)
class Note:
    """Small print below a table."""

    text: str


Block = Heading | Paragraph | Note | Table | Chart


@dataclass(frozen=True)
class Annex:
    """A part on a page of its own, under a mark that says whom it is for."""

    mark: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Bulletin:
    """The whole document; `details` are tables that only the workbook has.

    `draft_note` is empty for a closed month's, `stamped_at` is when its numbers were fixed (UTC), `corrections` is how
    many numbers of earlier months it puts right.
    """

    month: Month
    draft_note: str
    office: str
    number: str
    title: tuple[str, ...]
    salutation: str
    blocks: tuple[Block, ...]
    signature: str
    date: str
    annex: Annex | None
    details: tuple[Table, ...]
    stamped_at: datetime
    corrections: int

    def tables(self) -> list[Table]:
        """Every table, in the order of the document, those of the workbook alone last."""
        everything: list[Block] = [*self.blocks, *(self.annex.blocks if self.annex else ())]
        return [block for block in everything if isinstance(block, Table)] + list(self.details)

    def charts(self) -> list[Chart]:
        """Every chart, in the order of the document."""
        return [block for block in self.blocks if isinstance(block, Chart)]


# ------------------------------------------------------------------------------------------------------ making of it


def bulletin(database: Database, actor: Actor, close: Close) -> Bulletin:
    """Return the bulletin of a closed month: what was published, whatever has changed since.

    Everyone signed in may read it; projects are named, in an annex, only for a reader who may see all of them.
    """
    figures, kept = kept_bulletin(database, close)
    facts = Params([close.id])
    return _composed(
        published(database, close),
        figures,
        _signed(database, "select * from month_fact where close_id = $1", facts, close.month),
        month_texts(database, close.month, kept),
        # What files can say of a moment.
        stamped_at=close.closed_at.replace(microsecond=0),
        closed_on=bureau_day(close.closed_at),
        named=_may_name(actor),
    )


def draft_bulletin(
    database: Database, actor: Actor, month: Month, *, rules: RuleSet, basis: Basis = Basis.COUNT
) -> Bulletin:
    """Return what the bulletin of an open month would be if it were closed now, marked as a draft."""
    current = ranking(database, month=month, rules=rules, basis=basis)
    sql, params = counted_query(rules, rules.period(month))
    return _composed(
        current,
        figures_of(database, current)[0],
        _signed(database, sql, params, month),
        month_texts(database, month),
        stamped_at=datetime.combine(current.as_of, time()),
        closed_on=None,
        named=_may_name(actor),
    )


_NUMERALS = "一二三四五六七八九十"
_DRAFT = "草稿：本月尚未封账，数字以封账后印发的通报为准"
_NO_DATE = "　　年　月　日"
_AMOUNT, _PERCENT, _SCORE, _POINTS, _WHOLE = "#,##0.00", "0.0%", "0.00", "+0.##;-0.##;0", "#,##0"
_MOVEMENT = '[Red]"▲"0;[Color10]"▼"0;"—"'
_EDGE = 3  # units named at either end of a group
_MOST_BARS = 24  # units in a chart: more would not fit on a page
_WIDEST = 4  # rates beside the ranking; others go into a table of their own

Signed = dict[int, tuple[int, Decimal, int, Decimal]]


def _may_name(actor: Actor) -> bool:
    return Scope.ALL in scopes(actor, Action.READ)


def _signed(database: Database, source: str, bound: Params, month: Month) -> Signed:
    """Return what each unit signed: projects and their planned investment in the window, and in the month alone."""
    params = Params(bound)
    first = f"cast({params.add(month.first_day)} as date)"
    rows = database.rows(
        f"with facts as (\n{source}\n)\nselect unit_id, count(*), coalesce(sum(planned_investment), 0),"
        f" count(*) filter (where signed_on >= {first}),"
        f" coalesce(sum(planned_investment) filter (where signed_on >= {first}), 0)"
        " from facts where signing_n group by unit_id",
        params,
    )
    return {row[0]: (row[1], Decimal(row[2]), row[3], Decimal(row[4])) for row in rows}


def _composed(
    current: Ranking,
    figures: Figures,
    signed: Signed,
    texts: Mapping[str, BulletinText],
    *,
    stamped_at: datetime,
    closed_on: date | None,
    named: bool,
) -> Bulletin:
    with use_language("zh_CN"):
        values = _values(current, figures, signed, closed_on)
        write = _Writer(texts, values)
        groups = _groups(current)
        sections = [
            _situation(write, figures),
            _ranking_section(write, current, groups, signed),
            _lists_section(write, current, groups),
            _cards_section(write, figures),
            _difficulties_section(write, figures),
            _corrections_section(write, current, figures),
            _section("下一步工作要求", write.paragraphs("next_steps")),
        ]
        blocks = [
            replace(block, text=f"{_numeral(n)}、{block.text}")
            if block is section[0] and isinstance(block, Heading)
            else block
            for n, section in enumerate((s for s in sections if s), 1)
            for block in section
        ]
        opening: list[Block] = [Paragraph(text) for text in write.lines("opening")]
        return Bulletin(
            current.month,
            "" if closed_on else _DRAFT,
            write.line("office"),
            write.line("number"),
            tuple(write.lines("title")),
            write.line("salutation"),
            _numbered([*opening, *blocks]),
            write.line("signature"),
            write.line("date"),
            _named_annex(figures) if named and figures.named else None,
            tuple(_detail_table(name, rows, current) for name, rows in groups.items()),
            stamped_at,
            len(figures.corrections),
        )


# Control characters, halves of surrogate pairs, what Unicode calls no character, and marks that turn text around.
_UNPRINTABLE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\u202a-\u202e\u2066-\u2069]"
)


def printable(text: str) -> str:
    """Drop from a text what no document can hold."""
    return _UNPRINTABLE.sub("", text)


class _Writer:
    """Writes the bureau's texts with the month's values in them."""

    def __init__(self, texts: Mapping[str, BulletinText], values: Mapping[str, str]) -> None:
        self._texts = texts
        self.values = values

    def lines(self, block: str, **more: str) -> list[str]:
        values = {**self.values, **more}
        written = [printable(filled(line, values)).strip(" ") for line in self._texts[block].content.split("\n")]
        return [line for line in written if line]

    def line(self, block: str) -> str:
        return "".join(self.lines(block))

    def paragraphs(self, block: str, **more: str) -> list[Block]:
        return [Paragraph(line) for line in self.lines(block, **more)]


def _section(title: str, blocks: Iterable[Block]) -> list[Block]:
    """Put a heading over blocks; without any there is no section."""
    found = list(blocks)
    return [Heading(title), *found] if found else []


def _numbered(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """Number the captions of tables and charts, in the order of the document."""
    tables = charts = 0
    numbered: list[Block] = []
    for block in blocks:
        if isinstance(block, Table):
            tables += 1
            block = replace(block, title=f"表{tables}　{block.title}")
        elif isinstance(block, Chart):
            charts += 1
            block = replace(block, title=f"图{charts}　{block.title}")
        numbered.append(block)
    return tuple(numbered)


def _numeral(n: int) -> str:
    return _NUMERALS[n - 1]


def _groups(current: Ranking) -> dict[str, list[RankingRow]]:
    """Return the rows of each peer group by its word, in the order of the ranking; empty groups are left out."""
    groups: dict[str, list[RankingRow]] = {}
    for row in current.rows:
        groups.setdefault(printable(str(group_label(row.unit.peer_group))), []).append(row)
    return groups


# --------------------------------------------------------------------------------------------------------- the values


def _values(current: Ranking, figures: Figures, signed: Signed, closed_on: date | None) -> dict[str, str]:
    """Return what stands for each placeholder of the texts."""
    rules, month = current.rules, current.month
    ranked = [signed.get(row.unit.id, (0, Decimal(0), 0, Decimal(0))) for row in current.rows]
    red, black = _listed(current, rules)
    cards = figures.cards
    return {
        "year": str(month.year),
        "month": str(month.month),
        "number": str(month.month),
        "period": _period_words(rules, month),
        "as_of": _day_words(current.as_of),
        "date": _day_words(closed_on) if closed_on else _NO_DATE,
        "rules": rules.name,
        "version": str(rules.version),
        "weights": _weights_words(rules),
        "units": str(len(current.rows)),
        "signings": f"{sum(of[0] for of in ranked):,}",
        "amount": _yi(sum((of[1] for of in ranked), Decimal(0))),
        "month_signings": f"{sum(of[2] for of in ranked):,}",
        "month_amount": _yi(sum((of[3] for of in ranked), Decimal(0))),
        **{slug: percent(current.total[slug].rate, rules.rounding) for slug in THREE_RATES},
        **{f"{slug}_pair": shown_pair(current.total[slug]) for slug in THREE_RATES},
        **{f"{slug}_change": _change_words(current, figures, slug) for slug in THREE_RATES},
        "red": red,
        "black": black,
        "yellow": str(sum(card.stalled_yellow + card.start_yellow for card in cards)),
        "red_cards": str(sum(card.stalled_red + card.start_red for card in cards)),
        "removal": str(sum(card.removal for card in cards)),
        "overdue": str(sum(card.start_yellow + card.start_red for card in cards)),
        "difficulties": str(sum(count.open for count in figures.difficulties)),
        "difficulties_overdue": str(sum(count.overdue for count in figures.difficulties)),
    }


def _period_words(rules: RuleSet, month: Month) -> str:
    """Say which months a rule set's window holds."""
    if rules.window_mode is WindowMode.COHORT:
        return f"{rules.cohort_year}年签约项目截至{month.year}年{month.month}月"
    if rules.window_mode is WindowMode.SINCE:
        first = rules.period(month).w0
        return f"{first.year}年{first.month}月至{month.year}年{month.month}月"
    if rules.window_mode is WindowMode.ROLLING_12:
        first_month = month.plus(-11)
        return f"{first_month.year}年{first_month.month}月至{month.year}年{month.month}月"
    return f"{month.year}年1月" if month.month == 1 else f"{month.year}年1—{month.month}月"


def _day_words(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _weights_words(rules: RuleSet) -> str:
    weights = "、".join(f"{RATES[slug].label}{weight.normalize():f}" for slug, weight in rules.weights if weight > 0)
    return f"{weights}（功效系数法）" if rules.method is Method.EFFICACY else weights


def _yi(amount: Decimal) -> str:
    """Show 元 as 亿元 with two decimals."""
    return f"{_in_yi(amount):,}"


def _in_yi(amount: Decimal) -> Decimal:
    return (amount / YUAN_PER_YI).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _change_words(current: Ranking, figures: Figures, slug: str) -> str:
    """Say how a pooled rate lies against last month's and last year's, under the same rules."""
    trend = dict(figures.trend)
    now, said = current.total[slug].rate, []
    for month, words in ((current.month.plus(-1), "上月"), (current.month.plus(-12), "上年同期")):
        then = trend[month][slug].rate
        if now is None or then is None:
            continue
        moved = points(now - then)
        if moved == "0.0":
            said.append(f"与{words}持平")
        else:
            said.append(f"较{words}{'上升' if now > then else '下降'}{moved}个百分点")
    return "，".join(said) or "没有可比数据"


def _listed(current: Ranking, rules: RuleSet) -> tuple[str, str]:
    """Name the units of the red and the black list, by peer group."""
    red, black = [], []
    for name, rows in _groups(current).items():
        lists = red_and_black(rules, {row.unit.id: row.score for row in rows})
        names = {row.unit.id: printable(row.unit.name) for row in rows}
        red += [f"{name}{_and(names[unit] for unit in lists.red)}"] if lists.red else []
        black += [f"{name}{_and(names[unit] for unit in lists.black)}"] if lists.black else []
    return "；".join(red) or "无", "；".join(black) or "无"


def _and(names: Iterable[str]) -> str:
    return "、".join(names)


# ------------------------------------------------------------------------------------------------------- the sections


def _situation(write: _Writer, figures: Figures) -> list[Block]:
    labels = tuple(str(RATES[slug].label) for slug in THREE_RATES)
    line = tuple(
        (f"{month.year % 100:02d}-{month.month:02d}", tuple(pairs[slug].rate for slug in THREE_RATES))
        for month, pairs in figures.trend
    )
    parts: list[Block] = []
    for n, (title, block) in enumerate((("签约情况", "signings"), ("“三率”情况", "rates")), 1):
        if paragraphs := write.paragraphs(block):
            parts += [Heading(f"（{_numeral(n)}）{title}", 2), *paragraphs]
    return _section("总体情况", [*parts, Chart("近十三个月“三率”走势", "trend", labels, line)])


def _ranking_section(
    write: _Writer, current: Ranking, groups: Mapping[str, Sequence[RankingRow]], signed: Signed
) -> list[Block]:
    blocks = write.paragraphs("ranking")
    labels = tuple(str(RATES[slug].label) for slug in THREE_RATES)
    for name, rows in groups.items():
        blocks += _group_words(write, name, rows, current.rules)
        blocks.append(_ranking_table(name, rows, current, signed))
        others = _other_slugs(current.rules)
        if others:
            blocks.append(_rates_table(f"{name}其他比率", f"{name}其他比率", rows, current, others))
        if len(rows) > 1:
            bars = tuple(
                (printable(row.unit.short_name), tuple(row.pairs[slug].rate for slug in THREE_RATES))
                for row in rows[:_MOST_BARS]
            )
            cut = f"（前{_MOST_BARS}名）" if len(rows) > _MOST_BARS else ""
            blocks.append(Chart(f"{name}“三率”对比{cut}", "units", labels, bars))
    unit = "亿元" if current.basis is Basis.AMOUNT else "个"
    blocks.append(
        Note(
            f"注：比率下方为分子/分母（{unit}），“—”表示没有比率、不参与排名；升降为较上月名次，得分含加减分；"
            "项目数和计划总投资为统计期内新签约项目。"
        )
    )
    return _section("各单位“三率”排名", blocks if groups else [])


def _other_slugs(rules: RuleSet) -> tuple[str, ...]:
    slugs = printed_slugs(rules)
    return () if len(slugs) <= _WIDEST else tuple(slug for slug in slugs if slug not in THREE_RATES)


def _group_words(write: _Writer, name: str, rows: Sequence[RankingRow], rules: RuleSet) -> list[Block]:
    ranked = [row for row in rows if row.rank is not None]
    if not ranked:
        return []
    names = [printable(row.unit.name) for row in ranked]
    if len(ranked) >= 2 * _EDGE:
        return write.paragraphs("group", group=name, first=_and(names[:_EDGE]), last=_and(names[-_EDGE:]))
    scores = _and(f"{printable(row.unit.name)}{shown_score(row.score, rules.rounding)}分" for row in ranked)
    return write.paragraphs("small_group", group=name, scores=scores)


def _ranking_table(name: str, rows: Sequence[RankingRow], current: Ranking, signed: Signed) -> Table:
    others = _other_slugs(current.rules)
    slugs = tuple(slug for slug in printed_slugs(current.rules) if slug not in others)
    each = 49.5 / len(slugs)
    columns = (
        Column("名次", 10),
        Column("单位", 24),
        Column("项目数", 14),
        Column("计划总投资\n（亿元）", 21),
        *(Column(str(RATES[slug].label), each, has_pairs=True) for slug in slugs),
        Column("得分", 13),
        Column("加减分", 13.5),
        Column("升降", 11),
    )
    cells = []
    for row in rows:
        count, amount, _month_count, _month_amount = signed.get(row.unit.id, (0, Decimal(0), 0, Decimal(0)))
        score = shown_score(row.score, current.rules.rounding)
        cells.append(
            (
                Cell(NO_RATE) if row.rank is None else Cell(str(row.rank), row.rank, _WHOLE),
                Cell(printable(row.unit.name)),
                Cell(f"{count:,}", count, _WHOLE),
                Cell(_yi(amount), _in_yi(amount), _AMOUNT),
                *(_rate_cell(row.pairs[slug], current.rules) for slug in slugs),
                Cell(NO_RATE) if row.score is None else Cell(score, Decimal(score), _SCORE),
                Cell(shown_points(row.adjustment), row.adjustment.normalize(), _POINTS),
                _movement_cell(row.movement),
            )
        )
    return Table(f"{name}“三率”排名", f"{name}排名", columns, tuple(cells))


def _rate_cell(pair: Pair, rules: RuleSet) -> Cell:
    shown = percent(pair.rate, rules.rounding)
    if pair.rate is None:
        return Cell(shown, pair=(pair.n, pair.d))
    return Cell(shown, Decimal(shown.rstrip("%")) / 100, _PERCENT, (pair.n, pair.d))


def _movement_cell(movement: int | None) -> Cell:
    """Places gained are red with a triangle upward, places lost green: the convention of the field."""
    if movement is None:
        return Cell(NO_RATE)
    if movement == 0:
        return Cell(NO_RATE, 0, _MOVEMENT)
    return Cell(
        f"{'▲' if movement > 0 else '▼'}{abs(movement)}", movement, _MOVEMENT, tone="up" if movement > 0 else "down"
    )


def _rates_table(title: str, sheet: str, rows: Sequence[RankingRow], current: Ranking, slugs: Sequence[str]) -> Table:
    columns = (Column("单位", 36), *(Column(str(RATES[s].label), 120 / len(slugs), has_pairs=True) for s in slugs))
    cells = tuple(
        (Cell(printable(row.unit.name)), *(_rate_cell(row.pairs[slug], current.rules) for slug in slugs))
        for row in rows
    )
    return Table(title, sheet, columns, cells)


def _detail_table(name: str, rows: Sequence[RankingRow], current: Ranking) -> Table:
    """Return every rate of a group's units, for the workbook."""
    return _rates_table(f"{name}各项比率", f"{name}比率", rows, current, tuple(RATES))


def _lists_section(write: _Writer, current: Ranking, groups: Mapping[str, Sequence[RankingRow]]) -> list[Block]:
    has_lists = groups and (current.rules.red or current.rules.black)
    return _section("红黑榜", write.paragraphs("lists") if has_lists else [])


_CARD_COLUMNS = (
    Column("单位", 36),
    Column("洽谈无进展\n黄牌", 24),
    Column("洽谈无进展\n红牌", 24),
    Column("建议退库", 24),
    Column("到期未开工\n黄牌", 24),
    Column("到期未开工\n红牌", 24),
)


def _cards_section(write: _Writer, figures: Figures) -> list[Block]:
    def cells(name: str, counts: Iterable[int]) -> tuple[Cell, ...]:
        return (Cell(name), *(Cell(str(count) if count else NO_RATE, count, _WHOLE) for count in counts))

    def counts(card: CardCount) -> tuple[int, ...]:
        return (card.stalled_yellow, card.stalled_red, card.removal, card.start_yellow, card.start_red)

    if not figures.cards:
        return []
    total = [sum(column) for column in zip(*map(counts, figures.cards), strict=True)]
    rows = [cells(printable(card.unit), counts(card)) for card in figures.cards]
    table = Table("各单位亮牌情况（个）", "亮牌", _CARD_COLUMNS, (*rows, cells("合计", total)))
    return _section("亮牌和到期未开工情况", [*write.paragraphs("cards"), table])


def _difficulties_section(write: _Writer, figures: Figures) -> list[Block]:
    rows = tuple(
        (
            Cell(printable(count.unit)),
            Cell(str(count.open), count.open, _WHOLE),
            Cell(str(count.overdue) if count.overdue else NO_RATE, count.overdue, _WHOLE),
        )
        for count in figures.difficulties
    )
    if not rows:
        return []
    columns = (Column("责任单位", 60), Column("未办结", 48), Column("其中超期", 48))
    table = Table("各单位未办结困难问题（件）", "困难问题", columns, rows)
    return _section("困难问题办理情况", [*write.paragraphs("difficulties"), table])


_WHAT = {"score": "得分", "rank": "名次", "adjustment": "加减分"}
_CORRECTION_COLUMNS = (
    Column("月份", 20),
    Column("单位", 36),
    Column("指标", 24),
    Column("已通报", 38),
    Column("更正为", 38),
)


def _corrections_section(write: _Writer, current: Ranking, figures: Figures) -> list[Block]:
    rows = tuple(
        (
            Cell(found.month),
            Cell(printable(found.unit)),
            Cell(_WHAT.get(found.what) or str(RATES[found.what].label)),
            Cell(found.published),
            Cell(found.now),
        )
        for found in figures.corrections
    )
    if not rows:
        return []
    table = Table("以往通报数据更正", "更正", _CORRECTION_COLUMNS, rows)
    return _section("以往通报数据的更正", [*write.paragraphs("corrections"), table])


_NAMED_COLUMNS = (
    Column("序号", 12),
    Column("单位", 24),
    Column("项目编号", 28),
    Column("项目名称", 50, align="left"),
    Column("事由", 22),
    Column("自", 20),
)


def _named_annex(figures: Figures) -> Annex:
    """Name the projects with red cards: only for readers who may see every project."""
    rows = tuple(
        (
            Cell(str(n), n, _WHOLE),
            Cell(printable(card.unit)),
            Cell(printable(card.code)),
            Cell(printable(card.name)),
            Cell("建议退库" if card.colour == Colour.REMOVAL else str(label(CardKind(card.kind)))),
            Cell(card.since.isoformat()),
        )
        for n, card in enumerate(figures.named, 1)
    )
    total = sum(card.stalled_red + card.removal + card.start_red for card in figures.cards)
    blocks: list[Block] = [Table("", "红牌项目", _NAMED_COLUMNS, rows)]
    if total > MOST_NAMED:
        blocks.append(Note(f"注：共{total}个，列出前{MOST_NAMED}个。"))
    return Annex("局内附表（督办使用，不随通报印发）", "红牌和建议退库项目名单", tuple(blocks))
