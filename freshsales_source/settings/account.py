"""From what users paste as `domain` to the one address the key may be sent to.

The rules err on the side of refusing: a wrong guess here hands the key to a stranger. What is known of the
hosts: `{alias}.myfreshworks.com/crm/sales/api` is the Suite (documented, used by some twenty clients);
`{x}.freshworks.com/crm/sales/api` is printed in the documentation; `{domain}.freshsales.io/api` is Classic
(documented, and seen in responses recorded in 2019); companies have hosts of their own with the Suite's
path (one client). What the CRM shows under "API settings" as bundle alias already contains `/crm/sales`
(documented).
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from freshsales_source.errors import ConfigurationError

SUITE_PATH = "/crm/sales/api"
CLASSIC_PATH = "/api"
VENDOR_DOMAINS = ("myfreshworks.com", "freshworks.com", "freshsales.io")

_LABEL = re.compile(r"[a-z0-9-]{1,63}")
_SHAPE = re.compile(
    r"(?:(?P<scheme>[a-z]+)://)?(?P<host>\[[0-9a-f:.]+\]|[^/:\[\]]+)(?::(?P<port>[0-9]{1,5}))?(?P<path>/.*)?"
)
_FORBIDDEN = {
    "@": "a user name",
    "\\": "a backslash",
    "?": "a query",
    "#": "a fragment",
    "%": "an escaped character",
}
_EXAMPLES = "Write it like `acme`, `acme.myfreshworks.com` or `https://acme.freshsales.io`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One Freshsales account: where its API is. The key goes to `origin` and nowhere else."""

    base_url: str  # https://acme.myfreshworks.com/crm/sales/api, without a slash at the end
    scheme: str
    host: str  # lower case, without port; an IPv6 address without brackets
    port: int | None  # None: the scheme's own
    alias: str  # the host's first label on the vendor's hosts, else the host
    is_vendor_host: bool
    is_loopback: bool

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port, the port always given."""
        return self.scheme, self.host, self.port or _DEFAULT_PORTS[self.scheme]

    @property
    def netloc(self) -> str:
        """Host and, where it is not the scheme's own, port."""
        return self.base_url.partition("://")[2].partition("/")[0]


def parse_domain(text: str) -> Account:
    """Return the account that `domain` names; raise ConfigurationError for anything that is not clearly one.

    Of a pasted page address only the known prefix is kept:
    `https://acme.myfreshworks.com/crm/sales/deals/view/1` means `/crm/sales/api` there.
    """
    text = text.strip()
    _refuse_tricks(text)
    match = _SHAPE.fullmatch(text.lower())
    if match is None:
        raise _refusal("is not an alias, a host or a URL")
    scheme, host, path = match["scheme"], match["host"], match["path"] or ""
    port = int(match["port"]) if match["port"] else None
    if scheme is None and port is None and "." not in host and not host.startswith("["):
        return _of_alias(host, path)
    if scheme not in (None, "http", "https"):
        raise _refusal(f"has the scheme `{scheme}`")
    if port is not None and not 0 < port < 65536:
        raise _refusal(f"has the port {port}, which does not exist")
    return _of_host(scheme, host, port, path)


_DEFAULT_PORTS = {"https": 443, "http": 80}


def _refuse_tricks(text: str) -> None:
    if not text:
        raise _refusal("is empty")
    for character, name in _FORBIDDEN.items():
        if character in text:
            raise _refusal(f"contains {name} (`{character}`)")
    if any(character.isspace() or not character.isprintable() for character in text):
        raise _refusal("contains a space or a control character")
    if not text.isascii():
        raise _refusal("contains letters outside ASCII")


def _of_alias(alias: str, path: str) -> Account:
    if alias == "localhost":
        raise _refusal(
            "is a machine, not an alias", "Write it as a URL with its port: `http://localhost:8900`."
        )
    if not _LABEL.fullmatch(alias):
        raise _refusal("is no alias: only letters, digits and hyphens, at most 63")
    return _of_host("https", f"{alias}.{VENDOR_DOMAINS[0]}", None, path)


def _of_host(scheme: str | None, host: str, port: int | None, path: str) -> Account:
    address = _address(host)
    is_loopback = host == "localhost" or (address is not None and address.is_loopback)
    is_vendor_host = any(host.endswith("." + domain) for domain in VENDOR_DOMAINS)
    if address is None and not all(map(_LABEL.fullmatch, host.split("."))):
        raise _refusal("is not a host name")
    if address is not None and not is_loopback:
        raise _refusal("is an IP address", "A host is verified by its name: write the name.")
    if is_vendor_host and port not in (None, 443):
        raise _refusal(f"names port {port}, but Freshsales answers on 443 only", "Leave the port out.")
    _check_scheme(scheme, host, is_loopback=is_loopback, is_vendor_host=is_vendor_host)
    scheme = scheme or "https"
    port = None if port == _DEFAULT_PORTS[scheme] else port
    netloc = host if port is None else f"{host}:{port}"
    return Account(
        base_url=f"{scheme}://{netloc}{_api_path(host, path, is_vendor_host=is_vendor_host)}",
        scheme=scheme,
        host=host.strip("[]"),
        port=port,
        alias=host.partition(".")[0] if is_vendor_host else host.strip("[]"),
        is_vendor_host=is_vendor_host,
        is_loopback=is_loopback,
    )


def _check_scheme(scheme: str | None, host: str, *, is_loopback: bool, is_vendor_host: bool) -> None:
    if host in VENDOR_DOMAINS:
        raise _refusal("lacks the account's own name", _EXAMPLES)
    if scheme is None and not is_vendor_host:
        remedy = (
            "Write the full address with `http://`."
            if is_loopback
            else ("If the host is really yours, write its full address with `https://`.")
        )
        raise _refusal("is not a host of Freshworks", remedy)
    if scheme == "http" and not is_loopback:
        raise _refusal("would send the key unencrypted", "Write it with `https://`.")


def _api_path(host: str, path: str, *, is_vendor_host: bool) -> str:
    is_suite_page = _is_below(path, "/crm/sales")
    if is_vendor_host:
        classic = host.endswith(".freshsales.io") and not is_suite_page
        return CLASSIC_PATH if classic else SUITE_PATH
    if path.strip("/") == "" or is_suite_page:
        return SUITE_PATH
    if _is_below(path, CLASSIC_PATH):
        return CLASSIC_PATH
    raise _refusal("has a path that is not the API's", "Give the host alone, or end it with `/crm/sales`.")


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The parsed address, or None for a name.

    What resolvers read as a number but is none (`127.1`) is refused.
    """
    try:
        return ipaddress.ip_address(host.strip("[]") if host.startswith("[") else host)
    except ValueError:
        last = host.rpartition(".")[2]
        if host.startswith("[") or last.isdigit() or last.startswith("0x"):
            raise _refusal("is an unusual way to write an IP address") from None
        return None


def _refusal(what: str, remedy: str = _EXAMPLES) -> ConfigurationError:
    # The value is not repeated: people paste keys and passwords into the wrong line.
    return ConfigurationError(f"`domain` {what}", remedy=remedy)
