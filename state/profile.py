"""The data profile: what `gome.tools.data.profile` finds, what prompts carry and the offline reasoner reads."""

from typing import Any

from typing_extensions import TypedDict

from gome.state.evidence import ShownRow


class Shape(TypedDict, total=False):
    """How numbers or dates are spread; `mean_words` is of texts."""

    min: Any
    max: Any
    mean: float | None
    mean_words: float | None
    std: float | None
    skew: float | None


class ColumnProfile(Shape, total=False):
    """One column, or a run of alike ones (`count`, `template`). Shares lie in 0 to 1, `min` to `skew` in its units."""

    name: str
    kind: str
    dtype: str
    missing: float | None
    test_missing: float | None
    unique: int
    top: list[list[Any]]
    examples: list[str]
    image_size: list[int]
    drift: float | None
    count: int
    kinds: dict[str, int]
    template: str
    format: str
    other: str


class TargetProfile(Shape, total=False):
    """A label column; `counts` of classes, most frequent first."""

    kind: str
    dtype: str
    missing: float | None
    unique: int
    counts: dict[str, int]


class TableProfile(TypedDict, total=False):
    """A further table of the task; `error` where it cannot be read."""

    name: str
    rows: int | None
    columns: list[str]
    error: str


class Preview(TypedDict, total=False):
    """What files of one kind hold, as far as the `read` ones of all `count` show it; `files` is their pattern. Figures of
    `facts` are ranges, words are counted. `example` is of the first one, `problem` why there is no more."""

    files: str
    count: int
    read: int
    kind: str
    facts: dict[str, str]
    example: str
    problem: str


class DataProfile(TypedDict, total=False):
    """All of it; `leaks` say what gives the target away, `warnings` how test is unlike train, what was guessed and what
    labels leave in doubt ({"kind", "text"} each), `examples` are whole rows, `naive_score` is that of the best
    constant prediction (both of prompts alone), `tree` shows the folder of a task without tables, `previews` what its
    files hold that are no tables known already, `pictures` are names of some of them that a model may be shown."""

    rows: int
    test_rows: int
    columns: list[ColumnProfile]
    columns_in_all: int
    target: dict[str, TargetProfile]
    tables: list[TableProfile]
    files: dict[str, int]
    tree: list[str]
    previews: list[Preview]
    pictures: list[str]
    duplicates: int
    examples: list[ShownRow]
    naive_score: float
    notes: list[str]
    leaks: list[dict[str, Any]]
    warnings: list[dict[str, str]]
