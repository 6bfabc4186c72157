"""A laboratory: programs whose outcomes are known, so that a run costs milliseconds and policies are told apart."""
