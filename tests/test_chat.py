"""What a chat message proposes for the form of a contact, word by word; and when it proposes nothing."""

from datetime import date
from decimal import Decimal

import pytest

from crm import chat
from crm.chat import Kind, Reading

# (today, message, what is proposed); 2026-03-11 is a Wednesday. What is not named is not proposed.
MESSAGES: list[tuple[str, str, dict[str, object]]] = [
    (
        "2026-03-11",
        "今天下午和王总电话沟通，计划投资1.2亿元建设锂电池负极材料项目，约定下周二来吉首看地块",
        {
            "on": "2026-03-11",
            "method": "phone",
            "people": ["王总"],
            "amount": "120000000",
            "step": "约定下周二来吉首看地块",
            "due": "2026-03-17",
        },
    ),
    (
        "2026-03-11",
        "昨天拜访了湖南甲科技有限公司，见了李建国经理，手机13812345678",
        {
            "on": "2026-03-10",
            "method": "visit",
            "people": ["李建国经理"],
            "phones": ["13812345678"],
            "names": ["湖南甲科技有限公司"],
        },
    ),
    (
        "2026-03-11",
        "上周五张主任陪同客商来我县考察，下一步：月底前寄送政策包",
        {
            "on": "2026-03-06",
            "method": "reception",
            "people": ["张主任"],
            "step": "月底前寄送政策包",
            "due": "2026-03-31",
        },
    ),
    (
        "2026-03-11",
        "11月20日与深圳市乙电子股份有限公司陈总视频会议，意向投资5000万",
        {
            "on": "2025-11-20",
            "method": "video",
            "people": ["陈总"],
            "amount": "50000000",
            "names": ["深圳市乙电子股份有限公司"],
        },
    ),
    (
        "2026-03-11",
        "2026-03-05 微信联系刘女士，对方暂无投资意向",
        {"on": "2026-03-05", "method": "message", "people": ["刘女士"]},
    ),
    (
        "2026-03-11",
        "周三下午接待广州客商一行，3天内反馈用地条件",
        {"on": "2026-03-11", "method": "reception", "step": "3天内反馈用地条件", "due": "2026-03-14"},
    ),
    ("2026-03-11", "１２月５日前提交可研报告", {"step": "１２月５日前提交可研报告", "due": "2026-12-05"}),
    (
        "2026-03-11",
        "２０２６年３月５日拜访王总，投资１．５亿元，电话１３８１２３４５６７８",
        {"on": "2026-03-05", "method": "visit", "people": ["王总"], "phones": ["13812345678"], "amount": "150000000"},
    ),
    ("2026-03-11", "对方说再考虑考虑", {}),
    ("2026-03-11", "收到，谢谢！", {}),
    (
        "2026-03-11",
        "上上周六赴东莞走访，欧阳董事长表示拟投300万美元",
        {"on": "2026-02-28", "method": "visit", "people": ["欧阳董事长"], "amount": "3000000 USD"},
    ),
    (
        "2026-03-11",
        "3月5号王工来电，问电价，明天答复",
        {"on": "2026-03-05", "method": "phone", "people": ["王工"], "step": "明天答复", "due": "2026-03-12"},
    ),
    (
        "2026-03-11",
        "李总 138 1234 5678，座机0743-8222222转801",
        {"people": ["李总"], "phones": ["13812345678", "0743-8222222-801"]},
    ),
    (
        "2026-03-11",
        "联系人陈女士（0755）26001234，+86 139-0000-1111",
        {"people": ["陈女士"], "phones": ["0755-26001234", "13900001111"]},
    ),
    ("2026-03-11", "客服400-800-1234", {"phones": ["400-8001234"]}),
    ("2026-03-11", "加了微信，微信号wx_1234", {}),
    ("2026-03-11", "年产值3亿，税收500万，计划总投资两个亿", {"amount": "200000000"}),
    ("2026-03-11", "年产值3亿，税收500万，注册资本1000万元", {}),
    ("2026-03-11", "占地5万平方米，用工2000人，年产3万吨", {}),
    ("2026-03-11", "3号地块和2号楼都看了，王总比较满意", {"people": ["王总"]}),
    (
        "2026-03-11",
        "昨晚跟中南大学的周教授聊了下，改天再约",
        {"on": "2026-03-10", "people": ["周教授"], "step": "改天再约", "names": ["中南大学"]},
    ),
    (
        "2026-03-11",
        "下周一上午10点向县长来园区调研，请准备材料",
        {"people": ["向县长"], "step": "下周一上午10点向县长来园区调研", "due": "2026-03-16"},
    ),
    ("2026-03-11", "2月30日见面", {}),
    (
        "2026-03-11",
        "今天下午4点前把方案发给赵总",
        {"people": ["赵总"], "step": "今天下午4点前把方案发给赵总", "due": "2026-03-11"},
    ),
    ("2026-03-11", "月底前答复", {"step": "月底前答复", "due": "2026-03-31"}),
    (
        "2026-03-11",
        "12月28日走访了企业，1月6日前提交材料",
        {"on": "2025-12-28", "method": "visit", "step": "1月6日前提交材料", "due": "2026-01-06"},
    ),
    (
        "2026-03-11",
        "湖南云顶智能装备有限公司李总：项目总投资3-5亿元，分两期",
        {"people": ["李总"], "amount": "300000000", "names": ["湖南云顶智能装备有限公司"]},
    ),
    (
        "2026-03-11",
        "刚刚和华为王经理通了电话，说一周内给答复",
        {
            "on": "2026-03-11",
            "method": "phone",
            "people": ["王经理"],
            "step": "说一周内给答复",
            "due": "2026-03-18",
            "names": ["华为"],
        },
    ),
    ("2026-03-11", "总投资1200万，总部在上海，总体情况不错", {"amount": "12000000"}),
    (
        "2026-03-11",
        "北京中科院的李博士和张教授到访",
        {"method": "reception", "people": ["李博士", "张教授"], "names": ["北京中科院"]},
    ),
    ("2026-03-11", "对方总经理助理来电，询问施工的进度，向总经理汇报后再回复", {"method": "phone"}),
    ("2026-03-11", "向总介绍了龙山的情况，龙总、覃总在场", {"people": ["向总", "龙总", "覃总"]}),
    ("2026-03-11", "安全总监提了意见；万科和华润都在看", {}),
    (
        "2026-03-11",
        "今天与欧阳明总经理、司马懿副总在长沙见面",
        {"on": "2026-03-11", "people": ["欧阳明总经理", "司马懿副总"]},
    ),
    ("2026-03-11", "吉首市商务局张局长、招商科王科长陪同", {"method": "reception", "people": ["张局长", "王科长"]}),
    ("2026-03-11", "后天上午请对方来签约，本周内定稿", {"step": "后天上午请对方来签约", "due": "2026-03-13"}),
    ("2026-03-11", "下周内把合同寄过去", {"step": "下周内把合同寄过去", "due": "2026-03-20"}),
    ("2026-03-11", "年底前开工", {"step": "年底前开工", "due": "2026-12-31"}),
    (
        "2026-03-11",
        "2025年12月31日视频连线，2026年1月15日前反馈意见",
        {"on": "2025-12-31", "method": "video", "step": "2026年1月15日前反馈意见", "due": "2026-01-15"},
    ),
    (
        "2026-03-11",
        "昨天（3月10日）去深圳拜访了大族激光的高总，计划投1.5个亿",
        {"on": "2026-03-10", "method": "visit", "people": ["高总"], "amount": "150000000", "names": ["大族激光"]},
    ),
    ("2026-03-11", "合作意向很强，用地需求50亩，总投资约3.2亿元人民币，注册资本5000万元", {"amount": "320000000"}),
    ("2026-03-11", "三千万的设备投入，两条产线", {"amount": "30000000"}),
    (
        "2026-03-11",
        "会上认识了“腾达新材”的胡总 13900001111",
        {"people": ["胡总"], "phones": ["13900001111"], "names": ["腾达新材"]},
    ),
    ("2026-03-11", "2026.3.5到企业走访", {"on": "2026-03-05", "method": "visit"}),
    ("2026-03-11", "信用代码91430104183791051F，账号6222021234567890123", {}),
    ("2026-03-11", "一周后回访", {"step": "一周后回访", "due": "2026-03-18"}),
    ("2026-03-11", "两周内提交可研，半个月内答复", {"step": "两周内提交可研", "due": "2026-03-25"}),
    ("2026-03-11", "礼拜五之前给报价", {"step": "礼拜五之前给报价", "due": "2026-03-13"}),
    ("2026-03-11", "6月30日前完成注册", {"step": "6月30日前完成注册", "due": "2026-06-30"}),
    ("2026-03-11", "下个月5号来考察", {"step": "下个月5号来考察", "due": "2026-04-05"}),
    ("2026-03-11", "15号去了东莞", {"on": "2026-02-15", "method": "visit"}),
    ("2026-03-11", "10号上午来访", {"on": "2026-03-10", "method": "reception"}),
    ("2026-03-11", "上个月28日走访了湘泉集团", {"on": "2026-02-28", "method": "visit", "names": ["湘泉集团"]}),
    ("2026-03-11", "投资额800万美金", {"amount": "8000000 USD"}),
    (
        "2026-03-11",
        "三天前在推介会上与龙总交流，对方五个工作日内回函",
        {
            "on": "2026-03-08",
            "method": "event",
            "people": ["龙总"],
            "step": "对方五个工作日内回函",
            "due": "2026-03-18",
        },
    ),
    (
        "2026-03-11",
        "前天发函，对方下月初派人来看",
        {"on": "2026-03-09", "method": "letter", "step": "对方下月初派人来看", "due": "2026-04-05"},
    ),
    ("2026-03-11", "三月六日、三月九日两次电话沟通，意向不变", {"on": "2026-03-06", "method": "phone"}),
    (
        "2026-03-11",
        "大前天微信发了资料；大后天上门回访",
        {"on": "2026-03-08", "method": "message", "step": "大后天上门回访", "due": "2026-03-14"},
    ),
    ("2026-03-11", "十一月二十日前落实用地", {"step": "十一月二十日前落实用地", "due": "2026-11-20"}),
    (
        "2026-03-11",
        "上周六晚上麻总短信说十天后到",
        {"on": "2026-03-07", "method": "message", "people": ["麻总"], "step": "十天后到", "due": "2026-03-21"},
    ),
    (
        "2026-03-11",
        "2026/03/02 座谈会，参会：吴书记、何副县长、Smith先生",
        {"on": "2026-03-02", "people": ["吴书记", "何副县长"]},
    ),
    ("2026-03-11", "明年1月10日开业，今年12月底试生产", {"step": "明年1月10日开业", "due": "2027-01-10"}),
    (
        "2026-03-11",
        "接下来约见集团总部，争取下周三前拿到答复",
        {"step": "约见集团总部，争取下周三前拿到答复", "due": "2026-03-18"},
    ),
    (
        "2026-01-05",
        "12月28日拜访了王总，约定1月9日再谈",
        {"on": "2025-12-28", "method": "visit", "people": ["王总"], "step": "约定1月9日再谈", "due": "2026-01-09"},
    ),
    ("2026-01-05", "12月5日前报送", {"step": "12月5日前报送", "due": "2026-12-05"}),
    (
        "2026-01-05",
        "去年12月20日来访，今年1月20日前签约",
        {"on": "2025-12-20", "method": "reception", "step": "今年1月20日前签约", "due": "2026-01-20"},
    ),
    (
        "2026-01-05",
        "上周三电话沟通，本月底前定",
        {"on": "2025-12-31", "method": "phone", "step": "本月底前定", "due": "2026-01-31"},
    ),
    ("2026-01-05", "元旦前微信联系过，1月底前回复", {"method": "message", "step": "1月底前回复", "due": "2026-01-31"}),
    ("2026-01-05", "2025-12-30走访", {"on": "2025-12-30", "method": "visit"}),
    (
        "2026-01-05",
        "昨天电话，下月初再谈",
        {"on": "2026-01-04", "method": "phone", "step": "下月初再谈", "due": "2026-02-05"},
    ),
    (
        "2026-12-30",
        "1月6日来州里考察，请安排接待",
        {"method": "reception", "step": "1月6日来州里考察", "due": "2027-01-06"},
    ),
    (
        "2026-12-30",
        "12月29日电话沟通，1月4日前寄送资料",
        {"on": "2026-12-29", "method": "phone", "step": "1月4日前寄送资料", "due": "2027-01-04"},
    ),
    ("2026-12-30", "明年3月1日前开工", {"step": "明年3月1日前开工", "due": "2027-03-01"}),
    ("2026-12-30", "月底前完成，下周二碰头", {"step": "月底前完成", "due": "2026-12-31"}),
    ("2026-12-30", "3天内答复", {"step": "3天内答复", "due": "2027-01-02"}),
    ("2026-12-30", "年底前付款", {"step": "年底前付款", "due": "2026-12-31"}),
    ("2028-02-29", "2月29日座谈，下月29日前签约", {"on": "2028-02-29", "step": "下月29日前签约", "due": "2028-03-29"}),
    ("2028-02-29", "去年2月29日见面", {}),
    ("2028-02-29", "一年前谈过；一个月内答复", {"step": "一个月内答复", "due": "2028-03-29"}),
]


def proposed(reading: Reading) -> dict[str, object]:
    """What a reading proposes, as plain values, and nothing else."""
    amount = reading.amount.value if reading.amount else None
    shown = {
        "on": reading.happened_on and reading.happened_on.value.isoformat(),
        "method": reading.method and str(reading.method.value),
        "people": [str(found.value) for found in reading.people],
        "phones": [found.value for found in reading.phones],
        "amount": amount and f"{amount.value.normalize():f} {amount.currency}".strip(),
        "step": reading.next_step and reading.next_step.value,
        "due": reading.next_due_on and reading.next_due_on.value.isoformat(),
        "names": [found.value for found in reading.enterprises],
    }
    return {name: value for name, value in shown.items() if value}


@pytest.mark.parametrize(("today", "message", "expected"), MESSAGES, ids=[m[:24] for _today, m, _expected in MESSAGES])
def test_a_message_proposes_what_it_says_and_nothing_else(
    today: str, message: str, expected: dict[str, object]
) -> None:
    assert proposed(chat.read(message, today=date.fromisoformat(today))) == expected


@pytest.mark.parametrize(
    ("today", "message"), [(t, m) for t, m, _expected in MESSAGES], ids=[m[1][:24] for m in MESSAGES]
)
def test_the_words_that_are_marked_are_those_of_the_message(today: str, message: str) -> None:
    reading = chat.read(message, today=date.fromisoformat(today))
    end = 0
    for start, stop, _kind in reading.marks():
        assert end <= start < stop <= len(message)
        end = stop
    assert all(message[f.start : f.end] == f.value for f in (*reading.enterprises,))
    assert all(message[f.start : f.end] == str(f.value) for f in reading.people)


def test_each_mark_says_what_its_words_were_read_as() -> None:
    message = "昨天拜访了湖南甲科技有限公司王总，电话13812345678，拟投资２亿元，下周二寄送方案"
    reading = chat.read(message, today=date(2026, 3, 11))
    assert [(message[start:end], kind) for start, end, kind in reading.marks()] == [
        ("昨天", Kind.DATE),
        ("拜访", Kind.METHOD),
        ("湖南甲科技有限公司", Kind.ENTERPRISE),
        ("王总", Kind.PERSON),
        ("13812345678", Kind.PHONE),
        ("２亿元", Kind.AMOUNT),
        ("下周二", Kind.DUE),
        ("寄送方案", Kind.STEP),
    ]


def test_officials_are_told_from_people_of_business() -> None:
    reading = chat.read("张局长、管委会刘主任与王总、李经理座谈", today=date(2026, 3, 11))
    assert [(str(found.value), found.value.is_official) for found in reading.people] == [
        ("张局长", True),
        ("刘主任", True),
        ("王总", False),
        ("李经理", False),
    ]


def test_an_amount_is_exact_and_a_foreign_one_keeps_its_currency() -> None:
    for message, value, currency in (
        ("投资1.2亿元", Decimal("120000000.00"), ""),
        ("投资一点二亿", Decimal("120000000.00"), ""),
        ("投资1,200.5万元", Decimal("12005000.00"), ""),
        ("投资两千三百万", Decimal("23000000.00"), ""),
        ("投资5百万欧元", Decimal("5000000.00"), "EUR"),
    ):
        reading = chat.read(message, today=date(2026, 3, 11))
        assert reading.amount is not None
        assert (reading.amount.value.value, reading.amount.value.currency) == (value, currency)


def test_nothing_is_read_beyond_the_longest_contact_and_no_text_breaks_it() -> None:
    long = "好" * 4000 + "昨天电话13812345678"
    assert proposed(chat.read(long, today=date(2026, 3, 11))) == {}
    for odd in (
        "",
        "\x00",
        "99月99日",
        "0月0日",
        "9999年12月31日",
        "999天后",
        "总" * 300,
        "月" * 4000,
        "(" * 4000,
        "1" * 4000,
    ):
        for today in (date(1, 1, 1), date(2026, 3, 11), date(9999, 12, 31)):
            chat.read(odd + "昨天上上周五3个月前", today=today)
