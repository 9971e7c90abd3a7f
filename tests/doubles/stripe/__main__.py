"""The double on its own: `python -m tests.doubles.stripe --port 12111 --state FILE`."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from tests.doubles.stripe.double import StripeDouble


def main() -> int:
    options = _options()
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
    try:
        double = StripeDouble(port=options.port, state=options.state)
        double.start()
    except ValueError as wrong:
        return _fail(str(wrong))
    except OSError as wrong:
        return _fail(f"Port {options.port} on 127.0.0.1 cannot be used: {wrong.strerror}.")
    sys.stdout.write(f"Stripe double: {double.url}\n")
    sys.stdout.flush()
    ended.wait()
    double.stop()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="stripe-double", description="A stateful double of Stripe."
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--state", type=Path, help="JSON file that keeps everything, or seeds")
    return parser.parse_args()


def _fail(text: str) -> int:
    sys.stderr.write(f"{text}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
