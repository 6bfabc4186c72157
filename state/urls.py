"""What of a URL is secret."""

import re
from urllib.parse import parse_qsl, urlsplit

_NAMED = re.compile(r"(key|token|secret|password|passwd|sig|signature)$", re.IGNORECASE)


def secrets_of(url: str) -> list[str]:
    """Name and password before the host, as they are written, and parameters that are called a key or a token.
    ValueError for what is no URL."""
    parts = urlsplit(url)
    named = [value for name, value in parse_qsl(parts.query) if _NAMED.search(name)]
    return [part for part in (parts.username, parts.password, *named) if part]
