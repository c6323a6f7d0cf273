#!/usr/bin/env python3
"""Records how a real PostgreSQL converts character encodings: record-encodings.py 'host=… user=… dbname=…'.

Writes src/types/encoding/{single_byte,multi_byte}.tsv. Needs psycopg. A superuser makes a temporary function.

single_byte.tsv: encoding, and the code points of the bytes 80 to ff (`-`: none).
multi_byte.tsv: encoding, direction, first bytes, characters. A line is a run: the last byte goes up by one for each
character. Direction `=` is both ways, `<` from the encoding only, `>` into it only.
"""
import pathlib, sys
import psycopg

here = pathlib.Path(__file__).resolve().parent.parent / "src/types/encoding"
single = """LATIN1 LATIN2 LATIN3 LATIN4 LATIN5 LATIN6 LATIN7 LATIN8 LATIN9 LATIN10 WIN1256 WIN1258 WIN866 WIN874 KOI8R WIN1251
    WIN1252 ISO_8859_5 ISO_8859_6 ISO_8859_7 ISO_8859_8 WIN1250 WIN1253 WIN1254 WIN1255 WIN1257 KOI8U""".split()
multi = "EUC_JP EUC_CN EUC_KR SJIS BIG5 GBK UHC".split()

db = psycopg.connect(sys.argv[1], autocommit=True)
db.execute("""create function pg_temp.there(t text, e name) returns bytea language plpgsql
    as $$ begin return convert_to(t, e); exception when others then return null; end $$""")
db.execute("""create function pg_temp.back(b bytea, e name) returns text language plpgsql
    as $$ begin return convert_from(b, e); exception when others then return null; end $$""")


def decoded(encoding, sequences):
    rows = db.execute("select b, pg_temp.back(b, %s) from unnest(%s::bytea[]) b", (encoding, sequences)).fetchall()
    return {bytes(b): c for b, c in rows if c is not None and len(c) == 1}


def encoded(encoding):
    everything = "select chr(i), pg_temp.there(chr(i), %s) from generate_series(128, 65533) i where i not between 55296 and 57343"
    return {c: bytes(b) for c, b in db.execute(everything, (encoding,)).fetchall() if b is not None}


with open(here / "single_byte.tsv", "w") as out:
    for encoding in single:
        found = decoded(encoding, [bytes([b]) for b in range(128, 256)])
        codes = [found.get(bytes([b])) for b in range(128, 256)]
        out.write(encoding + "\t" + " ".join("-" if c is None else f"{ord(c):04X}" for c in codes) + "\n")

with open(here / "multi_byte.tsv", "w") as out:
    for encoding in multi:
        high, all = range(128, 256), range(64, 256)
        sequences = [bytes([b]) for b in high] + [bytes([a, b]) for a in high for b in all]
        if encoding == "EUC_JP":
            sequences += [bytes([0x8F, a, b]) for a in high for b in high]
        from_bytes, to_bytes = decoded(encoding, sequences), encoded(encoding)
        entries = {}
        for b, c in from_bytes.items():
            entries[b, "=" if to_bytes.get(c) == b else "<"] = c
        for c, b in to_bytes.items():
            if from_bytes.get(b) != c:
                entries[b, ">"] = c
        for direction in "=<>":
            run, last = None, None
            for (b, d), c in sorted(entries.items()):
                if d != direction:
                    continue
                if run is None or last is None or b[:-1] != last[:-1] or b[-1] != last[-1] + 1:
                    run = f"\n{encoding}\t{direction}\t{b.hex()}\t"
                    out.write(run if out.tell() else run[1:])
                out.write(c)
                last = b
    out.write("\n")
