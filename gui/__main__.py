"""`python -m gui` is `overread`."""

import sys

from gui.cli import main

sys.exit(main())
