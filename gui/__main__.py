"""`python -m gui` is `overread`."""

import sys

from gui.cli.main import main

sys.exit(main())
