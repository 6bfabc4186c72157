"""Import lines of a program, by the names that it uses."""

import ast
from collections import defaultdict

_MODULES = ("json", "os", "pickle", "time", "warnings", "zipfile", "optuna", "torch")
_ALIASES = {"np": "numpy", "pd": "pandas"}
_SOURCES = {
    "contextlib": "contextmanager",
    "operator": "itemgetter",
    "pathlib": "Path",
    "lightgbm": "LGBMClassifier LGBMRegressor early_stopping",
    "pandas.api.types": "is_numeric_dtype",
    "PIL": "Image",
    "scipy.special": "softmax",
    "scipy.stats": "spearmanr",
    "sklearn.base": "BaseEstimator TransformerMixin clone",
    "sklearn.compose": "ColumnTransformer TransformedTargetRegressor make_column_selector",
    "sklearn.decomposition": "PCA TruncatedSVD",
    "sklearn.ensemble": "ExtraTreesClassifier ExtraTreesRegressor HistGradientBoostingClassifier "
    "HistGradientBoostingRegressor RandomForestClassifier RandomForestRegressor",
    "sklearn.feature_extraction.text": "TfidfVectorizer",
    "sklearn.impute": "SimpleImputer",
    "sklearn.linear_model": "ElasticNetCV LinearRegression LogisticRegression Ridge RidgeCV",
    "sklearn.metrics": "accuracy_score average_precision_score balanced_accuracy_score brier_score_loss "
    "cohen_kappa_score f1_score log_loss matthews_corrcoef mean_absolute_error "
    "mean_absolute_percentage_error mean_squared_error median_absolute_error precision_score r2_score "
    "recall_score roc_auc_score root_mean_squared_error",
    "sklearn.model_selection": "GroupShuffleSplit KFold StratifiedKFold",
    "sklearn.naive_bayes": "BernoulliNB MultinomialNB",
    "sklearn.neighbors": "KNeighborsClassifier KNeighborsRegressor",
    "sklearn.neural_network": "MLPClassifier MLPRegressor",
    "sklearn.pipeline": "make_pipeline",
    "sklearn.preprocessing": "FunctionTransformer OneHotEncoder OrdinalEncoder QuantileTransformer "
    "StandardScaler TargetEncoder",
    "sklearn.svm": "SVC SVR",
    "sklearn.utils.class_weight": "compute_sample_weight",
    "xgboost": "XGBClassifier XGBRegressor",
}
_HOME = {name: module for module, names in _SOURCES.items() for name in names.split()}
_STANDARD = {"contextlib", "json", "operator", "os", "pathlib", "pickle", "time", "warnings"}


def import_lines(program: str) -> str:
    """The import lines that `program` needs: standard library first, one blank line, then packages."""
    names = {node.id for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Name)}
    plain = [(module, f"import {module}") for module in _MODULES if module in names]
    plain += [(module, f"import {module} as {alias}") for alias, module in _ALIASES.items() if alias in names]
    wanted = defaultdict(list)
    for name in names & _HOME.keys():
        wanted[_HOME[name]].append(name)
    plain.sort()
    listed = [
        (module, _from_line(module, sorted(wanted[module]))) for module in sorted(wanted, key=str.lower)
    ]
    groups = [
        "\n".join(line for module, line in [*plain, *listed] if (module in _STANDARD) == standard)
        for standard in (True, False)
    ]
    return "\n\n".join(group for group in groups if group)


def _from_line(module: str, names: list[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= 110:
        return line
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")"
