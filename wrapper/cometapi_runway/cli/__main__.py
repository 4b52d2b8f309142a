"""``python -m cometapi_runway.cli``."""

from cometapi_runway.cli import main

main()
