"""A portal of three nights on loopback, for crawls that are disturbed and those that are not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from tests.portals.replicas.base import Answer
from tests.portals.replicas.site import OFFICES, Listing, Shown, Site, anchors, page

# In the season, when what is young is asked every night.
NIGHTS = ("2027-02-01", "2027-02-02", "2027-02-03")


class Tried(Site):
    """Reports of some bodies and years: edited, arriving, removed and moved on the later nights."""

    name = "苦水县人民政府"
    bodies = 10
    years = 2
    padding = 0
    """Bytes of a comment in each report's page, so that segments grow faster than all else."""

    def furnish(self) -> None:
        self.pages["/"] = page(self.name, '<a href="/zwgk/nb/">政府信息公开年报</a>')
        self.fill(
            "nb",
            [f"苦水县{name}" for name in OFFICES[: self.bodies]],
            range(2025, 2025 - self.years, -1),
            lambda n, y: f"/zwgk/nb/{y + 1}/t{n}.html",
            likes=1,
            attachments=lambda n: ((f"/files/{n}.pdf", "年报.pdf"),) if n % 9 == 0 else (),
        )

        def address(k: int) -> str:
            return "/zwgk/nb/" if k == 1 else f"/zwgk/nb/index_{k}.html"

        def render(s: Shown) -> str:
            more = f'<a href="index_{s.number + 1}.html">下一页</a>' if s.number < s.pages else ""
            return page("政府信息公开年报", f"<ul>{anchors(s.rows, s.night)}</ul>{more}")

        self.lists.append(Listing("nb", 20, address, render))

    def sent(self, text: str) -> Answer:
        noise = Random(text).randbytes(self.padding // 2).hex()
        return super().sent(text.replace("</body>", f"<!-- {noise} --></body>"))


@contextmanager
def tried(folder: Path, bodies: int = 10, years: int = 2, padding: int = 0) -> Iterator[Tried]:
    """The portal, served until the block ends, and `folder/portals.csv` that names it."""
    portal = Tried()
    portal.bodies, portal.years, portal.padding = bodies, years, padding
    portal.start()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "portals.csv").write_text(
            "id,name,division,level,home_url\n"
            f"p,{portal.name},{portal.division},{portal.level},{portal.url}/\n",
            encoding="utf-8",
        )
        yield portal
    finally:
        portal.stop()
