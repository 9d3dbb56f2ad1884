"""Which Ed25519 key signs the manifests, and whose is a signature?"""

from __future__ import annotations

import os
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
    try:
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError as error:
        raise KeyFileError(f"{path} exists: no key is overwritten, name another file") from error
    with os.fdopen(file, "wb") as opened:
        opened.write(pem)
        opened.flush()
        os.fsync(opened.fileno())
    return _key(private)


def load_key(path: Path) -> Key:
    """The key of a file that `make_key` wrote."""
    try:
        private = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"{path} is no private key in PEM: {error}") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyFileError(f"{path} is no Ed25519 key: make one with manifest --new-key FILE")
    return _key(private)


def load_public(path: Path) -> bytes:
    """The public key of a file, as PEM that equal keys write equally."""
    try:
        public = load_pem_public_key(path.read_bytes())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"{path} is no public key in PEM: {error}") from error
    if not isinstance(public, Ed25519PublicKey):
        raise KeyFileError(f"{path} is no Ed25519 public key")
    return _pem(public)


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
