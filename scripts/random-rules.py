#!/usr/bin/env python3
"""Random statements through row rules and masks, against a database that holds only what the role may see.

Usage: random-rules.py "host=… port=… user=… password=… dbname=…" [seed] [statements] [a PostgreSQL's "host=… …"]

The role rr_reader reads tables with rules and masks in schema `ruled` (made by tests/rules/random/ruled.toml, which the gateway must have
among its schema files), and the same statements over tables in schema `plain`, into which made.sql puts only the visible rows and masked
values. Rows and SQLSTATEs must be equal (but what fails on visible rows may or may not be reached); so must what is there after a change. Prints
what differs. With KEEP=FILE in the environment the statements that were equal are written there: how tests/rules/random/statements.sql was made.
SIGTERM ends it with the figures so far. With a PostgreSQL to ask, an error through the rules alone counts as a difference only if PostgreSQL does not give it over the visible rows, too.
"""
import os
import pathlib
import random
import signal
import sys

import psycopg

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests/rules/random"


def outermost(make):
    """Notes the expressions that stand in no other."""

    def noting(self, q, depth=0):
        made = make(self, q, depth)
        if depth == 0:
            self.made.append((q, made))
        return made

    return noting


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)
        # The expressions of the last statement, each with the table whose rows it is over.
        self.made = []

    def one(self, *of):
        return self.r.choice(of)

    @outermost
    def number(self, q, depth=0):
        r = self.r.random()
        columns = {"a": ["id", "tenant", "x"], "b": ["id", "a", "x"]}[q[0]]
        if r < 0.5 or depth > 2:
            return f"{q}.{self.one(*columns)}"
        if r < 0.6:
            return str(self.r.randint(-3, 30))
        if r < 0.7:
            return f"({self.number(q, depth + 1)} {self.one('+', '-', '*')} {self.number(q, depth + 1)})"
        if r < 0.78:
            return f"({self.number(q, depth + 1)} / {self.number(q, depth + 1)})"
        if r < 0.84:
            return f"length({self.text(q, depth + 1)})"
        if r < 0.9:
            return f"coalesce({self.number(q, depth + 1)}, {self.number(q, depth + 1)})"
        if r < 0.93:
            return f"{q}.s::int"
        if r < 0.97 and q[0] == "a":
            other = self.number(q, depth + 1)
            return self.one(
                f"({q}.d * {other})::int",
                f"({q}.d + {q}.d * 0.0)::int",
                f"extract(year from {q}.t)::int",
                f"({q}.t - date '2020-01-01')",
                f"(({q}.t || '')::date - date '2020-01-01')",
                f"({q}.d::numeric(5,1) - {other})::int",
                f"(case when {q}.t > timestamp '2020-06-01' then 1 else {other} end)",
            )
        return f"(case when {self.condition(q, depth + 1)} then {self.number(q, depth + 1)} end)"

    @outermost
    def text(self, q, depth=0):
        r = self.r.random()
        if r < 0.5 or depth > 2:
            return f"{q}.s"
        if r < 0.6:
            return f"'{self.one('1', '2*', 'h', 'hidden', '')}'"
        if r < 0.75:
            return f"({self.text(q, depth + 1)} || {self.text(q, depth + 1)})"
        if r < 0.85:
            return f"upper({self.text(q, depth + 1)})"
        if r < 0.9:
            return f"substr({self.text(q, depth + 1)}, 1, {self.number(q, depth + 1)})"
        if r < 0.96:
            text = self.text(q, depth + 1)
            return self.one(
                f"left({text}, {self.number(q, depth + 1)})",
                f"right({text}, 2)",
                f"reverse({text})",
                f"btrim({text}, '1h')",
                f"md5({text})",
                f"substr({text}, 1, 3)",
            )
        return f"chr({self.number(q, depth + 1)})"

    @outermost
    def condition(self, q, depth=0):
        r = self.r.random()
        if r < 0.4 or depth > 2:
            return f"{self.number(q, depth + 1)} {self.one('=', '<', '>', '<>', '<=')} {self.number(q, depth + 1)}"
        if r < 0.5:
            return f"{self.text(q, depth + 1)} like '{self.one('1%', '%2', 'h%', '%*')}'"
        if r < 0.56:
            return f"{self.text(q, depth + 1)} {self.one('=', '<', '>')} {self.text(q, depth + 1)}"
        if r < 0.58 and q[0] == "a":
            return f"{q}.t {self.one('<', '>=')} {self.one('date', 'timestamp')} '2020-0{self.r.randint(1, 9)}-01' + interval '{self.r.randint(1, 9)} months'"
        if r < 0.62:
            return f"{self.number(q, depth + 1)} is {self.one('', 'not ')}null"
        if r < 0.72:
            return f"({self.condition(q, depth + 1)} {self.one('and', 'or')} {self.condition(q, depth + 1)})"
        if r < 0.77:
            return f"not ({self.condition(q, depth + 1)})"
        other = self.one("a2", "b2")
        inner = f"from {other[0]} {other} where {other}.{self.one('id', 'x')} = {q}.{self.one('id', 'x')} and {self.condition(other, depth + 2)}"
        if r < 0.87:
            return f"{self.one('', 'not ')}exists (select 1 {inner})"
        if r < 0.95:
            return f"{q}.x {self.one('', 'not ')}in (select {other}.x from {other[0]} {other} where {self.condition(other, depth + 2)})"
        return f"(select count(*) {inner}) > {self.r.randint(0, 2)}"

    def select(self):
        self.made = []
        r = self.r.random()
        q = self.one("a", "b")
        where = f" where {self.condition(q)}" if self.r.random() < 0.8 else ""
        if r < 0.3:
            return f"select {q}.id, {self.one(self.number(q), self.text(q), q + '.*')} from {q}{where}"
        if r < 0.45:
            return f"select count(*), max({self.number(q)}), min({self.text(q)}), sum({q}.x) from {q}{where}"
        if r < 0.55:
            key = self.one("s", "x", "id % 3")
            return f"select {q}.{key}, count(*), sum({self.number(q)}) from {q}{where} group by 1 having count(*) > {self.r.randint(0, 2)}"
        if r < 0.75:
            kind = self.one("join", "left join", "full join", "right join")
            on = self.one("b.a = a.id", "b.x = a.x", "b.s = a.s") + self.one("", f" and {self.condition(q)}")
            if kind == "full join":
                on = "b.a = a.id"
            return f"select a.id, b.id, a.s, b.s, {self.number(q)} from a {kind} b on {on}{where}"
        if r < 0.82:
            return f"select id, s from a {self.one('union', 'union all', 'except', 'intersect')} select id, s from b{where if q == 'b' else ''}"
        if r < 0.9:
            return f"with c as {self.one('', 'materialized ')}(select * from {q}) select c.id, c.s from c{where.replace(q + '.', 'c.')}"
        if r < 0.95:
            return f"select {q}.id, count(*) over (partition by {q}.x), sum({q}.x) over (order by {q}.id) from {q}{where}"
        return f"select x.n from (select {q}.id as n, {self.number(q)} as v from {q}) x where x.v > 3"

    def change(self):
        self.made = []
        q = self.one("a", "b")
        where = f" where {self.condition(q)}" if self.r.random() < 0.9 else ""
        returning = self.one("", f" returning {q}.id, {q}.s")
        if self.r.random() < 0.5:
            return q, f"delete from {q}{where}{returning}"
        return q, f"update {q} set id = {self.r.randint(500, 600)}{where}{returning}"


def answer(connection, text):
    try:
        cursor = connection.execute(text)
    except psycopg.Error as error:
        return ("error", error.sqlstate, str(error).splitlines()[0])
    return ("rows", sorted(map(str, cursor.fetchall())) if cursor.description else cursor.statusmessage)


def fails_on_visible(plain, made, code):
    """Does one of the expressions fail so on a row that the role may see?"""
    for q, expression in made:
        if answer(plain, f"select count(({expression})::text) from {q}")[:2] == ("error", code):
            return True
    return False


def third_opinion(dsn, plain):
    """The visible rows in a PostgreSQL of its own; gives what it answers."""
    connection = psycopg.connect(dsn, autocommit=True)
    connection.execute("drop schema if exists plain cascade; create schema plain; set search_path = plain")
    connection.execute("create table a (id int, tenant int, x int, s text, d numeric(8,2), t date)")
    connection.execute("create table b (id int, a int, x int, s text)")
    for table in ("a", "b"):
        rows = plain.execute(f"select * from {table}").fetchall()
        marks = ", ".join(["%s"] * len(rows[0]))
        connection.cursor().executemany(f"insert into {table} values ({marks})", rows)

    def ask(text):
        connection.execute("begin")
        got = answer(connection, text)
        connection.execute("rollback")
        return got

    return ask


def main():
    sys.stdout.reconfigure(line_buffering=True)
    keep = open(os.environ["KEEP"], "w") if "KEEP" in os.environ else None
    dsn, seed, count = sys.argv[1], int((sys.argv + ["1"])[2]), int((sys.argv + ["1", "2000"])[3])
    root = psycopg.connect(dsn, autocommit=True)
    if not root.execute("select count(*) from ruled.m").fetchone()[0]:
        root.execute((FOLDER / "made.sql").read_text())
    sides = []
    for schema in ("ruled", "plain"):
        side = psycopg.connect(dsn, autocommit=True)
        side.execute("set session authorization rr_reader")
        side.execute(f"set search_path = {schema}")
        sides.append(side)
    ask = third_opinion(sys.argv[4], sides[1]) if len(sys.argv) > 4 else None
    maker, different, refused, order = Maker(seed), 0, 0, 0
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    for n in range(count):
        if ended:
            count = n
            break
        if n % 1000 == 0:
            print(f"{n}: {different} differ, {refused} refused, {order} fail on one side", file=sys.stderr)
        if maker.r.random() < 0.8:
            text, then = maker.select(), None
        else:
            table, text = maker.change()
            then = f"select * from {table}"
        answers = []
        for side in sides:
            side.execute("begin")
            got = [answer(side, text)]
            if then and got[0][0] == "rows":
                got.append(answer(side, then))
            side.execute("rollback")
            answers.append(got)
        first, second = answers
        if first[0][0] == "error" and first[0][1] in ("0A000", "42501"):
            if first != second:
                refused += 1
                print(f"{n}: refused through rules only: {text}\n  {first[0][2]}")
            continue
        same = first == second or first[0][0] == second[0][0] == "error" and first[0][1] == second[0][1]
        if not same and first[0][0] == "rows" and second[0][0] == "error":
            # Which of two conditions runs first is nobody's promise, as long as it is on rows that the role may see.
            order += 1
        elif not same and first[0][0] == "error" and fails_on_visible(sides[1], maker.made, first[0][1]):
            order += 1
        elif not same and ask and first[0][0] == "error" and ask(text)[:2] == first[0][:2]:
            order += 1
        elif not same:
            different += 1
            print(f"{n}: {text}\n  ruled {str(first)[:400]}\n  plain {str(second)[:400]}")
        if first == second and keep:
            print(text, file=keep)
        told = [w for w in ("hidden", "secret") if w in str(first) and w not in text]
        if told:
            print(f"{n}: TOLD {text}\n  {str(first)[:400]}")
    print(f"{different} of {count} differ, {refused} refused through rules only, {order} fail on visible rows on one side only")


main()
