"""``python -m cometapi_runway``, where no script is on the path."""

from cometapi_runway.cli import main

main()
