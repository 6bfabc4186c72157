"""The warm process of the bank: imports what programs import, then forks once for each group of programs (JSON lines).

A group are the programs that differ by nothing but which models they blend, and how strong these are. They are not run
one by one: the program with all of the models is run, once for each strength, and each of the others is what its own
functions make of some of these models; a fit that several programs share is done once. `bank.py --check` runs programs
whole beside it, and compares.
"""

import importlib
import json
import os
import sys
import time
from collections import defaultdict
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

MODULES = ["pandas", "lightgbm", "scipy.stats", "scipy.optimize"]
SKLEARN = [
    "linear_model",
    "ensemble",
    "metrics",
    "pipeline",
    "preprocessing",
    "compose",
    "impute",
    "neighbors",
]
SKLEARN += ["model_selection", "utils.class_weight", "svm"]


def whole(program: str) -> None:
    """Run the program as it is, in the folder where we are."""
    exec(compile(program, "main.py", "exec"), {"__name__": "__main__"})
    os.rename("submission.csv", "submission-whole.csv")


def group(programs: list[str], subsets: list[list[tuple[str, int]]]) -> list[float]:
    """Run the programs in the folder where we are; what is submitted for each set of (model, number of the program
    that it is of), (sets, rows), in said.npy; CPU seconds of each."""
    fitted = [Fitted(program) for program in programs]
    first, seconds = fitted[0], []
    names = first.names
    for function in ("read", "features", "typed", "predict"):
        names[function] = once(names[function])
    rows = names["features"](names["read"]("test.csv"))
    names["features"] = lambda _: rows
    names["read"] = once(thinned(names["read"], names["ID"]))
    said: list[Any] = []

    def keep(table: pd.DataFrame, *_: Any, **__: Any) -> None:
        said.append(table.iloc[:, 1].to_numpy())

    setattr(pd.DataFrame, "to_csv", keep)  # noqa: B010 writing and reading files would take most of the time
    for models in subsets:
        some = {name: fitted[k].held[name] for name, k in models}
        how = first.weigh(some, first.truth) if len(models) > 1 else {models[0][0]: 1.0}
        part = {
            **first.solution,
            "models": {name: fitted[k].solution["models"][name] for name, k in models},
            "how": how,
        }
        names["write_answer"](first.like, (first.labels, part) if first.labelled else part)
        seconds.append(first.common + sum(fitted[k].spent[name] for name, k in models))
    answers = np.stack(said)
    np.save("said.npy", answers.astype(str) if answers.dtype == object else answers)
    return seconds


def thinned(read: Any, id_: str) -> Any:
    """Reading, with no column of the test rows but their id: their features are made, and all others only cost time where
    answers are put together."""

    def call(name: str) -> Any:
        table = read(name)
        return table[[id_]] if name == "test.csv" else table

    return call


class Fitted:
    """A program that has fitted all of its models: their predictions `held` for blending and the `truth` of these rows,
    CPU seconds that each model has `spent`, and what they have in `common`."""

    def __init__(self, program: str) -> None:
        self.names: dict[str, Any] = {"__name__": "program"}
        exec(compile(program, "main.py", "exec"), self.names)
        self.spent: dict[str, float] = defaultdict(float)
        for name, fit in self.names["MODELS"].items():
            self.names["MODELS"][name] = timed(fit, name, self.spent)
        for name in ("flat_table", "tree_table"):
            if name in self.names:
                self.names[name] = shared(name, self.names[name])
        if "log_loss" in self.names:
            self.names["loss"] = log_loss
        elif "roc_auc_score" in self.names:
            self.names["loss"] = auc_loss
        self.weigh = self.names["blend_weights"]
        self.names["blend_weights"] = self._weigh_and_keep
        began = time.process_time()
        self.like, fitted = self.names["fit"]()
        self.labelled = isinstance(fitted, tuple)
        self.labels: Any = fitted[0] if self.labelled else None
        self.solution = fitted[1] if self.labelled else fitted
        self.common = time.process_time() - began - sum(self.spent.values())

    def _weigh_and_keep(self, parts: dict[str, Any], truth: Any) -> Any:
        self.held, self.truth = dict(parts), truth
        return self.weigh(parts, truth)


TABLES: dict[tuple[str, str], tuple[Any, Any]] = {}
"""Tables that models learn from: of the same rows, the same for all of them."""


def shared(name: str, make: Any) -> Any:
    """Making a transformer, of which all that were fitted on the same rows are one."""

    class Table(BaseEstimator, TransformerMixin):
        """Fits and transforms once for the same rows."""

        def fit_transform(self, rows: Any, y: Any = None) -> Any:
            key = (name, joblib.hash((rows, y)))
            if key not in TABLES:
                table = make()
                TABLES[key] = (table, table.fit_transform(rows, y))
            self.table, made = TABLES[key]
            return made

        def transform(self, rows: Any) -> Any:
            key = (str(id(self.table)), joblib.hash(rows))
            if key not in TABLES:
                TABLES[key] = (None, self.table.transform(rows))
            return TABLES[key][1]

        def get_feature_names_out(self, names: Any = None) -> Any:
            return self.table.get_feature_names_out(names)

        def __sklearn_is_fitted__(self) -> bool:
            return hasattr(self, "table")

    return Table


def log_loss(truth: Any, guess: Any) -> float:
    """What scikit-learn's log_loss computes of class codes and probabilities, without its checks: they take most of the
    time of blending."""
    shares = np.clip(guess, np.finfo(guess.dtype).eps, 1 - np.finfo(guess.dtype).eps)
    return float(-np.log(shares[np.arange(len(truth)), truth]).mean())


def auc_loss(truth: Any, guess: Any) -> float:
    """The area under the ROC curve, negated, as scikit-learn's roc_auc_score has it: the share of ordered pairs."""
    share = guess[:, 1]
    yes, no = np.sort(share[truth == 1]), np.sort(share[truth == 0])
    below, up_to = (np.searchsorted(no, yes, side) for side in ("left", "right"))
    return -float((below + up_to).sum()) / (2 * len(yes) * len(no))


def timed(fit: Any, name: str, spent: dict[str, float]) -> Any:
    """The function, its time added to that of its name."""

    def call(*args: Any, **options: Any) -> Any:
        began = time.process_time()
        try:
            return fit(*args, **options)
        finally:
            spent[name] += time.process_time() - began

    return call


def once(function: Any) -> Any:
    """The function, called once for the same arguments: the same objects, or equal texts."""
    known: dict[Any, Any] = {}

    def call(*args: Any) -> Any:
        key = tuple(a if isinstance(a, str) else id(a) for a in args)
        if key not in known:
            known[key] = (
                args,
                function(*args),
            )  # the arguments are kept, so that no other object gets their id
        return known[key][1]

    return call


def child(request: dict[str, Any], reply: int) -> None:
    """Do what is asked in each folder; never returns."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    try:
        seconds = []
        for folder in request["folders"]:
            os.chdir(folder)
            if request["subsets"]:
                seconds.append(group(request["programs"], request["subsets"]))
            else:
                whole(request["programs"][0])
        said: dict[str, Any] = {"seconds": seconds}
    except BaseException as error:
        said = {"error": f"{type(error).__name__}: {error}"}
    os.write(reply, json.dumps(said).encode())
    os._exit(0)


def main() -> None:
    for name in [*MODULES, *(f"sklearn.{part}" for part in SKLEARN)]:
        importlib.import_module(name)
    for line in sys.stdin:
        inlet, outlet = os.pipe()
        pid = os.fork()
        if pid == 0:
            child(json.loads(line), outlet)
        os.close(outlet)
        with os.fdopen(inlet) as said:
            reply = said.read()
        os.waitpid(pid, 0)
        print(reply or json.dumps({"error": "the program died"}), flush=True)


if __name__ == "__main__":
    main()
