"""The prose of an invented report: six chapters whose numbers agree with its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from tests.portals.figures import number_of

HEADINGS = (
    "一、总体情况",
    "二、主动公开政府信息情况",
    "三、收到和处理政府信息公开申请情况",
    "四、政府信息公开行政复议、行政诉讼情况",
    "五、存在的主要问题及改进情况",
    "六、其他需要报告的事项",
)
HEADINGS_2019 = (
    *HEADINGS[:3],
    "四、因政府信息公开工作被申请行政复议、提起行政诉讼情况",
    "五、政府信息公开工作存在的主要问题及改进情况",
    HEADINGS[5],
)


@dataclass(frozen=True, slots=True)
class Prose:
    """What stands before the first chapter, the paragraphs of each chapter, and the signature."""

    preamble: str
    headings: tuple[str, ...]
    chapters: tuple[tuple[str, ...], ...]
    signature: tuple[str, ...]


TRADES = {
    "government": ("重点项目", "营商环境", "民生实事"),
    "office": ("政策文件", "会议公开", "督查通报"),
    "education": ("义务教育招生", "学校收费", "教师招聘"),
    "finance": ("预算决算", "政府采购", "惠民补贴"),
    "land": ("征地补偿", "国土空间规划", "不动产登记"),
    "market": ("食品抽检", "行政处罚", "企业信用"),
    "statistics": ("统计公报", "普查数据", "统计执法"),
    "health": ("疾病防控", "医疗收费", "卫生监督"),
    "farming": ("高标准农田", "农机补贴", "动物防疫"),
    "enforcement": ("市容管理", "渣土运输", "执法公示"),
    "civil": ("社会救助", "养老服务", "婚姻登记"),
    "housing": ("住房保障", "物业管理", "建筑市场"),
    "township": ("惠农补贴", "村务监督", "社会救助"),
}


def written(
    issuer: str,
    year: int,
    trade: str,
    cells: Mapping[str, str],
    *,
    signed_on: str,
    contact: str,
    form: str,
) -> Prose:
    """The chapters of `issuer`'s report for `year`; `contact` is its address and telephone."""
    random = Random(f"{issuer}{year}")
    first, second, third = TRADES[trade]
    count = {key: number_of(printed) for key, printed in cells.items()}
    received = count["requests.received_new.total"]
    carried_in = count["requests.carried_in.total"]
    concluded = count["requests.concluded_total.total"]
    carried_out = count["requests.carried_out.total"]
    preamble = (
        random.choice(
            (
                f"根据《中华人民共和国政府信息公开条例》（以下简称《条例》）的规定，现公布{issuer}{year}年"
                "政府信息公开工作年度报告。本报告由总体情况，主动公开政府信息情况，收到和处理政府信息公开"
                "申请情况，政府信息公开行政复议、行政诉讼情况，存在的主要问题及改进情况，其他需要报告的事项"
                f"六个部分组成，所列数据的统计期限为{year}年1月1日至{year}年12月31日。",
                f"本报告依照《中华人民共和国政府信息公开条例》第五十条和国务院办公厅统一格式编制，由{issuer}"
                "向社会公布。全文共六个部分：一是总体情况；二是主动公开政府信息情况；三是收到和处理政府信息"
                "公开申请情况；四是行政复议、行政诉讼情况；五是存在的主要问题及改进情况；六是其他需要报告的"
                f"事项。统计数据起于{year}年1月1日，止于{year}年12月31日。",
            )
        )
        + f"如对本报告有疑问，请与我们联系（{contact}）。"
    )
    return Prose(
        preamble=preamble,
        headings=HEADINGS if form == "2021" else HEADINGS_2019,
        chapters=(
            _overview(
                random, issuer, year, (first, second, third), received, carried_in, concluded
            ),
            (),
            _requests(received, carried_in, concluded, carried_out),
            _disputes(count),
            _problems(random, first, second),
            _last(random, year),
        ),
        signature=(issuer, signed_on),
    )


def _overview(
    random: Random,
    issuer: str,
    year: int,
    trades: tuple[str, str, str],
    received: int,
    carried_in: int,
    concluded: int,
) -> tuple[str, ...]:
    first, second, third = trades
    published = random.randint(120, 2600)
    meeting = random.choice(("专题会", "推进会", "调度会"))
    requests = (
        f"全年收到政府信息公开申请{received}件，上年结转{carried_in}件，办结{concluded}件。"
        "每件申请从登记、补正到答复均留痕可查，答复前由法制审核人员把关。"
        if received
        else "本年度未收到政府信息公开申请。申请受理窗口、网上平台和信函渠道保持畅通。"
    )
    return (
        f"{year}年，{issuer}围绕群众和企业的关切推进政务公开，把{first}、{second}、{third}"
        "等领域作为公开重点，制度更加健全，渠道更加畅通，公开的质量有所提高。",
        f"（一）主动公开。通过门户网站、政务新媒体和公开栏发布各类信息{published}条，其中{first}类"
        f"{published // 4}条，{second}类{published // 6}条。政策文件与解读材料同步起草、同步发布，"
        + random.choice(
            (
                "解读形式从文字扩展到问答、图表和短视频。",
                "涉及面广的文件请起草人当面讲解，听得懂、用得上。",
                "对咨询较多的条款另编办事问答，逐条说明依据。",
            )
        ),
        f"（二）依申请公开。{requests}",
        "（三）政府信息管理。坚持先审查、后公开，落实信息发布三审三校；"
        + random.choice(
            (
                "对已公开的文件逐件标注效力状态，失效、废止的及时说明。",
                "全年清理过期信息并对个人信息作去标识化处理。",
                "建立公文属性源头认定台账，不公开的须写明理由。",
            )
        ),
        "（四）政府信息公开平台建设。"
        + random.choice(
            (
                "调整政府信息公开专栏的目录层级，常用栏目两次点击可达。",
                "线下在政务服务大厅设公开查阅点，配专人协助老年人查询。",
                "完善站内检索，按主题、体裁和年份查找文件。",
            )
        ),
        f"（五）监督保障。召开{meeting}{random.randint(1, 4)}次，组织培训{random.randint(1, 5)}次，"
        "将政务公开纳入年度考核；本年度社会评议结果良好，未发生需要追究责任的情形。",
    )


def _requests(received: int, carried_in: int, concluded: int, carried_out: int) -> tuple[str, ...]:
    if not received and not carried_in:
        return ("本年度未收到政府信息公开申请，无结转事项，具体情况见下表。",)
    return (
        f"本年新收政府信息公开申请{received}件，上年结转{carried_in}件；本年度办结{concluded}件，"
        f"结转下年度继续办理{carried_out}件。具体情况见下表。",
    )


def _disputes(count: Mapping[str, int]) -> tuple[str, ...]:
    review = count["disputes.review.total"]
    suits = (
        count["disputes.litigation_direct.total"] + count["disputes.litigation_after_review.total"]
    )
    if not review and not suits:
        return ("本年度未发生因政府信息公开引起的行政复议和行政诉讼。",)
    return (f"本年度因政府信息公开被申请行政复议{review}件，被提起行政诉讼{suits}件。",)


def _problems(random: Random, first: str, second: str) -> tuple[str, ...]:
    problem = random.choice(
        (
            f"一是{first}领域的信息更新不够及时，个别栏目间隔较长；二是基层经办人员更换频繁，"
            "对答复规范掌握不牢。",
            f"一是{second}方面的解读偏重条文转述，实例较少；二是线上线下公开内容衔接不够紧密。",
            "一是主动公开的深度与群众期待还有差距；二是依申请公开答复文书说理不够充分。",
        )
    )
    remedy = random.choice(
        (
            "下一步，一是按月检查栏目更新，缺漏的限期补齐；二是编印答复文书样例，以案例开展培训。",
            "下一步，一是请服务对象参与解读选题，多用实例和图表；二是统一线上线下目录，一处更新、处处同步。",
            "下一步，一是把办理中常被问到的事项转为主动公开；二是疑难申请集体会商，答复前听取法律顾问意见。",
        )
    )
    last = "上一年度报告中提出的队伍能力问题，已通过跟班学习和业务测试得到改进。"
    return (f"（一）存在的主要问题。{problem}", f"（二）改进情况。{remedy}{last}")


def _last(random: Random, year: int) -> tuple[str, ...]:
    fee = (
        "依据《政府信息公开信息处理费管理办法》，本年度未收取信息处理费。"
        if year >= 2021
        else "本年度没有其他需要报告的事项。"
    )
    extra = random.choice(
        (
            "本机关建议提案办理结果已按规定公开。",
            "本报告电子版可在本网站政府信息公开年报栏目查阅、下载。",
            "年度政务公开工作要点所列任务均已落实。",
        )
    )
    return (fee + extra,)


def narrative(issuer: str, year: int, trade: str, *, signed_on: str, contact: str) -> Prose:
    """A report from before the national form: chapters after the rules of 2007, no table."""
    random = Random(f"narrative{issuer}{year}")
    first, second, third = TRADES[trade]
    published = random.randint(9000, 16000)
    received = random.randint(180, 320)
    online = received * 3 // 5
    return Prose(
        preamble=f"根据《中华人民共和国政府信息公开条例》第三十一条、第三十二条，编制{issuer}{year}年政府"
        "信息公开工作年度报告，内容包括概述、主动公开情况、依申请公开和不予公开情况、收费及减免情况、"
        f"行政复议和行政诉讼情况、主要问题和改进措施。联系方式：{contact}。",
        headings=(
            "一、概述",
            "二、主动公开政府信息情况",
            "三、依申请公开和不予公开政府信息情况",
            "四、政府信息公开收费及减免情况",
            "五、因政府信息公开申请行政复议、提起行政诉讼情况",
            "六、主要问题和改进措施",
        ),
        chapters=(
            (
                f"{year}年，全市各级行政机关以{first}、{second}、{third}为重点推进信息公开，健全工作机构，"
                "完善发布协调、保密审查和考核评议制度，公开的范围继续扩大，回应关切的效率不断提高。",
                "市政府办公室负责全市政府信息公开的指导、协调和监督，各县区、各部门配备专（兼）职人员，"
                f"全年举办培训{random.randint(2, 6)}期，政府门户网站完成改版，手机端同步上线。",
            ),
            (
                f"全市主动公开政府信息{published}条，其中通过政府网站公开{published * 7 // 10}条，"
                f"通过政务微博、微信公开{published // 5}条，"
                f"通过公报、报刊和公开栏公开{published // 10}条。",
                f"围绕{first}公开项目审批、招标投标和竣工验收结果；围绕{second}公开办事依据、时限和收费标准；"
                f"围绕{third}公开资金安排和分配结果，并举行新闻发布会{random.randint(4, 12)}场。",
            ),
            (
                f"全市共收到政府信息公开申请{received}件，其中网络申请{online}件，信函和当面申请"
                f"{received - online}件，均在法定期限内答复。"
                "不予公开的，逐件说明理由并告知救济途径。",
            ),
            ("全市各级行政机关未向申请人收取检索、复制、邮寄等费用，也没有减免事项。",),
            (
                f"全市因政府信息公开引起的行政复议{random.randint(3, 9)}件，"
                f"行政诉讼{random.randint(1, 4)}件。",
            ),
            (
                "主要问题：公开目录划分不够细，部分栏目内容较少；政策解读形式单一；少数单位答复文书不够规范。",
                "改进措施：修订公开目录，明确更新责任人；推行政策文件与解读方案同步审签；编印答复范本，"
                "开展案例评查，把公开工作列入效能考核。",
            ),
        ),
        signature=(issuer, signed_on),
    )
