"""What the Python programs share: checks that print a line each, and connection arguments from libpq's variables."""
import os
import sys
import traceback

CHECKS = []


def check(function):
    """Registers a check; its name, with blanks, is the sentence that is printed."""
    CHECKS.append(function)
    return function


def env(name):
    return os.environ["PG" + name.upper()]


def run(*arguments):
    failed = 0
    for function in CHECKS:
        name = function.__name__.replace("_", " ")
        try:
            function(*arguments)
            print(f"ok - {name}", flush=True)
        except Exception:
            failed += 1
            print(f"NOT OK - {name}", flush=True)
            traceback.print_exc(limit=-3)
            sys.stderr.flush()
    sys.exit(1 if failed else 0)


def raises(kind, function, *arguments, **named):
    try:
        function(*arguments, **named)
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was expected")


def equal(actual, expected):
    assert actual == expected, f"{actual!r} instead of {expected!r}"
