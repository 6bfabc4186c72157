"""The house: how large the code base is, how it is cut, and how many files one step enters."""
