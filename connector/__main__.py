"""`python -m connector` and the console script `anysoft-connector`."""

import sys

from connector.cli.root import main as run


def main() -> None:
    sys.exit(run())


if __name__ == "__main__":
    main()
