"""The warm process of the bank: imports what programs import, then forks once for each group of programs (JSON lines).

A group are the programs that differ by nothing but which models they blend. They are not run one by one: the program
with all of the models is run, and each of the others is what its own functions make of some of these models; a fit that
several programs share is done once. `bank.py --check` runs programs whole beside it, and compares.
"""

import importlib
import json
import os
import sys
import time
from collections import defaultdict
from typing import Any

import numpy as np

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


def group(program: str, subsets: list[list[str]]) -> list[float]:
    """Run the program in the folder where we are; a submission for each set of its models; CPU seconds of each."""
    names: dict[str, Any] = {"__name__": "program"}
    exec(compile(program, "main.py", "exec"), names)
    spent: dict[str, float] = defaultdict(float)
    for name, fit in names["MODELS"].items():
        names["MODELS"][name] = timed(fit, name, spent)
    if "log_loss" in names:
        names["loss"] = log_loss
    elif "roc_auc_score" in names:
        names["loss"] = auc_loss
    held: dict[str, Any] = {}
    weigh = names["blend_weights"]

    def weigh_and_keep(parts: dict[str, Any], truth: Any) -> Any:
        held.update(parts=parts, truth=truth)
        return weigh(parts, truth)

    names["blend_weights"] = weigh_and_keep
    began = time.process_time()
    like, fitted = names["fit"]()
    labels, solution = fitted if isinstance(fitted, tuple) else (None, fitted)
    for function in ("read", "features", "typed", "predict"):
        names[function] = once(names[function])
    common, seconds = time.process_time() - began - sum(spent.values()), []
    for number, models in enumerate(subsets):
        some = {name: held["parts"][name] for name in models}
        how = weigh(some, held["truth"]) if len(models) > 1 else {models[0]: 1.0}
        part = {**solution, "models": {name: solution["models"][name] for name in models}, "how": how}
        names["write_answer"](like, (labels, part) if isinstance(fitted, tuple) else part)
        os.rename("submission.csv", f"submission-{number}.csv")
        seconds.append(common + sum(spent[name] for name in models))
    return seconds


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
                seconds.append(group(request["program"], request["subsets"]))
            else:
                whole(request["program"])
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
