"""Articles that stand beside annual reports in the same columns and are none."""

from __future__ import annotations

from random import Random

from tests.portals.web import clean_paragraph


def _article(*paragraphs: str) -> str:
    return "\n".join(clean_paragraph(text) for text in paragraphs)


def website_table(body: str, year: int) -> str:
    """政府网站工作年度报表: the site's own statistics, a table with a name much like ours."""
    random = Random(f"website{body}{year}")
    visits, articles = random.randint(90_000, 900_000), random.randint(800, 5000)
    rows = (
        ("网站名称", body),
        ("首页网址", "见页脚"),
        ("主办单位", body),
        ("网站类型", "政府门户网站"),
        ("独立用户访问总量（单位：个）", str(visits // 7)),
        ("网站总访问量（单位：次）", str(visits)),
        ("信息发布（单位：条）总数", str(articles)),
        ("概况类信息更新量", str(articles // 50)),
        ("政务动态信息更新量", str(articles * 3 // 5)),
        ("信息公开目录信息更新量", str(articles // 4)),
        ("解读信息发布总数", str(articles // 90)),
        ("回应公众关注热点或重大舆情数量（单位：次）", str(random.randint(0, 9))),
        ("收到留言数量（单位：条）", str(random.randint(20, 400))),
        ("安全检测评估次数（单位：次）", "4"),
    )
    cells = "\n".join(f"<tr><td>{label}</td><td>{value}</td></tr>" for label, value in rows)
    return (
        f"<p style='text-align:center'><strong>政府网站工作年度报表<br>（{year}年度）</strong></p>"
        f"<table border='1' cellspacing='0' cellpadding='4'><tbody>{cells}</tbody></table>"
    )


def rule_of_law(body: str, year: int) -> str:
    """法治政府建设年度报告: numbered chapters like ours, about something else."""
    return _article(
        f"{year}年，{body}坚持依法行政，现将法治政府建设情况报告如下。",
        "一、主要举措和成效",
        f"（一）健全重大行政决策机制。公布{year}年度重大行政决策事项目录，合法性审查率达到百分之百。",
        "（二）规范行政执法。推行行政执法公示、全过程记录和重大执法决定法制审核，全年评查案卷86宗。",
        "（三）化解社会矛盾。收到行政复议申请47件，审结41件，行政机关负责人出庭应诉率进一步提高。",
        "二、存在的不足和原因",
        "基层执法力量偏弱，普法形式还需创新。",
        "三、下一年度工作安排",
        "加强法治督察，推进综合执法改革，办好法治惠民实事。",
    )


def work_summary(body: str, year: int) -> str:
    """政务公开工作总结: the office's own account of its year."""
    return _article(
        f"{year}年，{body}按照上级政务公开工作要点，扎实推进决策、执行、管理、服务和结果公开，现总结如下。",
        "一、工作开展情况。召开政务公开工作会议两次，举办政府开放日活动三场，参加群众二百余人。",
        "二、亮点做法。设立公开专区，把惠企政策按行业汇编成册，送到企业手中。",
        "三、存在问题。栏目内容保障不均衡，互动回应时限还可缩短。",
        "四、下步打算。完善考核办法，开展交叉检查，提升队伍能力。",
    )


def guide(body: str, contact: str) -> str:
    """政府信息公开指南: what may be asked for, where and how."""
    return _article(
        f"为方便公民、法人和其他组织获取政府信息，{body}依照《中华人民共和国政府信息公开条例》编制本指南。",
        "一、公开范围。本机关主动公开的政府信息见政府信息公开目录。",
        "二、获取方式。可在门户网站查阅，也可到政务服务大厅、档案馆、图书馆的查阅场所查阅。",
        "三、依申请公开。申请人填写申请表，通过网上、信函或者当面方式提出；本机关自收到申请之日起二十个工作日内答复。",
        f"四、受理机构。{contact}，办公时间：工作日9:00—12:00，14:00—17:30。",
        "五、监督救济。认为本机关未依法履行公开义务的，可以向上一级行政机关投诉、举报，或者依法申请行政复议、提起行政诉讼。",
    )


def budget(body: str, year: int) -> str:
    """部门预算公开."""
    random = Random(f"budget{body}{year}")
    total = random.randint(900, 9000)
    return _article(
        f"根据预算法和政府信息公开的有关规定，现将{body}{year}年部门预算公开如下。",
        f"一、收支总体情况。{year}年收入预算{total}.36万元，支出预算{total}.36万元，其中基本支出"
        f"{total * 2 // 3}.12万元，项目支出{total - total * 2 // 3}.24万元。",
        "二、“三公”经费。因公出国（境）费0万元，公务接待费2.4万元，公务用车运行维护费9.6万元。",
        "三、政府采购。安排货物类采购18.5万元，服务类采购42万元。",
        "四、名词解释。基本支出指为保障机构正常运转、完成日常工作任务所发生的支出。",
    )


def notice(body: str, year: int) -> str:
    """关于做好年度报告编制工作的通知: names reports in its title and its text."""
    return _article(
        "各县（区）人民政府，各部门、各直属机构：",
        f"为做好{year}年度政府信息公开工作年度报告编制和发布工作，现将有关事项通知如下。",
        "一、编制主体。各部门、各乡镇（街道）应当分别编制本机关年度报告。",
        f"二、时间要求。各部门于{year + 1}年1月20日前报送，1月31日前向社会公布。",
        "三、格式要求。严格按照国务院办公厅统一格式填报三张表格，数据应当符合勾稽关系，不得改动栏目。",
        f"{body}",
        f"{year}年12月18日",
    )


def infographic(body: str, year: int) -> str:
    """图解年度报告: a picture with a sentence; the report itself is elsewhere."""
    return (
        f"<p style='text-align:center'><img src='/images/tujie{year}.png' width='760' "
        f"height='2400' alt='一图读懂{body}{year}年政府信息公开工作年度报告'></p>"
        + clean_paragraph("图表数据以正式发布的年度报告为准。")
    )
