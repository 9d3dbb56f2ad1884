"""How the crawl behaves. Politeness first; `-s NAME=VALUE` on the command line replaces a value."""

import os
from importlib.util import find_spec

# Who asks, and what for. Portals can write to the page named here.
BOT_NAME = "nianbao"
USER_AGENT = os.environ.get(
    "NIANBAO_USER_AGENT",
    "Nianbao/1.0 (+https://nianbao.example/about; archive of public disclosure reports)",
)
# In the language of the portals: some send others to a translation.
DEFAULT_REQUEST_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5",
    # What every reader of WARC files can open, in ten years too; Scrapy would ask for br and zstd.
    "Accept-Encoding": "gzip, deflate",
}
SPIDER_MODULES = ["crawler.spiders"]
NEWSPIDER_MODULE = "crawler.spiders"

# How often: one request at a time to a host, three seconds apart or what its robots.txt asks for.
# The delay is from the end of an answer to the next request, and grows with the group's latency.
# A DOWNLOAD_DELAY on the command line holds without that, unless LATENCY_FACTOR is given as well.
DOWNLOAD_DELAY = 3.0
LATENCY_FACTOR = 5.0
DOWNLOAD_DELAY_JITTER = 0.0  # it would also go below the delay
CONCURRENT_REQUESTS_PER_DOMAIN = 1
# Those who wait for their group's turn count too: were it reached, a few slow groups would hold up
# all others. No more than one of each group is under way.
CONCURRENT_REQUESTS = 4_000
ROBOTSTXT_OBEY = True  # by our RobotsMiddleware: Scrapy's own reads rules from error pages

# A politeness group's share of a night; what does not fit comes first the next night.
GROUP_REQUESTS = 2_000
GROUP_BYTES = 4 * 1024**3

# How long and how much: slow servers are common, endless ones exist.
DOWNLOAD_TIMEOUT = 60.0
# The cap on everything; pages, documents and robots.txt have limits of their own in SizeLimits.
DOWNLOAD_MAXSIZE = 100 * 1024 * 1024
DOWNLOAD_WARNSIZE = 0
DOWNLOAD_FAIL_ON_DATALOSS = False  # half an answer is kept and called truncated
RETRY_TIMES = 2
RETRY_HTTP_CODES = [500, 502, 503, 504, 408, 522, 524]
URLLENGTH_LIMIT = 2083

# Whom never: nothing but public web servers. The resolver must stand here: in custom_settings it is
# silently ignored.
ALLOW_PRIVATE_NETWORK = False
TWISTED_DNS_RESOLVER = "crawler.manners.GuardResolver"
DOWNLOAD_HANDLERS = {
    "http": "crawler.manners.handler.BoundedHandler",
    "https": "crawler.manners.handler.BoundedHandler",
    "data": None,
    "file": None,
    "ftp": None,
    "s3": None,
}
OPT_OUT = ""  # hosts never asked, as their owners wish: crawler/optout.csv unless another is named
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
# The crawl ends, with status 74, when less is free on the disk: the smaller of the two counts.
CAPTURE_MIN_FREE_BYTES = 2_000_000_000
CAPTURE_MIN_FREE_SHARE = 0.05
# An answer that was kept before is kept as a reference to it, while that segment lies in DATA. True
# where segments are moved away and never lost: references then go to what is not here, too.
CAPTURES_KEPT_ELSEWHERE = False
CAPTURE_OPERATOR = os.environ.get("NIANBAO_OPERATOR", "")  # who runs the crawl, for its captures
DOWNLOADER_MIDDLEWARES = {
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
    "crawler.render.RenderMiddleware": 50,  # above all: what its pages ask for passes the others
    "crawler.manners.GuardMiddleware": 60,
    "crawler.manners.RobotsMiddleware": 100,
    "crawler.manners.PatienceMiddleware": 560,
    "crawler.manners.cookies.CookieLimit": 710,  # right below Scrapy's own, which knows no limit
    "crawler.capture.CaptureMiddleware": 950,
    "crawler.manners.TurnMiddleware": 970,  # the last: nothing but the network is behind it
}
# When it ends by itself: a file that appears (DATA/STOP unless named), hours in Asia/Shanghai such
# as 22:00-06:00 (make nightly sets them), more memory than a machine should have to give.
KILL_SWITCH = ""
NIGHT_WINDOW = ""
MEMUSAGE_LIMIT_MB = 2_048
MEMUSAGE_CHECK_INTERVAL_SECONDS = 5.0
# The frontier knows what was asked, and the walk has its own depth.
DUPEFILTER_CLASS = "scrapy.dupefilters.BaseDupeFilter"
SPIDER_MIDDLEWARES = {
    "scrapy.spidermiddlewares.depth.DepthMiddleware": None,
    "scrapy.spidermiddlewares.httperror.HttpErrorMiddleware": None,
}

# Pages only a browser shows, of portals marked `render`: so many at once, each on its own.
RENDER_SECONDS = 20.0  # of work; waiting for answers is not counted
PLAYWRIGHT_BROWSER_PROVIDER = "crawler.render.Chromium"
PLAYWRIGHT_MAX_CONTEXTS = 4
PLAYWRIGHT_MAX_PAGES_PER_CONTEXT = 1

# How fast: uvloop brings a sixth more pages a second.
if find_spec("uvloop"):
    ASYNCIO_EVENT_LOOP = "uvloop.Loop"
# Scrapy starts so many tasks for what one answer leads to; an answer leads to a few requests.
CONCURRENT_ITEMS = 1
# Scrapy would read the source of a callback anew at each answer: it cannot keep bound methods.
WARN_ON_GENERATOR_RETURN_VALUE = False

# What the operator reads: the spider's own progress, not Scrapy's tables.
LOG_LEVEL = "INFO"
LOG_VERSIONS: list[str] = []
STATS_DUMP = False
RETRY_GIVE_UP_LOG_LEVEL = "WARNING"
EXTENSIONS = {
    "scrapy.extensions.logstats.LogStats": None,
    "crawler.manners.SizeLimits": 100,
    "crawler.manners.Watch": 100,
    "crawler.monitors.NightWatch": 500,
}

# What fails a night (crawler/monitors.py): it ends with status 1, and keeps what it captured.
SPIDERMON_ENABLED = True
SPIDERMON_SPIDER_CLOSE_MONITORS = ["crawler.monitors.NightSuite"]
MONITOR_HISTORY_NIGHTS = 28  # how far back a portal's nights are compared
MONITOR_MIN_NIGHTS = 3  # fewer of them have no median
MONITOR_MIN_REQUESTS = 20  # fewer have no share
MONITOR_VANISHED_SHARE = 0.2  # of the portals that held reports: so many may not answer at all
MONITOR_ANSWERS_SHARE = 0.5  # of the usual portals, reports listed, and requests answered
MONITOR_CHALLENGE_SHARE = 0.3  # of the portals, or of the requests, newly blocked
MONITOR_FAILED_SHARE = 0.3  # of the requests
MONITOR_ERRORS = 10  # errors in our own log
