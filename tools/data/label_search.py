"""Looks for labels in anything: beside the ids of their rows, in the order of the rows, or as a list of the rows of one
class. Executed, no model asked.

A place (a column, or a distance from an id in a text) tells labels if what stands there is the row's own label far more
often than the same labels dealt to other rows would be.
"""

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.special import gammaln

from gome.tools.data.columns import class_text
from gome.tools.data.ids import id_values

TOLD = 0.8
"""Share of the way from chance to all labels right from which a place tells them."""
FEWEST = 3
"""Rows from which on they are a copy of some, and no example."""
ROWS = 2_000
FARTHEST = 2_000
PLACES = 12
ODDS, BESIDE_ODDS = 1e-9, 1e-6
"""Of a stretch of labels in the order of the rows, or of the labels at one place, to be there by chance."""
DOUBT = 0.8
"""Of what all the labels of a column say together: the share from which a place is doubted."""
MOST_LISTED = 50
"""Classes of which lists are looked for."""
_SUFFIX = r"\.[A-Za-z]\w{0,5}$"
_TOKEN = re.compile(r"\n|[^\s,;:|\"'{}\[\]()=<>/\\]+")


class LabelSearch:
    """Knows the labelled rows of a train table: `ids` (n,), None where there is none, and `labels` (n, targets).

    Of few rows, or of rare classes, all labels together may be there by chance. A place that has nearly all of them is
    taken for one that tells them as long as the odds of that are at most `doubt`; 0: only what is sure is.
    """

    def __init__(self, ids: pd.Series, labels: pd.DataFrame, *, doubt: float = 0) -> None:
        ids = id_values(ids)
        known = ids.dropna().drop_duplicates()
        self._row_of = pd.Series(known.index.to_numpy(), index=known.to_numpy())
        self._row_of_word = self._row_of.set_axis(_words(known))
        self._row_of_word = self._row_of_word[self._row_of_word.index.notna()]
        self._labels = [one for c in labels.columns if len((one := _Labels(labels[c], doubt)).counts)]
        self.rows = len(ids)

    @property
    def sure(self) -> bool:
        """Whether a place that has all the labels of a column tells them without doubt, whichever the column is."""
        return all(labels.all_odds <= BESIDE_ODDS for labels in self._labels if len(labels.counts) > 1)

    def known(self, ids: pd.Series) -> np.ndarray:
        """Which of `ids` (k,) are those of rows of the train table."""
        return self._rows(ids) >= 0

    def share(self, ids: pd.Series) -> float:
        """Share of the ids of the train table that are among `ids`."""
        return self._rows(ids, unique=True).size / max(1, len(self._row_of))

    def in_table(self, table: pd.DataFrame, key: str | None) -> str | None:
        """A column of `table` that tells labels, by the ids in its column `key` or by the order of the rows."""
        for name in table.columns:
            by_id = key is not None and name != key and self._tells(table[name], self._rows(table[key]))
            if by_id or (len(table) == self.rows and self._tells(table[name], np.arange(self.rows))):
                return str(name)
        return None

    def in_text(self, text: str, others: "LabelSearch | None" = None) -> bool:
        """Whether labels stand in `text`: at a fixed place from their rows' ids, or one after the other in order; or it
        lists the rows of a class, and none of `others`."""
        tokens = _TOKEN.findall(text)
        if len(tokens) < FEWEST:
            return False
        codes, unique = pd.factorize(np.array(tokens, dtype=object))
        row_at = self._rows_of_words(unique)[codes]
        breaks = np.flatnonzero(np.array([t == "\n" for t in tokens]))
        for labels in self._labels:
            label_at = labels.codes_of_words(unique)[codes]
            if _beside(codes, breaks, row_at, label_at, labels) or labels.in_order(label_at):
                return True
        if others is not None and (others._rows_of_words(unique) >= 0).any():
            return False
        listed = np.unique(row_at[row_at >= 0])
        return any(labels.listed(listed) for labels in self._labels)

    def _rows(self, ids: pd.Series, unique: bool = False) -> np.ndarray:
        """The train table's row of each of `ids`, -1 where there is none; if `unique`, the rows that there are."""
        rows = self._row_of.reindex(id_values(ids).to_numpy()).fillna(-1).to_numpy(dtype=np.int64)
        return np.unique(rows[rows >= 0]) if unique else rows

    def _rows_of_words(self, words: np.ndarray) -> np.ndarray:
        """The row of each word of a text, as an id or as a file that is named by an id."""
        texts = pd.Series(words, dtype=object)
        for found in (texts, texts.str.replace(_SUFFIX, "", regex=True)):
            rows = self._row_of_word.reindex(id_values(found).to_numpy()).fillna(-1).to_numpy(dtype=np.int64)
            if (rows >= 0).any():
                break
        return rows

    def _tells(self, values: pd.Series, rows: np.ndarray) -> bool:
        places = np.flatnonzero(rows >= 0)[: 10 * ROWS]
        return any(
            labels.told(labels.codes(values.iloc[places].to_numpy()), rows[places]) for labels in self._labels
        )


def _beside(
    codes: np.ndarray, breaks: np.ndarray, row_at: np.ndarray, label_at: np.ndarray, labels: "_Labels"
) -> bool:
    """Whether a row's label is at a fixed distance from its id, or from the end of the id's line."""
    for places in _alike_places(codes, np.flatnonzero(row_at >= 0), breaks):
        if len(places) < FEWEST:
            continue
        far = int(min(FARTHEST, max(8, 2 * np.median(np.diff(places)))))
        some = places[:ROWS]
        ends = np.append(breaks, len(codes))[np.searchsorted(breaks, some)]
        for at in (*(some + d for d in range(-8, far + 1) if d), *(ends - d for d in range(1, 9))):
            fits = (at >= 0) & (at < len(codes))
            if labels.told(label_at[at[fits]], row_at[some[fits]]):
                return True
    return False


class _Labels:
    """One target column as codes (n,), -1 where there is no label."""

    def __init__(self, values: pd.Series, doubt: float) -> None:
        text = label_values(values.reset_index(drop=True))
        self.of_row, names = pd.factorize(text)
        self._code_of = pd.Series(np.arange(len(names)), index=names)
        words = self._code_of.set_axis(_words(pd.Series(names, dtype=object)))
        self._code_of_word = words[words.index.notna()]
        self.counts: np.ndarray = np.bincount(self.of_row[self.of_row >= 0], minlength=len(names))
        self.share: np.ndarray = self.counts / max(1, len(text))
        self.all_odds = float(np.exp(-_dealt(self.counts, self.counts)))
        self._doubt = doubt

    def codes(self, values: np.ndarray) -> np.ndarray:
        """Code of each value, -1 for what is no label."""
        texts = label_values(pd.Series(values))
        return self._code_of.reindex(texts.to_numpy()).fillna(-1).to_numpy(dtype=np.int64)

    def codes_of_words(self, words: np.ndarray) -> np.ndarray:
        """Code of each word of a text, -1 for what belongs to no label."""
        texts = label_values(pd.Series(words, dtype=object))
        return self._code_of_word.reindex(texts.to_numpy()).fillna(-1).to_numpy(dtype=np.int64)

    def told(self, said: np.ndarray, rows: np.ndarray) -> bool:
        """Whether `said` (k,), codes, are the labels of `rows` (k,) and not only labels."""
        truth = self.of_row[rows]
        rows, said, truth = (part[truth >= 0] for part in (rows, said, truth))
        _, first = np.unique(rows, return_index=True)  # a row counts once, however often it is named
        if len(first) < FEWEST:
            return False
        weights = 1 / np.bincount(rows)[rows]
        right = float(np.average(said == truth, weights=weights))
        if right <= TOLD:
            return False
        shares = (
            np.bincount(part[part >= 0], weights[part >= 0], minlength=len(self.share)) / len(first)
            for part in (said, truth)
        )
        chance = float(np.multiply(*shares).sum())
        if chance >= 1 or (right - chance) / (1 - chance) < TOLD:
            return False
        hits = truth[first][said[first] == truth[first]]
        some_of = _ways(len(first), len(hits))
        return self._is_told(_dealt(self.counts, np.bincount(hits, minlength=len(self.counts))) - some_of)

    def listed(self, rows: np.ndarray) -> bool:
        """Whether the `rows` (k,), each once, are those of one class and hardly any other."""
        labelled, rows = int(self.counts.sum()), rows[self.of_row[rows] >= 0]
        if not FEWEST <= len(rows) < labelled or not 2 <= len(self.counts) <= MOST_LISTED:
            return False
        there = np.bincount(self.of_row[rows], minlength=len(self.counts))
        code = int(there.argmax())
        both, size = int(there[code]), int(self.counts[code])
        right = 1 - (len(rows) + size - 2 * both) / labelled
        chance = (len(rows) * size + (labelled - len(rows)) * (labelled - size)) / labelled**2
        if (right - chance) / (1 - chance) < TOLD:
            return False
        parts = [(size, both), (labelled - size, len(rows) - both)]
        alike = sum(_ways(of, some) for of, some in parts)
        most = _ways(labelled, len(rows)) - float(np.log(len(rows) - both + 1))
        return self._is_told(most - alike)

    def _is_told(self, surprise: float) -> bool:
        """Whether what would be there by chance with odds of exp(-surprise) is taken for more than chance."""
        return bool(surprise >= -np.log(max(BESIDE_ODDS, min(self._doubt, self.all_odds**DOUBT))))

    def in_order(self, said: np.ndarray) -> bool:
        """Whether a stretch of the labels stands in `said` (k,), beside one another, at a fixed distance or as the
        only labels of a stretch. A stretch must be unlikely among such labels and in such a text."""
        for codes, strides in ((said, (1, 2, 3)), (said[said >= 0], (1,))):
            surprise = np.minimum(self._surprise_in(self.of_row), self._surprise_in(codes))
            for start in np.linspace(0, max(0, len(self.of_row) - 1), 10).astype(int)[:-1]:
                length = self._telling(start, surprise)
                probe = self.of_row[start : start + (length or 0)]
                if length and any(_stands_in(probe, codes, stride) for stride in strides):
                    return True
        return False

    def _surprise_in(self, codes: np.ndarray) -> np.ndarray:
        """How unlikely each row's label is after the one before it (n,), as -log, where labels follow one another as in
        `codes` (k,): nothing in a table sorted by it."""
        before, after = codes[:-1][codes[:-1] >= 0], codes[1:][codes[:-1] >= 0]
        seen, alike, known = (
            np.bincount(part, minlength=len(self.share))
            for part in (before, before[before == after], codes[codes >= 0])
        )
        stays, share = alike / np.maximum(1, seen), known / max(1, len(codes))
        before, after = self.of_row[:-1], self.of_row[1:]
        other = (1 - stays[before]) * share[after] / np.maximum(1e-12, 1 - share[before])
        odds = np.append(share[self.of_row[:1]], np.where(before == after, stays[before], other))
        return -np.log(np.clip(odds, 1e-12, 1))

    def _telling(self, start: int, surprise: np.ndarray) -> int | None:
        """How many labels from `start` are unlikely to be in this order by chance; None if the rest is too few. All of
        them are not, as far as they may be doubted."""
        sums = np.cumsum(surprise[start : start + 4_000])
        length = int(np.searchsorted(sums, -np.log(ODDS))) + 1
        if length > len(sums) and start == 0 and np.exp(-sums[-1]) <= self._doubt:
            length = len(sums)
        part = self.of_row[start : start + length]
        return length if length <= len(sums) and length >= 2 and (part >= 0).all() else None


def _stands_in(probe: np.ndarray, codes: np.ndarray, stride: int) -> bool:
    at = np.flatnonzero(codes == probe[0])
    at = at[at + (len(probe) - 1) * stride < len(codes)]
    for i, code in enumerate(probe):
        if not len(at):
            return False
        at = at[codes[at + i * stride] == code]
    return bool(len(at))


def _ways(of: int, some: int) -> float:
    """The logarithm of the number of ways to choose `some` of `of`."""
    return float(gammaln(of + 1) - gammaln(some + 1) - gammaln(of - some + 1))


def _dealt(counts: np.ndarray, hits: np.ndarray) -> float:
    """How unlikely it is, as -log, that labels of these `counts` (classes,), dealt to their rows, fall on those rows as
    they were said, `hits` (classes,) of each: for all the rows, in one way of all that there are."""
    falls = gammaln(counts + 1) - gammaln(counts - hits + 1)
    rows, said = counts.sum(), hits.sum()
    return float(gammaln(rows + 1) - gammaln(rows - said + 1) - falls.sum())


def label_values(values: pd.Series) -> pd.Series:
    """Labels, or cells that may be some, as text: numbers of one value are one text, None where there is nothing."""
    return id_values(class_text(values))


def _words(values: pd.Series) -> list[str | None]:
    """The word of a text by which each value is known: its longest one, None where another value has it too."""
    words = pd.Series([max(_TOKEN.findall(str(v)), key=len, default=None) for v in values], dtype=object)
    worth = id_values(words)
    return list(worth.where(~worth.duplicated(keep=False), None))


def _alike_places(codes: np.ndarray, places: np.ndarray, breaks: np.ndarray) -> Iterator[np.ndarray]:
    """The `places` of ids: all of them, those behind the same word, those at the same place of a line."""
    if not len(places):
        return
    yield places
    lines = np.searchsorted(breaks, places)
    in_line = places - np.append(-1, breaks)[lines]
    for kind in (np.where(places > 0, codes[places - 1], -1), in_line):
        common, counts = np.unique(kind, return_counts=True)
        for value in common[np.argsort(-counts)][:PLACES]:
            yield places[kind == value]
