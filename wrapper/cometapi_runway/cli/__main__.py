"""``python -m cometapi_runway.cli``."""

import sys

from cometapi_runway.cli import main

sys.exit(main())
