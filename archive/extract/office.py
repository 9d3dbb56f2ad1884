"""DOC, WPS, RTF, ODT and their like -> DOCX or XLSX, by LibreOffice without a screen.

antiword and catdoc lose the tables. Every conversion has a profile and a folder of its own, which
go when it ends; no macro runs and no link is followed, and the kernel ends what takes too long.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from archive.model import MissingToolError, UnreadableError

TIMEOUT = 90
# For the shell's ulimit: seconds of a core, KB of memory, blocks of 512 bytes written.
LIMITS = "ulimit -c 0 -t 60; ulimit -v 4194304; ulimit -f 409600"
FILTERS = {"docx": "docx:MS Word 2007 XML", "xlsx": "xlsx:Calc MS Excel 2007 XML"}
PACKAGES = "libreoffice-writer-nogui libreoffice-calc-nogui"
COMMANDS = ("soffice", "libreoffice")
ELSEWHERE = (
    "/usr/lib/libreoffice/program/soffice",
    "/opt/libreoffice/program/soffice",
    "/Applications/LibreOffice.app/Contents/MacOS/soffice",
)
# No macros, no links, no pictures from afar, no Java; a proxy that is nowhere for what remains.
SETTINGS = {
    "Office.Common/Security/Scripting": {
        "MacroSecurityLevel": ("int", "3"),
        "DisableMacrosExecution": ("boolean", "true"),
        "BlockUntrustedRefererLinks": ("boolean", "true"),
        "DisableActiveContent": ("boolean", "true"),
    },
    "Office.Common/Misc": {"UseLocking": ("boolean", "false")},
    "Office.Common/Save/Document": {"CreateBackup": ("boolean", "false")},
    "Office.Writer/Content/Update": {"Link": ("int", "0"), "Field": ("boolean", "false")},
    "Office.Calc/Content/Update": {"Link": ("short", "2")},
    "Office.Java/VirtualMachine": {"Enable": ("boolean", "false")},
    "Inet/Settings": {
        "ooInetProxyType": ("int", "2"),
        "ooInetHTTPProxyName": ("string", "127.0.0.1"),
        "ooInetHTTPProxyPort": ("int", "9"),
        "ooInetHTTPSProxyName": ("string", "127.0.0.1"),
        "ooInetHTTPSProxyPort": ("int", "9"),
        "ooInetFTPProxyName": ("string", "127.0.0.1"),
        "ooInetFTPProxyPort": ("int", "9"),
        "ooInetNoProxy": ("string", ""),
    },
}


def convert(data: bytes, ending: str, target: str, kind: str) -> bytes:
    """The document as `target` (docx or xlsx). `ending` tells LibreOffice what it is, `kind` us.

    Raises MissingToolError without LibreOffice, UnreadableError for what it cannot open.
    """
    program = _program()
    if program is None:
        raise MissingToolError(
            f"{kind}要由 LibreOffice 转换，本机没有安装；在 Debian 上执行"
            f" apt-get install --no-install-recommends {PACKAGES} 后重新构建"
        )
    with tempfile.TemporaryDirectory(prefix="nianbao-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        source = place / f"document.{ending}"
        source.write_bytes(data)
        _write_profile(place / "profile")
        _run(program, place, source, FILTERS[target], kind)
        result = place / "out" / f"document.{target}"
        if not result.is_file():
            raise UnreadableError(f"{kind}打不开，可能已损坏或加了密码")
        return result.read_bytes()


def tools() -> str:
    """Which converters are here, with their versions; part of what a reading depends on."""
    return _version(_program())


def _program() -> str | None:
    named = next(filter(None, map(shutil.which, COMMANDS)), None)
    return named or next((path for path in ELSEWHERE if os.access(path, os.X_OK)), None)


@cache
def _version(program: str | None) -> str:
    if program is None:
        return "libreoffice:none"
    # A version file stands beside the program; asking the program itself takes half a second.
    for folder in (Path(program).resolve().parent, Path("/usr/lib/libreoffice/program")):
        try:
            text = (folder / "versionrc").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if match := re.search(r"^buildid=(\w+)", text, re.MULTILINE):
            return f"libreoffice:{match[1][:12]}"
    return "libreoffice:unknown"


def _write_profile(profile: Path) -> None:
    user = profile / "user"
    user.mkdir(parents=True)
    items = "".join(
        f'<item oor:path="/org.openoffice.{path}"><prop oor:name="{name}" oor:op="fuse">'
        f"<value>{value}</value></prop></item>"
        for path, properties in SETTINGS.items()
        for name, (_, value) in properties.items()
    )
    (user / "registrymodifications.xcu").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<oor:items '
        'xmlns:oor="http://openoffice.org/2001/registry" '
        'xmlns:xs="http://www.w3.org/2001/XMLSchema" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{items}</oor:items>',
        encoding="utf-8",
    )


def _run(program: str, place: Path, source: Path, filter_name: str, kind: str) -> None:
    command = [
        program, f"-env:UserInstallation={(place / 'profile').as_uri()}", "--headless",
        "--norestore", "--nologo", "--nodefault", "--nolockcheck", "--convert-to", filter_name,
        "--outdir", str(place / "out"), str(source),
    ]  # fmt: skip
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(place),
        "TMPDIR": str(place),
        "LANG": "C.UTF-8",
        "SAL_USE_VCLPLUGIN": "svp",
    }
    with subprocess.Popen(
        ["/bin/sh", "-c", f'{LIMITS}; exec "$@"', "sh", *command],
        cwd=place,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            process.wait(TIMEOUT)
        except subprocess.TimeoutExpired as error:
            raise UnreadableError(f"{kind}转换超过 {TIMEOUT} 秒，已放弃") from error
        finally:
            # The program starts others; all of them are of this session.
            _kill(process.pid)


def _kill(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
