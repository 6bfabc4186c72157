"""The offline reasoner on the example tasks, on hidden test labels."""
