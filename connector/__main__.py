"""`python -m connector` and the console script `anysoft-connector`."""

import os
import sys

from connector.cli.root import main as run


def main() -> None:
    os.umask(0o077)  # the database, backups, logs of errors: what is in them is for this user alone
    sys.exit(run())


if __name__ == "__main__":
    main()
