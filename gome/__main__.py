"""`python -m gome`."""

import sys

from gome.cli.main import main

sys.exit(main())
