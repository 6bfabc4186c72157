"""What model calls cost: a table by model name, which the user extends; a price that is not in it is not guessed."""

import re
from collections.abc import Collection
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from gome.state.errors import GomeError

BUILT_IN = Path(__file__).with_name("prices.yaml")
OFFLINE = ("offline", "gome-offline-rules")
"""How the offline reasoner is called: it costs nothing."""
_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")


class Price(BaseModel):
    """US dollars per million tokens. Without `cached_input`, input that the provider had cached costs as any other."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached_input: float | None = Field(default=None, ge=0)

    def usd(self, tokens_in: int, tokens_out: int, cached: int = 0) -> float:
        """The price of one call; `cached` are those of `tokens_in` that the provider had cached."""
        cached_price = self.input if self.cached_input is None else self.cached_input
        return ((tokens_in - cached) * self.input + cached * cached_price + tokens_out * self.output) / 1e6


class Prices:
    """Prices by model name. A dated snapshot ('gpt-5-2025-08-07') costs what its model costs."""

    def __init__(self, table: dict[str, Price]) -> None:
        self.table = table

    @classmethod
    def read(cls, user_file: str | None, *, hosted: bool, elsewhere: Collection[str] = ()) -> "Prices":
        """The user's table over the built-in one, which holds for OpenAI's own endpoint (`hosted`) alone: a model of the
        same name that is asked `elsewhere` may cost anything.

        Raises GomeError for a file that is no price table.
        """
        other = {_SNAPSHOT.sub("", name) for name in elsewhere}
        table = {name: price for name, price in _read(BUILT_IN).items() if hosted and name not in other}
        if user_file:
            table |= _read(Path(user_file))
        return cls(table | dict.fromkeys(OFFLINE, Price(input=0, output=0)))

    def check_cap(self, models: set[str], max_usd: float | None) -> None:
        """Raises GomeError if money is capped and the price of one of `models` is not known."""
        unknown = sorted(name for name in models if self.of(name) is None)
        if max_usd is not None and unknown:
            raise GomeError(
                f"--max-usd can't be held: no price is known for {', '.join(unknown)}; give it in a file: --prices FILE"
            )

    def of(self, model: str) -> Price | None:
        """The price of a model, None if it is not known."""
        return self.table.get(model) or self.table.get(_SNAPSHOT.sub("", model))


def _read(path: Path) -> dict[str, Price]:
    try:
        return TypeAdapter(dict[str, Price]).validate_python(yaml.safe_load(path.read_text()))
    except (OSError, UnicodeDecodeError) as error:
        raise GomeError(f"--prices {path} can't be read: {error}") from None
    except (yaml.YAMLError, ValidationError):
        raise GomeError(
            f"--prices {path}: write a line for each model, as `gpt-5: {{input: 1.25, output: 10}}`, "
            "in US dollars per million tokens"
        ) from None
