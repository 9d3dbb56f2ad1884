"""年报自检: a draft posted to a small server on loopback -> its reading as JSON. Nothing is kept.

    POST /          a draft, as it is or in a form  -> what `archive parse` prints, and `remarks`
    POST /beside    a reading and last year's       -> findings
    GET  /                                          -> that it is there

Each draft is read in a process of its own, which has read no other, ends with it and takes its
files along. The server holds drafts in memory only and writes nothing of them anywhere.
"""

from __future__ import annotations

import asyncio
import fcntl
import io
import json
import logging
import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pypdfium2
import uvicorn
from python_multipart.multipart import parse_options_header
from starlette.applications import Starlette
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from archive.extract import media_type
from archive.extract.pdf import open_pdf, read_text
from archive.findings.plausibility import weigh_beside
from archive.findings.years import across
from archive.model import Evidence, Reading, Section, UnreadableError
from archive.read import PDF, Part, read_report
from archive.record import findings_of, record
from archive.workers import CRASHED, Failure, Limits, Processes, answered, start

LOG = logging.getLogger("archive.selfcheck")

MOST_BYTES = 10 << 20
# What a form adds around a draft: boundaries, names, a title.
FORM_BYTES = 64 << 10
LONGEST_TITLE = 200
ASKED = ("last_year", "issuer")
UPLOAD_SECONDS = 30
# Drafts read at once, and drafts that wait for a place, each no longer than so many seconds.
AT_ONCE, WAITING, LONGEST_WAIT = 2, 8, 60
# Some ten seconds a page: recognition of more would not end while somebody waits for it.
MOST_SCANS = 8
LIMITS = Limits(cpu_seconds=120, wall_seconds=150, memory_bytes=3 << 30)
# Of one answer: items of a kind, characters of all chapters, characters of an item.
MOST_LISTED, MOST_TEXT, LONGEST_LINE = 500, 300_000, 2_000
CONNECTIONS = 64
FOLDER = "nianbao-selfcheck-"

EMPTY = "稿件是空的：请选一个文件，或把正文连同表格粘贴进来"
TOO_LARGE = f"稿件超过 {MOST_BYTES >> 20} MB，不予读取：请去掉图片，或只交正文和统计表"
TOO_SLOW = f"稿件在 {UPLOAD_SECONDS} 秒内没有传完，请重试"
BUSY = "正在检查的稿件太多，请稍后再试"
BROKEN_FORM = "表单残缺，或不止一个文件，请重新提交"
STRANGE = "请求不是约定的 JSON"
STRANGE_CHARSET = "表单的编码不是 UTF-8 或 GB18030，请改用其中之一"
STOPPING = "自检服务正在停止，请稍后再试"
OUR_FAULT = "自检服务出错，请稍后再试"
TWO_DRAFTS = "同时收到文件与粘贴的文字，只检查了文件"
FIRST_PAGES = "扫描件要逐页识别，只读了前 {} 页（共 {} 页）；改交可编辑的文件，则全部检查"
SOME_LISTED = f"稿件里的内容过多：每类只列前 {MOST_LISTED} 项，过长的文字已截断"

# Others decode in quadratic time (punycode), or to what cannot be written (UTF-7).
CHARSETS = ("utf-8", "utf8", "gbk", "gb2312", "gb18030")
LONGEST_NAME = 120

Task = TypeVar("Task")
Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Draft:
    """A document somebody wants checked; `title` stands in where it has none of its own.

    `asked` are the values of ASKED that came with it: the site's affair, handed back as they are.
    """

    data: bytes
    content_type: str = ""
    title: str = ""
    asked: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Years:
    """A reading's year, cells and sections beside those of the year before, as JSON has them."""

    year: int
    cells: Mapping[str, str | None]
    sections: tuple[Section, ...]
    before: Mapping[str, str | None]
    sections_before: tuple[Section, ...]


class RefusedError(Exception):
    """A request that is not served: the status, and the reason for readers, in Chinese."""

    def __init__(self, status: int, reason: str, retry_after: int = 0) -> None:
        super().__init__(reason)
        self.status = status
        self.retry_after = retry_after


# --- inside a worker ------------------------------------------------------------------------------


def read_draft(draft: Draft) -> dict[str, Any]:
    """The public JSON of a draft's reading; `remarks` say in Chinese what was left out of it."""
    data, remarks = without_late_scans(draft.data)
    evidence = Evidence(listed_title=draft.title or None)
    reading = read_report([Part(data, content_type=draft.content_type)], evidence)
    told = record(reading)
    cut = _shortened(told)
    remarks = [*draft.remarks, *remarks, *([SOME_LISTED] if cut else [])]
    return {**told, "remarks": remarks, "asked": dict(draft.asked)}


def without_late_scans(data: bytes) -> tuple[bytes, list[str]]:
    """A PDF less the pages from its ninth scanned one on, and what there is to say of that.

    What is no PDF, or none that opens, is given back as it is: the reader says why.
    """
    if media_type(data) != PDF:
        return data, []
    try:
        pdf = open_pdf(data)
    except UnreadableError:
        return data, []
    try:
        scans = 0
        for number in range(len(pdf)):
            scans += read_text(pdf, number).is_scan
            if scans > MOST_SCANS:
                return _first_pages(pdf, number), [FIRST_PAGES.format(number, len(pdf))]
    except pypdfium2.PdfiumError:
        pass
    finally:
        pdf.close()
    return data, []


def _first_pages(pdf: pypdfium2.PdfDocument, count: int) -> bytes:
    part = pypdfium2.PdfDocument.new()
    try:
        part.import_pages(pdf, range(count))
        out = io.BytesIO()
        part.save(out)
        return out.getvalue()
    finally:
        part.close()


def _shortened(told: dict[str, Any]) -> bool:
    """Cut what is endless to what a page can show; was there anything to cut?"""
    cut = False
    for name in ("findings", "extras", "unused", "flags", "sections"):
        cut |= len(told[name]) > MOST_LISTED
        told[name] = told[name][:MOST_LISTED]
    left = MOST_TEXT
    for section in told["sections"]:
        cut |= len(section["text"]) > left
        section["text"] = section["text"][:left]
        left -= len(section["text"])
    for line in (*told["findings"], *told["extras"], *told["unused"], *told["notes"].values()):
        for name, value in line.items():
            if isinstance(value, str) and len(value) > LONGEST_LINE:
                line[name] = value[:LONGEST_LINE] + "……"
                cut = True
    return cut


def compare_years(years: Years) -> list[dict[str, Any]]:
    """The public JSON of what the year before adds to the findings."""
    return findings_of(
        (
            *across(years.cells, years.before, years.year),
            *weigh_beside(years.sections, years.cells, years.sections_before, years.before),
        )
    )


def _silently(work: Callable[[Task], Any], task: Task) -> str:
    """What the work gives, as JSON; libraries that warn of a draft quote it, so none is heard."""
    logging.disable(logging.CRITICAL)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    return json.dumps(work(task), ensure_ascii=False)


# --- the server -----------------------------------------------------------------------------------


class Desk:
    """The places at which drafts are read, `at_once` of them, and a queue before them."""

    def __init__(
        self,
        limits: Limits = LIMITS,
        at_once: int = AT_ONCE,
        waiting: int = WAITING,
        longest_wait: float = LONGEST_WAIT,
    ) -> None:
        self._limits = limits
        self._room = at_once + waiting
        self._longest_wait = longest_wait
        self._places = asyncio.Semaphore(at_once)
        self._threads = ThreadPoolExecutor(at_once, "selfcheck")
        self._at_work: set[Future[Any]] = set()
        self._is_open = True

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[None]:
        """Room for one more request, from its first byte on; RefusedError where there is none."""
        if not self._room:
            raise RefusedError(503, BUSY, retry_after=20)
        self._room -= 1
        try:
            yield
        finally:
            self._room += 1

    async def work(self, work: Callable[[Task], Any], task: Task) -> str | Failure:
        """What `work` gives in a process of its own, as JSON, or a Failure.

        Raises RefusedError when no place becomes free in time.
        """
        try:
            await asyncio.wait_for(self._places.acquire(), self._longest_wait)
        except TimeoutError:
            raise RefusedError(503, BUSY, retry_after=60) from None
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str | Failure] = loop.create_future()

        def settle(outcome: str | Failure) -> None:
            if not answer.done():
                answer.set_result(outcome)

        def free(ended: asyncio.Future[None]) -> None:
            # The place is taken until the process is gone, and that is after its answer.
            self._places.release()
            if not answer.done():
                why = None if ended.cancelled() else ended.exception()
                answer.set_exception(why or RefusedError(503, STOPPING))

        ended = loop.run_in_executor(
            self._threads,
            self._apart,
            partial(_silently, work, task),
            lambda outcome: loop.call_soon_threadsafe(settle, outcome),
        )
        ended.add_done_callback(free)
        return await answer

    def _apart(self, call: Callable[[], str], settle: Callable[[str | Failure], object]) -> None:
        with Processes(1, self._limits) as processes:
            asked = processes.submit(call)
            self._at_work.add(asked)
            try:
                if self._is_open:
                    settle(answered(asked, self._limits))
            except RuntimeError:  # the pool broke: its process died unheard
                settle(Failure(CRASHED))
            except CancelledError:
                pass  # closed meanwhile
            finally:
                self._at_work.discard(asked)

    def close(self) -> None:
        """End the processes at work, and what they started, at once."""
        self._is_open = False
        for asked in tuple(self._at_work):
            asked.cancel()
        self._threads.shutdown(cancel_futures=True)


def application(desk: Callable[[], Desk] = Desk) -> Starlette:
    """The server as an ASGI application; `desk` makes its places, within its event loop."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.desk = desk()
        yield
        await asyncio.to_thread(app.state.desk.close)

    routes = [
        Route("/", _alive, methods=["GET"]),
        Route("/", _answering(_check), methods=["POST"]),
        Route("/beside", _answering(_beside), methods=["POST"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def _alive(_: Request) -> Response:
    return JSONResponse({"ok": True})


def _answering(
    serve_request: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """The outer boundary: refusals as JSON; of an error of ours the log gets the kind alone, for
    its message may quote the draft."""

    async def endpoint(request: Request) -> Response:
        try:
            async with request.app.state.desk.admitted():
                return await serve_request(request)
        except RefusedError as refused:
            headers = {"Retry-After": str(refused.retry_after)} if refused.retry_after else {}
            return _refused(refused.status, str(refused), headers)
        except ClientDisconnect:
            return _refused(400, BROKEN_FORM)
        except Exception as error:
            LOG.error("a draft was not checked: %s", type(error).__name__)
            return _refused(500, OUR_FAULT)

    return endpoint


def _refused(status: int, reason: str, headers: Mapping[str, str] | None = None) -> Response:
    body = {"ok": False, "status": status, "error": reason}
    return JSONResponse(body, status, headers)


async def _check(request: Request) -> Response:
    draft = await _draft(request)
    outcome = await request.app.state.desk.work(read_draft, draft)
    if isinstance(outcome, Failure):
        # A draft that a reader cannot bear is answered as one it cannot read.
        unread = record(Reading(False, outcome.reason))
        return JSONResponse({**unread, "remarks": list(draft.remarks), "asked": draft.asked})
    return Response(outcome, media_type="application/json")


async def _beside(request: Request) -> Response:
    outcome = await request.app.state.desk.work(compare_years, _years(await _body(request)))
    if isinstance(outcome, Failure):
        raise RefusedError(422, outcome.reason)
    return Response(outcome, media_type="application/json")


async def _draft(request: Request) -> Draft:
    """The draft in a request: a form's file or pasted text, or else the body itself."""
    body = await _body(request)
    kind = request.headers.get("content-type", "")
    # Nothing is taken from the address: servers write addresses to their logs.
    is_form = kind.startswith("multipart/form-data")
    draft = await _from_form(request, body) if is_form else Draft(body, kind)
    if len(draft.data) > MOST_BYTES:
        raise RefusedError(413, TOO_LARGE)
    if not draft.data.strip():
        raise RefusedError(400, EMPTY)
    return replace(draft, title=draft.title[:LONGEST_TITLE])


def _asked(told: Mapping[str, Any]) -> dict[str, str]:
    values = ((name, told.get(name)) for name in ASKED)
    return {name: value[:LONGEST_TITLE] for name, value in values if isinstance(value, str)}


async def _body(request: Request) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MOST_BYTES + FORM_BYTES:
        raise RefusedError(413, TOO_LARGE)
    body = bytearray()
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            async for block in request.stream():
                body += block
                if len(body) > MOST_BYTES + FORM_BYTES:
                    raise RefusedError(413, TOO_LARGE)
    except TimeoutError:
        raise RefusedError(408, TOO_SLOW) from None
    return bytes(body)


class _FormInMemory(MultiPartParser):
    # Larger files would be written to the disk.
    spool_max_size = MOST_BYTES + FORM_BYTES


async def _from_form(request: Request, body: bytes) -> Draft:
    """The file `draft`, or else the text `text`; `title` and those of ASKED besides."""

    async def whole() -> AsyncIterator[bytes]:
        yield body

    _, stated = parse_options_header(request.headers["content-type"])
    if stated.get(b"charset", b"utf-8").decode("latin-1").lower() not in CHARSETS:
        raise RefusedError(400, STRANGE_CHARSET)
    parser = _FormInMemory(
        request.headers,
        whole(),  # type: ignore[arg-type]
        max_files=1,
        max_fields=8,
        max_part_size=MOST_BYTES + FORM_BYTES,
    )
    try:
        form = await parser.parse()
    except (MultiPartException, ValueError, LookupError):
        raise RefusedError(400, BROKEN_FORM) from None
    async with _closing(form):
        file, text, title = form.get("draft"), form.get("text"), form.get("title")
        pasted = text if isinstance(text, str) else ""
        named = title if isinstance(title, str) else ""
        if isinstance(file, str):  # a program that sends the draft as a plain field
            file, pasted = None, file or pasted
        data = await file.read() if file is not None else b""
        if data or not pasted.strip():
            both = (TWO_DRAFTS,) if pasted.strip() else ()
            kind = (file.content_type or "") if file is not None else ""
            return Draft(data, kind, named, _asked(form), both)
        kind = "text/plain; charset=utf-8"
        return Draft(pasted.encode("utf-8", "replace"), kind, named, _asked(form))


@asynccontextmanager
async def _closing(form: Any) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await form.close()


def _years(body: bytes) -> Years:
    """The two years of a request. Raises RefusedError for what is not the JSON agreed upon, and
    says what of it."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise RefusedError(400, f"{STRANGE}：不是 JSON") from None
    now = _demanded(told, dict, "整个请求", "对象")
    before = _demanded(now.get("before"), dict, "before", "对象")
    return Years(
        _whole(now.get("year"), "year"),
        _cells(now, ""),
        _sections(now, ""),
        _cells(before, "before."),
        _sections(before, "before."),
    )


def _cells(told: Mapping[str, Any], where: str) -> dict[str, str | None]:
    name = f"{where}cells"
    cells = _demanded(told.get("cells"), dict, name, "对象")
    return {_text(key, name): _cell(value, f"{name}.{key}") for key, value in cells.items()}


def _cell(value: Any, name: str) -> str | None:
    """What a cell holds: words, a number written out, or nothing."""
    if value is None:
        return None
    text = _text(value, name)
    try:
        is_strange = not Decimal(text).is_finite() or "e" in text.lower()
    except InvalidOperation:
        return text
    if is_strange:
        # The digits of 1e999999999 do not fit into memory.
        raise _strange(name, "写出的数，不是 Infinity、NaN 或 1e9 之类")
    return text


def _sections(told: Mapping[str, Any], where: str) -> tuple[Section, ...]:
    name = f"{where}sections"
    parts = [
        (f"{name}[{at}]", _demanded(part, dict, f"{name}[{at}]", "对象"))
        for at, part in enumerate(_demanded(told.get("sections"), list, name, "数组"))
    ]
    return tuple(
        Section(
            _whole(part.get("number"), f"{at}.number"),
            *(_text(part.get(said) or "", f"{at}.{said}") for said in ("heading", "text")),
        )
        for at, part in parts
    )


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 9999:
        raise _strange(name, "0 至 9999 的整数")
    return value


def _text(value: Any, name: str) -> str:
    text = _demanded(value, str, name, "文字")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _strange(name, "可用 UTF-8 写出的文字，不得有单独的代理码位") from None
    return text


def _demanded(value: Any, kind: type[Kind], name: str, wanted: str) -> Kind:
    if not isinstance(value, kind):
        raise _strange(name, wanted)
    return value


def _strange(name: str, wanted: str) -> RefusedError:
    # A name may hold what cannot be written either.
    name = name[:LONGEST_NAME].encode("utf-8", "replace").decode()
    return RefusedError(400, f"{STRANGE}：{name} 应为：{wanted}")


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for all temporary files of this process and its workers, gone at the end.

    What servers left behind that were killed goes too: a folder whose lock nobody holds.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{FOLDER}*"):
        _clear_if_left(left)
    folder = Path(tempfile.mkdtemp(prefix=FOLDER))
    before = tempfile.tempdir
    try:
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            tempfile.tempdir = str(folder)
            yield folder
    finally:
        tempfile.tempdir = before
        shutil.rmtree(folder, ignore_errors=True)


def _clear_if_left(folder: Path) -> None:
    with suppress(OSError):
        if folder.stat().st_uid != os.getuid():
            return
        with (folder / "lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)


def _end_with(leash: int) -> None:
    while os.read(leash, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises ValueError where it cannot, and says what to do."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise ValueError(
            f"{host} port {port} cannot be listened at ({error}): stop what uses it, or give "
            "another --port"
        ) from error


def serve(listening: socket.socket, leash: int | None = None) -> None:
    """Answer on a listening socket until SIGINT or SIGTERM; then end whatever is being read.

    With a `leash`, a file descriptor, until that is at its end too: until whoever holds the other
    end is no more.
    """
    if leash is not None:
        threading.Thread(target=_end_with, args=(leash,), daemon=True).start()
    config = uvicorn.Config(
        application(),
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=2,
        lifespan="on",
    )
    # Libraries quote what they stumble over, python_multipart a byte of the draft: none is heard.
    logging.getLogger().setLevel(logging.CRITICAL)
    LOG.setLevel(logging.WARNING)
    # The readers are loaded while nobody waits for them.
    start()
    # uvicorn raises the signal again when all is closed: that was the end that was asked for.
    with listening, scratch(), suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])
