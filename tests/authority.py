"""A timestamp authority on loopback: openssl signs, http.server answers (RFC 3161)."""

import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONFIGURATION = """
[tsa]
default_tsa = own
[own]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
{certs}
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
ordering = yes
tsa_name = yes
ess_cert_id_chain = yes
ess_cert_id_alg = sha256
"""


def openssl(*arguments: str, given: bytes = b"") -> bytes:
    return subprocess.run(
        ["openssl", *arguments], input=given, capture_output=True, timeout=60, check=True
    ).stdout


class Keys:
    """A root certificate, one in between and the authority's own, made in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # A slow answer may still be made when the next authority is asked with the same keys.
        self.lock = threading.Lock()
        folder.mkdir(parents=True)
        self._certificate("root", "root", "basicConstraints=critical,CA:TRUE")
        self._certificate("middle", "root", "basicConstraints=critical,CA:TRUE")
        self._certificate("tsa", "middle", "extendedKeyUsage=critical,timeStamping")
        # In an order that DER forbids for a set: as bytes, each must not be less than the last.
        above = [folder / "root.pem", folder / "middle.pem"]
        above.sort(key=lambda pem: openssl("x509", "-in", str(pem), "-outform", "DER"))
        (folder / "chain.pem").write_bytes(above[1].read_bytes() + above[0].read_bytes())

    @property
    def root(self) -> bytes:
        return (self.folder / "root.pem").read_bytes()

    @property
    def chain(self) -> bytes:
        """What a verifier needs of an authority that sends its own certificate only."""
        return (self.folder / "chain.pem").read_bytes()

    def _certificate(self, name: str, issuer: str, extension: str) -> None:
        key, pem, request = (str(self.folder / f"{name}.{end}") for end in ("key", "pem", "csr"))
        (self.folder / f"{name}.ext").write_text(extension + "\n")
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
        openssl("req", "-new", "-key", key, "-subj", f"/CN=test {name}", "-out", request)
        above = [str(self.folder / f"{issuer}.{end}") for end in ("pem", "key")]
        by = ["-CA", above[0], "-CAkey", above[1], "-CAcreateserial"]
        if issuer == name:
            by = ["-signkey", key]
        extensions = str(self.folder / f"{name}.ext")
        openssl(
            *("x509", "-req", "-in", request, "-days", "30", "-extfile", extensions),
            *("-out", pem, *by),
        )


class Authority:
    """Answers as `mode` says: well, refuse, garbage, stale (always its first reply), other (of
    other bytes), slow, drip, huge, away (503), elsewhere (a redirect)."""

    def __init__(self, keys: Keys, whole_chain: bool = False) -> None:
        self.keys, self.mode, self.asked = keys, "well", 0
        self._first = b""
        (keys.folder / "serial").write_text("01\n")
        certs = f"certs = {keys.folder}/chain.pem" if whole_chain else ""
        self._configuration = keys.folder / "tsa.cnf"
        self._configuration.write_text(CONFIGURATION.format(folder=keys.folder, certs=certs))
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.asked += 1
                request = self.rfile.read(int(self.headers["Content-Length"]))
                outer.answer(self, request)

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/tsa"
        self.name = f"127.0.0.1_{self.server.server_address[1]}"

    def reply(self, request: bytes) -> bytes:
        with self.keys.lock:
            (self.keys.folder / "request.tsq").write_bytes(request)
            return openssl(
                *("ts", "-reply", "-config", str(self._configuration)),
                *("-queryfile", str(self.keys.folder / "request.tsq")),
            )

    def answer(self, handler: BaseHTTPRequestHandler, request: bytes) -> None:
        if self.mode == "slow":
            time.sleep(1.5)
        if self.mode in ("away", "elsewhere"):
            handler.send_response(503 if self.mode == "away" else 302)
            handler.send_header("Location", self.url)
            handler.end_headers()
            return
        if self.mode == "garbage":
            body = b"<html>no such service</html>"
        elif self.mode == "huge":
            body = b"\x30" * 500_000
        elif self.mode == "refuse":
            body = self.reply(b"no request")
        elif self.mode == "other":
            other = openssl("ts", "-query", "-digest", "ab" * 32, "-sha256", "-cert")
            body = self.reply(other)
        else:
            body = self.reply(request)
        self._first = self._first or body
        if self.mode == "stale":
            body = self._first
        handler.send_response(200)
        handler.send_header("Content-Type", "application/timestamp-reply")
        handler.end_headers()
        for start in range(0, len(body), 100 if self.mode == "drip" else len(body)):
            handler.wfile.write(body[start : start + (100 if self.mode == "drip" else len(body))])
            if self.mode == "drip":
                time.sleep(0.1)

    def __enter__(self) -> "Authority":
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *reason: object) -> None:
        self.server.shutdown()
        self.server.server_close()
