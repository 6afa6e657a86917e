"""Sides that take turns."""

import json
import time

from settings import Failure
from sides import say


def take_turns(bench, part, sides):
    """Measures the sides in turns, forwards in one round and backwards in the next. A side that fails is left out, and said so.
    Where the number of steps is not given, a first round that does not count finds it."""
    settings, failures = bench.settings, []
    ready = []
    try:
        for side in sides:
            if attempt(side, failures, lambda side: start(bench, part, side)):
                ready.append(side)
        for round in range(1 if settings.steps else 0, settings.rounds + 1):
            say(f"  round {round} of {settings.rounds}" if round else "  finding the number of steps")
            for side in ready if round % 2 else reversed(ready):
                if side in ready and not attempt(side, failures, lambda side: measure(bench, part, round, side)):
                    ready = [other for other in ready if other is not side]
    finally:
        for side in sides:
            side.stop()
    return failures


def attempt(side, failures, action):
    try:
        action(side)
        return True
    except (Failure, OSError, json.JSONDecodeError) as error:
        say(f"  {side.label}: {error}")
        failures.append(str(error))
        return False


def start(bench, part, side):
    ready = side.start()
    if ready:
        bench.record(part, 0, *ready)


def measure(bench, part, round, side):
    # A moment for the threads of the side before to go to sleep.
    time.sleep(0.5)
    command, row = side.measure(side.steps(bench.settings))
    bench.record(part, round, command, row)
    side.step_s = row["median_step_s"]
    if round:
        side.rows.append(row)
