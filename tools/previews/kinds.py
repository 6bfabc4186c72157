"""The kinds of files in a folder, told from their names alone: one for each suffix in each place of its layout."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from gome.tools.data.table_names import suffix_of

FEW, STRUCTURE, DEEP = 4, 12, 8
"""Files alike, or folders, beside one another up to which each is a kind, or a place, of its own; so many folders of the
same names in most of those above are structure as well, others are data (a class, a row). Levels that are told apart."""
SHOWN_FOLDERS = 8


@dataclass(frozen=True)
class FileKind:
    """`names` of files alike; `pattern` is what they are called, `train/*/*.png`, or the name of the only one."""

    pattern: str
    names: Sequence[str]

    def sample(self, count: int) -> list[str]:
        """At most so many of the names, evenly spaced, the first one among them."""
        if len(self.names) <= count:
            return list(self.names)
        return [self.names[i * len(self.names) // count] for i in range(count)]

    @property
    def folders(self) -> str:
        """How the files spread over the folders of the pattern's last `*` folder: of class folders the class counts. ''
        where there is none."""
        parts = self.pattern.split("/")[:-1]
        if "*" not in parts:
            return ""
        at = len(parts) - 1 - parts[::-1].index("*")
        counts = Counter(name.split("/")[at] for name in self.names).most_common()
        if counts[0][1] == counts[-1][1]:
            return f"{len(counts):,} folders with {counts[0][1]:,} each, such as {counts[0][0]}"
        shown = counts if len(counts) <= SHOWN_FOLDERS else [*counts[: SHOWN_FOLDERS - 1], counts[-1]]
        named = ", ".join(f"{name} {count:,}" for name, count in shown)
        return (
            named
            if len(counts) == len(shown)
            else f"{len(counts):,} folders, from most to fewest files: {named}"
        )


def file_kinds(names: Iterable[str]) -> list[FileKind]:
    """The kinds, those of most files first. Each name is in one of them."""
    split = [tuple(name.split("/")) for name in names]
    found = [FileKind(p, [*map("/".join, members)]) for p, members in _kinds(split, 0, "")]
    return sorted(found, key=lambda kind: (-len(kind.names), kind.pattern))


def examples_of(names: Iterable[str], suffixes: Collection[str], count: int) -> list[str]:
    """At most so many of the `names` with one of the suffixes, from each kind in turn, those of most files first."""
    wanted = (name for name in names if suffix_of(name).lower() in suffixes)
    rounds = zip_longest(*(kind.sample(count) for kind in file_kinds(wanted)))
    return [name for one in rounds for name in one if name is not None][:count]


def _kinds(
    files: list[tuple[str, ...]], depth: int, place: str
) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """Patterns and files of all `files`, whose first `depth` folders are the `place`."""
    here: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    below: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for parts in files:
        if len(parts) == depth + 1 or depth == DEEP:
            here[suffix_of(parts[-1])].append(parts)
        else:
            below[parts[depth]].append(parts)
    for suffix, alike in here.items():
        if len(alike) <= FEW:
            yield from (("/".join(parts), [parts]) for parts in alike)
        else:
            yield f"{place}{'**/' if depth == DEEP else ''}*{suffix}", alike
    if len(below) > FEW and not _is_structure(below, depth):
        below = {"*": [parts for members in below.values() for parts in members]}
    for name, members in below.items():
        yield from _kinds(members, depth + 1, f"{place}{name}/")


def _is_structure(below: dict[str, list[tuple[str, ...]]], depth: int) -> bool:
    """Whether the same few names of folders are in most of the folders above them."""
    if len(below) > STRUCTURE or depth == 0:
        return len(below) <= STRUCTURE
    above = [{parts[:depth] for parts in members} for members in below.values()]
    everywhere = len(set().union(*above))
    return everywhere > 1 and all(2 * len(places) >= everywhere for places in above)
