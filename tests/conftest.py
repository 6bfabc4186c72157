"""Fixtures: small real tasks out of scikit-learn's bundled data."""

from pathlib import Path

import pytest
from hypothesis import settings

from tests.real_tasks import write_breast_cancer, write_diabetes

LONG = {"test_ray", "test_replay", "test_earlier_version", "test_offline_run", "test_tracing"}

settings.register_profile("gome", deadline=None)  # a busy machine is no fault
settings.load_profile("gome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those of a minute or two come first: at the end all workers would wait for one of them."""
    items.sort(key=lambda item: item.path.stem not in LONG)


@pytest.fixture
def cancer(tmp_path: Path) -> Path:
    """Binary, 569 rows, roc_auc: the Wisconsin diagnostic data as a task folder."""
    return write_breast_cancer(tmp_path / "cancer")


@pytest.fixture
def diabetes(tmp_path: Path) -> Path:
    """Regression, 442 rows, rmse."""
    return write_diabetes(tmp_path / "diabetes")
