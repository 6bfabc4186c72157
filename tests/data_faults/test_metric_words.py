"""Metrics said in words: what is plain is read, what is qualified is asked for, nothing is read wrongly.

The sentences are ours, in the manner of competition pages; the right answer stands beside each, '' for "ask".
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome.state.errors import GomeError
from gome.tools.data.metric_words import read_metric
from gome.tools.data.task_folder import load_task

PLAIN = [
    ("Submissions are judged on area under the ROC curve between the predicted chance and the true outcome.", "auc"),
    ("Entries are scored by AUC.", "auc"),
    ("The evaluation metric for this contest is the ROC AUC.", "auc"),
    ("Submissions are evaluated on the mean column-wise ROC AUC. In other words, the score is the average of the "
     "individual AUCs of each predicted column.", "auc"),
    ("Submissions are evaluated using the multi-class logarithmic loss. Each picture has one breed. For each picture "
     "you submit a set of probabilities, one for every breed.", "log_loss"),
    ("Submissions are scored on the log loss: $$L = -\\frac{1}{n}\\sum y \\log(p)$$ where n is the number of pictures.",
     "log_loss"),
    ("Submissions are evaluated on Multi Class Log Loss between the predicted probability and the observed target.",
     "log_loss"),
    ("Submissions are evaluated by binary cross-entropy.", "log_loss"),
    ("Submissions are scored on the root mean squared error. RMSE is defined as $\\sqrt{x}$.", "rmse"),
    ("The evaluation metric for this competition is the root mean-squared error or RMSE. RMSE measures the difference "
     "between the predictions of a model and the ground truth.", "rmse"),
    ("Submissions are scored using MCRMSE, mean columnwise root mean squared error.", "rmse"),
    ("The metric is RMSLE.", "rmsle"),
    ("Submissions are evaluated on the Root Mean Squared Logarithmic Error (RMSLE) between the predicted and actual "
     "revenue.", "rmsle"),
    ("Submissions are evaluated on mean absolute error between the predicted and the actual time to failure.", "mae"),
    ("Submissions are evaluated on MSE.", "mse"),
    ("Forecasts are evaluated on SMAPE between forecasts and actual values.", "smape"),
    ("Submissions are evaluated using the mean absolute percentage error.", "mape"),
    ("Submissions are evaluated on the R² value between the predicted and actual quality.", "r2"),
    ("Submissions are scored based on the quadratic weighted kappa, which measures the agreement of two raters.", "qwk"),
    ("Submissions are evaluated according to the Mean Average Precision @ 5 (MAP@5):", "map@5"),
    ("Submissions are evaluated on NDCG @ 10.", "ndcg@10"),
    ("Submissions will be evaluated based on their macro F1 score.", "f1_macro"),
    ("Submissions are evaluated with the micro averaged F1 score.", "f1_micro"),
    ("The metric is the F1 score.", "f1"),
    ("Submissions are evaluated on the F2 score of the positive class.", "fbeta@2"),
    ("Submissions are evaluated on their categorization accuracy (the share of labels that are right).", "accuracy"),
    ("Submissions are evaluated on the balanced accuracy.", "balanced_accuracy"),
    ("Submissions are evaluated on the Matthews correlation coefficient (MCC) between predicted and observed response.",
     "mcc"),
    ("Submissions are evaluated by the mean column-wise Spearman's correlation coefficient.", "spearman"),
    ("Submissions are evaluated on the Pearson correlation coefficient between the predicted and actual scores.",
     "pearson"),
    ("Submissions are evaluated using the normalized Gini coefficient.", "gini_normalized"),
    ("Submissions are evaluated using the Brier score.", "brier"),
    ("Submissions are evaluated on label-weighted label-ranking average precision (lwlrap).", "lwlrap"),
    ("Submissions are evaluated on the Kullback Leibler divergence between the predicted probability and the observed "
     "target.", "kl_divergence"),
    ("Submissions are evaluated using the probabilistic F1 score (pF1).", "pf1"),
    ("Submissions are evaluated using the mean angular error between the predicted and true origins.", "angular_error"),
    ("Submissions are evaluated on the mean Levenshtein distance between the texts you submit and the true ones.",
     "levenshtein"),
    ("The metric in this competition is the word-level Jaccard score.", "word_jaccard"),
    ("Submissions are evaluated using a balanced logarithmic loss.", "balanced_log_loss"),
    ("mae", "mae"),
    ("Metric: roc_auc", "auc"),
]  # fmt: skip
QUALIFIED = [
    "Submissions are evaluated on the weighted AUC. Regions of the curve count differently.",
    "Submissions are evaluated on the mean absolute error over the rows with valve = 0.",
    "Submissions are evaluated on the Log of the Mean Absolute Error, calculated for each coupling type.",
    "Submissions are evaluated on Root-Mean-Squared-Error (RMSE) between the logarithm of the predicted value and the "
    "logarithm of the observed price.",
    "Entries are evaluated on the mean average precision at different intersection over union (IoU) thresholds.",
    "Submissions are evaluated using the Mean F1-Score.",
    "Submissions are scored with a weighted multi-label logarithmic loss.",
    "Your submission is scored by 0.5 * AUC + 0.5 * accuracy.",
    "The metric is the average of RMSE and MAE.",
    "Submissions are evaluated on 1 - AUC.",
    "Submissions are evaluated on 2*AUC-1.",
    "Submissions are evaluated on Root Mean Square Percentage Error (RMSPE).",
    "Submissions are evaluated on the mean squared log error.",
    "Submissions are evaluated on the mean Dice coefficient.",
    "Submissions are evaluated on the average AUC over all groups.",
    "Submissions are evaluated by AUC within each user.",
    "The performance is measured by top-5 accuracy.",
    "Submissions are evaluated on MAE. The value is then divided by the mean of the target, averaged over regions.",
    "Submissions are evaluated on AUC. Rows have sample weights, found in weights.csv.",
    "The competition is scored as the mean absolute error between predicted and actual pressures during the first phase "
    "of each breath. The second phase is not scored.",
    "Submissions are evaluated on accuracy. The rows of the first week are not scored.",
    "Submissions are evaluated on AUC for the first target and on RMSE for the second.",
    "Submissions are evaluated on a modified version of the F1 score.",
    "This is the ROC-AUC. We then take the generalized mean of the subgroup AUCs.",
    "Submissions are evaluated on the Gini coefficient.",
    "Submissions are evaluated with Cohen's kappa.",
    "Submissions are evaluated on area under the precision-recall curve.",
    "Submissions are evaluated on the pinball loss.",
    "The score is the harmonic mean of precision and recall.",
    "Submissions are evaluated on normalized RMSE.",
    "Submissions are evaluated on the negative log likelihood.",
    "Submissions are evaluated on the F-score.",
    "Submissions are evaluated on the average precision at each threshold.",
    "Submissions are evaluated by total profit.",
    "Submissions are evaluated on the macro-averaged AUC of all classes with a bonus for speed.",
]  # fmt: skip


def page(said: str, title: str = "A contest") -> str:
    return f"""# {title}

## Description
Earlier models were compared by RMSE and by accuracy; credit scoring is old.

## Evaluation

{said}

### Submission File
For each id in the test set, predict a probability. The file has a header: `id,log_loss_of_target`.

## Prizes
The best accuracy wins a mug.
"""


@pytest.mark.parametrize(("said", "metric"), PLAIN)
def test_what_is_plain_is_read(said: str, metric: str) -> None:
    assert read_metric(page(said)).metric == metric


@pytest.mark.parametrize("said", QUALIFIED)
def test_what_is_qualified_is_asked_for(said: str) -> None:
    reading = read_metric(page(said))
    assert reading.metric == ""
    assert reading.doubt


@pytest.mark.parametrize(
    ("said", "example"),
    [
        ("Submissions are evaluated on the weighted AUC.", "weighted_auc@"),
        ("Submissions are scored with a weighted multi-label logarithmic loss.", "weighted_log_loss@"),
        (
            "Submissions are evaluated on the Log of the Mean Absolute Error, for each type of coupling.",
            "log_mae@",
        ),
        ("Submissions are evaluated on a modified version of the Laplace Log Likelihood.", "laplace@70,1000"),
    ],
)
def test_a_doubt_says_how_the_metric_may_be_written(said: str, example: str) -> None:
    reading = read_metric(page(said))
    assert reading.metric == ""
    assert example in reading.doubt


def test_no_qualifier_before_a_metric_is_overlooked() -> None:
    for word in (
        "weighted",
        "log of the",
        "median",
        "grouped",
        "smoothed",
        "fuzzy",
        "rank-averaged",
        "top-10",
    ):
        for metric in ("AUC", "mean absolute error", "RMSE", "log loss", "accuracy"):
            assert read_metric(page(f"Submissions are evaluated on the {word} {metric}.")).metric == "", word


def test_the_sentence_is_given_and_the_heading_has_to_be_the_right_one() -> None:
    said = "Submissions are evaluated on RMSE."
    assert read_metric(page(said, title="Credit scoring with metrics of AUC")).metric == "rmse"
    assert read_metric(page(said)).sentence == said
    for heading in ("## Evaluation Metric", "# Evaluation", "### Metric", "## Scoring", "## 2. Evaluation"):
        assert read_metric(f"# Mice\n\nThey eat.\n\n{heading}\n\n{said}\n").metric == "rmse"
    assert read_metric("# Maerz\n\nMap of macro scale. Predict mae-like words.\n").metric == ""


def test_without_a_section_only_a_sentence_on_submissions_counts() -> None:
    assert read_metric("We predict rain. Submissions are evaluated on MAE.").metric == "mae"
    assert read_metric("Earlier models were evaluated on MAE. Predict rain.").metric == ""
    assert read_metric("").metric == ""


def write_task(folder: Path, said: str) -> Path:
    rng = np.random.default_rng(3)
    folder.mkdir()
    train = pd.DataFrame({"id": range(60), "x": rng.normal(size=60), "y": np.resize([0, 1], 60)})
    train.to_csv(folder / "train.csv", index=False)
    test = pd.DataFrame({"id": range(60, 90), "x": rng.normal(size=30)})
    test.to_csv(folder / "test.csv", index=False)
    test[["id"]].assign(y=0.5).to_csv(folder / "sample_submission.csv", index=False)
    (folder / "description.md").write_text(page(said))
    return folder


def test_a_task_says_from_where_it_has_its_metric(tmp_path: Path) -> None:
    said = "Submissions are evaluated on area under the ROC curve."
    task = load_task(write_task(tmp_path / "plain", said))
    assert (task.metric, task.metric_from) == ("auc", said)
    assert load_task(tmp_path / "plain", metric="log_loss").metric_from == ""
    with pytest.raises(GomeError) as caught:
        load_task(write_task(tmp_path / "odd", "Submissions are evaluated on the weighted AUC."))
    for words in (
        "description.md",
        '"Submissions are evaluated on the weighted AUC."',
        "'weighted auc'",
        "give `metric`",
    ):
        assert words in str(caught.value)
