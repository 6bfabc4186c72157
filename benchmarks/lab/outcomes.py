"""What is known of every program of a task: its predictions on three parts of the rows, its hidden score, its time."""

import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.lab.space import Point, Space
from benchmarks.lab.tasks import ID
from gome.state.task import Task
from gome.tools.data.columns import class_text

BANK = Path(__file__).with_name("bank")
PARTS = ("search", "selection", "hidden")
LEVELS = {"search": 1024, "selection": 1024, "hidden": 256}
"""Numbers are kept as one of so many levels, the quantiles of all predictions of the task: what that loses is a hundredth
of what programs differ by."""


@dataclass(frozen=True)
class Outcomes:
    """The bank of one task. `codes[part]`, (programs, rows), are places in `levels[part]`: numbers, or the classes.

    `truth[part]` are the answers, `fold` the fold in which each search row was predicted, by a program that had learned
    from the other folds; on the other parts programs had learned from all search rows. `hidden` are the scores on all
    hidden rows, `seconds` of one search fold.
    """

    task: Task
    space: Space
    points: list[Point]
    fold: np.ndarray
    codes: dict[str, np.ndarray]
    levels: dict[str, np.ndarray]
    truth: dict[str, np.ndarray]
    hidden: np.ndarray
    seconds: np.ndarray

    @cached_property
    def place(self) -> dict[Point, int]:
        """The number of each program that is in the bank."""
        return {point: number for number, point in enumerate(self.points)}

    def predictions(self, number: int, part: str, rows: np.ndarray) -> pd.DataFrame:
        """What a program said of these rows of a part, as a submission."""
        said = self.levels[part][self.codes[part][number, rows]]
        return _table(ID, rows, self.task.prediction[0], said)

    def answers(self, part: str, rows: np.ndarray) -> pd.DataFrame:
        """The truth of these rows of a part."""
        return _table(ID, rows, self.task.target[0], self.truth[part][rows])

    def with_more(self, more: "Stronger") -> "Outcomes":
        """With these programs behind all others. A fold of theirs takes no seconds, which nobody has measured: what it
        would take is reckoned from the others (world.py)."""
        if not more.points:
            return self
        return replace(
            self,
            points=self.points + more.points,
            codes={part: np.concatenate([self.codes[part], more.codes[part]]) for part in PARTS},
            hidden=np.concatenate([self.hidden, more.hidden]),
            seconds=np.concatenate([self.seconds, np.zeros(len(more.points))]),
        )

    def save(self, path: Path) -> None:
        """Write the bank of the task as one file, whole or not at all."""
        about = {
            "task": self.task.model_dump(mode="json"),
            "coordinates": self.space.coordinates,
            "fields": self.space.fields,
            "is_regression": self.space.is_regression,
        }
        arrays = {
            f"{kind}-{part}": found[part]
            for kind, found in (("codes", self.codes), ("levels", self.levels), ("truth", self.truth))
            for part in PARTS
        }
        draft = path.with_name(f".{path.name}.draft.npz")
        path.parent.mkdir(parents=True, exist_ok=True)
        levels = [list(values) for values in self.space.coordinates.values()]
        places = [[at.index(level) for at, level in zip(levels, point, strict=True)] for point in self.points]
        np.savez_compressed(
            draft,
            allow_pickle=False,
            about=np.array(json.dumps(about)),
            points=np.array(places, dtype=np.uint8),
            fold=self.fold,
            hidden=self.hidden,
            seconds=self.seconds.astype(np.float32),
            **{name: _plain(array) for name, array in arrays.items()},
        )
        draft.replace(path)


@dataclass(frozen=True)
class Stronger:
    """Programs of a task that only a line search reaches (strengths.py): `codes` and `hidden` as those of Outcomes."""

    points: list[Point]
    codes: dict[str, np.ndarray]
    hidden: np.ndarray

    @staticmethod
    def path(bank: Path, name: str) -> Path:
        """Where those of a task are."""
        return bank / f"{name}-strengths.npz"

    def save(self, path: Path) -> None:
        """Write them as one file, whole or not at all."""
        draft = path.with_name(f".{path.name}.draft.npz")
        codes = {f"codes-{part}": _packed(self.codes[part]) for part in PARTS}
        np.savez_compressed(
            draft, allow_pickle=False, points=np.array(json.dumps(self.points)), hidden=self.hidden, **codes
        )
        draft.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Stronger":
        """Those of a task; none where there is no file."""
        if not path.is_file():
            return cls([], {}, np.empty(0))
        with np.load(path, allow_pickle=False) as stored:
            points = [tuple(point) for point in json.loads(str(stored["points"]))]
            codes = {part: _unpacked(stored[f"codes-{part}"]) for part in PARTS}
            return cls(points, codes, stored["hidden"])


def load_with_strengths(name: str, bank: Path = BANK) -> Outcomes:
    """The bank of a task with the programs that only a line search reaches, if these were made."""
    return load(name, bank).with_more(Stronger.load(Stronger.path(bank, name)))


def load(name: str, bank: Path = BANK) -> Outcomes:
    """The bank of a task. FileNotFoundError if it was not made."""
    with np.load(bank / f"{name}.npz", allow_pickle=False) as stored:
        about = json.loads(str(stored["about"]))
        coordinates = {k: tuple(v) for k, v in about["coordinates"].items()}
        levels = list(coordinates.values())
        return Outcomes(
            task=Task(**about["task"]),
            space=Space(coordinates, about["fields"], about["is_regression"]),
            points=[tuple(at[n] for at, n in zip(levels, row, strict=True)) for row in stored["points"]],
            fold=stored["fold"],
            codes={part: stored[f"codes-{part}"] for part in PARTS},
            levels={part: _objects(stored[f"levels-{part}"]) for part in PARTS},
            truth={part: _labels(stored[f"truth-{part}"], about["task"]["classes"]) for part in PARTS},
            hidden=stored["hidden"],
            seconds=stored["seconds"],
        )


def _packed(codes: np.ndarray) -> np.ndarray:
    """Codes as what compresses to two thirds: of each row the steps from program to program, the sign as the last bit,
    low bytes before high ones; (bytes, rows, programs)."""
    steps = np.diff(codes, axis=0, prepend=np.zeros_like(codes[:1])).T
    signed = steps.view(f"i{steps.itemsize}")
    folded = ((signed << 1) ^ (signed >> (8 * steps.itemsize - 1))).astype(f"<u{steps.itemsize}")
    return np.moveaxis(np.ascontiguousarray(folded)[..., None].view(np.uint8), -1, 0)


def _unpacked(packed: np.ndarray) -> np.ndarray:
    """Codes, (programs, rows), of what was packed."""
    folded = np.ascontiguousarray(np.moveaxis(packed, 0, -1)).view(f"<u{len(packed)}")[..., 0]
    steps = (folded >> 1) ^ -(folded & 1)
    return np.ascontiguousarray(np.cumsum(steps, axis=1, dtype=folded.dtype).T)


def _table(id_: str, rows: np.ndarray, name: str, values: np.ndarray) -> pd.DataFrame:
    """Two columns; their names are plain objects, by which a column is found several times as quickly."""
    return pd.DataFrame({id_: rows, name: values}).set_axis(pd.Index([id_, name], dtype=object), axis=1)


def levels_of(values: np.ndarray, part: str, classes: list[str]) -> np.ndarray:
    """What predictions of a part are kept as: the classes, ascending, or a few quantiles of all numbers."""
    if not np.issubdtype(values.dtype, np.number):
        return np.array(sorted(classes), dtype=object)
    return np.unique(np.quantile(values, np.linspace(0, 1, LEVELS[part])))


def nearest(values: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """The place of the nearest level of each value; of a class, its own."""
    bounds = levels if levels.dtype == object else (levels[1:] + levels[:-1]) / 2
    return np.searchsorted(bounds, values).astype(np.uint8 if len(levels) <= 256 else np.uint16)


def _plain(array: np.ndarray) -> np.ndarray:
    return array.astype(str) if array.dtype == object else array


def _labels(truth: np.ndarray, classes: list[str]) -> np.ndarray:
    """Numbers as they are, classes as text."""
    return class_text(pd.Series(truth)).to_numpy() if classes else truth


def _objects(array: np.ndarray) -> np.ndarray:
    return array.astype(object) if array.dtype.kind == "U" else array
