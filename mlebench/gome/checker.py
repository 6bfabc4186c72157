"""The benchmark's check of a submission's form, asked over HTTP. It gives no score."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import httpx

WAIT_S = 900.0


@dataclass(frozen=True)
class Verdict:
    """Whether a submission is valid, None where there is no telling, and the checker's words."""

    valid: bool | None
    words: str


@dataclass(frozen=True)
class Checker:
    """The checker at `url`. It knows the competition by its own settings, or by the header that we send."""

    url: str
    competition: str

    def ask(self, submission: Path) -> Verdict:
        """Its verdict on a file."""
        try:
            with submission.open("rb") as file:
                reply = httpx.post(
                    self.url,
                    files={"file": ("submission.csv", file, "text/csv")},
                    headers={"exp-id": self.competition},
                    timeout=WAIT_S,
                    trust_env=False,  # the checker is on this machine: never by a proxy
                )
        except httpx.HTTPError as error:
            return Verdict(None, f"no answer from {self.url} ({type(error).__name__}: {error})")
        return read(reply.status_code, reply.text)


def read(status: int, text: str) -> Verdict:
    """A reply's verdict: `{"result": words}`, or `{"is_valid": bool, "result": words}`; anything else is none."""
    try:
        body = json.loads(text)
        said, words = body.get("is_valid"), " ".join(str(body["result"]).split())[:500]
    except (ValueError, KeyError, AttributeError):
        return Verdict(None, f"the checker failed with status {status}: {' '.join(text.split())[:300]}")
    if isinstance(said, bool):
        return Verdict(said, words)
    if re.search(r"\b(invalid|not valid)\b", words, re.IGNORECASE):
        return Verdict(False, words)
    return Verdict(True if re.search(r"\bvalid\b", words, re.IGNORECASE) else None, words)
