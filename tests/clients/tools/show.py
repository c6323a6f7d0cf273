"""What the tools' programs share: how they connect, and lines that say the same of the same thing."""
import os

HOST, PORT = os.environ["PGHOST"], os.environ["PGPORT"]
USER, PASSWORD, DATABASE = os.environ["PGUSER"], os.environ["PGPASSWORD"], os.environ["PGDATABASE"]
SSLMODE = os.environ.get("PGSSLMODE", "prefer")


def url(scheme):
    return f"{scheme}://{USER}:{PASSWORD}@{HOST}:{PORT}/{DATABASE}?sslmode={SSLMODE}"


def show(title, value, depth=0):
    """Prints lists and dictionaries a line an entry, dictionaries by key."""
    blank = "  " * depth
    if isinstance(value, dict) and value:
        print(f"{blank}{title}:")
        for key in sorted(value, key=str):
            show(key, value[key], depth + 1)
    elif isinstance(value, (list, tuple)) and any(isinstance(v, (dict, list, tuple)) for v in value):
        print(f"{blank}{title}:")
        for at, entry in enumerate(value):
            show(f"- {at}", entry, depth + 1)
    else:
        print(f"{blank}{title}: {value!r}")
