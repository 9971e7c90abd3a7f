"""The double on its own: `python -m tests.doubles.slack --port 12112 --state FILE`."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from tests.doubles.slack.double import SlackDouble
from tests.doubles.slack.interactions import posted_to


def main() -> int:
    options = _options()
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
    try:
        double = SlackDouble(port=options.port, state=options.state)
        double.start()
    except (OSError, ValueError, KeyError) as wrong:
        sys.stderr.write(f"The double cannot start: {wrong}\n")
        return 1
    if options.deliver_to:
        double.deliver = posted_to(options.deliver_to)
    sys.stdout.write(f"Slack double: {double.url}\n")
    sys.stdout.flush()
    ended.wait()
    double.stop()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="slack-double", description="A stateful double of Slack.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--state", type=Path, help="JSON file that keeps everything")
    parser.add_argument("--deliver-to", help="where clicks are posted; without it, Socket Mode")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
