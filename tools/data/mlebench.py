"""What a prepared competition does not say by name: its files, id, target and metric, inferred or asked for."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd

from gome.state.errors import GomeError, NoSample, NotUnderstood
from gome.tools.data.columns import class_text
from gome.tools.data.dates import find_format
from gome.tools.data.ids import respelled
from gome.tools.data.metric_words import read_metric
from gome.tools.data.partial_task import PartialTask
from gome.tools.data.table_names import is_table, stem_of
from gome.tools.data.tables import read_columns, read_table

DESCRIPTION = "description.md"
DESCRIPTIONS = (DESCRIPTION, "README.md")
_CALLED = ("target", "label", "labels")


def public_folder(path: Path) -> Path:
    """The folder with what a solution may see: of a competition `prepared/public`, else `path` itself."""
    if path.name == "private" and (path.parent / "public").is_dir():
        raise GomeError(f"{path}: these are the answers; give {path.parent / 'public'}.")
    for inner in ("prepared/public", "public"):
        if (path / inner).is_dir() and not any(is_table(p) for p in path.iterdir() if p.is_file()):
            return path / inner
    return path


def name(path: Path) -> str:
    """The competition's id: the first folder name upwards that is no part of the layout."""
    while path.name in ("public", "prepared") and path.parent != path:
        path = path.parent
    return path.name or "task"


def completed(root: Path, partial: PartialTask) -> Iterator[PartialTask]:
    """`partial` with ever more filled in: description, files, id, target, metric; the last one is complete. GomeError
    names the option that is missing."""
    partial = with_description(root, partial)
    yield partial
    partial = _with_files(root, partial)
    yield partial
    partial = replace(partial, ids=partial.ids or [_infer_id(root, partial)])
    yield partial
    partial = replace(partial, target=partial.target or _infer_target(root, partial))
    yield partial
    yield with_metric(root, partial)


def with_description(root: Path, partial: PartialTask) -> PartialTask:
    """`partial` with the text that it is described by, else that in the folder, '' if there is none. GomeError for a file
    that is not there."""
    given = [Path(partial.described_by)] if partial.described_by else []
    for path in given or [root / name for name in DESCRIPTIONS]:
        if path.is_file():
            return replace(partial, description=path.read_text(encoding="utf-8", errors="replace"))
    if given:
        raise GomeError(f"{given[0]}: no such file, though it is named as `description`.")
    return replace(partial, description="")


def _with_files(root: Path, partial: PartialTask) -> PartialTask:
    tables = sorted(p.name for p in root.iterdir() if p.is_file() and is_table(p))
    for role in ("train", "test", "sample"):
        given = getattr(partial, role)
        if given and not (root / given).resolve().is_relative_to(root.resolve()):
            raise GomeError(f"{given}: the {role} file has to lie in the task folder {root}.")
        if given and not os.path.isfile(root / given):  # False for a name that is too long
            raise GomeError(f"{root / given}: no such file, though it is named as `{role}`.")
    sample = partial.sample or find_sample(root)
    others = [t for t in tables if t != sample]
    train = partial.train or _pick(root, others, "train", r"^train|train(ing)?(\.|_set|_data|_labels)")
    test = partial.test
    if not test and any(re.search(r"^test|test(\.|_set|_data)", t, re.I) for t in others):
        test = _pick(root, [t for t in others if t != train], "test", r"^test|test(\.|_set|_data)")
    return replace(partial, train=train, sample=sample, test=test or sample)


def find_sample(root: Path) -> str:
    """The sample submission among the tables of a folder. GomeError if none or several look like it."""
    tables = sorted(p.name for p in root.iterdir() if p.is_file() and is_table(p))
    return _pick(root, tables, "sample", r"sample.*sub|sub.*sample|^sample|submission")


def _pick(root: Path, tables: list[str], role: str, pattern: str) -> str:
    found = [t for t in tables if re.search(pattern, t, re.I)]
    exact = [t for t in found if stem_of(t).lower() in (role, f"{role}_submission", f"{role}submission")]
    found = exact or found
    if len(found) == 1:
        return found[0]
    file = {"train": "train table", "test": "test table", "sample": "sample submission"}[role]
    if not found:
        have = f"there are {', '.join(tables[:8])}" if tables else "there is no table at all"
        none = NoSample if role == "sample" else NotUnderstood
        raise none(f"{root}: no {file} found ({have}); give `{role}`.")
    raise NotUnderstood(f"{root}: more than one {file} ({', '.join(found)}); give `{role}`.")


def _infer_id(root: Path, partial: PartialTask) -> str:
    test, sample = read_columns(root / partial.test), read_columns(root / partial.sample)
    if sample[0] in test:
        return sample[0]
    shared = [c for c in sample if c in test]
    if len(shared) == 1:
        return shared[0]
    raise NotUnderstood(
        f"{root / partial.sample}: no id column: its first column {sample[0]!r} is not in {partial.test}; "
        "give `id`."
    )


def _infer_target(root: Path, partial: PartialTask) -> list[str]:
    train, test, sample = (read_columns(root / f) for f in (partial.train, partial.test, partial.sample))
    prediction = [c for c in sample if c != partial.id and (c not in test or partial.test == partial.sample)]
    if prediction and all(c in train for c in prediction):
        return prediction
    candidates = [c for c in train if c != partial.id and (c not in test or partial.test == partial.sample)]
    if candidates and partial.test != partial.sample:
        table = read_table(root / partial.train, columns=candidates, text=candidates)
        found = likely_target(table, candidates, prediction, read_table(root / partial.sample))
        if found:
            return [found]
    if len(candidates) == 1:
        return candidates
    if len(prediction) > 1 and candidates:
        table = read_table(root / partial.train, columns=candidates, text=candidates)
        named = [
            c
            for c in candidates
            if classes_of_columns(list(class_text(table[c]).dropna().unique()), prediction) is not None
        ]
        if len(named) == 1:
            return named
    among = f" (it may be one of {', '.join(candidates[:8])})" if candidates else ""
    raise NotUnderstood(f"{root / partial.train}: the target column is not clear{among}; give `target`.")


def likely_target(
    table: pd.DataFrame, candidates: list[str], prediction: list[str], sample: pd.DataFrame
) -> str | None:
    """The one label column among `candidates`, those that test lacks: the only one, the one that is called so, or the
    only text (no date) where the sample holds text; None if several may be it."""
    if len(candidates) == 1:
        return candidates[0]
    if len(prediction) != 1:
        return None
    if called := [c for c in candidates if c.lower() in _CALLED]:
        return called[0] if len(called) == 1 else None
    if (
        pd.to_numeric(sample[prediction[0]], errors="coerce").isna().all()
        and sample[prediction[0]].notna().any()
    ):
        no_dates = [c for c in candidates if find_format(table[c]) is None]
        texts = [c for c in no_dates if pd.to_numeric(table[c], errors="coerce").isna().mean() > 0.5]
        return texts[0] if len(texts) == 1 else None
    return None


def classes_of_columns(classes: list[str], prediction: list[str]) -> list[str] | None:
    """The class of each of the columns `prediction`, named like the classes, maybe with the same words before each (such
    as 'Status_'); None if they are not."""
    for length in range(len(prediction[0])):
        prefix = prediction[0][:length]
        if all(p.startswith(prefix) for p in prediction):
            named = list(respelled(pd.Series([p[length:] for p in prediction]), pd.Series(classes)))
            if len(named) == len(classes) and set(named) == set(classes):
                return named
    return None


def with_metric(root: Path, partial: PartialTask) -> PartialTask:
    """The metric as given, else as the description says it plainly, with the sentence. GomeError if it does not."""
    if partial.metric:
        return partial
    if not partial.description:
        raise GomeError(f"{root}: the metric is not said; give `metric`.")
    reading = read_metric(partial.description)
    if not reading.metric:
        said = f': "{shortened(reading.sentence)}"' if reading.sentence else ""
        file = partial.described_by or root / DESCRIPTION
        unclear = (
            NotUnderstood if partial.direction else GomeError
        )  # with a direction programs can score themselves
        raise unclear(
            f"{file}: the metric is not plain{said}: {reading.doubt}; give `metric`, or where Gome has none like it "
            "`direction` alone."
        )
    return replace(partial, metric=reading.metric, metric_from=reading.sentence)


def shortened(sentence: str) -> str:
    """A sentence for a message or an event line."""
    return sentence if len(sentence) <= 160 else sentence[:157] + "..."
