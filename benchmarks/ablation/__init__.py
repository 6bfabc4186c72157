"""Optimizers and ablations side by side, with a reasoner of set reliability. A simulation: no language model."""
