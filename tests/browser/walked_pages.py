"""Every page of the site, as addresses on an archive of the example portals."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

EDITED = "411900-jyj/2023"
MOVED = "411900-czj/2024"
VANISHED = "331224-bldzrmzf/2022"
WITHDRAWN = "640602-mzj/2019"
RELEASE = "2027-02-04"


@dataclass(frozen=True, slots=True)
class Walked:
    """A page: its name for tests and screenshots, its address, what it must answer with.

    `says` stands in the page; `charts` is the least number of charts drawn.
    """

    name: str
    path: str
    says: str = ""
    status: int = 200
    charts: int = 0


PAGES = (
    Walked("home", "/", "政府信息公开年报档案"),
    Walked("search", "/search"),
    Walked("search_text", "/search?q=主动公开", "主动公开"),
    Walked("search_body", "/search?q=北原市教育局", "北原市教育局"),
    Walked("search_filtered", "/search?q=公开&level=county&year=2021-2024"),
    Walked("search_none", "/search?q=量子纠缠", "量子纠缠"),
    Walked("body_government", "/r/411900-rmzf", "北原市人民政府", charts=1),
    Walked("body_department", "/r/411900-jyj", "北原市教育局", charts=1),
    Walked("report_edited", f"/r/{EDITED}", "北原市教育局"),
    Walked("report_vanished", f"/r/{VANISHED}", "白鹭渡镇"),
    Walked("report_moved", f"/r/{MOVED}", "北原市财政局"),
    Walked("report_wrong_sums", "/r/411900-zrzyhghj/2023", "北原市自然资源和规划局"),
    Walked("report_form_2019", "/r/411900-czj/2020", "北原市财政局"),
    Walked("report_narrative", "/r/411900-rmzf/2016", "北原市人民政府"),
    Walked("version_first", "/r/{first}", "北原市教育局"),
    Walked("version_second", "/r/{second}", "北原市教育局"),
    Walked("original_page", "/r/{first}/original", "抓取时的原样"),
    Walked("original_pdf", "/r/{pdf}/original", "抓取时的原样"),
    Walked("diff_versions", "/r/{first}/diff/{second_digest}", "北原市教育局"),
    Walked("diff_years", "/r/331224-rmzf/2023/diff/2024", "松陂县人民政府"),
    Walked("changes", "/changes", "白鹭渡镇"),
    Walked("changes_edited", "/changes?kind=edited", "北原市教育局"),
    Walked("changes_none", "/changes?kind=back"),
    Walked("coverage", "/coverage", "北原市教育局"),
    Walked("coverage_provinces", "/coverage?by=province"),
    Walked("coverage_levels", "/coverage?by=level"),
    Walked("coverage_portals", "/coverage?by=portal", "北原市人民政府"),
    Walked("coverage_place", "/coverage?division=41", "北原市教育局"),
    Walked("coverage_vanished", "/coverage?year=2022&state=vanished", "白鹭渡镇"),
    Walked("health", "/coverage/health", "北原市人民政府"),
    Walked("health_portal", "/coverage/health?portal=beiyuan", "北原市人民政府"),
    Walked("compare", "/compare", "比较"),
    Walked(
        "compare_bodies",
        "/compare?figure=requests.received_new.total&figure=requests.carried_out.total"
        "&body=331224-rmzf&body=331224-rmzfbgs&body=331224-wsjkj",
        "松陂县人民政府",
        charts=1,
    ),
    Walked("compare_group", "/compare?metric=disclosure_rate&level=county&region=330000"),
    Walked("compare_fault", "/compare?metric=nonsense&body=无此机关&from=20", status=400),
    Walked("data", "/data", "数据"),
    Walked("tables", "/nianbao", "reports"),
    Walked("table", "/nianbao/reports", "411900-jyj"),
    Walked("table_figures", "/nianbao/figures?_size=2", "version_id"),
    Walked("row_report", "/nianbao/reports/{edited_row}", "北原市教育局"),
    Walked("row_figures", "/nianbao/figures/{first_row}", "version_id"),
    Walked("query", "/nianbao/find_bodies?name=北原市", "北原市教育局"),
    Walked("query_numbers", "/nianbao/carried_over?year=2025&least=0"),
    Walked("downloads", "/download", "{release}"),
    Walked("release", "/download/{release}", "SHA"),
    Walked("selfcheck", "/selfcheck", "年报自检"),
    Walked("accuracy", "/accuracy", "准确"),
    Walked("about", "/about", "关于"),
    Walked("timemap", "/timemap/html/{site}/r/411900-jyj/2023", "北原市教育局"),
    Walked("gone", f"/r/{WITHDRAWN}", "应发布机关要求", status=410),
    Walked("not_found", "/r/000000-none/2023", status=404),
    Walked("bad_request", "/nianbao/reports?_sort=nonsense", status=400),
    Walked("closed", "/nianbao?sql=select+1", status=403),
)


def facts(archive: Path) -> dict[str, str]:
    """What the addresses of PAGES have in braces, from an archive or snapshot of the portals."""
    with closing(sqlite3.connect(f"{archive.resolve().as_uri()}?mode=ro", uri=True)) as db:
        first, second = (
            name
            for (name,) in db.execute(
                "select id from versions where report_id = ? order by number", (EDITED,)
            )
        )
        ((pdf,),) = db.execute(
            "select version_id from captures where media_type = 'application/pdf'"
            " and version_id like '411900-czj/2022/%' limit 1"
        ).fetchall()
    return {
        "release": RELEASE,
        "first": first,
        "second": second,
        "second_digest": second.rpartition("/")[2],
        "pdf": pdf,
        "edited_row": EDITED.replace("/", "~2F"),
        "first_row": first.replace("/", "~2F"),
    }
