#!/usr/bin/env python3
"""Concurrent transactions that append to lists and read them; then a search for anomalies in what they saw (Elle's method).

    scripts/list-append.py --server 'host=… dbname=…' [--isolation 'REPEATABLE READ'] [--transactions 100000] [--clients 8]
    scripts/list-append.py --start 'duckgate serve --listen 127.0.0.1:6999 --data /tmp/la.db …' --kills 20 --server …

Needs psycopg 3. A list holds numbers that are appended once each, so a read tells which transactions came before and in which
order. What is looked for, by level:

  every level         numbers of transactions that rolled back (G1a), of the middle of one (G1b), reads that contradict each
                      other, a number that was committed and is gone, one that is there twice, cycles of write-write and
                      write-read dependencies (G0, G1c)
  REPEATABLE READ and above also cycles with one anti-dependency (G-single: read skew, lost updates)

Write skew (G2: two anti-dependencies) is counted and not judged. With --start the script starts the server itself and kills it
(SIGKILL) now and then; what a client was told is committed has to be there afterwards. With --locks transactions read by FOR
UPDATE, and then no cycle of any kind is forgiven.
"""

import argparse
import collections
import os
import random
import shlex
import signal
import subprocess
import sys
import threading
import time

import psycopg


class Transaction:
    """`outcome`: True committed, False rolled back, None nobody knows."""

    __slots__ = ("number", "ops", "outcome")

    def __init__(self, number):
        self.number = number
        self.ops = []
        self.outcome = False


class Load:
    def __init__(self, args):
        self.args = args
        self.lock = threading.Lock()
        self.next = 0
        self.begun = 0
        self.history = []
        self.retried = collections.Counter()
        self.failures = []
        self.stop = False

    def client(self, seed):
        dice = random.Random(seed)
        connection = None
        while not self.stop:
            with self.lock:
                if self.begun >= self.args.transactions:
                    break
                self.begun += 1
                transaction = Transaction(self.begun)
                self.history.append(transaction)
            try:
                if connection is None or connection.closed:
                    connection = psycopg.connect(self.args.server, autocommit=True, connect_timeout=5)
                    connection.execute("SET lock_timeout = '10s'")
                self.run(connection, transaction, dice)
            except psycopg.OperationalError as error:
                code = error.sqlstate or "connection"
                self.retried[code] += 1
                if error.sqlstate is None or connection is None or connection.closed:
                    connection = None
                    if not self.args.start:
                        self.failures.append(str(error))
                        return
                    time.sleep(0.1)
                else:
                    transaction.outcome = False
                    try:
                        connection.execute("ROLLBACK")
                    except psycopg.OperationalError as lost:
                        # Killed after it had told the error: what was rolled back stays so.
                        self.retried[lost.sqlstate or "connection"] += 1
                        connection = None
                        if not self.args.start:
                            self.failures.append(str(lost))
                            return
            except psycopg.Error as error:
                self.failures.append(f"{error.sqlstate}: {error}")
                return
            if dice.random() < self.args.cut and connection is not None:
                connection.close()
                connection = None

    def number(self):
        with self.lock:
            self.next += 1
            return self.next

    def run(self, connection, transaction, dice):
        keys = self.args.keys
        sure = False
        try:
            connection.execute(f"BEGIN ISOLATION LEVEL {self.args.isolation}")
            for _ in range(dice.randint(1, 4)):
                key = dice.randrange(keys)
                if dice.random() < 0.5:
                    lock = " FOR UPDATE" if self.args.locks else ""
                    found = connection.execute(f"SELECT v FROM la WHERE k = %s{lock}", [key]).fetchone()[0]
                    transaction.ops.append(("r", key, tuple(map(int, found.split()))))
                else:
                    value = self.number()
                    transaction.ops.append(("w", key, value))
                    connection.execute("UPDATE la SET v = v || %s WHERE k = %s", [f" {value}", key])
            if dice.random() < 0.05:
                sure = True
                connection.execute("ROLLBACK")
                return
            transaction.outcome = None
            connection.execute("COMMIT")
            transaction.outcome = True
        except psycopg.Error as error:
            # An error that the server told is a rollback; silence is not.
            if error.sqlstate is not None and not sure:
                transaction.outcome = False
            raise


def start(args):
    process = subprocess.Popen(shlex.split(args.start), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.time() + args.patience
    while time.time() < until and process.poll() is None:
        try:
            psycopg.connect(args.server, connect_timeout=2).close()
            return process
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise SystemExit(f"the server did not start within {args.patience} s, or ended")


def judge(load, final, args):
    """The anomalies, as texts."""
    found = []
    writer, owns = {}, collections.defaultdict(list)
    for transaction in load.history:
        for kind, key, value in transaction.ops:
            if kind == "w":
                writer[value] = (transaction, key)
                owns[transaction.number, key].append(value)
    for key, values in final.items():
        if len(set(values)) != len(values):
            found.append(f"list {key} has a number twice")
        for value in values:
            if writer[value][0].outcome is None:
                writer[value][0].outcome = True
    at = {key: {value: place for place, value in enumerate(values)} for key, values in final.items()}
    committed = [t for t in load.history if t.outcome]
    for transaction in committed:
        for kind, key, value in transaction.ops:
            if kind == "w" and value not in at[key]:
                found.append(f"{value} was committed to list {key} and is gone")
    follows = collections.defaultdict(dict)

    def edge(a, b, kind):
        if a is not b and a is not None and b is not None and kind not in follows[a.number].setdefault(b.number, set()):
            follows[a.number][b.number].add(kind)

    for key, values in final.items():
        for one, other in zip(values, values[1:]):
            edge(writer[one][0], writer[other][0], "ww")
    for transaction in committed:
        own = collections.defaultdict(list)
        for kind, key, value in transaction.ops:
            if kind == "w":
                own[key].append(value)
                continue
            mine, values = own[key], list(value)
            if mine:
                if values[-len(mine):] != mine:
                    found.append(f"transaction {transaction.number} does not see its own numbers in list {key}")
                    continue
                values = values[: -len(mine)]
            if values != final[key][: len(values)]:
                seen = [v for v in values if writer[v][0].outcome is False]
                what = "G1a: rolled back numbers" if seen else "contradicting reads"
                found.append(f"{what} in list {key}, transaction {transaction.number}")
                continue
            if values:
                last = writer[values[-1]][0]
                if owns[last.number, key][-1] != values[-1]:
                    found.append(f"G1b: the middle of transaction {last.number}, by transaction {transaction.number}")
                edge(last, transaction, "wr")
            rest = final[key][len(values):]
            if rest and not mine:
                edge(transaction, writer[rest[0]][0], "rw")
    skews = 0
    for circle in circles(follows):
        kind = classify(circle, follows)
        if kind == "G2" and not args.locks:
            skews += 1
        elif kind == "G-single" and "COMMITTED" in args.isolation.upper() and not args.locks:
            skews += 1
        elif kind:
            found.append(f"{kind} among transactions {sorted(circle)[:12]}")
    return found, skews, len(committed)


def circles(follows):
    """Strongly connected components of more than one transaction (Tarjan's, without recursion)."""
    index, low, on, stack, out = {}, {}, set(), [], []
    count = 0
    for root in list(follows):
        if root in index:
            continue
        work = [(root, iter(follows.get(root, ())))]
        index[root] = low[root] = count
        count += 1
        stack.append(root)
        on.add(root)
        while work:
            node, rest = work[-1]
            for other in rest:
                if other not in index:
                    index[other] = low[other] = count
                    count += 1
                    stack.append(other)
                    on.add(other)
                    work.append((other, iter(follows.get(other, ()))))
                    break
                if other in on:
                    low[node] = min(low[node], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    part = set()
                    while True:
                        other = stack.pop()
                        on.discard(other)
                        part.add(other)
                        if other == node:
                            break
                    if len(part) > 1:
                        out.append(part)
    return out


def classify(circle, follows):
    """The worst cycle in a component: without an anti-dependency, with one, with more."""
    plain = {a: [b for b, kinds in follows[a].items() if b in circle and kinds - {"rw"}] for a in circle}

    def reaches(start, goal):
        seen, todo = {start}, [start]
        while todo:
            for other in plain[todo.pop()]:
                if other == goal:
                    return True
                if other not in seen:
                    seen.add(other)
                    todo.append(other)
        return False

    if any(reaches(a, a) for a in circle):
        return "G1c"
    for a in circle:
        for b, kinds in follows[a].items():
            if b in circle and "rw" in kinds and reaches(b, a):
                return "G-single"
    return "G2"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", required=True)
    parser.add_argument("--start", help="the command that starts the server, to be killed now and then")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--patience", type=float, default=300, help="seconds that a start may take")
    parser.add_argument("--transactions", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--keys", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=1, help="the lists begin anew so many times")
    parser.add_argument("--cut", type=float, default=0.005, help="how often a client goes away between transactions")
    parser.add_argument("--isolation", default="REPEATABLE READ")
    parser.add_argument("--locks", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    process = start(args) if args.start else None
    wrong = 0
    total, per_round = collections.Counter(), args.transactions // args.rounds
    for round_ in range(args.rounds):
        with psycopg.connect(args.server, autocommit=True) as connection:
            connection.execute("DROP TABLE IF EXISTS la")
            connection.execute("CREATE TABLE la (k int4 PRIMARY KEY, v text NOT NULL)")
            connection.execute("INSERT INTO la SELECT i, '' FROM generate_series(0, %s) AS i", [args.keys - 1])
        args.transactions = per_round
        load = Load(args)
        began = time.time()
        clients = [
            threading.Thread(target=load.client, args=[f"{args.seed} {round_} {n}"], daemon=True)
            for n in range(args.clients)
        ]
        for thread in clients:
            thread.start()
        kills = 0
        while any(thread.is_alive() for thread in clients):
            time.sleep(0.05)
            due = args.kills * (round_ + load.begun / per_round) / args.rounds
            if process and kills + total["kills"] + 1 <= due:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
                process = start(args)
        took = time.time() - began
        with psycopg.connect(args.server, autocommit=True) as connection:
            final = {k: list(map(int, v.split())) for k, v in connection.execute("SELECT k, v FROM la ORDER BY k")}
        found, skews, committed = judge(load, final, args)
        found += load.failures
        total.update(transactions=load.begun, committed=committed, skews=skews, kills=kills, anomalies=len(found))
        total.update({f"error {code}": count for code, count in load.retried.items()})
        for text in found[:10]:
            print(text)
        wrong += len(found)
        print(f"round {round_ + 1}: {load.begun} transactions in {took:.1f} s, {committed} committed, {dict(load.retried)}", flush=True)
    if process:
        process.terminate()
        process.wait()
    print(", ".join(f"{count} {what}" for what, count in total.items()))
    sys.exit(wrong > 0)


main()
