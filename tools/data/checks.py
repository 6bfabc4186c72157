"""A drafted task checked against its files: every contradiction is one line, found before anything runs."""

from pathlib import Path

import pandas as pd

from gome.state.errors import GomeError, NotUnderstood
from gome.state.task import DateFormat, Direction, Problem, Task
from gome.tools.data.columns import class_text, nearest
from gome.tools.data.date_checks import date_formats
from gome.tools.data.dates import looks_like_dates
from gome.tools.data.ids import id_text, respelled
from gome.tools.data.labels import read_labels, shown
from gome.tools.data.mlebench import classes_of_columns
from gome.tools.data.partial_task import PartialTask
from gome.tools.data.tables import read_columns, read_table
from gome.tools.evaluation import metrics
from gome.tools.evaluation.positive import with_positive

HEAD = 200


def check_task(root: Path, partial: PartialTask) -> Task:
    """The checked task of a complete partial. Raises GomeError at the first thing that does not fit."""
    metric = metrics.get(partial.metric, root=root)
    _check_columns(root, partial)
    train = root / partial.train
    prediction = _check_rows(root, partial)
    problem, classes = check_labels(root, partial, prediction, metric)
    _check_structure(train, partial)
    _check_metric_columns(train, partial, metric)
    dates = _dates(root, partial)
    task = Task(
        name=partial.name,
        root=str(root),
        description=partial.description,
        metric=partial.metric if ":" in partial.metric else metric.name,
        metric_columns=list(metric.columns),
        metric_from=partial.metric_from,
        direction=direction_of(partial, metric.direction),
        problem=problem,
        train=partial.train,
        test=partial.test,
        sample=partial.sample,
        id=partial.id,
        target=partial.target,
        prediction=prediction,
        classes=classes,
        group=partial.group,
        time=partial.time,
        dates=dates,
        keep=partial.keep,
        links_root=partial.links_root,
        time_limit_s=partial.time_limit_s,
        program_time_limit_s=partial.program_time_limit_s,
    )
    return with_positive(task, partial.positive)


def check_labels(
    root: Path, partial: PartialTask, prediction: list[str], metric: metrics.Metric
) -> tuple[Problem, list[str]]:
    """The problem that the labels in the train table are, and their classes. GomeError where they do not fit the metric
    or the sample's columns."""
    train = root / partial.train
    labels, problem = read_labels(
        train, partial.target, prediction, metric.kinds, partial.metric, partial.problem
    )
    _check_fit(root, labels, prediction, problem, partial, metric)
    _check_domain(train, labels, metric, problem)
    return problem, _classes(root, labels, prediction, problem, partial, metric)


def _check_columns(root: Path, partial: PartialTask) -> None:
    train, test, sample = (read_columns(root / f) for f in (partial.train, partial.test, partial.sample))
    for name in partial.target:
        if name not in train:
            raise GomeError(f"{root / partial.train}: no target column {name!r}{nearest(name, train)}.")
        if name in test and partial.test != partial.sample:
            raise NotUnderstood(
                f"{root / partial.test}: the target {name!r} is in the test table; remove that column."
            )
        if name == partial.id:
            raise GomeError(f"the column {name!r} is named both as id and as target; name another target.")
    if partial.test == partial.sample and partial.id not in train:
        raise NotUnderstood(
            f"{root / partial.train}: no id column {partial.id!r}, and no test table was found: nothing would say what "
            f"is to be predicted{nearest(partial.id, train)}."
        )
    for file, names in ((partial.test, test), (partial.sample, sample)):
        if partial.id not in names:
            raise NotUnderstood(f"{root / file}: no id column {partial.id!r}{nearest(partial.id, names)}.")
    if len(sample) < 2:
        raise GomeError(f"{root / partial.sample}: nothing to predict: {partial.id!r} is its only column.")


def _check_rows(root: Path, partial: PartialTask) -> list[str]:
    """Ids of test and sample are the same set, each once. Returns the prediction columns: those of the sample that do not
    repeat what test says."""
    test, sample, id_ = partial.test, partial.sample, partial.id
    wanted, given = (read_table(root / f, columns=[id_], text=[id_])[id_] for f in (sample, test))
    for file, ids in ((test, given), (sample, wanted)):
        if ids.isna().any():
            raise GomeError(f"{root / file}, row {int(ids.isna().argmax()) + 1}: the id {id_!r} is empty.")
        if ids.duplicated().any():
            twice = ids[ids.duplicated()]
            raise NotUnderstood(
                f"{root / file}: {len(twice)} ids occur more than once, such as {id_} = {shown(twice.iloc[0])}."
            )
    if len(wanted) != len(given):
        raise NotUnderstood(
            f"{root / sample}: {len(wanted)} rows where {test} has {len(given)}; one row a test id is needed."
        )
    strange = wanted[~respelled(wanted, given).isin(id_text(given)).to_numpy()]
    if len(strange):
        raise NotUnderstood(
            f"{root / sample}: {len(strange)} ids are not in {test}, such as {id_} = {shown(strange.iloc[0])}."
        )
    columns = [c for c in read_columns(root / sample) if c != id_]
    repeated = [] if test == sample else [c for c in columns if c in read_columns(root / test)]
    if repeated:
        rows, own = (read_table(root / f, text=[id_, *repeated]).set_index(id_) for f in (sample, test))
        own = own.set_axis(id_text(own.index.to_series())).reindex(respelled(wanted, given))
        repeated = [
            c for c in repeated if rows[c].reset_index(drop=True).equals(own[c].reset_index(drop=True))
        ]
    return [c for c in columns if c not in repeated]


def _check_fit(
    root: Path,
    labels: pd.DataFrame,
    prediction: list[str],
    problem: Problem,
    partial: PartialTask,
    metric: metrics.Metric,
) -> None:
    """The labels and the sample's columns are of the problem's form."""
    path, one = root / partial.train, labels.iloc[:, 0]
    if problem == "regression":
        for name in labels.columns:
            if not pd.api.types.is_numeric_dtype(labels[name]):
                example = labels[name].dropna().iloc[0]
                raise GomeError(
                    f"{path}: regression needs numbers, but the target {name!r} holds {shown(example)}."
                )
    if problem == "binary" and labels.shape[1] > 1:
        raise GomeError(f"{path}: {problem} has one target column, not {', '.join(labels.columns)}.")
    if problem == "multiclass" and labels.shape[1] == 1 and one.nunique() > len(one) / 2:
        raise NotUnderstood(
            f"{path}: {one.nunique()} different labels in {len(one)} rows of {one.name!r} are no classes."
        )
    if problem == "binary" and one.nunique() != 2:
        raise GomeError(f"{path}: binary needs two classes; the target {one.name!r} has {one.nunique()}.")
    sets = labels.shape[1] == 1 and not pd.api.types.is_numeric_dtype(one)  # labels separated by spaces
    if problem == "multilabel" and not sets and not labels.dropna().isin([0, 1]).all(axis=None):
        raise GomeError(
            f"{path}: multilabel needs 0 and 1 in each of the targets {', '.join(labels.columns)}, "
            "or one column of labels separated by spaces."
        )
    wanted = metric.predictions or labels.shape[1]
    if problem in ("multilabel", "regression") and len(prediction) != wanted:
        raise NotUnderstood(
            f"{root / partial.sample}: {len(prediction)} columns to predict for {labels.shape[1]} target columns"
            + (f", where metric {metric.name!r} needs {wanted}." if metric.predictions else ".")
        )


def _check_domain(path: Path, labels: pd.DataFrame, metric: metrics.Metric, problem: Problem) -> None:
    """The metric is defined for the labels: no program could mend that."""
    if (
        metric.ordered
        and pd.to_numeric(labels.iloc[:, 0], errors="coerce").isna().gt(labels.iloc[:, 0].isna()).any()
    ):
        raise GomeError(
            f"{path}: metric {metric.name!r} needs labels that are numbers; the target {labels.columns[0]!r} holds "
            f"{shown(labels.iloc[:, 0].dropna().iloc[0])}."
        )
    if problem != "regression":
        return
    for name in labels.columns:
        wrong, what = metric.domain.outside(labels[name].to_numpy(dtype=float))
        if len(wrong):
            raise GomeError(
                f"{path}: metric {metric.name!r} is not defined where the target is {what}, and {len(wrong)} of "
                f"{len(labels)} values of {name!r} are, such as {wrong[0]:g}; choose another metric or mend these rows."
            )


def _classes(
    root: Path,
    labels: pd.DataFrame,
    prediction: list[str],
    problem: Problem,
    partial: PartialTask,
    metric: metrics.Metric,
) -> list[str]:
    """Class labels as text: in the order of the prediction columns if there is one a class, else sorted."""
    if problem not in ("binary", "multiclass"):
        return []
    one_hot = labels.shape[1] > 1
    classes = list(labels.columns) if one_hot else sorted(class_text(labels.iloc[:, 0]).dropna().unique())
    if len(prediction) == 1:
        if problem == "multiclass" and metric.form == "probability":
            raise GomeError(
                f"{root / partial.sample}: metric {metric.name!r} needs a probability of each of the {len(classes)} "
                f"classes, and {prediction[0]!r} is the only column to predict; give it one column a class "
                f"({', '.join(classes[:4])}{', ...' if len(classes) > 4 else ''}), or choose a metric of labels."
            )
        return classes
    ordered = classes_of_columns(classes, prediction)
    if ordered is None:
        raise NotUnderstood(
            f"{root / partial.sample}: its {len(prediction)} columns ({', '.join(prediction[:4])}, ...) are not the "
            f"{len(classes)} classes of {labels.columns[0]!r} ({', '.join(classes[:4])}, ...)."
        )
    return ordered


def _check_structure(path: Path, partial: PartialTask) -> None:
    names = read_columns(path)
    for role, column in (("group", partial.group), ("time", partial.time)):
        if column is not None and column not in names:
            raise GomeError(f"{path}: no {role} column {column!r}{nearest(column, names)}.")
        if column is not None and column in partial.target:
            raise GomeError(f"{path}: the {role} column {column!r} is the target; name another one.")
    if partial.time is None:
        return
    if empty := int(read_table(path, columns=[partial.time])[partial.time].isna().sum()):
        raise GomeError(f"{path}: the time column {partial.time!r} is empty in {empty} rows; fill them.")


def _check_metric_columns(path: Path, partial: PartialTask, metric: metrics.Metric) -> None:
    """The columns that the metric needs are there, other than the targets."""
    names = read_columns(path)
    for column in metric.columns:
        if column not in names:
            raise GomeError(
                f"{path}: metric {metric.name!r} needs the column {column!r}, which is not there{nearest(column, names)}."
            )
        if column in partial.target:
            raise GomeError(
                f"{path}: metric {metric.name!r} has the target {column!r} as its column; name another one."
            )


def _dates(root: Path, partial: PartialTask) -> dict[str, DateFormat]:
    """The date columns of train; only columns whose first rows look like dates are read whole."""
    paths = [root / partial.train] + [root / partial.test] * (partial.test != partial.sample)
    heads = [read_table(path, rows=HEAD) for path in paths]
    looked_at = {*partial.dates, *([partial.time] if partial.time else [])}
    looked_at |= {str(c) for head in heads for c in head.columns if looks_like_dates(head[c])}
    wanted = [[c for c in head.columns if c in looked_at] for head in heads]
    tables = [read_table(path, columns=names) for path, names in zip(paths, wanted, strict=True) if names]
    if not wanted[0] and not partial.dates:
        return {}
    return date_formats(paths[0], tables, partial.dates, partial.time, skip=partial.target)


def direction_of(partial: PartialTask, of_metric: Direction) -> Direction:
    """The registry knows its metrics' directions; only of somebody's own grader the task has to say it."""
    if ":" in partial.metric:
        if partial.direction is None:
            raise GomeError(
                f"metric {partial.metric!r}: which way is better, maximize or minimize? Give `direction`."
            )
        return partial.direction
    if partial.direction not in (None, of_metric):
        raise GomeError(f"metric {partial.metric!r} is to {of_metric}: leave `direction` out.")
    return of_metric
