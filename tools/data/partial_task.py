"""What is known of a task before its files are checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gome.state.task import Direction, Problem


@dataclass(frozen=True)
class PartialTask:
    """A task as far as it was said; what is empty or None is to be inferred.

    `train`, `test`, `sample` are file names in the task folder, `dates` formats by column.
    """

    name: str
    metric: str = ""
    target: list[str] = field(default_factory=list)
    id: str = ""
    problem: Problem | None = None
    positive: str = ""
    direction: Direction | None = None
    group: str | None = None
    time: str | None = None
    dates: Mapping[str, str] = field(default_factory=dict)
    drop: list[str] = field(default_factory=list)
    train: str = ""
    test: str = ""
    sample: str = ""
    description: str = ""
    metric_from: str = ""
    keep: list[str] = field(default_factory=list)
    links_root: str | None = None
    time_limit_s: float | None = None
    program_time_limit_s: float | None = None

    def with_given(
        self,
        *,
        target: list[str],
        metric: str,
        positive: str,
        group: str | None,
        time: str | None,
        dates: Mapping[str, str],
        drop: Sequence[str],
    ) -> "PartialTask":
        """This partial with what the caller said in place of what the files say, columns to drop beside theirs."""
        return replace(
            self,
            target=target or self.target,
            metric=metric or self.metric,
            positive=positive or self.positive,
            group=group or self.group,
            time=time or self.time,
            dates={**self.dates, **dates},
            drop=list(dict.fromkeys([*self.drop, *drop])),
        )
