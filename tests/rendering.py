"""Asks for pages as the crawl asks for those of a portal marked `render`, and says what came.

    python -m tests.rendering DATA '[{"url": …, "kind": …, "route": …, "known": […]}]' [NAME=VALUE…]

One line of JSON an answer, in the order of the jobs, which are asked for one after the other.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from scrapy import Request, Spider
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.settings import Settings

from crawler import render
from crawler.capture import Store
from crawler.frontier import Frontier


class Asking(Spider):
    name = "asking"
    night = "2026-11-22"

    def __init__(self, data: str, jobs: str) -> None:
        super().__init__()
        self.jobs = json.loads(jobs)
        self.portals = {"p": SimpleNamespace(family="render")}
        self.frontier = Frontier(Path(data) / "frontier.db")
        self.store = Store(Path(data), {"software": "test"})
        self.said: list[dict[str, Any]] = []

    async def start(self) -> AsyncIterator[Request]:
        for job in self.jobs:
            address, route = render.address_of(job["url"])
            known = set(job["known"]) if "known" in job else None
            wanted = render.Wanted(
                job["kind"],
                tuple(job.get("sites", [job["url"]])),
                route,
                None if known is None else known.__contains__,
            )
            meta = {"render": wanted, "handle_httpstatus_all": True}
            request = Request(address, meta=meta, headers=job.get("headers"), dont_filter=True)
            try:
                response = await self.crawler.engine.download_async(request)
            except Exception as error:
                self.said.append({"error": type(error).__name__, "message": str(error)})
                continue
            done = request.meta.get("rendered")
            capture = request.meta["capture"]
            self.said.append(
                {
                    "url": response.url,
                    "status": response.status,
                    "flags": response.flags,
                    "text": response.text,
                    "record": capture.record_type,
                    "digest": capture.digest,
                    "asked": done.asked if done else None,
                    "steps": [page.text for page in render.further_pages(response)],
                }
            )
        if False:
            yield

    def give_up(self, reason: str, refused: str = "") -> None:
        self.said.append({"error": "given up", "message": refused or reason})

    def closed(self, reason: str) -> None:
        self.store.close()
        self.frontier.close()
        for line in self.said:
            sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")


def main() -> None:
    data, jobs, *given = sys.argv[1:]
    settings = Settings()
    settings.setmodule("crawler.settings")
    settings.update(
        {"ALLOW_PRIVATE_NETWORK": True, "DOWNLOAD_DELAY": 0, "DATA": data}
        | dict(pair.split("=", 1) for pair in given)
    )
    process = AsyncCrawlerProcess(settings)
    process.crawl(Asking, data=data, jobs=jobs)
    process.start()


if __name__ == "__main__":
    main()
