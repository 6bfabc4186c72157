"""Files that belong to rows: by which rule train and test name them, and where a graded row's files stand."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

SHARE = 0.5
"""Of the rows of a part that have to have a file, for a rule to be one."""
_WORD = re.compile(r"[^_\-. ]+")
Head = tuple[str, ...]
Kinds = list[tuple[str, str]]
"""Files of one kind, each as (id of its row, name)."""


@dataclass(frozen=True)
class Named:
    """A file's name as a rule reads it: `{head}/{before}{id}{after}/{tail}`."""

    id: str
    head: Head
    before: str
    after: str
    tail: str


@dataclass(frozen=True)
class Rule:
    """Files below one folder (or in one archive), `top`, in one way named by ids; `files` by id."""

    top: str
    before: str
    after: str
    files: dict[str, list[tuple[str, Named]]]

    @property
    def heads(self) -> set[Head]:
        return {named.head for files in self.files.values() for _, named in files}

    @property
    def names(self) -> list[str]:
        """All of its files."""
        return [name for files in self.files.values() for name, _ in files]

    @property
    def shown(self) -> str:
        """The rule as a person would write it."""
        head = self.top if all(len(h) <= 1 for h in self.heads) else f"{self.top}/.."
        return f"{head}/{self.before}ID{self.after}" if head else f"{self.before}ID{self.after}"


@dataclass(frozen=True)
class RowFiles:
    """`pairs` of a rule of train and one of test; `alone`, train's rules that test has nothing like; `others`, test's
    rules that train has nothing like; `shared`, folders in which the files of both parts stand together."""

    pairs: list[tuple[Rule, Rule]]
    alone: list[Rule]
    others: list[Rule]
    shared: list[Rule]

    @classmethod
    def find(cls, names: Iterable[str], train: set[str], test: set[str]) -> "RowFiles":
        """The rules that the files `names` show for the ids of `train` and of `test`."""
        roles: dict[str, list[Rule]] = {"train": [], "test": [], "both": []}
        left = list(names)
        for top in (_said_top, "/".join, _first):
            rest: list[Rule] = []
            for rule in _rules(left, train | test, top):
                role = _role(rule, train, test)
                (roles[role] if role else rest).append(rule)
            role_of = {rule.top: role for role, rules in roles.items() for rule in rules if rule.top}
            for rule in rest:  # a few files of another kind, beside those of a rule
                if rule.top in role_of:
                    roles[role_of[rule.top]].append(rule)
            taken = {name for rules in roles.values() for rule in rules for name in rule.names}
            left = [name for name in left if name not in taken]
        free, pairs = list(roles["test"]), []
        for rule in roles["train"]:
            if partner := _partner(rule, free, roles["train"]):
                free.remove(partner)
                pairs.append((rule, partner))
        paired = {id(rule) for rule, _ in pairs}
        return cls(pairs, [r for r in roles["train"] if id(r) not in paired], free, roles["both"])

    @property
    def owned(self) -> set[str]:
        """Names of all files that a rule knows, but those of shared folders."""
        rules = [*self.alone, *self.others, *(rule for pair in self.pairs for rule in pair)]
        return {name for rule in rules for name in rule.names}

    def kinds(self) -> Iterator[dict[str, Kinds]]:
        """The files of each folder of both parts, and of each pair of such folders, by what they are among a row's files:
        only what both train and test have, as all else is hidden with the row."""
        for rules in [*((rule,) for rule in self.shared), *self.pairs]:
            found: dict[str, Kinds] = defaultdict(list)
            for rule in rules:
                for own, files in rule.files.items():
                    for name, named in files:
                        found[_kind(named)].append((own, name))
            yield found

    def placed(self, graded: Mapping[str, str], keep_paths: bool) -> dict[str, str]:
        """Where files stand in a fold, place to name, for the `graded` rows, the id in the fold to the row's own id.

        A graded row's files stand where test's do, and (unless `keep_paths`: a table names them there) no longer where
        train's do. Files of train that test has nothing like are hidden with the row; those of test's own rows are gone.
        """
        hidden, places = set(graded.values()), {}
        for rule, partner in [*((rule, None) for rule in self.alone), *self.pairs]:
            kinds = {_kind(n) for files in partner.files.values() for _, n in files} if partner else set()
            for own, files in rule.files.items():
                for name, named in files:
                    if own not in hidden or (keep_paths and _kind(named) in kinds):
                        places[name] = name
        for train, test in self.pairs:
            kinds, head_of = (
                {_kind(n) for files in test.files.values() for _, n in files},
                _heads(train, test),
            )
            for new, own in graded.items():
                for name, named in train.files.get(own, []):
                    if _kind(named) in kinds:  # others are labels, or told in train alone
                        places["/".join([*head_of(named, new), _last_parts(named, test, new)])] = name
        return places


def _said_top(head: Head) -> str | None:
    """The path down to the first folder whose name says of which part it is; None if none does."""
    at = next((i for i, part in enumerate(head) if re.search("train|test", part, re.I)), None)
    return None if at is None else "/".join(head[: at + 1])


def _first(head: Head) -> str:
    return head[0] if head else ""


def _kind(named: Named) -> str:
    """What a file of a row is among the row's files: its name in the row's folder, without ids and numbers."""
    if not named.tail:
        return "/"
    tail = re.sub(r"\d+", "#", named.tail.replace(named.id, "{}"))
    folder, _, file = tail.rpartition("/")
    return f"{folder}/{file}" if len(file) <= 20 else f"{folder}/*.{file.rpartition('.')[2]}"


def _rules(names: Iterable[str], ids: set[str], top_of: Callable[[Head], str | None]) -> list[Rule]:
    found: dict[tuple[str, int, str, str], dict[str, list[tuple[str, Named]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for name in names:
        parts = name.split("/")
        for at, part in enumerate(parts):
            for start, end in _candidates(part):
                if part[start:end] in ids:
                    own = part[start:end]
                    named = Named(own, tuple(parts[:at]), part[:start], part[end:], "/".join(parts[at + 1 :]))
                    if (top := top_of(named.head)) is None:
                        continue
                    key = (top, at == len(parts) - 1, named.before, named.after.lower())
                    found[key][own].append((name, named))
    rules = [Rule(top, before, after, dict(files)) for (top, _, before, after), files in found.items()]
    taken: set[str] = set()
    best = []
    for rule in sorted(rules, key=lambda r: (-len(r.files), len(r.before) + len(r.after))):
        if taken.isdisjoint(rule.names):
            best.append(rule)
            taken.update(rule.names)
    return best


def _candidates(part: str) -> set[tuple[int, int]]:
    """Stretches of whole words in a part of a path, as (start, end)."""
    words = [m.span() for m in _WORD.finditer(part)][:12]
    return {(a, b) for i, (a, _) in enumerate(words) for _, b in words[i:]} | {(0, len(part))}


def _role(rule: Rule, train: set[str], test: set[str]) -> str | None:
    """Whose files they are: of the part whose ids they cover and fit best; by the folder's name where both do."""
    mine = set(rule.files)
    fit = {
        "train": len(mine & train) / max(1, len(mine | train)),
        "test": len(mine & test) / max(1, len(mine | test)),
        "both": len(mine) / max(1, len(train | test)),
    }
    share = {"train": len(mine & train) / max(1, len(train)), "test": len(mine & test) / max(1, len(test))}
    share["both"] = min(share.values())
    likely = [role for role in fit if share[role] >= SHARE]
    if not likely:
        return None
    said = [role for role in ("train", "test") if role in _top(rule).lower()]
    if len(said) == 1 and share[said[0]] >= SHARE and train & test:
        return said[0]
    return max(likely, key=lambda role: fit[role])


def _top(rule: Rule) -> str:
    return rule.top or rule.before + rule.after


def _partner(rule: Rule, tests: list[Rule], trains: list[Rule]) -> Rule | None:
    """Test's rule like one of train: of the same name but for the word, else the only one of this kind on both sides."""
    for test in tests:
        if (_swapped(rule.top), _swapped(rule.before), _swapped(rule.after)) == (
            test.top,
            test.before,
            test.after,
        ):
            return test
    alike = [t for t in tests if t.after == rule.after]
    return alike[0] if len(alike) == 1 and sum(t.after == rule.after for t in trains) == 1 else None


def _swapped(text: str) -> str:
    return text.replace("train", "test").replace("Train", "Test").replace("TRAIN", "TEST")


def _last_parts(named: Named, test: Rule, new: str) -> str:
    """The end of the name that a train row's file would have among test's, from the part with the id on."""
    tail = re.sub(rf"(?<![^_\-. /]){re.escape(named.id)}(?![^_\-. /])", lambda _: new, named.tail)
    return "/".join([f"{test.before}{new}{test.after}", *filter(None, [tail])])


def _heads(train: Rule, test: Rule) -> Callable[[Named, str], Head]:
    """How the folders above a test file follow from a train row's file and its new id: test's one path; or, below the
    rule's folder, stretches of the id (shards); else as in train."""
    example = next(n for files in test.files.values() for _, n in files)
    depth = len(test.top.split("/")) if test.top else 0
    fixed = example.head[:depth]
    varied = train if len(train.heads) > 1 else test
    skip = len(varied.top.split("/")) if varied.top else 0
    cuts = _shards([n for files in varied.files.values() for _, n in files], skip)
    if cuts and len(cuts) == len(example.head) - depth:
        return lambda named, new: (*fixed, *(new[cut] for cut in cuts))
    if len(test.heads) == 1:
        return lambda named, new: example.head
    below = len(train.top.split("/")) if train.top else 0
    return lambda named, new: (*fixed, *named.head[below:])


def _shards(files: list[Named], skip: int) -> list[slice]:
    """Which stretches of the id the folders from `skip` on are, for all files alike; [] if they are none."""
    if len({len(n.head) for n in files}) != 1:
        return []
    cuts, at = [], 0
    for depth in range(skip, len(files[0].head)):
        length = len(files[0].head[depth])
        cut = next(
            (
                cut
                for cut in (slice(at, at + length), slice(0, length), slice(-length, None))
                if all(n.head[depth] == n.id[cut] for n in files)
            ),
            None,
        )
        if cut is None:
            return []
        cuts.append(cut)
        at += length
    return cuts
