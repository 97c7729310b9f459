"""``python -m prodcat`` is the same as ``prodcat``."""

import sys

from prodcat.cli import main

sys.exit(main())
