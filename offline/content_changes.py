"""Changes on what is predicted and what is read: the target, its classes and cut points, texts, images."""

from dataclasses import replace

from gome.offline.case import IMBALANCE, Case
from gome.offline.changes import Change, about, fixed, names, setting
from gome.offline.recipe import BOOSTERS, ModelSpec, Recipe

_AS_LIKELY = ("accuracy", "f1_micro", "qwk")  # best served by the likeliest class, or by cut points
_RELATIVE = ("rmsle", "mape", "smape")

LONGEST_FIT_S, SHORTEST_FIT_S, FITS = 300, 10, 3
"""Seconds of one fit of a network; a program fits it once to validate and once on all rows, and needs room."""


def _with_network(case: Case, recipe: Recipe) -> Recipe:
    """One network in place of the models; of the time that is left, each of its fits may take a small part."""
    budget = case.context["budget"]
    limit = min(budget["program_time_limit_s"], budget["seconds_left"] / 4)
    seconds = int(min(LONGEST_FIT_S, max(SHORTEST_FIT_S, limit / FITS)))
    model = ModelSpec("cnn", {} if seconds == LONGEST_FIT_S else {"seconds": seconds})
    return replace(recipe, models=(model,), image="pixels", folds=1, bagging=1)


def _with_image_model(recipe: Recipe, family: str, image: str) -> Recipe:
    return replace(recipe, models=(ModelSpec(family),), image=image)


def _unseen_words(case: Case, recipe: Recipe) -> bool:
    return bool(case.columns("text")) and recipe.text in ("none", "lengths")


CONTENT_CHANGES: tuple[Change, ...] = (
    Change(
        tag="target-log",
        component="data",
        source="scenario",
        challenge="a skewed target",
        why=lambda case: (
            f"the target's skew is {case.target.get('skew') or 0:.1f}: squared errors follow the few largest values"
        ),
        statement=lambda case: f"Fit log(1 + {case.task['target'][0]}) and transform the predictions back",
        fits=lambda case, r: (
            case.is_regression
            and r.target_transform == "none"
            and (case.target.get("min") or 0) >= 0
            and ((case.target.get("skew") or 0) > 0.8 or case.metric in _RELATIVE)
        ),
        apply=setting(target_transform="log1p"),
        gain=lambda case: (
            3.5 + 1.5 * (case.families == {"linear"})
            if case.metric in _RELATIVE
            else 1.0 + 0.6 * (case.errors.growth > 2)
        ),
    ),
    Change(
        tag="rare-labels",
        component="workflow",
        source="scenario",
        challenge="rare classes count as much as common ones",
        why=lambda case: (
            f"the rarest class is {case.minority:.1%} of the rows and {case.metric} does not weigh by rows"
        ),
        statement=fixed("Weigh the classes inversely to their frequency"),
        fits=lambda case, r: (
            not case.is_regression
            and r.class_weight == "none"
            and case.minority < IMBALANCE
            and case.metric in ("balanced_accuracy", "f1_macro", "f1", "mcc", "qwk", "recall")
        ),
        apply=setting(class_weight="balanced"),
        gain=lambda case: 2.5 if case.errors.lost else 1.8,
    ),
    Change(
        tag="threshold",
        component="workflow",
        source="scenario",
        challenge="the metric wants labels, the model gives probabilities",
        why=lambda case: f"{case.metric} is not largest at a threshold of one half",
        statement=lambda case: (
            f"Choose the decision threshold that is best for {case.metric} on inner validation rows"
        ),
        fits=lambda case, r: (
            case.form == "label"
            and not r.tune_threshold
            and case.metric not in _AS_LIKELY
            and not case.is_regression
        ),
        apply=setting(tune_threshold=True),
        gain=about(2.3),
    ),
    Change(
        tag="rounding",
        component="workflow",
        source="scenario",
        challenge="ordered labels are cut at the wrong places",
        why=fixed("the weighted kappa depends on where a continuous prediction is cut into labels"),
        statement=fixed(
            "Predict a number and choose the cut points that are best for the kappa on inner validation rows"
        ),
        fits=lambda case, r: case.metric == "qwk" and not r.tune_rounding,
        apply=setting(tune_rounding=True),
        gain=about(3.5),
    ),
    Change(
        tag="words",
        component="features",
        source="scenario",
        challenge="the texts are not read",
        why=lambda case: f"{names(case, 'text')} hold words that the model does not see",
        statement=lambda case: f"Read {names(case, 'text')} as TF-IDF of words and word pairs",
        fits=_unseen_words,
        apply=setting(text="tfidf"),
        gain=about(4.0),
        cost=2.0,
    ),
    Change(
        tag="words-linear",
        component="model",
        source="history",
        challenge="words are weighed by rule",
        why=fixed("a sparse linear model fits a weight to each word, and a penalty keeps rare ones small"),
        statement=fixed("Read the texts as TF-IDF and fit a linear model on all words"),
        fits=lambda case, r: (
            bool(case.columns("text")) and not case.families & {"linear", *BOOSTERS} and r.text != "none"
        ),
        apply=lambda case, r: replace(r, models=(ModelSpec("linear"),), text="tfidf"),
        gain=about(3.0),
    ),
    Change(
        tag="characters",
        component="features",
        source="history",
        challenge="spellings and endings are not seen",
        why=fixed("word forms, numbers and punctuation carry information that whole words miss"),
        statement=fixed("Read the texts as TF-IDF of character sequences as well"),
        fits=lambda case, r: r.text == "tfidf",
        apply=setting(text="tfidf_char"),
        gain=about(1.5),
        cost=3.0,
    ),
    Change(
        tag="gradients",
        component="features",
        source="scenario",
        challenge="raw pixels do not say what is an edge",
        why=lambda case: (
            f"the pictures of {names(case, 'image')} differ by shapes, which single pixels do not show"
        ),
        statement=fixed("Describe each picture by histograms of its gradient directions beside its pixels"),
        fits=lambda case, r: (
            bool(case.columns("image")) and r.image == "pixels" and "cnn" not in case.families
        ),
        apply=setting(image="hog"),
        gain=about(3.0),
        cost=1.5,
    ),
    Change(
        tag="kernel",
        component="model",
        source="history",
        challenge="classes of pictures are not linearly separable",
        why=fixed("a kernel compares whole pictures, which suits a few thousand of them"),
        statement=fixed("Fit a support vector machine on the picture features"),
        fits=lambda case, r: (
            bool(case.columns("image")) and "svm" not in case.families and case.rows <= 15_000
        ),
        apply=lambda case, r: _with_image_model(r, "svm", r.image),
        gain=about(2.5),
    ),
    Change(
        tag="convolutions",
        component="model",
        source="scenario",
        challenge="a thing is the same wherever it is in the picture",
        why=lambda case: (
            f"{', '.join(sorted(case.families))} sees each pixel of {names(case, 'image')} as a column of its own"
        ),
        statement=fixed("Fit a small convolutional network on the pictures, moved a little each time"),
        fits=lambda case, r: bool(case.columns("image")) and case.has("cnn") and "cnn" not in case.families,
        apply=_with_network,
        gain=about(5.0),
        cost=5.0,
    ),
    Change(
        tag="mirror",
        component="data",
        source="history",
        challenge="each picture is seen one way round only",
        why=fixed("a thing seen in a mirror is mostly the same thing: mirrored copies double the pictures"),
        statement=fixed("Add mirrored copies of the training pictures"),
        fits=lambda case, r: bool(case.columns("image")) and r.image != "none" and not r.augment,
        apply=setting(augment=True),
        gain=about(1.2),
        cost=3.0,
    ),
    Change(
        tag="picture-blend",
        component="ensemble",
        source="history",
        challenge="one model's errors are not averaged out",
        why=lambda case: f"the program relies on {', '.join(sorted(case.families))} alone",
        statement=lambda case: f"Blend with {case.booster} on the same picture features",
        fits=lambda case, r: (
            bool(case.columns("image")) and case.booster not in case.families and len(r.models) < 3
        ),
        apply=lambda case, r: replace(
            r, models=(*(replace(m, weight=None) for m in r.models), ModelSpec(case.booster))
        ),
        gain=about(1.0),
        cost=4.0,
    ),
)
