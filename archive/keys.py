"""Which Ed25519 key signs the manifests, and whose is a signature?"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from archive.proof.verify import fingerprint

# The bits of a mode that let group and others in.
OTHERS = 0o077
# Keys in PEM have some hundred bytes.
MOST = 1 << 16


class KeyFileError(ValueError):
    """A file is not the key it should be; the message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Key:
    """A signing key. `fingerprint` is the SHA-256 of its public half (DER), in hex."""

    private: Ed25519PrivateKey
    public_pem: bytes
    fingerprint: str

    def sign(self, message: bytes) -> bytes:
        """The signature of a message, 64 bytes; the same each time (RFC 8032)."""
        return self.private.sign(message)


def make_key(path: Path) -> Key:
    """A new key in a new file (PKCS #8, PEM) that only its owner can read."""
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with _told(path, "written", "free the disk or name another file"):
        try:
            file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError as error:
            raise KeyFileError(
                f"{path} exists: no key is overwritten, name another file"
            ) from error
        try:
            with os.fdopen(file, "wb") as opened:
                opened.write(pem)
                opened.flush()
                os.fsync(opened.fileno())
        except OSError:
            path.unlink()
            raise
    return _key(private)


def load_key(path: Path) -> Key:
    """The key of a file that `make_key` wrote, refused where others than its owner can read it."""
    with _told(path, "read", "name the file that manifest --new-key made"), path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        raw = file.read(MOST)
    try:
        private = load_pem_private_key(raw, None)
    except TypeError as error:
        raise KeyFileError(
            f"{path} is protected by a passphrase, which nobody can enter at night: make a key "
            "with manifest --new-key FILE"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        why = "holds a public key" if b"BEGIN PUBLIC KEY" in raw else "is no private key in PEM"
        raise KeyFileError(
            f"{path} {why}: name the file that manifest --new-key made, or make one with it"
        ) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyFileError(f"{path} is no Ed25519 key: make one with manifest --new-key FILE")
    if mode & OTHERS:
        raise KeyFileError(
            f"{path} can be read by others (mode {mode:04o}), who could sign with it: run "
            f"chmod 600 {path}, and replace the key if somebody may have read it"
        )
    return _key(private)


def load_public(path: Path) -> bytes:
    """The public key of a file, as PEM that equal keys write equally."""
    with _told(path, "read", "name a public key"), path.open("rb") as file:
        raw = file.read(MOST)
    try:
        public = load_pem_public_key(raw)
    except (ValueError, UnsupportedAlgorithm) as error:
        why = (
            "it holds a private key, which is for its owner only"
            if b"PRIVATE KEY-----" in raw
            else "name the one that manifest --new-key printed"
        )
        raise KeyFileError(f"{path} is no public key in PEM: {why}") from error
    if not isinstance(public, Ed25519PublicKey):
        raise KeyFileError(
            f"{path} is no Ed25519 public key: name the one that manifest --new-key printed"
        )
    return _pem(public)


@contextmanager
def _told(path: Path, done: str, remedy: str) -> Iterator[None]:
    """Failures of the system as a sentence."""
    try:
        yield
    except OSError as error:
        raise KeyFileError(f"{path} cannot be {done}: {error.strerror}: {remedy}") from error


def is_signed(public_pem: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature of a message is that key's."""
    try:
        public = load_pem_public_key(public_pem)
        if isinstance(public, Ed25519PublicKey):
            public.verify(signature, message)
            return True
    except (ValueError, UnsupportedAlgorithm, InvalidSignature):
        pass
    return False


def _key(private: Ed25519PrivateKey) -> Key:
    pem = _pem(private.public_key())
    return Key(private, pem, fingerprint(pem))


def _pem(public: Ed25519PublicKey) -> bytes:
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
