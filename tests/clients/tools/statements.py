"""Runs statements.sql, what many tools ask, one by one; prints the columns' names and types, and the rows in an order of their own."""
import os

import psycopg2
from show import url

connection = psycopg2.connect(url("postgresql"), options="-c search_path=shop,public -c timezone=UTC")
connection.autocommit = True
# As the server writes them: nothing is made of a value here.
psycopg2.extensions.register_type(psycopg2.extensions.new_type(tuple(range(1, 30000)), "TEXT", lambda value, _: value), connection)

statements = []
with open(os.path.join(os.path.dirname(__file__), "statements.sql"), encoding="utf-8") as file:
    for line in file.read().splitlines()[2:]:
        if line.startswith("-- "):
            statements.append([line[3:], []])
        else:
            statements[-1][1].append(line)

for title, lines in statements:
    print(f"== {title}")
    cursor = connection.cursor()
    try:
        cursor.execute("\n".join(lines).rstrip(";"))
    except psycopg2.Error as error:
        print(f"{error.pgcode} {error.diag.message_primary}")
        continue
    # Numbers of users' own types are nobody's affair.
    print(" | ".join(f"{c.name} {c.type_code if c.type_code < 16384 else 'user'}" for c in cursor.description))
    for row in sorted(" | ".join("NULL" if v is None else str(v).replace("\n", " ") for v in row) for row in cursor.fetchall()):
        print(row)
