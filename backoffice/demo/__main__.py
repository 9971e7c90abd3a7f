"""`python -m backoffice.demo`, with `--reset` to begin anew."""

import sys

from backoffice.demo.launcher import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
