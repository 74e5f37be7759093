"""The registry of kinds and their columns: the one place for every heading, synonym, choice, unit and example.

Import, export and templates all read it. Headings and choices are Chinese in every language: they are a contract with
the ledgers. Money in a sheet is 万元 unless the heading says otherwise; the `field` of a column is the name under which
judges and exports know it, most often the column of the table.
"""

import dataclasses
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from crm.errors import Refused
from crm.locale import Message, _
from crm.model import (
    AgreementKind,
    CommitmentKind,
    FeasibilityStudy,
    Grade,
    Method,
    MilestoneKind,
    Party,
    SegmentRole,
)


class Type(StrEnum):
    """How a cell is read and written."""

    TEXT = "text"
    NAME = "name"
    CREDIT_CODE = "credit_code"
    PERSONAL = "personal"
    DATE = "date"
    MONEY = "money"
    NUMBER = "number"
    YEAR = "year"
    MONTH = "month"
    UNIT = "unit"
    INDUSTRY = "industry"
    INDUSTRIES = "industries"
    LIST = "list"
    CHOICE = "choice"
    CHOICES = "choices"
    YES_NO = "yes_no"


# Stored value -> words in a sheet, the first of them written; the stored value itself is read too.
Choices = Mapping[str, tuple[str, ...]]

YES_NO: Choices = {"yes": ("是", "√", "y", "true", "1", "关键"), "no": ("否", "×", "n", "false", "0")}

_ROLES: Choices = {
    SegmentRole.EXTEND: ("延链",),
    SegmentRole.FILL: ("补链",),
    SegmentRole.STRENGTHEN: ("强链",),
}
_GRADES: Choices = {Grade.A: ("A", "A级", "A类"), Grade.B: ("B", "B级", "B类"), Grade.C: ("C", "C级", "C类")}
_METHODS: Choices = {
    Method.VISIT: ("拜访", "走访", "上门拜访", "上门走访", "外出拜访", "考察"),
    Method.RECEPTION: ("接待", "来访接待", "来访"),
    Method.PHONE: ("电话", "电话联系", "电话沟通", "通话"),
    Method.VIDEO: ("视频", "视频会议", "线上会议"),
    Method.EVENT: ("活动", "推介会", "招商活动"),
    Method.MESSAGE: ("信息", "微信", "短信", "消息", "邮件"),
    Method.LETTER: ("函件", "信函", "发函", "公函"),
}
_AGREEMENTS: Choices = {
    AgreementKind.CONTRACT: ("正式合同", "合同", "正式协议", "投资合同"),
    AgreementKind.FRAMEWORK: ("框架协议", "框架", "战略合作框架协议"),
    AgreementKind.INTENT: ("意向书", "意向协议", "意向", "投资意向书"),
}
_FEASIBILITY: Choices = {
    FeasibilityStudy.NONE: ("无", "未编制", "没有"),
    FeasibilityStudy.DRAFT: ("编制中", "正在编制"),
    FeasibilityStudy.DONE: ("已完成", "完成", "已编制"),
}
_MILESTONES: Choices = {
    MilestoneKind.REGISTRATION: ("注册", "公司注册", "企业注册", "工商注册", "项目公司注册"),
    MilestoneKind.FILING: ("备案", "立项备案", "项目备案", "立项"),
    MilestoneKind.LAND: ("用地", "供地", "土地", "拿地"),
    MilestoneKind.EIA: ("环评", "环境影响评价", "环评批复"),
    MilestoneKind.PLANNING_PERMIT: ("规划许可", "工程规划许可", "规划许可证"),
    MilestoneKind.CONSTRUCTION_PERMIT: ("施工许可", "施工许可证"),
    MilestoneKind.FIRST_FUNDS: ("首笔资金", "首笔资金到位", "资金到位", "首笔到资"),
    MilestoneKind.START: ("开工", "开工建设", "动工"),
    MilestoneKind.TOPPING_OUT: ("封顶", "主体封顶"),
    MilestoneKind.COMPLETION: ("竣工", "竣工验收", "完工"),
    MilestoneKind.PRODUCTION: ("投产", "投产运营", "运营"),
    MilestoneKind.ABOVE_SCALE: ("入规", "上规", "入规入统", "升规"),
}
_PARTIES: Choices = {Party.GOVERNMENT: ("政府", "政府方", "甲方"), Party.INVESTOR: ("企业", "企业方", "投资方", "乙方")}
_COMMITMENTS: Choices = {
    CommitmentKind.TAX: ("税收", "税收优惠", "财税"),
    CommitmentKind.AWARD: ("奖补", "奖励", "补助", "奖励补助"),
    CommitmentKind.LAND: ("用地", "土地", "供地"),
    CommitmentKind.FEE: ("规费", "费用", "规费减免"),
    CommitmentKind.UTILITIES: ("要素保障", "水电气", "水电路气", "配套"),
    CommitmentKind.JOBS: ("就业", "用工", "稳岗就业"),
    CommitmentKind.OUTPUT: ("产出", "产值", "产值税收"),
    CommitmentKind.INVESTMENT: ("投资", "投资强度", "投资额"),
    CommitmentKind.OTHER: ("其他", "其它"),
}


class Measure(StrEnum):
    """What a unit's yearly target may be about."""

    SIGNING = "signing"
    PERFORMANCE = "performance"
    STARTUP = "startup"
    REGISTRATION = "registration"
    COMPLETION = "completion"
    PRODUCTION = "production"
    FUNDS_RATE = "funds"
    SIGNED_AMOUNT = "signed_amount"
    SIGNINGS = "signings"
    STARTS = "starts"
    FUNDS_ARRIVED = "funds_arrived"
    FOLLOW_UPS = "follow_ups"
    NEW_LEADS = "new_leads"


_MEASURES: Choices = {
    Measure.SIGNING: ("签约率", "项目签约率"),
    Measure.PERFORMANCE: ("履约率", "项目履约率"),
    Measure.STARTUP: ("开工率", "项目开工率"),
    Measure.REGISTRATION: ("注册率",),
    Measure.COMPLETION: ("竣工率",),
    Measure.PRODUCTION: ("投产率",),
    Measure.FUNDS_RATE: ("资金到位率", "到位率"),
    Measure.SIGNED_AMOUNT: ("签约额", "签约金额", "新签约额"),
    Measure.SIGNINGS: ("新签约项目数", "签约项目数", "签约个数", "签约数"),
    Measure.STARTS: ("开工数", "新开工项目数", "开工项目数"),
    Measure.FUNDS_ARRIVED: ("到位资金", "资金到位额", "到位资金额"),
    Measure.FOLLOW_UPS: ("对接次数", "对接数"),
    Measure.NEW_LEADS: ("新增线索数", "新线索数"),
}
# A target of these is an amount: 万元 in a sheet, 元 in the database. The others are percent or a number of things.
MONEY_MEASURES = frozenset({Measure.SIGNED_AMOUNT, Measure.FUNDS_ARRIVED})
RATE_MEASURES = frozenset(
    {
        Measure.SIGNING,
        Measure.PERFORMANCE,
        Measure.STARTUP,
        Measure.REGISTRATION,
        Measure.COMPLETION,
        Measure.PRODUCTION,
        Measure.FUNDS_RATE,
    }
)


@dataclass(frozen=True)
class Column:
    """One column of a kind; `key` columns identify the row, `actual` dates cannot lie in the future."""

    heading: str
    field: str
    type: Type = Type.TEXT
    required: bool = False
    key: bool = False
    synonyms: tuple[str, ...] = ()
    choices: Choices = dataclasses.field(default_factory=dict)
    unit: str = ""
    longest: int = 500
    actual: bool = False
    example: str = ""
    note: Message | None = None

    @property
    def title(self) -> str:
        """The heading as it is written, with its unit."""
        return f"{self.heading}({self.unit})" if self.unit else self.heading

    @property
    def words(self) -> list[str]:
        """The words of a drop-down, empty where any text goes."""
        return [words[0] for words in (YES_NO if self.type is Type.YES_NO else self.choices).values()]


@dataclass(frozen=True)
class Kind:
    """One kind of sheet: what a row is, and where it is kept."""

    slug: str
    title: str
    table: str
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column:
        """Return the column of a field."""
        return next(column for column in self.columns if column.field == name)


_NAME = 200
_LONG = 10_000

_ENTERPRISE = Column(
    "企业名称",
    "enterprise",
    Type.NAME,
    required=True,
    key=True,
    synonyms=("公司名称", "单位名称", "企业全称"),
    longest=_NAME,
    example="湖南示例新材料有限公司",
)
_PROJECT = Column(
    "项目编号", "project", required=True, key=True, synonyms=("项目代码", "项目编码"), longest=64, example="SL2025-001"
)
_UNIT = Column(
    "责任单位",
    "unit_id",
    Type.UNIT,
    synonyms=("责任部门", "牵头单位"),
    example="吉首市",
    note=_("The unit's name, short name or code."),
)
_INDUSTRY = Column(
    "重点产业",
    "industry_id",
    Type.INDUSTRY,
    synonyms=("所属产业", "产业链", "所属产业链", "重点产业链"),
    example="电子信息",
    note=_("The industry's name or code."),
)
_SEGMENT = Column(
    "产业链环节",
    "segment",
    synonyms=("环节", "产业环节"),
    longest=_NAME,
    note=_("The name of a segment within the industry; another text is not linked."),
)
_NOTE = Column("备注", "note", longest=_LONG)
_PHONE = Column(
    "联系电话",
    "phone",
    Type.PERSONAL,
    synonyms=("电话", "手机", "手机号", "手机号码", "联系方式"),
    longest=100,
    example="0743-8222222",
)
_RESPONSIBLE = Column("责任人", "responsible_person", synonyms=("项目责任人", "经办人"), example="李责任")


def _money(
    heading: str, name: str, *, example: str = "", synonyms: tuple[str, ...] = (), required: bool = False
) -> Column:
    return Column(
        heading,
        name,
        Type.MONEY,
        required=required,
        synonyms=synonyms,
        unit="万元",
        example=example,
        note=_("A number in the unit of the heading, or a text such as 1.2亿元 or 80(万美元)."),
    )


def _actual(
    heading: str,
    name: str,
    *,
    example: str = "",
    required: bool = False,
    key: bool = False,
    synonyms: tuple[str, ...] = (),
) -> Column:
    return Column(
        heading,
        name,
        Type.DATE,
        required=required,
        key=key,
        synonyms=synonyms,
        actual=True,
        example=example,
        note=_("A date such as 2026-03-05; not later than today."),
    )


def _planned(heading: str, name: str, *, example: str = "", synonyms: tuple[str, ...] = ()) -> Column:
    return Column(heading, name, Type.DATE, synonyms=synonyms, example=example, note=_("A date such as 2026-03-05."))


def _of(column: Column, **changes: object) -> Column:
    """Return a shared column as another kind has it."""
    return replace(column, **changes)  # type: ignore[arg-type]  # the names of the dataclass itself


def _choice(
    heading: str,
    name: str,
    choices: Choices,
    *,
    required: bool = False,
    key: bool = False,
    example: str = "",
    synonyms: tuple[str, ...] = (),
) -> Column:
    return Column(
        heading, name, Type.CHOICE, required=required, key=key, choices=choices, example=example, synonyms=synonyms
    )


# A table, laid out by hand.
# fmt: off
_KINDS = (
    Kind(
        "enterprises",
        "意向企业",
        "enterprise",
        (
            _of(_ENTERPRISE, field="name"),
            Column("统一社会信用代码", "credit_code", Type.CREDIT_CODE, key=True,
                   synonyms=("社会信用代码", "信用代码", "统一信用代码", "统一社会信用码"), longest=100,
                   example="91433101MA4ABCDE1G",
                   note=_("18 characters; it identifies the enterprise before its name does.")),
            Column("企业类型", "kind", synonyms=("企业性质", "公司类型"), example="有限责任公司"),
            _money("注册资本", "registered_capital", synonyms=("注册资金",), example="5000"),
            _actual("成立日期", "founded_on", synonyms=("注册日期", "成立时间", "注册时间"), example="2015-06-18"),
            Column("所在省份", "origin_province", synonyms=("省份", "所属省份"), longest=100, example="湖南"),
            Column("所在城市", "origin_city", synonyms=("地区", "城市", "所属城市"), longest=100, example="长沙"),
            Column("注册地址", "address", synonyms=("地址", "企业地址", "住所"), longest=1000,
                   example="长沙市岳麓区示例路1号"),
            Column("主营业务", "main_business", synonyms=("经营范围", "主营产品"), longest=_LONG,
                   example="电子元件制造"),
            Column("企业资质", "recognition", synonyms=("资质", "企业荣誉"), example="专精特新"),
            Column("重点产业", "industries", Type.INDUSTRIES, synonyms=_INDUSTRY.synonyms, example="电子信息",
                   note=_("Industries by name or code; several are joined by 、.")),
            Column("产业链环节", "segments", Type.LIST, synonyms=_SEGMENT.synonyms,
                   note=_("Segments of the industries named, by name; several are joined by 、.")),
            Column("补链类型", "roles", Type.CHOICES, choices=_ROLES, synonyms=("延补强类型",), example="补链"),
            Column("投资方向", "investment_direction", synonyms=("投资意向",), longest=2000, example="新建生产基地"),
            _money("意向投资额", "intended_amount", synonyms=("拟投资额", "意向投资"), example="20000"),
            _choice("意向等级", "grade", _GRADES, synonyms=("意向级别",), example="A"),
            Column("线索来源", "source", synonyms=("信息来源", "来源渠道"), example="以商招商"),
            _of(_UNIT, field="owner_unit_id"),
            Column("责任人", "owner_person", synonyms=("经办人",), example="李责任"),
            Column("联系人", "contact_name", synonyms=("企业联系人",), longest=100, example="王联系"),
            Column("职务", "contact_title", synonyms=("联系人职务",), longest=100, example="总经理"),
            _of(_PHONE, field="contact_phone"),
            _NOTE,
        ),
    ),
    Kind(
        "contacts",
        "联系人",
        "contact_person",
        (
            _ENTERPRISE,
            Column("姓名", "name", required=True, key=True, synonyms=("联系人", "联系人姓名"), longest=100,
                   example="王联系"),
            Column("职务", "title", synonyms=("职位",), longest=100, example="总经理"),
            _PHONE,
            Column("微信", "wechat", Type.PERSONAL, synonyms=("微信号",), longest=100, example="wx_shili"),
            Column("邮箱", "email", Type.PERSONAL, synonyms=("电子邮箱", "邮件", "Email"), longest=200,
                   example="wang@example.com"),
            Column("关键人", "is_key", Type.YES_NO, synonyms=("是否关键人",), example="是"),
            _NOTE,
        ),
    ),
    Kind(
        "followups",
        "对接记录",
        "follow_up",
        (
            _ENTERPRISE,
            _of(_PROJECT, required=False, key=False, example=""),
            _actual("对接日期", "happened_on", required=True, key=True, synonyms=("对接时间", "跟进日期"),
                    example="2025-03-12"),
            _choice("对接方式", "method", _METHODS, required=True, synonyms=("跟进方式", "联系形式"), example="拜访"),
            Column("我方人员", "our_people", synonyms=("我方参与人员",), longest=1000, example="李责任"),
            Column("对方人员", "their_people", synonyms=("企业人员", "对方参与人员"), longest=1000, example="王联系"),
            Column("对接内容", "content", required=True, key=True, synonyms=("跟进内容", "洽谈内容"), longest=_LONG,
                   example="介绍产业园条件，企业有意实地考察"),
            Column("下一步", "next_step", synonyms=("下一步工作", "下一步计划"), longest=2000, example="邀请来州考察"),
            _planned("下次对接日期", "next_due_on", synonyms=("下次对接时间",), example="2025-04-10"),
            Column("记录人", "author", synonyms=("填报人",), longest=100, example="李责任"),
            _UNIT,
        ),
    ),
    Kind(
        "opportunities",
        "招商项目库",
        "opportunity",
        (
            Column("项目名称", "name", Type.NAME, required=True, key=True, longest=_NAME,
                   example="电子元件产业园招商项目"),
            _of(_INDUSTRY, required=True),
            _SEGMENT,
            _of(_UNIT, required=True),
            Column("建设地点", "place", synonyms=("建设地址",), example="湘西高新区"),
            _money("估算投资", "estimated_amount", synonyms=("估算总投资", "投资估算"), example="30000"),
            Column("用地", "land_mu", Type.NUMBER, synonyms=("用地面积",), unit="亩", example="120"),
            Column("合作方式", "cooperation_mode", synonyms=("合作模式",), example="独资或合资"),
            _choice("可研情况", "feasibility_study", _FEASIBILITY, synonyms=("可研",), example="编制中"),
            Column("建设条件", "conditions", longest=_LONG, example="水电路气已通"),
            Column("联系人", "contact_name", longest=100, example="李责任"),
            _of(_PHONE, field="contact_phone"),
        ),
    ),
    Kind(
        "projects",
        "项目",
        "project",
        (
            _of(_PROJECT, field="code", required=False,
                note=_("A code not yet known makes the project under it; left blank, the system finds the project by"
                       " name and investor or makes a code.")),
            Column("项目名称", "name", Type.NAME, required=True, longest=_NAME, example="示例电子元件生产项目"),
            Column("投资企业", "investor", Type.NAME, required=True, synonyms=("投资方", "投资主体", "投资单位"),
                   longest=_NAME, example="湖南示例新材料有限公司"),
            _of(_UNIT, required=True),
            _INDUSTRY,
            _SEGMENT,
            Column("建设地点", "place", synonyms=("建设地址",), example="吉首市"),
            _money("计划总投资", "planned_investment", synonyms=("总投资", "计划投资", "投资总额"), example="20000"),
            _money("合同引资额", "contracted_amount", synonyms=("合同金额", "合同投资额"), example="15000"),
            _actual("线索日期", "entered_on", synonyms=("线索时间",), example="2025-01-08"),
            _actual("洽谈日期", "negotiating_on", synonyms=("洽谈时间",), example="2025-02-10"),
            _actual("签约日期", "signed_on", synonyms=("签约时间",), example="2025-03-20"),
            _choice("协议类型", "agreement_kind", _AGREEMENTS, synonyms=("合同类型",), example="正式合同"),
            Column("协议编号", "agreement_number", synonyms=("合同编号",), longest=100, example="SL-XY-2025-001"),
            _actual("注册日期", "registered_on", synonyms=("注册时间", "项目公司注册日期")),
            _planned("计划开工日期", "planned_start_on", synonyms=("计划开工时间", "拟开工日期"), example="2025-09-30"),
            _actual("开工日期", "started_on", synonyms=("开工时间",)),
            _actual("竣工日期", "completed_on", synonyms=("竣工时间",)),
            _actual("投产日期", "production_on", synonyms=("投产时间",)),
            _actual("终止日期", "withdrawn_on", synonyms=("终止时间",)),
            Column("终止原因", "withdrawn_reason", longest=2000),
            Column("联系领导", "liaison_leader", synonyms=("联系州领导", "联点领导"), longest=100),
            _RESPONSIBLE,
            _NOTE,
        ),
    ),
    Kind(
        "agreements",
        "协议",
        "agreement",
        (
            _of(_PROJECT, key=False),
            Column("协议编号", "number", required=True, key=True, synonyms=("合同编号",), longest=100,
                   example="SL-XY-2025-001"),
            _choice("协议类型", "kind", _AGREEMENTS, required=True, synonyms=("合同类型",), example="正式合同"),
            _actual("签约日期", "signed_on", required=True, synonyms=("签约时间",), example="2025-03-20"),
            _money("合同引资额", "amount", synonyms=("合同金额", "合同投资额"), example="15000"),
            Column("签约活动", "event", example="春季集中签约"),
            Column("期限", "term", example="3年"),
            _NOTE,
        ),
    ),
    Kind(
        "transfers",
        "责任单位变更",
        "project_unit",
        (
            _PROJECT,
            _actual("起始日期", "valid_from", required=True, key=True, synonyms=("起始时间", "变更日期"),
                    example="2025-01-08"),
            _of(_UNIT, required=True),
        ),
    ),
    Kind(
        "funds",
        "到位资金",
        "fund_arrival",
        (
            _of(_PROJECT, key=False),
            _actual("到位日期", "arrived_on", required=True, synonyms=("到位时间", "到账日期"), example="2025-05-16"),
            _money("到位金额", "amount", required=True, synonyms=("到位资金", "到账金额"), example="3000"),
            Column("资金类型", "kind", synonyms=("资金类别",), longest=100, example="固定资产投资"),
            Column("凭证号", "voucher", synonyms=("凭证编号",), longest=100, example="SL-PZ-001"),
            _NOTE,
        ),
    ),
    Kind(
        "milestones",
        "项目节点",
        "milestone",
        (
            _PROJECT,
            _choice("节点", "kind", _MILESTONES, required=True, key=True, synonyms=("节点名称",), example="备案"),
            _planned("计划日期", "planned_on", synonyms=("计划时间",), example="2025-04-30"),
            _actual("实际日期", "actual_on", synonyms=("实际时间",), example="2025-04-28"),
            _of(_UNIT, note=_("The unit responsible for this step.")),
            Column("佐证说明", "evidence", synonyms=("佐证",), longest=2000, example="备案证明"),
        ),
    ),
    Kind(
        "commitments",
        "承诺兑现",
        "commitment",
        (
            _PROJECT,
            _choice("承诺方", "party", _PARTIES, required=True, example="政府"),
            Column("条款", "clause", required=True, key=True, synonyms=("承诺内容", "承诺条款"), longest=2000,
                   example="签约后三个月内完成供地"),
            _choice("类型", "kind", _COMMITMENTS, synonyms=("承诺类型",), example="用地"),
            Column("法律依据", "legal_basis", synonyms=("政策依据",), longest=2000),
            Column("兑现条件", "condition", longest=2000, example="企业按期缴纳土地出让金"),
            _money("金额", "amount", example=""),
            _planned("到期日期", "due_on", synonyms=("到期时间", "兑现期限"), example="2025-06-20"),
            _of(_UNIT, note=_("The unit that has to see to it.")),
            Column("公平竞争审查结果", "review_result", synonyms=("公平竞争审查",), example="通过"),
            Column("审查文号", "review_number", longest=100),
            _actual("兑现日期", "fulfilled_on", synonyms=("兑现时间",), example="2025-06-18"),
            _NOTE,
        ),
    ),
    Kind(
        "targets",
        "目标任务",
        "target",
        (
            Column("年度", "year", Type.YEAR, required=True, key=True, synonyms=("年份",), example="2025"),
            _of(_UNIT, required=True, key=True),
            _choice("指标", "measure", _MEASURES, required=True, key=True, synonyms=("指标名称",), example="开工率"),
            Column("目标值", "value", required=True, synonyms=("目标",), longest=100, example="80",
                   note=_("Rates in percent (80 means 80 %), amounts in 万元, everything else as a number.")),
        ),
    ),
    Kind(
        "adjustments",
        "加减分",
        "adjustment",
        (
            Column("月份", "month", Type.MONTH, required=True, key=True, example="2025-03",
                   note=_("The month as YYYY-MM, for example 2026-05.")),
            _of(_UNIT, required=True, key=True),
            Column("分值", "points", Type.NUMBER, required=True, synonyms=("加减分",), example="-0.5"),
            Column("原因", "reason", required=True, key=True, synonyms=("加减分原因",), longest=2000,
                   example="报送材料逾期"),
            Column("佐证说明", "evidence", synonyms=("佐证", "依据"), longest=2000, example="调度台账"),
        ),
    ),
)
# fmt: on

KINDS: dict[str, Kind] = {kind.slug: kind for kind in _KINDS}


def kind_of(slug: str) -> Kind:
    """Return a kind by its name on the command line; raises Refused for an unknown one."""
    if slug not in KINDS:
        raise Refused(_("There is no kind “{kind}”. The kinds are: {kinds}.", kind=slug, kinds=", ".join(KINDS)))
    return KINDS[slug]


def report_heading(kind: Kind) -> str:
    """Return the heading of the column that says what became of a row; a sheet may come back with it."""
    return "退回原因" if any(column.heading == "原因" for column in kind.columns) else "原因"


_BRACKETED = re.compile(r"[(\[【〔]([^()\[\]【】〔〕]*)[)\]】〕]")
_GAPS = re.compile(r"[\s*\u200b\ufeff]+")
_PARTS = re.compile(r"[,;、/|+]+")
_SPACES = re.compile(r"[\s*:\u200b\ufeff]+")


def heading_text(text: str) -> str:
    """Return a heading without spaces, line breaks, full width and stars."""
    return _SPACES.sub("", unicodedata.normalize("NFKC", text)).lower()


def heading_key(text: str) -> str:
    """Return what a heading is matched by: its text without anything in brackets."""
    plain = heading_text(text)
    return _BRACKETED.sub("", plain) or plain


def heading_notes(text: str) -> list[str]:
    """Return what a heading has in its brackets, part by part: units and remarks."""
    found = _BRACKETED.findall(_GAPS.sub("", unicodedata.normalize("NFKC", text)))
    return [part for note in found for part in _PARTS.split(note) if part]


def headings_of(kind: Kind) -> dict[str, Column]:
    """Return the columns of a kind by every heading that they are known under."""
    return {heading_key(heading): column for column in kind.columns for heading in (column.heading, *column.synonyms)}
