"""The frame of a Python test program: cases are functions with sentences as names; prints TAP.

    import tap

    @tap.case("a worker that dies is replaced")
    def _():
        tap.equal(1 + 1, 2)

    tap.run()
"""
import sys
import time
import traceback

_cases = []


def case(name):
    """Registers the decorated function as a case."""
    def register(function):
        _cases.append((name, function))
        return function
    return register


class Skip(Exception):
    """Raised by a case that cannot run here; the text says why."""


def ok(condition, message="not true"):
    if not condition:
        raise AssertionError(message)


def equal(got, wanted, what="value"):
    if got != wanted:
        raise AssertionError(f"{what} is {got!r}, not {wanted!r}")


def contains(text, part):
    if part not in text:
        raise AssertionError(f"{part!r} is not in:\n{text}")


def wait_for(condition, what, seconds=20.0, step=0.005):
    """Polls until condition() is true and returns what it returned; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"no {what} within {seconds} s")
        time.sleep(step)


def run(finish=None, on_failure=None):
    """Runs the cases (those whose name contains an argument, if there are any) and exits."""
    chosen = [c for c in _cases if not sys.argv[1:] or any(a in c[0] for a in sys.argv[1:])]
    failed = 0
    print(f"1..{len(chosen)}", flush=True)
    try:
        for number, (name, function) in enumerate(chosen, 1):
            try:
                function()
                print(f"ok {number} - {name}", flush=True)
            except Skip as reason:
                print(f"ok {number} - {name} # SKIP {reason}", flush=True)
            except Exception:  # a case fails by whatever it raises
                failed += 1
                print(f"not ok {number} - {name}", flush=True)
                text = traceback.format_exc() + (on_failure() if on_failure else "")
                print("\n".join("# " + line for line in text.splitlines()), flush=True)
    finally:
        if finish:
            finish()
    sys.exit(1 if failed else 0)
