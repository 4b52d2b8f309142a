"""``python -m cometapi_runway``, where no script is on the path."""

from cometapi_runway.cli import main

if __name__ == "__main__":
    main()
