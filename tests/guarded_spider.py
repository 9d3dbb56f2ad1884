"""A spider that asks for nothing and says which guards do not stand."""

import json

from scrapy import Spider

from crawler.manners import guards_inactive


class Guarded(Spider):
    name = "guarded"

    async def start(self):
        print(json.dumps(guards_inactive(self.crawler)))
        return
        yield


class Unguarded(Guarded):
    """In custom_settings a resolver is silently ignored."""

    name = "unguarded"
    custom_settings = {"TWISTED_DNS_RESOLVER": "scrapy.resolver.CachingThreadedResolver"}  # noqa: RUF012
