#!/usr/bin/env python3
"""Compares the gateway with a real PostgreSQL on statements made at random.

    random-compare.py --postgres 'host=… user=… dbname=…' --gateway 'host=… user=… dbname=…' [--seed N] [--seconds N]
                      [--out finds.txt] [--only functions|operators|casts|expressions|queries|calls|groups]
                      [--record tests/random/recorded.txt --count N]

What may be called comes from PostgreSQL's own catalog (pg_proc, pg_operator, pg_cast), so that nothing is forgotten;
values come from lists of edges. Compared: the columns' names and types, the rows (as a multiset unless the order is
given), the SQLSTATE. 0A000 from the gateway is the honest no, and only counted. A difference is shrunk to its smallest
part that still differs. Exit status 1 if anything differed in its answer. Needs psycopg 3. Both databases are the
program's own: it makes a schema `random_compare` and drops it. --record keeps PostgreSQL's answers to so many statements
that the gateway answers alike: tests/random_statements.rs asks it again.
"""
import argparse, collections, json, random, re, sys, time
import psycopg

# Values a type: text that its input takes. None is NULL.
POOL = {
    "bool": ["true", "false", None],
    "int2": ["0", "1", "-1", "2", "7", "32767", "-32768", None],
    "int4": ["0", "1", "-1", "2", "3", "10", "-7", "2147483647", "-2147483648", None],
    "int8": ["0", "1", "-1", "5", "-12", "4567890123456789", "9223372036854775807", "-9223372036854775808", None],
    "oid": ["0", "1", "25", "1259", "4294967295", None],
    "numeric": ["0", "1", "-1", "0.5", "-2.50", "1234.5678", "1e10", "-0.000001", "99999999999999999999999999999999999999999.5", "NaN", "Infinity", "-Infinity", "3.00", None],
    "float4": ["0", "1", "-1.5", "3.4e38", "1e-37", "NaN", "Infinity", "-Infinity", "-0", "0.1", None],
    "float8": ["0", "1", "-1", "0.5", "-2.5", "1e15", "1.7976931348623157e308", "4.9e-324", "NaN", "Infinity", "-Infinity", "-0", "123456.789", None],
    "text": ["", "a", "abc", "ABC", " Hello World ", "äöü€😀", "12", "-3.5", "a,b,,c", "%_\\", "(", "a.c", "foo'bar", "{1,2}", "true", "1999-01-08", "YYYY-MM-DD", "\t\n", "[[:alpha:]]+", None],
    "varchar": ["", "x", "abc ", "Zeta", "42", None],
    "bpchar": ["", "ab", "ab  ", "Zed", None],
    "char": ["", "a", "Z", "1", None],
    "name": ["", "abc", "Foo bar", None],
    "bytea": ["", "abc", "\\x00ff10", "\\xdeadbeef", None],
    "date": ["2000-01-01", "1999-12-31", "2024-02-29", "1970-01-01", "0044-03-15 BC", "infinity", "-infinity", "9999-12-31", "4713-01-01 BC", None],
    "time": ["00:00", "12:34:56.789", "23:59:59.999999", "24:00", "01:02:03", None],
    "timetz": ["00:00+00", "12:34:56.789-08", "23:59:59.999999+05:30", "01:02:03+02", None],
    "timestamp": ["2000-01-01 00:00", "2001-02-16 20:38:40.123456", "1969-12-31 23:59:59", "2024-02-29 12:00", "0001-01-01 BC", "infinity", "-infinity", "9999-12-31 23:59:59.999999", None],
    "timestamptz": ["2000-01-01 00:00+00", "2001-02-16 20:38:40.123456-05", "2024-03-10 10:30+00", "1883-11-18 12:00-05", "infinity", "-infinity", "0044-03-15 BC", None],
    "interval": ["0", "1 day", "-1 month", "1 year 2 mons 3 days 04:05:06.789", "25:00:00", "-3 days 12:00", "100 years", "00:00:00.000001", "1 mon -30 days", None],
    "uuid": ["00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "ffffffff-ffff-ffff-ffff-ffffffffffff", None],
    "json": ["null", "1", "\"a\"", "[]", "{}", "[1, 2, {\"a\": null}]", "{\"a\": 1, \"b\": [true, \"x\"], \"a\": 2}", "{\"a\": {\"b\": {\"c\": \"d\"}}}", None],
    "jsonb": ["null", "1", "-2.50", "\"a\"", "true", "[]", "{}", "[1, 2, {\"a\": null}]", "{\"a\": 1, \"b\": [true, \"x\"]}", "{\"a\": {\"b\": {\"c\": \"d\"}}}", "[\"a\", \"b\"]", None],
    "jsonpath": ["$", "$.a", "$[*]", "$.a.b", "$ ? (@ > 1)", "$.**", "$.b[*] ? (@ == \"x\")", "strict $.a", "$.a.type()", "$[last]", "exists($.a)", "$.a == 1", None],
    "bit": ["0", "1", "1010", "11111111", None],
    "varbit": ["", "1", "0101", "111100001", None],
    "inet": ["192.168.1.5", "10.0.0.0/8", "::1", "2001:db8::/32", None],
    "cidr": ["192.168.1.0/24", "10.0.0.0/8", "::/0", None],
    "money": ["0", "12.34", "-5", None],
    "int4range": ["empty", "[1,5)", "(,3]", "[2,)", None],
    "numrange": ["empty", "[1.5,2.5]", "(,)", None],
    "daterange": ["empty", "[2000-01-01,2000-02-01)", "[2010-01-01,)", None],
    "_bool": ["{}", "{t,f,NULL}", None],
    "_int2": ["{}", "{1,2,-3}", None],
    "_int4": ["{}", "{1,2,3}", "{NULL,5,5,1}", "{2147483647}", "{{1,2},{3,4}}", None],
    "_int8": ["{}", "{1,9223372036854775807}", "{NULL}", None],
    "_numeric": ["{}", "{1.50,2,NaN}", "{NULL,0.1}", None],
    "_float8": ["{}", "{1.5,-0,NaN}", "{NULL,1e10}", None],
    "_text": ["{}", "{a,b,NULL}", "{\"x y\",\"\",\"{\",\"\\\\\"}", "{{a,b},{c,d}}", "{a}", "{b,a}", None],
    "_varchar": ["{}", "{a,b}", None],
    "_date": ["{}", "{2000-01-01,infinity,NULL}", None],
    "_timestamp": ["{}", "{\"2000-01-01 00:00\"}", None],
    "_interval": ["{}", "{\"1 day\",\"-1 mon\"}", None],
    "_uuid": ["{}", "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", None],
    "_jsonb": ["{}", "{1,\"{\\\"a\\\": 1}\"}", None],
}
SCALARS = [t for t in POOL if not t.startswith("_")]
# Types whose names are quoted in SQL.
SQLNAME = {"char": '"char"'}
# Values that equal others and print otherwise: which of them stands for a group is PostgreSQL's own choice, so that
# tables have none of them.
EQUAL_OTHERS = {"-0", "1 mon -30 days", "25:00:00", "ab  ", "3.00", "1.50", "-2.50"}
# For columns and most values: what every workload has.
COMMON = ["bool", "int2", "int4", "int8", "numeric", "float8", "text", "varchar", "bpchar", "date", "time", "timestamp", "timestamptz", "interval", "jsonb", "uuid", "_int4", "_text", "float4", "bytea", "json", "timetz", "name"]

# What cannot be compared: it differs from server to server or from moment to moment, or it is not a query's business.
LEFT_OUT = re.compile(
    r"^(pg_(?!typeof|get_keywords|size_pretty|size_bytes|column_size|client_encoding|input)|has_|inet_(client|server)|current_|session_user|txid|lo_|lowrite|loread|getdatabaseencoding|"
    r"version$|now$|clock_|statement_timestamp|transaction_timestamp|timeofday|random|setseed|gen_random|query_to|table_to|schema_to|database_to|cursor_to|"
    r"ts_|to_ts|to_reg|nextval|currval|lastval|setval|set_config|current_setting|col_description|obj_description|shobj|binary_upgrade|brin_|gin_|gist|spg|amvalidate|"
    r"fmgr_|plpgsql_|row_security|unique_key|suppress|ri_|.*_(support|typanalyze|sortsupport|skipsupport|subdiff)$|hash|.*hash(_?extended)?$|.*(recv|send|typmodin|typmodout|transfn|_accum|_combine|serialize|_avg_accum|_inv)$|"
    r".*(_out|_in|out|in)$(?<!min|bin|oin|sin))"
)
IN_OUT = re.compile(r"(in|out|recv|send)$")
ALLOWED_INOUT = {"min", "asin", "sin", "asind", "sind", "btrim", "bitin"}


class Node:
    """An expression: text with holes for its parts."""

    def __init__(self, ty, text, parts=(), what=""):
        self.ty, self.text, self.parts, self.what = ty, text, list(parts), what

    def sql(self):
        return self.text.format(*[p.sql() for p in self.parts]) if self.parts else self.text

    def size(self):
        return 1 + sum(p.size() for p in self.parts)


def esc(s):
    return s.replace("{", "{{").replace("}", "}}")


class Facts:
    def __init__(self, pg):
        q = lambda s: pg.execute(s).fetchall()
        self.types = {oid: name for oid, name in q("select oid::int8, typname from pg_type")}
        self.procs = collections.defaultdict(list)
        self.sweep, self.aggs, self.windows, self.srfs = [], [], [], []
        for name, kind, ret, args, setret, variadic, vol in q(
            "select proname, prokind::text, prorettype::int8, proargtypes::int8[], proretset, provariadic::int8, provolatile::text "
            "from pg_proc where pronamespace = 'pg_catalog'::regnamespace and prokind in ('f','a','w') order by oid"
        ):
            args = [self.types[a] for a in args]
            ret = self.types[ret]
            if LEFT_OUT.match(name) or (kind == "f" and IN_OUT.search(name) and name not in ALLOWED_INOUT and ("cstring" in args or ret == "cstring")):
                continue
            if any(a in ("internal", "cstring", "trigger", "event_trigger", "anyenum", "anyrange", "anymultirange", "regclass", "_aclitem", "aclitem", "tsquery", "tsvector", "regconfig", "refcursor") for a in args):
                continue
            if not all(a in POOL or a in ("any", "anyelement", "anyarray", "anynonarray", "anycompatible", "anycompatiblearray", "anycompatiblenonarray") for a in args):
                continue
            one = (name, ret, args, variadic != 0)
            if kind == "a":
                self.aggs.append(one)
            elif kind == "w":
                self.windows.append(one)
            elif setret:
                self.srfs.append(one)
            elif vol != "v":
                self.procs[ret].append(one)
                self.sweep.append(one)
        self.opers, self.oper_sweep = collections.defaultdict(list), []
        for name, left, right, ret in q("select oprname, oprleft::int8, oprright::int8, oprresult::int8 from pg_operator where oprcode <> 0 order by oid"):
            l, r, t = self.types.get(left), self.types[right], self.types[ret]
            poly = ("anyelement", "anyarray", "anycompatible", "anycompatiblearray", "anynonarray")
            if all(x is None or x in POOL or x in poly for x in (l, r)) and (t in POOL or t in poly):
                self.opers[t].append((name, l, r))
                self.oper_sweep.append((name, l, r, t))
        self.casts = [(self.types[s], self.types[t]) for s, t in q("select castsource::int8, casttarget::int8 from pg_cast") if self.types[s] in POOL and self.types[t] in POOL]


class Gen:
    def __init__(self, facts, rng):
        self.f, self.r = facts, rng
        self.columns = []  # (name, type)
        self.refused = collections.Counter()

    def literal(self, ty, bare=0.15):
        v = self.r.choice(POOL[ty])
        name = SQLNAME.get(ty, ty)
        if v is None:
            return Node(ty, f"NULL::{name}" if self.r.random() > 0.1 else "NULL", what="literal")
        quoted = "'" + v.replace("'", "''") + "'"
        if self.r.random() < bare:
            if ty in ("int4", "numeric") and re.fullmatch(r"\d+(\.\d+)?", v):
                return Node(ty, v, what="literal")
            if ty == "bool":
                return Node(ty, v, what="literal")
            return Node(ty, quoted.replace("{", "{{").replace("}", "}}") if False else quoted, what="literal")
        return Node(ty, f"{quoted}::{name}", what="literal")

    def concrete(self, ty, env):
        """A pool type for a polymorphic one; the family's choice is kept in env."""
        if ty in POOL:
            return ty
        if "e" not in env:
            env["e"] = self.r.choice(["int4", "text", "int8", "numeric", "float8", "date", "timestamp", "bool", "jsonb", "varchar", "uuid", "interval"])
        e = env["e"]
        if ty in ("anyarray", "anycompatiblearray"):
            return "_" + e if "_" + e in POOL else None
        if ty == "any":
            return self.r.choice(COMMON)
        return e

    def call(self, one, depth, ret=None):
        name, result, args, variadic = one
        env = {}
        if ret in POOL and result in ("anyelement", "anycompatible"):
            env["e"] = ret
        if ret in POOL and result in ("anyarray", "anycompatiblearray") and ret.startswith("_"):
            env["e"] = ret[1:]
        types = [self.concrete(a, env) for a in args]
        if any(t is None for t in types):
            return None
        parts = [self.expr(t, depth - 1) for t in types]
        holes = ["{}"] * len(parts)
        if variadic:
            if types and types[-1].startswith("_"):
                holes[-1] = "VARIADIC {}"
            elif types:
                for _ in range(self.r.randrange(0, 3)):
                    parts.append(self.expr(self.r.choice(COMMON), depth - 1))
                    holes.append("{}")
        out = result if result in POOL else self.concrete(result, env) if result.startswith("any") else result
        return Node(out, ('"%s"' % name if not re.fullmatch(r"[a-z_][a-z0-9_]*", name) or name in RESERVED else name) + "(" + ", ".join(holes) + ")", parts, f"{name}({','.join(args)})")

    def oper(self, one, depth, ret=None):
        name, l, r = one[:3]
        env = {}
        lt = self.concrete(l, env) if l else None
        rt = self.concrete(r, env)
        if (l and lt is None) or rt is None:
            return None
        parts = ([self.expr(lt, depth - 1)] if l else []) + [self.expr(rt, depth - 1)]
        return Node(ret, f"({{}} {esc(name)} {{}})" if l else f"({esc(name)} {{}})", parts, f"{l or ''} {name} {r}")

    def expr(self, ty, depth):
        r = self.r
        cols = [c for c, t in self.columns if t == ty]
        if depth <= 0 or r.random() < 0.12:
            if cols and r.random() < 0.75:
                return Node(ty, r.choice(cols), what="column")
            return self.literal(ty)
        for _ in range(8):
            n = self.attempt(ty, depth)
            if n is not None and (self.refused[n.what] < 3 or r.random() < 0.02):
                return n
        return Node(ty, r.choice(cols), what="column") if cols else self.literal(ty)

    def attempt(self, ty, depth):
        r, e = self.r, lambda t: self.expr(t, depth - 1)
        k = r.random()
        if k < 0.36:
            ops = self.f.opers.get(ty)
            return self.oper(r.choice(ops), depth, ty) if ops else None
        if k < 0.70:
            poly = self.f.procs["anyarray" if ty.startswith("_") else "anyelement"]
            fs = self.f.procs.get(ty, []) + (poly if r.random() < 0.2 else [])
            return self.call(r.choice(fs), depth, ty) if fs else None
        if k < 0.78:
            froms = [s for s, t in self.f.casts if t == ty] or (["text"] if r.random() < 0.2 else [])
            if not froms:
                return None
            s = r.choice(froms)
            return Node(ty, f"CAST({{}} AS {SQLNAME.get(ty, ty)})", [e(s)], f"cast {s} {ty}")
        if k < 0.83:
            return Node(ty, "CASE WHEN {} THEN {} ELSE {} END", [e("bool"), e(ty), e(ty)], "CASE")
        if k < 0.87:
            return Node(ty, r.choice(["COALESCE({}, {})", "GREATEST({}, {})", "LEAST({}, {})", "NULLIF({}, {})"]) if ty not in ("json", "jsonpath") else "COALESCE({}, {})", [e(ty), e(ty)], "COALESCE and kin")
        if ty == "bool":
            t = r.choice(COMMON)
            if t == "json":
                t = "jsonb"
            w = r.randrange(11)
            if w == 0:
                return Node(ty, "({} IN ({}, {}, {}))", [e(t), e(t), e(t), e(t)], f"IN {t}")
            if w == 1:
                return Node(ty, "({} NOT IN ({}, {}))", [e(t), e(t), e(t)], f"NOT IN {t}")
            if w == 2:
                return Node(ty, "({} BETWEEN " + r.choice(["", "SYMMETRIC "]) + "{} AND {})", [e(t), e(t), e(t)], f"BETWEEN {t}")
            if w == 3:
                return Node(ty, "({} IS " + r.choice(["", "NOT "]) + "DISTINCT FROM {})", [e(t), e(t)], f"DISTINCT {t}")
            if w == 4:
                return Node(ty, "({} IS " + r.choice(["NULL", "NOT NULL"]) + ")", [e(t)], "IS NULL")
            if w == 5:
                return Node(ty, "({} IS " + r.choice(["TRUE", "NOT TRUE", "FALSE", "NOT FALSE", "UNKNOWN", "NOT UNKNOWN"]) + ")", [e("bool")], "IS bool")
            if w == 6:
                return Node(ty, r.choice(["({} AND {})", "({} OR {})"]), [e("bool"), e("bool")], "AND OR")
            if w == 7:
                return Node(ty, "(NOT {})", [e("bool")], "NOT")
            if w == 8:
                a = r.choice([x for x in POOL if x.startswith("_")])
                return Node(ty, "({} " + r.choice(["=", "<>", "<", ">="]) + r.choice([" ANY ", " ALL "]) + "({}))", [e(a[1:]), e(a)], f"ANY {a}")
            if w == 9:
                return Node(ty, "({} " + r.choice(["LIKE", "NOT LIKE", "ILIKE", "SIMILAR TO"]) + " {})", [e("text"), e("text")], "LIKE")
            u = r.choice(["int4", "text", "date"])
            return Node(ty, "(({}, {}) " + r.choice(["=", "<>", "<", ">="]) + " ({}, {}))", [e(t), e(u), e(t), e(u)], f"ROW {t},{u}")
        if ty in ("numeric",):
            t = r.choice(["date", "timestamp", "timestamptz", "interval", "time", "timetz"])
            f = r.choice(["year", "month", "day", "hour", "minute", "second", "epoch", "dow", "doy", "isodow", "week", "isoyear", "quarter", "century", "decade", "millennium", "milliseconds", "microseconds", "julian", "timezone"])
            return Node(ty, f"EXTRACT({f} FROM {{}})", [e(t)], f"extract {f} {t}")
        if ty == "timestamp" or ty == "timestamptz":
            return Node(ty, "({} AT TIME ZONE " + r.choice(["'UTC'", "'America/New_York'", "'Europe/Berlin'", "'+03'", "interval '-05:30'"]) + ")", [e("timestamptz" if ty == "timestamp" else "timestamp")], "AT TIME ZONE")
        if ty.startswith("_") and r.random() < 0.6:
            return Node(ty, "ARRAY[{}, {}]::" + ty[1:] + "[]" if ty[1:] in POOL else None, [e(ty[1:]), e(ty[1:])], "ARRAY[]")
        a = "_" + ty
        if a in POOL:
            return Node(ty, "({})[{}]", [e(a), self.literal("int4")], f"subscript {a}")
        if ty == "text":
            w = r.randrange(6)
            if w == 0:
                return Node(ty, "substring({} from {} for {})", [e("text"), self.literal("int4"), self.literal("int4")], "substring from for")
            if w == 1:
                return Node(ty, "overlay({} placing {} from {})", [e("text"), e("text"), self.literal("int4")], "overlay")
            if w == 2:
                return Node(ty, "trim(" + r.choice(["both", "leading", "trailing"]) + " {} from {})", [e("text"), e("text")], "trim")
            if w == 3:
                return Node(ty, "substring({} from {})", [e("text"), e("text")], "substring pattern")
            t = r.choice(SCALARS)
            return Node(ty, "({})::text", [e(t)], f"cast {t} text")
        return None


# Functions of the user's own, each of one integer: what they read and compute is at another level than their argument.
ROUTINES = {
    "fa": "bigint language sql stable as 'select sum(id) + x from u'",
    "fc": "bigint language sql stable as 'select count(*) from u where id > x'",
    "fm": "bigint language sql stable as 'select max(id)::bigint from u where id < x'",
    "fx": "bigint language sql immutable as 'select x * 2::bigint'",
    "fy": "bigint language sql immutable as 'select case when x > 3 then x + 1::bigint else x - 1::bigint end'",
    "fg": "bigint language sql stable as 'select count(x) from u'",
    "fh": "bigint language sql stable as 'select max(x) + sum(id) from u where id <> x'",
    "fw": "bigint language sql stable as 'select sum(x) over (order by id) from u order by id desc limit 1'",
    "fl": "bigint language sql stable as 'select id::bigint from u where id = x'",
    "fo": "bigint language sql stable as 'select x + (select min(id)::bigint from u where id <> x)'",
    "fb": "bigint language sql stable as 'select count(*) from u where id = x group by id'",
    "fs": "bigint language sql stable strict as 'select count(*) + coalesce(x, 1) from u'",
    "fd": "bigint language sql stable as 'select 10 / x from u order by id limit 1'",
}
SETS = {
    "gs": "setof int language sql stable as 'select id from u where id < x order by id'",
    "gt": "table(p int, q bigint) language sql stable as 'select id, count(*) over () from u where id > x order by id'",
}

RESERVED = {"left", "right", "overlaps", "like", "position", "substring", "overlay", "char", "bit", "time", "timestamp", "timestamptz", "timetz", "interval", "numeric", "xmlexists", "normalize", "char", "float4", "float8", "int2", "int4", "int8", "bool", "text", "bpchar", "varchar", "name", "date", "notlike", "trim", "extract", "coalesce", "exists", "grouping", "timezone", "collation", "overlay", "cidr", "inet", "money", "varbit", "jsonb", "uuid", "oid"}


class Side:
    def __init__(self, dsn):
        self.dsn = dsn
        self.connect()

    def connect(self):
        self.c = psycopg.connect(self.dsn, autocommit=True)
        for s in ("set timezone = 'America/Los_Angeles'", "set statement_timeout = '4s'", "set client_min_messages = error", "set extra_float_digits = 1"):
            self.c.execute(s)
        try:
            self.c.execute("set search_path = random_compare")
        except psycopg.Error:
            pass

    def run(self, sql):
        try:
            r = self.c.pgconn.exec_(sql.encode())
        except psycopg.OperationalError:
            r = None
        if r is None or self.c.closed or self.c.pgconn.status != 0:
            for _ in range(20):
                try:
                    self.connect()
                    break
                except psycopg.OperationalError:
                    time.sleep(0.5)
            return ("lost", "connection lost")
        if r.status in (psycopg.pq.ExecStatus.FATAL_ERROR,):
            state = (r.error_field(psycopg.pq.DiagnosticField.SQLSTATE) or b"").decode()
            message = (r.error_field(psycopg.pq.DiagnosticField.MESSAGE_PRIMARY) or b"").decode(errors="replace")
            return ("error", state, message)
        cols = tuple((r.fname(i), r.ftype(i)) for i in range(r.nfields))
        rows = [tuple(r.get_value(i, j) for j in range(r.nfields)) for i in range(r.ntuples)]
        return ("rows", cols, rows, r.command_status)


def close(a, b, oid):
    if a == b or a is None or b is None or oid not in (700, 701):
        return a == b
    try:
        x, y = float(a), float(b)
    except ValueError:
        return False
    return abs(x - y) <= (1e-12 if oid == 701 else 1e-6) * max(abs(x), abs(y))


def same_rows(cols, a, b, ordered):
    if len(a) != len(b):
        return False
    if not ordered:
        key = lambda row: tuple((v is None, v or b"") for v in row)
        a, b = sorted(a, key=key), sorted(b, key=key)
    return all(all(close(x, y, cols[i][1]) for i, (x, y) in enumerate(zip(p, q))) for p, q in zip(a, b))


def compare(p, g, ordered=False):
    """The class of a pair of answers."""
    if p[0] == "error" and p[1] in ("57014", "53200", "54000", "54001") or p[0] == "lost":
        return "skipped"
    if g[0] == "lost":
        return "CRASH"
    if g[0] == "error" and g[1] == "0A000":
        return "refused"
    if g[0] == "error" and g[1] == "XX000" and not (p[0] == "error" and p[1] == "XX000"):
        return "INTERNAL"
    if p[0] == "error" and g[0] == "error":
        return "same" if p[1] == g[1] else "other_error"
    if p[0] == "error":
        return "ACCEPTED"
    if g[0] == "error":
        return "candidate_error"
    if len(p[1]) != len(g[1]):
        return "WRONG"
    if [c[0] for c in p[1]] != [c[0] for c in g[1]]:
        return "NAMES"
    if any(x[1] != y[1] and not (x[1] >= 16384 and y[1] >= 16384) for x, y in zip(p[1], g[1])):
        return "TYPES"
    return "same" if same_rows(p[1], p[2], g[2], ordered) else "WRONG"


class Run:
    def __init__(self, args):
        self.pg, self.gw = Side(args.postgres), Side(args.gateway)
        self.rng = random.Random(args.seed)
        self.facts = Facts(self.pg.c)
        self.gen = Gen(self.facts, self.rng)
        self.counts = collections.Counter()
        self.seen = collections.Counter()
        self.kept = {}
        self.out = open(args.out, "w") if args.out else sys.stdout
        self.refusals = collections.Counter()
        self.tables()

    def tables(self):
        cols = ", ".join(f"c_{t} {SQLNAME.get(t, t[1:] + '[]' if t.startswith('_') else t)}" for t in COMMON)
        self.columns = [(f"c_{t}", t) for t in COMMON]
        script = ["drop schema if exists random_compare cascade", "create schema random_compare", "set search_path = random_compare", f"create table t (id int primary key, {cols})", f"create table u (id int primary key, {cols})", "create table empty_t (id int, v text)"]
        script += [f"create function {name}(x int) returns {rest}" for name, rest in {**ROUTINES, **SETS}.items()]
        for name, n in (("t", 14), ("u", 9)):
            for i in range(n):
                vals = []
                for t in COMMON:
                    v = self.rng.choice([x for x in POOL[t] if x is None or ("{{" not in x and x not in EQUAL_OTHERS)])
                    vals.append("NULL" if v is None else "'" + v.replace("'", "''") + "'")
                script.append(f"insert into {name} values ({i}, {', '.join(vals)})")
        self.script = script
        for side in (self.pg, self.gw):
            for s in script:
                r = side.run(s)
                if r[0] != "rows":
                    print("setup:", s[:200], r, file=sys.stderr)
                    sys.exit(2)

    def check(self, sql, ordered=False):
        p, g = self.pg.run(sql), self.gw.run(sql)
        kind = compare(p, g, ordered)
        if kind == "same" and "\n" not in sql and not any(oid in (700, 701, 1021, 1022) for _, oid in (p[1] if p[0] == "rows" else ())):
            self.kept[sql] = p
        return kind, p, g

    def note(self, kind, key, sql, p, g):
        self.seen[kind, key] += 1
        if self.seen[kind, key] > 2:
            return
        show = lambda a: f"{a[1]} {a[2]}" if a[0] == "error" else str(a[1:])[:600]
        print(f"{kind} [{key}]\n  {sql}\n    PG {show(p)}\n    GW {show(g)}", file=self.out, flush=True)

    def one(self, node, from_=""):
        kind, p, g = self.check(f"SELECT {node.sql()} AS x{from_}")
        self.counts[kind] += 1
        if kind == "refused":
            self.refusals[g[2]] += 1
            if all(not x.parts for x in node.parts):
                self.gen.refused[node.what] += 1
            return
        if kind in ("same", "skipped"):
            return
        if node.size() > 4 and kind in ("other_error",):
            return
        # The smallest part that still differs.
        while True:
            for part in node.parts:
                if not part.parts:
                    continue
                k, p2, g2 = self.check(f"SELECT {part.sql()} AS x{from_}")
                if k == kind or (k not in ("same", "skipped", "refused", "other_error") and kind not in ("WRONG",)):
                    node, p, g, kind = part, p2, g2, k
                    break
            else:
                break
        if kind == "ACCEPTED" and any(x.parts for x in node.parts):
            # PostgreSQL computes all arguments of a strict function before it looks whether one is NULL.
            self.counts[kind] -= 1
            self.counts["lazy"] += 1
            return
        key = f"{node.what}" + (f" {p[1]}" if p[0] == "error" else "") + (f" {g[1]}" if g[0] == "error" else "")
        self.note(kind, key, f"SELECT {node.sql()} AS x{from_}", p, g)

    def functions(self):
        one = self.rng.choice(self.facts.sweep)
        n = self.gen.call(one, 1)
        if n and (self.gen.refused[n.what] < 3 or self.rng.random() < 0.02):
            self.one(n)

    def operators(self):
        one = self.rng.choice(self.facts.oper_sweep)
        n = self.gen.oper(one, 1, one[3])
        if n and (self.gen.refused[n.what] < 3 or self.rng.random() < 0.02):
            self.one(n)

    def casts(self):
        r = self.rng
        s, t = (r.choice(self.facts.casts) if r.random() < 0.5 else (r.choice(list(POOL)), r.choice(list(POOL))))
        target = SQLNAME.get(t, t)
        if r.random() < 0.3:
            target = {"varchar": "varchar(2)", "bpchar": "char(3)", "numeric": r.choice(["numeric(5,2)", "numeric(3)", "numeric(40,2)"]), "timestamp": "timestamp(2)", "time": "time(1)", "timestamptz": "timestamptz(0)", "interval": r.choice(["interval(1)", "interval day", "interval hour to minute"]), "bit": "bit(4)", "varbit": "varbit(3)"}.get(t, target)
        self.one(Node(t, f"CAST({{}} AS {target})", [self.gen.literal(s, 0.05)], f"cast {s} {target}"))

    def srf(self):
        one = self.rng.choice(self.facts.srfs)
        n = self.gen.call(one, 1)
        if not n or self.gen.refused[n.what] >= 3 or one[0] == "generate_series":
            return
        sql = self.rng.choice(["SELECT * FROM {} AS x LIMIT 50", "SELECT {} AS x LIMIT 50"]).replace("{}", n.sql())
        self.statement(sql, n.what)

    def statement(self, sql, key, ordered=False):
        kind, p, g = self.check(sql, ordered)
        self.counts[kind] += 1
        if kind == "refused":
            self.refusals[g[2]] += 1
            self.gen.refused[key] += 1
        elif kind in ("ACCEPTED", "candidate_error", "other_error") and key.split(" ")[0] in ("join", "where"):
            # Which rows an expression is computed for is the planner's choice.
            self.counts[kind] -= 1
            self.counts["lazy"] += 1
        elif kind not in ("same", "skipped"):
            self.note(kind, key + (f" {p[1]}" if p[0] == "error" else "") + (f" {g[1]}" if g[0] == "error" else ""), sql, p, g)
        return kind

    def calls(self):
        """Functions of the user's own over rows, groups, windows, and in arms that are not taken."""
        r = self.rng
        row = lambda: r.choice(["id", "c_int4 % 20", "id + 1", "3", "NULL", "(id % 4)", "c_int2 % 7"])
        group = lambda: r.choice(["count(*)::int", "max(id)", "sum(id)::int", "count(c_text)::int", "min(id) + 1", "2", "(count(*) FILTER (WHERE id > 5))::int"])
        window = lambda: r.choice(["(row_number() OVER (ORDER BY id))::int", "(count(*) OVER ())::int", "lag(id) OVER (ORDER BY id)", "(sum(id) OVER (PARTITION BY id % 3))::int"])
        def call(arg, depth=0):
            f = r.choice(list(ROUTINES))
            if depth < 2 and r.random() < 0.25:
                return f"{f}(({call(arg, depth + 1)} % 100)::int)"
            return f"{f}({arg()})" if f != "fd" else f"CASE WHEN {arg()} <> 0 THEN {call(lambda: 'nullif(' + arg() + ', 0)', 2)} END"
        guarded = lambda: (lambda a: r.choice([f"CASE WHEN {a} = 0 THEN 0 ELSE fd({a}) END", f"CASE WHEN {a} <> 0 THEN fd({a}) END", f"coalesce(CASE WHEN {a} = 0 THEN 1 END, fd({a}))", f"({a} <> 0 AND fd({a}) > 0)::int", f"({a} = 0 OR fd({a}) > 0)::int"]))(r.choice(["id", "(id % 3)", "(id - 2)"]))
        k = r.randrange(12)
        key = r.choice(["c_bool", "id % 3", "c_int2", "c_text", "c_date"])
        if k < 2:
            self.statement(f"SELECT id, {call(row)} AS x, {call(row)} AS y FROM t ORDER BY id", "calls row", True)
        elif k == 2:
            self.statement(f"SELECT {call(group)} AS x, {r.choice([call(group), 'count(*)'])} AS y FROM t" + r.choice(["", " WHERE id > 4", " WHERE false"]), "calls aggregate")
        elif k < 5:
            having = r.choice(["", "", f" HAVING {call(group)} > 3", " HAVING count(*) > 1"])
            self.statement(f"SELECT {key} AS k, {call(group)} AS x, count(*) FROM t GROUP BY {key}{having} ORDER BY 1, 2, 3", "calls group")
        elif k == 5:
            sets = r.choice([f"ROLLUP ({key})", f"CUBE ({key}, c_bool)", f"GROUPING SETS (({key}), (c_bool), ())"])
            self.statement(f"SELECT {call(group)} AS x, count(*) FROM t GROUP BY {sets} ORDER BY 1, 2", "calls grouping sets")
        elif k == 6:
            self.statement(f"SELECT id, {call(window)} AS x FROM t ORDER BY id", "calls window", True)
        elif k == 7:
            self.statement(f"SELECT id, {guarded()} AS x FROM t ORDER BY id", "calls arm", True)
        elif k == 8:
            self.statement(f"SELECT id FROM t WHERE {call(row)} {r.choice(['>', '=', '<>'])} {call(row)} ORDER BY id", "calls where", True)
        elif k == 9:
            self.statement(r.choice([f"SELECT id, x FROM t, LATERAL gs({row()}) x ORDER BY id, x", f"SELECT t.id, g.* FROM t LEFT JOIN LATERAL gt({row()}) g ON true ORDER BY 1, 2, 3", f"SELECT id, gs({row()}) AS x FROM t ORDER BY 1, 2", f"SELECT * FROM gt({r.randrange(9)}) WITH ORDINALITY ORDER BY 1", f"SELECT count(*), sum(x) FROM gs({r.randrange(9)}) x", f"SELECT gs(max(id)) AS x FROM t ORDER BY 1"]), "calls set", True)
        elif k == 10:
            self.statement(f"SELECT {r.choice(['sum', 'max', 'count', 'array_agg'])}({call(row)} ORDER BY id) AS x FROM t" + r.choice(["", f" GROUP BY {key} ORDER BY 1"]), "calls inside aggregate")
        else:
            self.statement(f"SELECT DISTINCT {call(row)} AS x FROM t ORDER BY 1 {r.choice(['', 'DESC', 'NULLS FIRST'])}", "calls distinct", True)

    def groups(self):
        """Grouping sets, windows over groups, set operations of several kinds, subqueries in odd places."""
        r = self.rng
        cols = [c for c, ty in self.columns if ty in ("int2", "int4", "int8", "text", "bool", "date", "numeric", "varchar")]
        a, b = r.choice(cols), r.choice(cols)
        agg = lambda: r.choice(["count(*)", "sum(id)", f"max({r.choice(cols[1:])})", f"count(DISTINCT {r.choice(cols)})", "avg(id)", f"sum(id) FILTER (WHERE {a} IS NOT NULL)", "array_agg(id ORDER BY id)"]).replace("max(c_bool)", "max(id)")
        order = lambda n: ", ".join(f"{i} {r.choice(['', 'DESC', 'NULLS FIRST', 'DESC NULLS LAST'])}" for i in range(1, n + 1))
        k = r.randrange(10)
        q = [
            lambda: f"SELECT {a}, {b}, {agg()}, GROUPING({a}, {b}) FROM t GROUP BY {r.choice(['ROLLUP', 'CUBE'])} ({a}, {b}) ORDER BY {order(4)}",
            lambda: f"SELECT {a}, {agg()} FROM t GROUP BY GROUPING SETS (({a}), ({a}, {b}), ()) ORDER BY {order(2)}",
            lambda: f"SELECT {a}, {agg()} AS s, rank() OVER (ORDER BY count(*), {a}), sum(count(*)) OVER () FROM t GROUP BY {a} ORDER BY {order(3)}",
            lambda: f"SELECT id, {r.choice(['sum', 'count', 'max', 'min'])}(id) OVER (PARTITION BY {a} ORDER BY id {r.choice(['ROWS', 'RANGE', 'GROUPS'])} BETWEEN {r.choice(['UNBOUNDED PRECEDING', '2 PRECEDING', 'CURRENT ROW', '1 FOLLOWING'])} AND {r.choice(['UNBOUNDED FOLLOWING', '1 FOLLOWING', '3 FOLLOWING'])} {r.choice(['', 'EXCLUDE TIES', 'EXCLUDE GROUP', 'EXCLUDE CURRENT ROW'])}) FROM t ORDER BY id",
            lambda: f"SELECT DISTINCT ON ({a}) {a}, id FROM t ORDER BY {a} {r.choice(['', 'DESC', 'NULLS FIRST', 'DESC NULLS LAST'])}, id DESC",
            lambda: f"(SELECT {a}, id FROM t WHERE id < 8 ORDER BY id LIMIT 5) {r.choice(['UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT'])} (SELECT {a}, id FROM u ORDER BY id DESC LIMIT 6) ORDER BY {order(2)}",
            lambda: f"WITH w AS (SELECT {a} AS k, {agg()} AS n FROM t GROUP BY {a}) SELECT k, n, (SELECT count(*) FROM w x WHERE x.k IS NOT DISTINCT FROM w.k) FROM w ORDER BY {order(2)}",
            lambda: f"SELECT {a}, (SELECT {agg()} FROM u WHERE u.{b} IS NOT DISTINCT FROM t.{b}) FROM t ORDER BY id",
            lambda: f"SELECT x.{a}, count(*) FROM (SELECT {a}, {b} FROM t UNION ALL SELECT {a}, {b} FROM u) x GROUP BY x.{a} HAVING count(*) > {r.randrange(3)} ORDER BY {order(2)}",
            lambda: f"SELECT id, lag({a}, {r.randrange(3)}, NULL) OVER (ORDER BY id), first_value({a}) OVER (PARTITION BY {b} ORDER BY id), nth_value(id, 2) OVER (PARTITION BY {b} ORDER BY id) FROM t ORDER BY id {r.choice(['', 'DESC'])} LIMIT {r.randrange(1, 12)} OFFSET {r.randrange(4)}",
        ][k]()
        self.statement(q, f"groups {k}", True)

    def expressions(self):
        r = self.rng
        t = r.choice(COMMON if r.random() < 0.8 else list(POOL))
        if r.random() < 0.5:
            self.gen.columns = []
            self.one(self.gen.expr(t, r.choice([2, 2, 3])))
        else:
            self.gen.columns = self.columns
            self.one(self.gen.expr(t, r.choice([1, 2, 2, 3])), " FROM t")
            self.gen.columns = []

    def agg(self, prefix=""):
        r = self.rng
        for _ in range(20):
            name, ret, args, variadic = r.choice(self.facts.aggs)
            if variadic or name in ("xmlagg", "array_agg", "json_agg", "jsonb_agg", "string_agg", "json_object_agg", "jsonb_object_agg", "mode", "percentile_cont", "percentile_disc", "rank", "dense_rank", "percent_rank", "cume_dist"):
                continue
            env = {}
            types = [self.gen.concrete(a, env) for a in args]
            if any(t not in COMMON for t in types):
                continue
            parts = [self.gen.expr(t, r.choice([0, 0, 1])) for t in types]
            d = "DISTINCT " if r.random() < 0.15 and len(parts) == 1 and types[0] not in ("json",) else ""
            filt = f" FILTER (WHERE {self.gen.expr('bool', 1).sql()})" if r.random() < 0.15 else ""
            what = f"{name}({','.join(args)})"
            if self.gen.refused[what] >= 3:
                continue
            return f"{name}({d}{', '.join(p.sql() for p in parts) or '*'}){filt}", what
        return "count(*)", "count"

    def queries(self):
        r, gen = self.rng, self.gen
        gen.columns = self.columns
        k = r.randrange(9)
        try:
            if k == 0:
                a, what = self.agg()
                self.statement(f"SELECT {a} AS x FROM t" + (f" WHERE {gen.expr('bool', 2).sql()}" if r.random() < 0.4 else ""), what)
            elif k == 1:
                a, what = self.agg()
                t = r.choice([c for c, ty in self.columns if ty not in ("json",)])
                self.statement(f"SELECT {t}, {a} AS x FROM t GROUP BY {t}" + r.choice(["", " HAVING count(*) > 1"]) + f" ORDER BY {t} {r.choice(['', 'DESC', 'NULLS FIRST', 'DESC NULLS LAST'])}", f"group {t[2:]} {what}", True)
            elif k == 2:
                part, order = (r.choice([c for c, ty in self.columns if ty not in ("json",)]) for _ in range(2))
                frame = r.choice(["", "", "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING", "ROWS UNBOUNDED PRECEDING", "GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW", "RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING", "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW", "ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING"])
                if r.random() < 0.5:
                    c, ty = r.choice(self.columns)
                    f = r.choice(["row_number()", "rank()", "dense_rank()", "percent_rank()", "cume_dist()", "ntile(3)", f"lag({c})", f"lead({c}, 2)", f"first_value({c})", f"last_value({c})", f"nth_value({c}, 2)", f"lag({c}, 1, {c})"])
                    what = "window " + f.split("(")[0] + " " + ty
                else:
                    f, what = self.agg()
                    if "DISTINCT" in f:
                        return
                    what = "window " + what
                over = f"PARTITION BY {part} " if r.random() < 0.4 else ""
                self.statement(f"SELECT id, {f} OVER ({over}ORDER BY {order}, id {frame}) AS x FROM t ORDER BY id", what, True)
            elif k == 3:
                on = r.choice([f"t.{c} = u.{c}" for c, ty in self.columns if ty not in ("json",)] + ["t.id = u.id", "t.id < u.id", "t.c_int4 < u.c_int8"])
                gen.columns = [(f"{r.choice('tu')}.{c}", ty) for c, ty in self.columns]
                e = gen.expr(r.choice(COMMON), 2)
                w = f" WHERE {gen.expr('bool', 2).sql()}" if r.random() < 0.5 else ""
                self.statement(f"SELECT t.id, u.id, {e.sql()} AS x FROM t {r.choice(['JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN' if on.count('<') == 0 else 'JOIN'])} u ON {on}{w}", f"join {e.what}")
            elif k == 4:
                t1, t2 = r.choice(COMMON), None
                if t1 == "json":
                    t1 = "jsonb"
                near = {"int2": ["int4", "int8", "numeric", "float8"], "int4": ["int8", "numeric", "float8", "int2"], "int8": ["numeric", "float4"], "text": ["varchar", "name", "bpchar"], "varchar": ["text", "bpchar"], "date": ["timestamp", "timestamptz"], "timestamp": ["timestamptz"], "numeric": ["float8", "int4"]}
                t2 = r.choice(near.get(t1, []) + [t1])
                op = r.choice(["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"])
                self.statement(f"SELECT c_{t1} FROM t {op} SELECT c_{t2} FROM u" + r.choice(["", " ORDER BY 1", " ORDER BY 1 DESC"]), f"{op} {t1} {t2}")
            elif k == 5:
                c, ty = r.choice([x for x in self.columns if x[1] != "json"])
                self.statement(f"SELECT {r.choice(['', 'DISTINCT '])}{c} FROM t ORDER BY {c} {r.choice(['', 'DESC', 'NULLS FIRST', 'DESC NULLS LAST'])}", f"order {ty}", True)
            elif k == 6:
                c, ty = r.choice(self.columns)
                e = gen.expr("bool", 3)
                self.statement(f"SELECT id FROM t WHERE {e.sql()} ORDER BY id", f"where {e.what}", True)
            elif k == 7:
                c, ty = r.choice([x for x in self.columns if x[1] != "json"])
                q = r.choice([f"SELECT id FROM t WHERE {c} IN (SELECT {c} FROM u) ORDER BY id", f"SELECT id FROM t WHERE {c} NOT IN (SELECT {c} FROM u WHERE {c} IS NOT NULL) ORDER BY id",
                              f"SELECT id FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.{c} = t.{c}) ORDER BY id", f"SELECT id, (SELECT max(u.id) FROM u WHERE u.{c} >= t.{c}) FROM t ORDER BY id",
                              f"SELECT id FROM t WHERE {c} > ALL (SELECT {c} FROM u WHERE id < 3) ORDER BY id", f"SELECT {c}, count(*) FROM t GROUP BY ROLLUP ({c}) ORDER BY 1 NULLS LAST, 2",
                              f"SELECT DISTINCT ON ({c}) {c}, id FROM t ORDER BY {c}, id", f"SELECT array_agg({c} ORDER BY id) FROM t", f"SELECT string_agg({c}::text, '|' ORDER BY id) FROM t",
                              f"SELECT jsonb_agg({c} ORDER BY id) FROM t", f"SELECT json_agg({c} ORDER BY id) FROM t", f"SELECT mode() WITHIN GROUP (ORDER BY {c}) FROM t", f"SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY {c}) FROM t",
                              f"SELECT row_to_json(x) FROM (SELECT id, {c} FROM t) x ORDER BY 1::text", f"SELECT to_jsonb({c}) FROM t ORDER BY id", f"SELECT to_json({c}) FROM t ORDER BY id", f"SELECT format('%s %L', {c}, {c}) FROM t ORDER BY id",
                              f"SELECT concat({c}, '-', {c}), concat_ws(',', {c}, id) FROM t ORDER BY id", f"SELECT ARRAY[{c}, {c}] FROM t ORDER BY id", f"SELECT ROW({c}, id)::text FROM t ORDER BY id", f"SELECT min({c}), max({c}), count(DISTINCT {c}) FROM t"])
                self.statement(q, f"query {q.split(c)[0][:40]} {ty}", "ORDER BY" in q)
            else:
                self.srf()
        finally:
            gen.columns = []


def record(run, path):
    """The script, a line each, then `# statement` and its rows, or `ERROR` and the SQLSTATE."""
    out = ["! " + line for line in run.script]
    for sql, answer in run.kept.items():
        out.append("# " + sql)
        if answer[0] == "error":
            out.append("ERROR " + answer[1])
            continue
        rows = [json.dumps([None if v is None else v.decode() for v in row], ensure_ascii=False) for row in answer[2]]
        out += sorted(rows)
    with open(path, "w") as file:
        file.write("\n".join(out) + "\n")


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--postgres", required=True)
    a.add_argument("--gateway", required=True)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--seconds", type=float, default=120)
    a.add_argument("--out")
    a.add_argument("--only")
    a.add_argument("--record")
    a.add_argument("--count", type=int, default=1500)
    args = a.parse_args()
    run = Run(args)
    end, kinds = time.time() + args.seconds, [args.only] if args.only else ["functions", "operators", "casts", "expressions", "expressions", "queries", "calls", "groups"]
    while time.time() < end and not (args.record and len(run.kept) >= args.count):
        getattr(run, run.rng.choice(kinds))()
    if args.record:
        record(run, args.record)
    total = sum(run.counts.values())
    print(f"seed {args.seed}: {total} statements, " + ", ".join(f"{k} {n}" for k, n in run.counts.most_common()))
    print("refused most:", *(f"\n  {n} {m}" for m, n in run.refusals.most_common(60)))
    for side in (run.pg, run.gw):
        side.run("drop schema if exists random_compare cascade")
    sys.exit(1 if any(run.counts[k] for k in ("WRONG", "ACCEPTED", "NAMES", "TYPES", "CRASH", "INTERNAL")) else 0)


if __name__ == "__main__":
    main()
