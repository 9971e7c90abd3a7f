"""`backoffice COMMAND`: what manage.py is in a checkout, for the installed package."""

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    # As for `python -m` and gunicorn: a package of tasks may lie in the current directory.
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    execute_from_command_line(["backoffice", *sys.argv[1:]])


if __name__ == "__main__":
    main()
