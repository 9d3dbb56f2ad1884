"""年报自检: what is posted is read as the archive reads it, bounded, and nothing of it stays."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pypdfium2
import pytest
from click.testing import CliRunner
from office_files import needs_office, saved_as
from PIL import Image

import archive.selfcheck as selfcheck
from archive.__main__ import main
from archive.selfcheck import Desk, Draft, RefusedError, Years, application, compare_years
from archive.workers import Failure, Limits, start
from crawler.__main__ import self_checks
from tests.portals import papers, trs, web
from tests.portals.replicas_hostile import docx_bomb
from tests.portals.reports import Report, wrong_by_one

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60
LIMITS = Limits(cpu_seconds=20, wall_seconds=40, memory_bytes=1 << 30)
# Words that nothing but a draft of these tests holds.
SECRET = "泥鳅养殖甲乙丙丁戊"


def clean() -> Report:
    return next(
        report
        for report, _ in trs._reports()
        if report.form == "2021" and report.style == "clean" and not report.failing
    )


def page(report: Report, more: str = "") -> bytes:
    return (
        f"<html><body><h1>{report.title}</h1>{web.article(report, ())}{more}</body></html>".encode()
    )


def files_below(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file() or path.is_socket()}


# --- the server as it runs


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("place")


@pytest.fixture(scope="module")
def server(place: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port, number = listening.getsockname()[1], listening.fileno()
        log = place.parent / "server.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "archive", "selfcheck", "--fd", str(number)],
                cwd=ROOT,
                pass_fds=[number],
                stdin=subprocess.PIPE,
                env={**os.environ, "TMPDIR": str(place)},
                stdout=out,
                stderr=out,
            )
        try:
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            status = process.wait(PATIENCE)
    assert status in (0, 128 + signal.SIGTERM, -signal.SIGTERM)
    assert SECRET not in log.read_text(encoding="utf-8")
    assert log.read_text(encoding="utf-8") == ""
    assert files_below(place) == set()


def post(server: str, **request: Any) -> httpx.Response:
    return httpx.post(server, timeout=PATIENCE, trust_env=False, **request)


def test_a_draft_reads_as_the_same_file_does_on_the_command_line(
    server: str, tmp_path: Path
) -> None:
    draft = tmp_path / "draft.html"
    draft.write_bytes(page(clean(), SECRET))
    printed = json.loads(CliRunner().invoke(main, ["parse", str(draft)]).output)
    del printed["file"]
    answer = post(server, content=draft.read_bytes())
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert told.pop("remarks") == []
    assert told.pop("asked") == {}
    assert told == printed


@pytest.mark.parametrize("medium", ["html", "docx", "pdf"])
def test_a_faulty_draft_is_told_its_faults(server: str, medium: str) -> None:
    report = wrong_by_one(clean(), "granted")
    data = {"html": page, "docx": papers.word, "pdf": papers.pdf}[medium](report)
    told = post(server, files={"draft": (f"{SECRET}.{medium}", data)}).json()
    failed = {f["rule"] for f in told["findings"] if f["verdict"] == "fail"}
    assert failed == {"ROW.granted", "SUM.total@2021"}
    assert told["issuer"] == report.issuer
    assert told["form"] == "2021"
    assert told["cells"]["requests.granted.total"] == report.cells["requests.granted.total"]


def test_text_that_was_pasted_is_a_draft(server: str) -> None:
    text = page(clean()).decode()
    told = post(server, files={"draft": ("", b""), "text": (None, text)}).json()
    assert told["is_report"]
    assert told["cells"]["requests.granted.total"] == clean().cells["requests.granted.total"]


def test_of_a_file_and_text_the_file_is_read_and_that_is_said(server: str) -> None:
    told = post(server, files={"draft": ("a.html", page(clean())), "text": (None, "x")}).json()
    assert told["is_report"]
    assert told["remarks"] == [selfcheck.TWO_DRAFTS]


def test_a_title_given_besides_stands_in_for_one_of_its_own(server: str) -> None:
    body = page(clean()).decode().replace(f"<h1>{clean().title}</h1>", "")
    draft = ("a.html", body.encode())
    told = post(server, files={"draft": draft, "title": (None, clean().title)}).json()
    assert told["issuer"] == clean().issuer
    assert told["year"] == clean().year


def test_what_the_site_asks_for_itself_comes_back(server: str) -> None:
    fields = {"text": (None, "无"), "last_year": (None, "1"), "issuer": (None, "140600-jyj")}
    told = post(server, files={**fields, "other": (None, "x")}).json()
    assert told["asked"] == {"last_year": "1", "issuer": "140600-jyj"}


@pytest.mark.parametrize(
    "request_body",
    [
        {"content": b""},
        {"content": b" \r\n\t "},
        {"files": {"draft": ("", b""), "text": (None, "  ")}},
        {"files": {"other": (None, "x")}},
    ],
)
def test_an_empty_draft_is_told_so(server: str, request_body: dict[str, Any]) -> None:
    answer = post(server, **request_body)
    assert answer.status_code == 400
    assert answer.json() == {"ok": False, "status": 400, "error": selfcheck.EMPTY}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b"nothing of a form"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n"),
        ("multipart/form-data; boundary=" + "x" * 999, b"--"),
    ],
)
def test_a_broken_form_is_told_so(server: str, content_type: str, body: bytes) -> None:
    answer = post(server, content=body, headers={"content-type": content_type})
    assert answer.status_code == 400
    assert answer.json()["error"] in (selfcheck.BROKEN_FORM, selfcheck.EMPTY)


@pytest.mark.parametrize("is_declared", [True, False])
def test_more_than_ten_megabytes_are_refused(server: str, is_declared: bool) -> None:
    blocks = [b"x" * (1 << 20)] * 11
    answer = post(server, content=b"".join(blocks) if is_declared else iter(blocks))
    assert answer.status_code == 413
    assert "10 MB" in answer.json()["error"]


def test_ten_megabytes_are_read(server: str) -> None:
    told = post(server, files={"draft": ("a.bin", b"\0\1\2\3" * (10 << 18))})
    assert told.status_code == 200
    assert told.json()["reason"]


def test_what_no_reader_reads_is_told_in_chinese(server: str) -> None:
    for draft in (
        b"Rar!\x1a\x07\x00" + bytes(50),
        b"\x7fELF" + bytes(range(256)) * 9,
        b"%PDF-1.7\n",
    ):
        told = post(server, content=draft).json()
        assert not told["is_report"]
        assert any("\u4e00" <= character <= "\u9fff" for character in told["reason"])


def bombs() -> Iterator[bytes]:
    yield docx_bomb()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(9):
            archive.writestr(f"{number}.html", b"<td>1</td>" * 3_000_000)
    yield buffer.getvalue()
    title = f"<h1>{clean().title}</h1>".encode()
    yield title + b"<table>" + (b"<tr>" + b"<td>1</td>" * 100 + b"</tr>") * 1000 + b"</table>"
    yield title + b"<table><tr><td>" * 20_000
    yield title + b"<table><tr>" + b"<td rowspan=60000 colspan=1000>1</td>" * 2000


def test_bombs_and_endless_tables_end_in_a_sentence_and_the_next_draft_is_read(server: str) -> None:
    for draft in bombs():
        answer = post(server, content=draft)
        assert answer.status_code == 200
        assert answer.json()["reason"]
        assert len(answer.content) < 1 << 20
    assert post(server, content=page(clean())).json()["is_report"]


def test_an_endless_pdf_is_answered_within_bounds(server: str) -> None:
    once = pypdfium2.PdfDocument(papers.pdf(clean()))
    endless, buffer = pypdfium2.PdfDocument.new(), io.BytesIO()
    for _ in range(201):
        endless.import_pages(once)
    endless.save(buffer)
    told = post(server, content=buffer.getvalue()).json()
    assert not told["is_report"]
    assert "超过 400 页" in told["reason"]


@needs_office
def test_a_draft_that_is_converted_leaves_no_file(server: str, place: Path) -> None:
    old = saved_as(papers.word(clean()), "docx", "doc")
    told = post(server, content=old).json()
    assert told["cells"]["requests.granted.total"] == clean().cells["requests.granted.total"]
    deadline = time.monotonic() + PATIENCE
    # The process that read it is taken down after its answer.
    while files_below(place) - {"lock"} and time.monotonic() < deadline:
        if not {name for name in files_below(place) if "listener" not in name and name != "lock"}:
            break
        time.sleep(0.05)
    assert {name for name in files_below(place) if "listener" not in name} == {"lock"}


def test_two_years_are_compared_on_request(server: str) -> None:
    one = {"cells": {"requests.carried_in.total": "5"}, "sections": []}
    before = {"cells": {"requests.carried_out.total": "4"}, "sections": []}
    answer = post(server + "beside", json={**one, "year": 2023, "before": before})
    (found,) = [f for f in answer.json() if f["verdict"] == "fail"]
    assert (found["actual"], found["expected"]) == ("5", "4")
    assert found["cells"] == ["requests.carried_in.total"]


LONE = '"\\ud800"'


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("", "：不是 JSON"),
        ("[" * 100_000, "：不是 JSON"),
        ('{"year": 2023', "：不是 JSON"),
        ("[]", "：整个请求 应为：对象"),
        ("{}", "：before 应为：对象"),
        ('{"year": 2023, "cells": 3, "before": {}}', "：cells 应为：对象"),
        ({"year": "Infinity"}, "：year 应为：0 至 9999 的整数"),
        ({"year": "NaN"}, "：year 应为：0 至 9999 的整数"),
        ({"year": "1e999"}, "：year 应为：0 至 9999 的整数"),
        ({"year": '"2023"'}, "：year 应为：0 至 9999 的整数"),
        ({"cells": '{"requests.carried_in.total": Infinity}'}, "carried_in.total 应为：文字"),
        ({"cells": '{"requests.carried_in.total": "Infinity"}'}, "不是 Infinity、NaN 或 1e9 之类"),
        ({"cells": '{"requests.carried_in.total": "sNaN"}'}, "不是 Infinity、NaN 或 1e9 之类"),
        ({"cells": '{"requests.carried_in.total": "1e999999999"}'}, "不是 Infinity、NaN 或 1e9"),
        ({"cells": f'{{"requests.carried_in.total": {LONE}}}'}, "不得有单独的代理码位"),
        ({"cells": f'{{{LONE}: "5"}}'}, "：cells 应为：可用 UTF-8 写出的文字"),
        ({"cells": f"{{{LONE}: 5}}"}, "：cells 应为：可用 UTF-8 写出的文字"),
        ({"sections": "[3]"}, "：sections[0] 应为：对象"),
        ({"sections": '[{"number": Infinity, "text": ""}]'}, "：sections[0].number 应为："),
        ({"sections": f'[{{"number": 1, "text": {LONE}}}]'}, "：sections[0].text 应为："),
        ({"before": '{"cells": {}, "sections": 3}'}, "：before.sections 应为：数组"),
        ({"before": '{"cells": {"a": NaN}, "sections": []}'}, "：before.cells.a 应为：文字"),
    ],
)
def test_what_is_no_pair_of_years_is_refused(
    server: str, body: str | dict[str, str], told: str
) -> None:
    if isinstance(body, dict):
        parts = {"year": "2023", "cells": "{}", "sections": "[]"}
        parts |= {"before": '{"cells": {}, "sections": []}'} | body
        body = "{" + ", ".join(f'"{name}": {value}' for name, value in parts.items()) + "}"
    answer = post(server + "beside", content=body.encode())
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("请求不是约定的 JSON")
    assert told in answer.json()["error"]


def test_every_cell_may_be_the_same_as_last_year_under_any_name(server: str) -> None:
    cells = {f"a.b.{name}": "5" for name in "甲乙丙丁戊"}
    year = {"cells": cells, "sections": [{"number": 1, "heading": None, "text": ""}]}
    answer = post(server + "beside", json={**year, "year": 2023, "before": year})
    assert [found["rule"] for found in answer.json()] == ["PLAUSIBLE.copied_figures"]


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        # Ten megabytes of it would be decoded for hours, and nobody else would be answered.
        ("punycode", b"a" * 300_000 + b"-" + b"b" * 300_000),
        # Decodes to what no answer can be written with.
        ("utf-7", b"+2AA-"),
        ("unicode_escape", rb"\ud800"),
        ("nothing", b"a"),
    ],
)
def test_a_form_in_a_strange_charset_is_refused(server: str, charset: str, text: bytes) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="issuer"\r\n\r\n' + text
    body += b'\r\n--x\r\nContent-Disposition: form-data; name="text"\r\n\r\na\r\n--x--\r\n'
    headers = {"content-type": f"multipart/form-data; boundary=x; charset={charset}"}
    answer = post(server, content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"] == selfcheck.STRANGE_CHARSET


def test_a_form_in_gbk_is_read(server: str) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="issuer"\r\n\r\n' + "朔州".encode("gbk")
    body += b'\r\n--x\r\nContent-Disposition: form-data; name="text"\r\n\r\na\r\n--x--\r\n'
    headers = {"content-type": 'multipart/form-data; boundary=x; charset="GBK"'}
    answer = post(server, content=body, headers=headers)
    assert answer.status_code == 200
    assert answer.json()["asked"] == {"issuer": "朔州"}


def test_it_says_that_it_is_there(server: str) -> None:
    assert httpx.get(server, trust_env=False).json() == {"ok": True}


# --- its parts


def silver(task: str) -> str:
    return task


def leave_a_file_and_die(task: str) -> str:
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write(task)
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


def leave_a_file_and_warn(task: str) -> str:
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write(task)
    print(task)
    print(task, file=sys.stderr)
    os.write(2, task.encode())
    return task


def swell(_: str) -> str:
    return str(len(bytearray(1 << 40)))


def wait_for_file(name: str) -> str:
    while not Path(name).exists():
        time.sleep(0.02)
    return "done"


@pytest.fixture
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    # What multiprocessing keeps for as long as this process lives is to lie elsewhere.
    start()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.asyncio
async def test_a_worker_that_is_killed_leaves_nothing_and_the_next_one_works(
    own_place: Path,
) -> None:
    with selfcheck.scratch() as folder:
        desk = Desk(LIMITS, at_once=1)
        outcome = await desk.work(leave_a_file_and_die, SECRET)
        assert isinstance(outcome, Failure)
        assert "异常终止" in outcome.reason
        assert await desk.work(silver, SECRET) == json.dumps(SECRET, ensure_ascii=False)
        desk.close()
        left = [path for path in folder.rglob("*") if path.is_file() and path.name != "lock"]
        assert [path for path in left if SECRET in path.read_text("utf-8", "replace")] == []
    assert list(own_place.iterdir()) == []


@pytest.mark.asyncio
async def test_what_a_library_says_of_a_draft_is_heard_by_nobody(
    own_place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    desk = Desk(LIMITS, at_once=1)
    assert await desk.work(leave_a_file_and_warn, SECRET) == json.dumps(SECRET, ensure_ascii=False)
    await asyncio.to_thread(desk.close)
    assert SECRET not in "".join(capfd.readouterr())
    assert [path for path in own_place.rglob("*") if path.is_file()] == []


@pytest.mark.asyncio
async def test_a_draft_beyond_the_limits_is_given_up_with_a_reason() -> None:
    desk = Desk(Limits(cpu_seconds=2, wall_seconds=20, memory_bytes=512 << 20), at_once=1)
    outcome = await desk.work(swell, "")
    assert outcome == Failure("读取内存超过 512 MB，已放弃")
    desk.close()


@pytest.mark.asyncio
async def test_who_waits_too_long_for_a_place_is_told_to_come_again(tmp_path: Path) -> None:
    desk = Desk(LIMITS, at_once=1, waiting=1, longest_wait=0.05)
    signal_file = tmp_path / "go"
    first = asyncio.create_task(desk.work(wait_for_file, str(signal_file)))
    while not desk._at_work:
        await asyncio.sleep(0.01)
    with pytest.raises(RefusedError) as refused:
        await desk.work(silver, "")
    assert (refused.value.status, refused.value.retry_after > 0) == (503, True)
    signal_file.touch()
    assert await first == '"done"'
    desk.close()


@pytest.mark.asyncio
async def test_there_is_room_for_so_many_requests_and_no_more() -> None:
    desk = Desk(at_once=1, waiting=1)
    async with desk.admitted(), desk.admitted():
        with pytest.raises(RefusedError) as refused:
            async with desk.admitted():
                pass
    assert refused.value.status == 503
    async with desk.admitted():
        pass
    desk.close()


@pytest.mark.asyncio
async def test_a_desk_that_closes_ends_what_is_being_read(tmp_path: Path) -> None:
    desk = Desk(LIMITS, at_once=1)
    never = asyncio.create_task(desk.work(wait_for_file, str(tmp_path / "never")))
    while not desk._at_work:
        await asyncio.sleep(0.01)
    await asyncio.to_thread(desk.close)
    with pytest.raises(RefusedError):
        await never


@asynccontextmanager
async def in_process(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    app = application(lambda: desk)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://here") as client,
    ):
        yield client


@pytest.mark.asyncio
async def test_a_form_is_held_in_memory_whatever_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a draft was written to the disk")

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", refuse)
    async with in_process(Desk(LIMITS, at_once=1)) as client:
        draft = page(clean(), "<!--" + "x" * (5 << 20) + "-->")
        answer = await client.post("/", files={"draft": ("a.html", draft)}, timeout=PATIENCE)
    assert answer.status_code == 200


@pytest.mark.asyncio
async def test_an_error_of_ours_is_logged_without_what_it_quotes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise LookupError(SECRET)

    desk = Desk(LIMITS, at_once=1)
    monkeypatch.setattr(desk, "work", fail)
    async with in_process(desk) as client:
        answer = await client.post("/", content=SECRET.encode())
    assert answer.status_code == 500
    assert "LookupError" in caplog.text
    assert SECRET not in caplog.text + answer.text


@pytest.mark.asyncio
async def test_a_draft_that_never_ends_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.Event().wait()

    monkeypatch.setattr(selfcheck, "UPLOAD_SECONDS", 0.05)
    async with in_process(Desk(LIMITS, at_once=1)) as client:
        answer = await client.post("/", content=endless())
    assert answer.status_code == 408


KILLED = """
import os, signal, sys
from archive.selfcheck import scratch
with scratch() as folder:
    (folder / "draft").write_text("left")
    print(folder, flush=True)
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_server_left_is_cleared_by_the_next_and_not_before(own_place: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(own_place)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    folder = Path(child.stdout.readline().strip())
    with selfcheck.scratch():
        assert (folder / "draft").exists()
    child.communicate()
    assert (folder / "draft").exists()
    with selfcheck.scratch():
        assert not folder.exists()


def scanned(pages: int) -> bytes:
    buffer = io.BytesIO()
    sheets = [Image.new("L", (200, 280), 255) for _ in range(pages)]
    sheets[0].save(buffer, "PDF", save_all=True, append_images=sheets[1:])
    return buffer.getvalue()


def test_of_a_long_scan_the_first_pages_are_read_and_that_is_said() -> None:
    data, said = selfcheck.without_late_scans(scanned(11))
    assert len(pypdfium2.PdfDocument(data)) == 8
    assert said == ["扫描件要逐页识别，只读了前 8 页（共 11 页）；改交可编辑的文件，则全部检查"]


@pytest.mark.parametrize("draft", [scanned(8), papers.pdf(clean()), b"%PDF-1.7 broken", b"<p>a"])
def test_other_drafts_are_read_whole(draft: bytes) -> None:
    assert selfcheck.without_late_scans(draft) == (draft, [])


def test_an_answer_is_cut_to_what_a_page_can_show() -> None:
    rows = "".join(f"<tr><td>地方指标{n}</td><td>件</td><td>{n}</td></tr>" for n in range(900))
    more = f"<p>{'长' * 400_000}</p><table>{rows}</table>"
    told = selfcheck.read_draft(Draft(page(clean(), more)))
    assert sum(len(section["text"]) for section in told["sections"]) <= 300_000
    assert max(len(told[name]) for name in ("findings", "extras", "unused", "sections")) <= 500
    assert told["remarks"] == [selfcheck.SOME_LISTED]


def test_a_clean_draft_has_nothing_to_remark() -> None:
    told = selfcheck.read_draft(Draft(page(clean())))
    assert told["remarks"] == []
    assert [f for f in told["findings"] if f["verdict"] == "fail"] == []


def test_years_that_agree_fail_nothing() -> None:
    years = Years(2023, {"requests.carried_in.total": "4"}, (),
                  {"requests.carried_out.total": "4"}, ())  # fmt: skip
    assert [f["verdict"] for f in compare_years(years)] == ["pass"]


def test_a_busy_port_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        result = CliRunner().invoke(main, ["selfcheck", "--port", str(port)])
    assert result.exit_code == 1
    assert f"127.0.0.1 port {port} cannot be listened at" in result.output


# --- beside the site


def answers(address: str) -> bool:
    return bool(httpx.get(address, timeout=PATIENCE, trust_env=False).json()["ok"])


def servers() -> set[int]:
    """The servers of self-checks that this process has started."""
    command = ["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())]
    listed = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    return {int(line.split()[0]) for line in listed if "archive selfcheck" in line}


def test_the_site_has_one_beside_it_that_is_started_again_when_it_dies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NIANBAO_SELFCHECK", raising=False)
    before = servers()
    with self_checks() as address:
        assert address.startswith("http://127.0.0.1:")
        assert answers(address)
        (own,) = servers() - before
        os.kill(own, signal.SIGKILL)
        assert answers(address)
    assert servers() <= before
    with pytest.raises(httpx.ConnectError):
        answers(address)


def test_it_ends_with_whoever_started_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        number = listening.fileno()
        process = subprocess.Popen(
            [sys.executable, "-m", "archive", "selfcheck", "--fd", str(number)],
            cwd=ROOT,
            pass_fds=[number],
            stdin=subprocess.PIPE,
        )
        assert answers(f"http://127.0.0.1:{listening.getsockname()[1]}")
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE) in (0, 128 + signal.SIGTERM, -signal.SIGTERM)


@pytest.mark.parametrize("named", ["http://127.0.0.1:9", ""])
def test_one_that_the_environment_names_is_used_instead(
    monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setenv("NIANBAO_SELFCHECK", named)
    before = servers()
    with self_checks() as address:
        assert address == named
        assert servers() == before
