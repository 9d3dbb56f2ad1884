"""When did a manifest exist at the latest, by a clock that is not ours? RFC 3161 timestamps.

The one request over the network that the archive makes goes from here, to the authorities the
operator names. An authority learns the digest of a manifest and nothing else.
"""

from __future__ import annotations

import hashlib
import logging
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from archive.manifest import FOLDER
from archive.proof.verify import Link, NotProvenError, openssl, stamped_by_openssl
from archive.shelf import Shelf

SUFFIX = ".tsr"
TIMEOUT_SECONDS = 20
# Tokens take 2 to 8 KB with their certificates.
MAX_REPLY = 1 << 17
# An authority that was away is asked for so many manifests a night: each later one speaks for all
# before it.
CATCH_UP = 10
GRANTED = 0
# A name in ASCII, or an IP address: it is part of the names of files.
HOST = re.compile(r"[0-9a-z][0-9a-z._-]*|[0-9a-f:.]+")
WANTING = "not checked, for there is no program openssl here: install it"

log = logging.getLogger(__name__)


class StampError(ValueError):
    """An authority gave no timestamp, or one that is not valid; the message says which and why."""


class UncheckedError(StampError):
    """Nobody here can say whether a timestamp is valid: there is no program openssl."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an authority answered for a manifest: the time it states, or what was wrong."""

    manifest: str
    authority: str
    at: str | None
    problem: str | None = None

    def __str__(self) -> str:
        if self.at:
            return f"{self.manifest}: timestamp of {self.authority} at {self.at}"
        return f"{self.manifest}: no timestamp of {self.authority}: {self.problem}"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would turn the question into a GET, and ask somebody the operator did not name."""

    def redirect_request(self, *_: Any) -> None:
        return None


def authority(url: str) -> str:
    """The short name of an authority, part of the names of its timestamps; StampError if none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or not HOST.fullmatch(host) or parts.scheme not in ("http", "https"):
        raise StampError(f"{url!r} is no address of a timestamp authority: want http(s)://…")
    return host.replace(":", "_") + (f"_{port}" if port else "")


def stamp_name(manifest: str, of: str) -> str:
    """The file of an authority's timestamp of a manifest: its reply as received, DER."""
    return f"{manifest.removesuffix('.json')}.{of}{SUFFIX}"


def catch_up(
    shelf: Shelf,
    chain: Sequence[Link],
    urls: Sequence[str],
    roots: bytes | None = None,
    timeout: float = TIMEOUT_SECONDS,
) -> Iterator[Outcome]:
    """Ask each authority for what manifests lack of it, the newest first; keep what is valid.

    An authority that fails is not asked again in this run.
    """
    names = [(authority(url), url) for url in urls]
    kept = {one.name for one in shelf.kept(FOLDER, SUFFIX)}
    for of, url in names:
        for link in lacking(chain, kept, of):
            try:
                reply, at = stamped(url, link.raw, roots, timeout)
            except StampError as error:
                yield Outcome(link.name, of, None, str(error))
                break
            name = stamp_name(link.name, of)
            try:
                shelf.put(FOLDER, name, reply)
            except OSError as error:
                raise StampError(
                    f"{shelf.where(FOLDER, name)} cannot be written: {error.strerror or error}: "
                    "free the disk; the next run asks again"
                ) from error
            yield Outcome(link.name, of, at)


def lacking(chain: Sequence[Link], kept: set[str], of: str) -> list[Link]:
    """The last manifests without a timestamp of an authority, the newest first.

    Those before the first it ever stamped are left as they are: the chain speaks for them.
    """
    has = [stamp_name(link.name, of) in kept for link in chain]
    first = has.index(True) if True in has else len(chain) - 1
    missing = [link for link, there in zip(chain, has, strict=True) if not there]
    return [link for link in reversed(missing) if link in chain[max(first, 0) :]][:CATCH_UP]


def trusted_roots(path: Path) -> bytes:
    """The certificates (PEM) of a file; StampError where it holds none."""
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise StampError(
            f"{path} cannot be read: {error.strerror}: name the authority's certificates"
        ) from error
    try:
        found = _loaded(pem)
    except StampError:
        found = []
    if not found:
        raise StampError(f"{path} holds no certificate in PEM: give the authority's own")
    return pem


def head_problem(shelf: Shelf, chain: Sequence[Link]) -> str | None:
    """What is wrong with a newest manifest that nobody signed, by its timestamps; None if nothing
    is, or there are none. One that cannot be checked here is warned of."""
    if not chain or chain[-1].said["key"] is not None:
        return None
    head = chain[-1]
    for kept in shelf.kept(FOLDER, SUFFIX):
        if kept.name.startswith(head.name.removesuffix(".json") + "."):
            try:
                verify(shelf.read(FOLDER, kept.name), head.raw)
            except UncheckedError as error:
                log.warning("%s: %s", shelf.where(FOLDER, kept.name), error)
            except StampError as error:
                return (
                    f"{head.name} is not what {shelf.where(FOLDER, kept.name)} is a timestamp of "
                    f"({error}): one of the two was altered, restore both from the backup"
                )
    return None


def stamped(
    url: str, message: bytes, roots: bytes | None = None, timeout: float = TIMEOUT_SECONDS
) -> tuple[bytes, str]:
    """A new timestamp of a message from an authority, and the time (UTC) it states."""
    asked = TimestampRequestBuilder().data(message).hash_algorithm(HashAlgorithm.SHA256).build()
    reply = ask(url, asked.as_bytes(), timeout)
    return reply, verify(reply, message, roots, asked)


def ask(url: str, request: bytes, timeout: float = TIMEOUT_SECONDS) -> bytes:
    """The reply of an authority to a request (RFC 3161 §3.4), unread."""
    authority(url)
    question = urllib.request.Request(
        url,
        data=request,
        headers={
            "Content-Type": "application/timestamp-query",
            "Accept": "application/timestamp-reply",
            "User-Agent": "nianbao",
        },
        method="POST",
    )
    ends = time.monotonic() + timeout
    reply = b""
    try:
        with urllib.request.build_opener(_NoRedirect).open(question, timeout=timeout) as answer:
            while block := answer.read1(1 << 14):
                reply += block
                if len(reply) > MAX_REPLY:
                    raise StampError(f"{url} answers with more than {MAX_REPLY} bytes")
                if time.monotonic() > ends:
                    raise StampError(f"{url} did not finish within {timeout:g} seconds")
    except urllib.error.HTTPError as error:
        raise StampError(f"{url} answers {error.code} {error.reason}") from error
    except (OSError, HTTPException, UnicodeError) as error:
        raise StampError(f"{url} cannot be asked: {error}") from error
    return reply


def verify(
    reply: bytes, message: bytes, roots: bytes | None = None, asked: Any | None = None
) -> str:
    """The time (UTC) that a timestamp of a message states; StampError where it is not valid,
    UncheckedError where that takes the program openssl and there is none.

    `roots` (PEM) are the certificates trusted; without any, the reply's own are, which shows that
    it is whole, not whose it is. `asked` is the request it must answer, nonce and all.
    """
    try:
        token = decode_timestamp_response(reply)
        at = _stated(token, message, asked)
    except StampError:
        raise
    except ValueError as error:
        # rfc3161-client wants strict DER and refuses sets that are not sorted, as whole chains of
        # certificates often are; openssl takes them.
        return _by_openssl(reply, message, roots, asked, f"not read by rfc3161-client ({error})")
    # rfc3161-client follows certificates up to one that signed itself, or not at all.
    trusted = _loaded(roots)
    followed = any(one.issuer == one.subject for one in trusted)
    if followed:
        _by_client(token, message, trusted)
    if (not followed or which("openssl")) and _by_openssl(reply, message, roots, asked) != at:
        raise StampError("its two readers do not agree on the time it states")
    return at


def proves(reply: bytes, message: bytes, roots: bytes | None) -> str:
    """As `verify`, raising what the check of bundles expects."""
    try:
        return verify(reply, message, roots)
    except StampError as error:
        raise NotProvenError(str(error)) from error


def certificates(reply: bytes) -> bytes:
    """The uppermost certificates that a timestamp brings along, as PEM: below them it is whole.

    openssl ends a chain at the first certificate it is told to trust, and then misses those above
    that the timestamp names.
    """
    found = _brought(reply)
    subjects = {one.subject for one in found}
    upper = [one for one in found if one.issuer == one.subject or one.issuer not in subjects]
    upper.sort(key=lambda one: one.subject.rfc4514_string())
    return b"".join(one.public_bytes(Encoding.PEM) for one in upper)


def _stated(token: Any, message: bytes, asked: Any | None) -> str:
    """The time a token states, when it was granted and is of this message and question."""
    if token.status != GRANTED:
        reason = "; ".join(token.status_string) or "no reason given"
        raise StampError(f"the authority refused (status {token.status}): {reason}")
    stated = token.tst_info
    if stated.message_imprint.message != hashlib.sha256(message).digest():
        raise StampError("it is a timestamp of other bytes")
    if asked is not None and stated.nonce != asked.nonce:
        raise StampError("it answers another question: the nonce is not the one sent")
    return f"{stated.gen_time:%Y-%m-%dT%H:%M:%SZ}"


def _by_client(token: Any, message: bytes, trusted: Sequence[x509.Certificate]) -> None:
    builder = VerifierBuilder()
    for certificate in trusted:
        builder = builder.add_root_certificate(certificate)
    try:
        builder.build().verify_message(token, message)
    except (VerificationError, ValueError) as error:
        raise StampError(f"rfc3161-client refuses it: {error}") from error


def _by_openssl(
    reply: bytes, message: bytes, roots: bytes | None, asked: Any | None, before: str = ""
) -> str:
    if which("openssl") is None:
        raise UncheckedError(WANTING)
    try:
        return stamped_by_openssl(
            reply, message, roots or certificates(reply), asked.as_bytes() if asked else None
        )
    except NotProvenError as error:
        raise StampError("; ".join(filter(None, (before, str(error))))) from error


def _loaded(pem: bytes | None) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem) if pem else []
    except ValueError as error:
        raise StampError("the certificates to trust cannot be read: want PEM") from error


def _brought(reply: bytes) -> list[x509.Certificate]:
    """All certificates in a reply; none where there is no reading it."""
    try:
        found = decode_timestamp_response(reply).signed_data.certificates
        return [x509.load_der_x509_certificate(one) for one in found]
    except ValueError:
        pass
    with TemporaryDirectory() as folder:
        path, token = str(Path(folder, "reply")), str(Path(folder, "token"))
        Path(path).write_bytes(reply)
        openssl("ts", "-reply", "-in", path, "-token_out", "-out", token)
        printed = openssl("pkcs7", "-inform", "DER", "-in", token, "-print_certs").stdout
    try:
        return x509.load_pem_x509_certificates(printed)
    except ValueError:
        return []
