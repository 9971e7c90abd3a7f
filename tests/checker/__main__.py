"""`python -m tests.checker --database URL [--stripe URL]`: do the promises hold?

Ends with 0 when they do, 1 when something was found, 2 when it could not look.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial

import psycopg

from tests.checker.evidence import Evidence, gather, ledger_at
from tests.checker.report import check, told


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options().parse_args(arguments)
    read_ledger = partial(ledger_at, options.stripe) if options.stripe else None
    try:
        with psycopg.connect(options.database) as connection:
            evidence = gather(
                connection,
                read_ledger,
                app_role=options.app_role,
                grace=timedelta(seconds=options.grace),
            )
            return _notify(evidence)
    except (psycopg.Error, OSError, ValueError) as error:
        sys.stderr.write(f"Nothing can be said, because not everything could be read: {error}\n")
        return 2


def _notify(evidence: Evidence) -> int:
    found = check(evidence)
    for line in _lines(evidence, found):
        sys.stdout.write(f"{line}\n")
    return 1 if found else 0


def _lines(evidence: Evidence, found: dict[str, list[str]]) -> Iterator[str]:
    yield from told(found)
    if evidence.ledger is None:
        yield "Without --stripe nothing was compared with the provider's ledger."
    count = sum(map(len, found.values()))
    yield f"Findings: {count}." if found else "Nothing found: the promises hold."


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="checker", description=__doc__)
    parser.add_argument("--database", required=True, help="postgresql://… of a role that may read")
    parser.add_argument("--stripe", help="http://… of the Stripe double")
    parser.add_argument(
        "--app-role", default="backoffice_app", help="what web and worker log in as"
    )
    parser.add_argument(
        "--grace", type=float, default=300, help="seconds that late work is let pass (300)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
