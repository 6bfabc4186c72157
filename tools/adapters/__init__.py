"""Tasks of any layout: an adapter, in a sandbox, names units and lays folds out; the harness checks and grades."""
