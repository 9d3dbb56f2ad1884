"""What an address is: its politeness group, and whether it may be asked at all (pure)."""

from __future__ import annotations

import socket
import unicodedata
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import unquote, urlsplit

_USUAL_PORTS = {"http": 80, "https": 443}
# NAT64 (RFC 6052), IPv4-translated and the former IPv4-compatible ones end in an IPv4 address.
_WRAPPERS = (IPv6Network("64:ff9b::/96"), IPv6Network("::ffff:0:0:0/96"), IPv6Network("::/96"))
# NAT64 of a local network (RFC 8215): whom it leads to cannot be told.
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
# Azure's virtual server for every guest: a public address that is always our own network.
_METADATA = frozenset({IPv4Address("168.63.129.16")})
_LOCAL_SUFFIXES = (".localhost", ".local", ".internal", ".localdomain", ".home.arpa", ".lan")


def group_of(url: str) -> str:
    """The politeness group of an address: its host, with the port where it is not the usual one."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    host = (parts.hostname or "").rstrip(".")
    host = f"[{host}]" if ":" in host else host
    return host + (f":{port}" if port not in (None, _USUAL_PORTS.get(parts.scheme)) else "")


def origin_of(url: str) -> str:
    """Scheme, host and port: what one robots.txt speaks for (RFC 9309, 2.3)."""
    return f"{urlsplit(url).scheme}://{group_of(url)}"


def host_of(url: str) -> str:
    """The host name of an address, in lower case, without a closing dot."""
    return (urlsplit(url).hostname or "").rstrip(".")


def is_public(address: IPv4Address | IPv6Address, *, allow_loopback: bool = False) -> bool:
    """Whether an address is on the public internet, also when wrapped in an IPv6 one."""
    if isinstance(address, IPv6Address):
        if address.is_loopback:
            return allow_loopback
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and any(address in wrapper for wrapper in _WRAPPERS):
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner, allow_loopback=allow_loopback)
        if address.is_site_local or address in _LOCAL_NAT64:
            return False
    if address.is_loopback:
        return allow_loopback
    return address.is_global and not address.is_multicast and address not in _METADATA


def literal_address(host: str) -> IPv4Address | IPv6Address | None:
    """The address a host spells, in any of the ways clients accept, or None for a name."""
    name = unicodedata.normalize("NFKC", unquote(host)).replace("。", ".").strip("[] ").rstrip(".")
    try:
        return ip_address(name.partition("%")[0])
    except ValueError:
        pass
    # 127.1, 0x7f.1, 017700000001 and 2130706433 are addresses to the C library.
    try:
        return IPv4Address(socket.inet_aton(name)) if name and " " not in name else None
    except (OSError, ValueError):
        return None


def refusal(url: str, *, allow_loopback: bool = False) -> str | None:
    """Why an address must not be asked, or None. Names are left to the resolver."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        return f"{url}: no address ({error})"
    if parts.scheme not in ("http", "https"):
        return f"{url}: only http and https are asked"
    if any(letter <= " " for letter in unquote(host)):
        return f"{url}: {host!r} is no name"
    address = literal_address(host)
    if address is not None and not is_public(address, allow_loopback=allow_loopback):
        return f"{url}: {address} is no public address"
    if address is None and not allow_loopback and _is_local_name(host):
        return f"{url}: {host!r} is no public name"
    return None


def _is_local_name(host: str) -> bool:
    name = unicodedata.normalize("NFKC", unquote(host)).replace("。", ".").rstrip(".").lower()
    return not name or name == "localhost" or name.endswith(_LOCAL_SUFFIXES)
