"""Gome from Python: fit, load, what a run can be asked, estimators in the manner of scikit-learn."""
