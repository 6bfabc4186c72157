"""The secrets that this process has from its environment, kept out of what is written and shown."""

import base64
import os
import re
from urllib.parse import quote, unquote, urlsplit

from gome.state.urls import secrets_of

MASK = "***"
_NAMED = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$", re.IGNORECASE)
_USER = re.compile(r"(?<=://)[^/?#@\s]+(?=@)")
_SHORTEST_KEY, _SHORTEST_IN_URL = 8, 4
"""What is shorter is a word: 'none', as local servers want it."""


def masked(text: str) -> str:
    """The text with *** for every secret of the environment in it, and for whoever a URL in it names before its @."""
    for secret in sorted(_in_use(), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return _USER.sub(MASK, text)


def keys_masked(text: str) -> str:
    """A model's reply without the secrets that its endpoint quotes in it. Only what is no word is taken out: at least 8
    characters with a digit among them, so that no name in a program is changed."""
    for secret in sorted(_in_use(), key=len, reverse=True):
        if len(secret) >= _SHORTEST_KEY and any(c.isdigit() for c in secret):
            text = text.replace(secret, MASK)
    return text


def _in_use() -> set[str]:
    """Secrets of the environment, as they are and as they travel in a URL or in a header."""
    found: set[str] = set()
    for name, value in os.environ.items():
        if _NAMED.search(name):
            found |= {value} if len(value) >= _SHORTEST_KEY else set()
        elif "://" in value:
            found |= _of_url(value)
    return found


def _of_url(url: str) -> set[str]:
    try:
        given, user = secrets_of(url), urlsplit(url).netloc.rpartition("@")[0]
    except ValueError:  # no URL
        return set()
    known = {form for part in given for form in (part, unquote(part), quote(unquote(part), safe=""))}
    if user:
        known |= {user, base64.b64encode(unquote(user).encode()).decode()}
    return {secret for secret in known if len(secret) >= _SHORTEST_IN_URL}
