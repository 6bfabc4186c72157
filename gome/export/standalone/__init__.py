"""What an exported solution is run by. These files are copied as they are, and need numpy and pandas alone."""
