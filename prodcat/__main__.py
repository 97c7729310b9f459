"""``python -m prodcat`` is the same as ``prodcat``."""

import sys

from prodcat.cli.command import main

sys.exit(main())
