"""Plain LightGBM: every column as it is, default settings. A solution program like any other.

Strings become ordinal codes; columns of long texts a TF-IDF of their 2,000 most common words; columns of picture
paths their pixels. No tuning, no features, no validation.
"""

import os
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import OrdinalEncoder

SETTINGS = {"random_state": int(os.environ.get("SEED", "0")), "verbose": -1}
WORDS = 2000
LONG_TEXT = 50


def features(train: pd.DataFrame, test: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    parts = [column_features(train[[name]], test[[name]]) for name in test]
    return np.hstack([a for a, _ in parts]), np.hstack([b for _, b in parts])


def column_features(train: pd.DataFrame, test: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    values, test_values = train.iloc[:, 0], test.iloc[:, 0]
    if pd.api.types.is_numeric_dtype(values) and pd.api.types.is_numeric_dtype(test_values):
        return train.to_numpy(float), test.to_numpy(float)
    texts, test_texts = values.fillna("").astype(str), test_values.fillna("").astype(str)
    if texts.iloc[0].endswith((".png", ".jpg")):
        return pixels(texts), pixels(test_texts)
    if texts.str.len().mean() >= LONG_TEXT:
        words = TfidfVectorizer(max_features=WORDS).fit(texts)
        return words.transform(texts).toarray(), words.transform(test_texts).toarray()
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit(texts.to_frame("x"))
    return codes.transform(texts.to_frame("x")), codes.transform(test_texts.to_frame("x"))


def pixels(paths: pd.Series) -> np.ndarray:
    from PIL import Image

    return np.stack([np.asarray(Image.open(Path("input") / path), dtype=float).ravel() for path in paths])


def main() -> None:
    train, test, sample = (
        pd.read_csv(f"input/{name}.csv") for name in ("train", "test", "sample_submission")
    )
    key, target = sample.columns[0], sample.columns[1]
    x, x_test = features(train.drop(columns=[key, target]), test.drop(columns=key))
    y = train[target]
    if not pd.api.types.is_numeric_dtype(y):
        predicted = lgb.LGBMClassifier(**SETTINGS).fit(x, y).predict(x_test)
    elif y.nunique() == 2:
        predicted = lgb.LGBMClassifier(**SETTINGS).fit(x, y).predict_proba(x_test)[:, 1]
    else:
        predicted = lgb.LGBMRegressor(**SETTINGS).fit(x, y).predict(x_test)
    pd.DataFrame({key: test[key], target: predicted}).to_csv("submission.csv", index=False)


main()
