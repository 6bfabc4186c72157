"""What a submission is worth: metrics, format check, grading, noise, ensembles."""
