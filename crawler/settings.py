"""How the crawl behaves. Politeness first; `-s NAME=VALUE` on the command line replaces a value."""

import os
from importlib.util import find_spec

# Who asks, and what for. Portals can write to the page named here.
BOT_NAME = "nianbao"
USER_AGENT = os.environ.get(
    "NIANBAO_USER_AGENT",
    "Nianbao/1.0 (+https://nianbao.example/about; archive of public disclosure reports)",
)
SPIDER_MODULES = ["crawler.spiders"]
NEWSPIDER_MODULE = "crawler.spiders"

# How often: one request at a time to a host, three seconds apart or what its robots.txt asks for.
DOWNLOAD_DELAY = 3
DOWNLOAD_DELAY_JITTER = 0  # it would also go below the delay
CONCURRENT_REQUESTS_PER_DOMAIN = 1
# Requests that wait out a Retry-After count too.
CONCURRENT_REQUESTS = 64
ROBOTSTXT_OBEY = True  # by our RobotsMiddleware: Scrapy's own reads rules from error pages

# How long and how much: slow servers are common, endless ones exist.
DOWNLOAD_TIMEOUT = 60
DOWNLOAD_MAXSIZE = 64 * 1024 * 1024
DOWNLOAD_WARNSIZE = 0
DOWNLOAD_FAIL_ON_DATALOSS = False  # half an answer is kept and called truncated
RETRY_TIMES = 2
RETRY_HTTP_CODES = [500, 502, 503, 504, 408, 522, 524]
URLLENGTH_LIMIT = 2083

# Whom never: nothing but public web servers. The resolver must stand here: in custom_settings it is
# silently ignored.
ALLOW_PRIVATE_NETWORK = False
TWISTED_DNS_RESOLVER = "crawler.manners.GuardResolver"
DOWNLOAD_HANDLERS = {"data": None, "file": None, "ftp": None, "s3": None}
HTTPPROXY_ENABLED = False  # a proxy would resolve names behind the guard's back
REDIRECT_ENABLED = False  # the spider follows each hop itself, so each is judged and recorded
METAREFRESH_ENABLED = False
REFERER_ENABLED = False  # Scrapy would name the page read last, not the one that linked
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False  # on by default in 2.19: runs posted Python inside the crawler

# Some portals answer only clients that return their cookie.
COOKIES_ENABLED = True

# What the crawl leaves behind, and where each middleware must sit.
DATA = "data"
DOWNLOADER_MIDDLEWARES = {
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
    "crawler.manners.GuardMiddleware": 60,
    "crawler.manners.RobotsMiddleware": 100,
    "crawler.manners.PatienceMiddleware": 560,
    "crawler.capture.CaptureMiddleware": 950,
}
# The frontier knows what was asked, and the walk has its own depth.
DUPEFILTER_CLASS = "scrapy.dupefilters.BaseDupeFilter"
SPIDER_MIDDLEWARES = {
    "scrapy.spidermiddlewares.depth.DepthMiddleware": None,
    "scrapy.spidermiddlewares.httperror.HttpErrorMiddleware": None,
}

# How fast: uvloop brings a sixth more pages a second.
if find_spec("uvloop"):
    ASYNCIO_EVENT_LOOP = "uvloop.Loop"

# What the operator reads: the spider's own progress, not Scrapy's tables.
LOG_LEVEL = "INFO"
LOG_VERSIONS: list[str] = []
STATS_DUMP = False
RETRY_GIVE_UP_LOG_LEVEL = "WARNING"
EXTENSIONS = {"scrapy.extensions.logstats.LogStats": None}
