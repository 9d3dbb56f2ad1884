"""Chapters begin at their titles, however the page breaks its lines."""

from archive.chapters import read_sections


def test_titles_quoted_in_the_preamble_do_not_begin_chapters() -> None:
    sections = read_sections(
        [
            "本报告由一、总体情况，二、主动公开政府信息情况，三、收到和处理政府信息公开申请情况等六部分组成。",
            "一、总体情况",
            "（一）主动公开。",
            "二、主动公开政府信息情况",
            "见表。",
            "三、收到和处理政府信息公开申请情况",
            "四、因政府信息公开工作被申请行政复议、提起行政诉讼情况",
            "五、工作中存在的主要问题及改进措施",
            "不足。",
            "六、其它需要报告的事项",
            "无。",
        ]
    )
    assert [(s.number, s.text) for s in sections] == [
        (
            0,
            "本报告由一、总体情况，二、主动公开政府信息情况，三、收到和处理政府信息公开申请情况等六部分组成。",
        ),
        (1, "（一）主动公开。"),
        (2, "见表。"),
        (3, ""),
        (4, ""),
        (5, "不足。"),
        (6, "无。"),
    ]


def test_chapters_without_line_breaks() -> None:
    sections = read_sections(
        [
            "一、总体情况全年有序。二、主动公开政府信息情况三、收到和处理政府信息公开申请情况无五、存在的主要问题及改进情况不足。六、其他需要报告的事项无"
        ]
    )
    assert [s.number for s in sections] == [1, 2, 3, 5, 6]
    assert sections[-1].text == "无"


def test_a_narrative_keeps_its_own_chapters() -> None:
    sections = read_sections(
        [
            "一、概述",
            "甲",
            "二、政府信息公开的收费及减免情况",
            "乙",
            "三、咨询处理情况",
            "丙",
            "四、附表",
            "丁",
        ]
    )
    assert [s.heading for s in sections][-1] == "四、附表"
    assert len(sections) == 4


def test_a_text_without_chapters_is_one_piece() -> None:
    assert [(s.number, s.text) for s in read_sections(["只有一句。"])] == [(0, "只有一句。")]
    assert read_sections([]) == ()
