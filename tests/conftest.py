"""Fixtures: small real tasks out of scikit-learn's bundled data."""

from pathlib import Path

import pytest
from hypothesis import settings

from tests.real_tasks import write_breast_cancer, write_diabetes

settings.register_profile("gome", deadline=None)  # a busy machine is no fault
settings.load_profile("gome")


@pytest.fixture
def cancer(tmp_path: Path) -> Path:
    """Binary, 569 rows, roc_auc: the Wisconsin diagnostic data as a task folder."""
    return write_breast_cancer(tmp_path / "cancer")


@pytest.fixture
def diabetes(tmp_path: Path) -> Path:
    """Regression, 442 rows, rmse."""
    return write_diabetes(tmp_path / "diabetes")
