"""The cases that scripts/record-types.py puts to a real PostgreSQL. Random ones come from a fixed seed."""
import random

ISO = ""


def value_cases():
    rows = []

    def add(declared, texts, settings=ISO):
        for text in texts:
            rows.append(("value", declared, text, settings))

    ints = ["0", "1", "-1", "+7", " 42 ", "\t9\n", "", " ", "x", "1x", "1 2", "0x10", "1_000", "1.0", "1e3", "--1", "+-1", "-0", "007",
            "32767", "32768", "-32768", "-32769", "2147483647", "2147483648", "-2147483648", "-2147483649",
            "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "99999999999999999999", "٣"]
    for t in ["smallint", "integer", "bigint", "oid"]:
        add(t, ints)
    add("oid", ["4294967295", "4294967296", "-2147483648"])
    add("xid", ["1", "0x1f", "017", "4294967295"])
    add("xid8", ["1", "18446744073709551615", "0x1f"])
    add("boolean", ["t", "tr", "true", "TRUE", " true ", "f", "fals", "false", "y", "yes", "YE", "n", "no", "on", "of", "off", "o", "1", "0", "2", "", "tru e", "truex", "onn", "null"])
    floats = ["0", "-0", "1", "1.5", ".5", "5.", "1e10", "1E-5", "0.1", "0.3", "1e15", "1e14", "123456789012345", "1234567890123456", "1e16",
              "0.0001", "0.00001", "1.7976931348623157e308", "1e309", "-1e309", "5e-324", "1e-400", "0e-400", "NaN", "nan", "inf", "-inf", "Infinity",
              "-Infinity", "+Infinity", "infinit", " 1.5 ", "", " ", "x", "1e", "1e+", "1.5x", "1.2.3", "3.4028235e38", "3.5e38", "1e-45", "1e-46", "16777217",
              "100000", "1000000", "999999.5", "0.1e1", "1_0", "2.2250738585072014e-308", "9007199254740993", "1.17549435e-38", "3.14159265358979", "1e22", "1e23"]
    for t in ["real", "double precision"]:
        add(t, floats)
        for efd in ["0", "-5", "3", "-15"]:
            add(t, ["0.1", "1.23456789012345678", "1e-7", "123456789", "1e15", "1e22", "-2.5", "0", "NaN", "-inf", "100000", "1234567"], f"extra_float_digits={efd}")
    nums = ["0", "-0", "1", "-1.50", "+2", ".5", "5.", ".", "", " ", "1e3", "1E-3", "1e", "1e+2", "1e5000", "1e-5000", "1e-20000", "1e140000", "1e131071", "NaN", "nan", "-NaN", "inf", "-inf",
            "Infinity", "+infinity", "infin", " 12.3 ", "1 2", "x", "1x", "00012.3400", "123456789012345678901234567890.123456789", "0.00000", "1.2.3", "1e2.5", "9" * 60, "0." + "0" * 50 + "7", "1e99999999999"]
    add("numeric", nums)
    for t in ["numeric(5,2)", "numeric(3)", "numeric(2,4)", "numeric(4,-2)", "numeric(38,10)", "numeric(1000,500)", "numeric(38,38)"]:
        add(t, ["0", "1", "-1.005", "123.454", "123.455", "999.994", "999.995", "-999.995", "1000", "0.00994", "0.00995", "0.99", "149", "150", "999949", "999950", "NaN", "inf", "-inf", "1e20", "x"])
    add("text", ["", "abc", "ünïcödé ✓", " a ", "a\\b", "a\tb\nc"])
    add("varchar(3)", ["", "abc", "abcd", "abc  ", "äöü", "äöüß", "   x"])
    add("char(3)", ["", "a", "abc", "abcd", "abc  ", "äö", "äöüß", " a", "   "])
    add("bpchar", ["a  ", ""])
    add("varchar", ["abc  "])
    add("\"char\"", ["", "a", "ab", "\\101", " "])
    add("name", ["abc", "x" * 70, "é" * 40])
    add("bytea", ["", "\\x", "\\x00ff", "\\xDEADbeef", "\\x0", "\\xzz", "\\x 01 02", "\\x0 1", "abc", "a\\\\b", "a\\000b", "a\\377", "a\\400", "a\\8", "a\\", "é", "\\X00"])
    add("bytea", ["", "\\x00ff41", "abc", "a\\\\b", "\\x7f801f20"], "bytea_output=escape")
    add("uuid", ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", "a0eebc999c0b4ef8bb6d6bb9bd380a11",
                 "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11", "{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a111",
                 "", "g0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}", "-a0eebc999c0b4ef8bb6d6bb9bd380a11", "a0eebc99--9c0b4ef8bb6d6bb9bd380a11", " a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"])
    inets = ["10.1.2.3", "10.1.2.3/24", "10.1.2.3/32", "10/8", "10.1/16", "10", "10.1.2", "192.168.1/24", "0.0.0.0/0", "1.2.3.256", "1.2.3.4.5", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/x", "01.02.03.04", " 1.2.3.4", "",
             "::1", "::", "::1/64", "2001:db8::1/32", "2001:DB8::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9", "::ffff:1.2.3.4", "::1.2.3.4", "::ffff:1.2.3.4/120", "fe80::1%eth0", "1::2::3", "::/129", "1:0:0:2:0:0:0:3", "x", "10.0.0.0/08"]
    add("inet", inets)
    add("cidr", inets + ["10.0.0.0/8", "172", "172.16", "193.1", "224", "240", "2001:db8::/32", "::/0"])
    macs = ["08:00:2b:01:02:03", "08-00-2b-01-02-03", "08002b:010203", "08002b-010203", "0800.2b01.0203", "0800-2b01-0203", "08002b010203", "8:0:2b:1:2:3", "0800:2b01:0203", "not even close",
            "08:00:2b:01:02", "08:00:2b:01:02:03:04:05", "", " 08:00:2b:01:02:03 ", "08002b01020x", "FF:FF:FF:ff:ff:ff", "08:00:2b:01:02:100"]
    add("macaddr", macs)
    add("macaddr8", macs + ["08:00:2b:01:02:03:04:05", "08002b0102030405", "0800.2b01.0203.0405", "08-00-2b-01-02-03-04-05", "08-00:2b-01-02-03", "08002b01:02030405", "08002b010203040506"])
    add("tid", ["(0,1)", "(4294967295,65535)", "(0,65536)", "0,1", "(0,1", "(a,b)"])
    add("int2vector", ["1 2 3", "", "1", " 1  2 ", "x", "1 40000"])
    add("oidvector", ["1 2 3", "", "23 25", "x"])
    for t in ["regtype"]:
        add(t, ["integer", "int4", "23", "text[]", "character varying(3)", "nosuch", "-", "timestamp with time zone", "numeric(3,2)", "\"char\"", "bpchar", "char", "bit"])
    add("regproc", ["now", "nosuch", "1299", "0", "-", "pg_catalog.now", "abs"])
    add("regprocedure", ["abs(numeric)", "abs(text)", "now()", "1705", "-"])
    json = ["1", " 1 ", "\"a\"", "true", "null", "[]", "{}", "[1, 2 ,3]", "{\"b\":1,\"a\":2}", "{\"a\":1,\"a\":2}", "{\"bb\":1,\"a\":2,\"c\":3}", "1.50", "1e3", "1E-3", "-0", "-1.0", "1e400",
            "[1,[2,{\"x\":[]}]]", "{\"a\" : {\"b\" : null}}", "\"\\u0041\\n\\\"\\/\"", "\"é✓\"", "\"\\u00e9\"", "\"\\ud83d\\ude00\"",
            "\"\\u0001\"", "{\"\":1}", "{\"aa\":1,\"b\":2,\"é\":3,\"zz\":4}", "[\"\\t\\b\\f\\r\"]", "123456789012345678901234567890.123", "[true,false,null]"]
    badjson = ["", " ", "x", "{", "[", "[1,", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "'a'", "01", "1.", ".5", "+1", "nul", "truex", "\"a", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"",
               "\"\\u0000\"", "[1 2]", "{\"a\" 1}", "1 2", "]", "}", "{,}", "[,]", "\"a\nb\"", "{\"a\":1}}", "-", "1e", "0x10", "NaN", "{1:2}", "\"\\ud800x\"", "\"\\ud800\\ud800\""]
    for t in ["json", "jsonb"]:
        add(t, json + badjson)
    add("xml", ["<a/>"])
    dates = ["2024-02-29", "2023-02-29", "1999-01-08", "January 8, 1999", "1/8/1999", "1/18/1999", "18/1/1999", "01/02/03", "1999-Jan-08", "Jan-08-1999", "08-Jan-1999", "99-Jan-08", "08-Jan-99", "Jan-08-99",
             "19990108", "990108", "1999.008", "J2451187", "January 8, 99 BC", "infinity", "-infinity", "+infinity", "epoch", "0001-01-01", "0000-01-01", "0001-01-01 BC", "4714-11-24 BC", "4714-11-23 BC",
             "5874897-12-31", "5874898-01-01", "2024-13-01", "2024-00-10", "2024-1-1", "2024-01-32", "2024/03/04", "2024.03.04", "04.03.2024", "4 Mar 2024", "Mar 4 2024", "Mon Mar 4 2024", "2024 Mar 4",
             "2024-03-04 10:11:12", "2024-03-04T10:11:12Z", "", " ", "x", "10:11:12", "2024-03", "2024", "20240304T101112", "y2001m02d04", "2024-060", "24-03-04", "1-2-3", "12345-01-01", "20240230",
             "1999 Jan 08", "Jan 8", "8 1999 Jan", "2024-03-04 BC AD", "Sat 2024-03-04", "2024-03-04 extra", "70-01-01", "69-01-01", "1-Jan-0001 BC", "today x", "yesterday tomorrow", "2024-w10", "2024-03-04+01"]
    add("date", dates)
    for order in ["DMY", "YMD"]:
        add("date", ["1/2/2003", "01/02/03", "2003-02-01", "99-Jan-08", "08-Jan-99", "18/1/1999", "1/18/1999", "20030201", "1 Feb 3", "2003 1 2", "31.12.99"], f"datestyle=ISO,{order}")
    styles = [f"datestyle={s},{o}" for s in ["ISO", "SQL", "Postgres", "German"] for o in ["MDY", "DMY", "YMD"]]
    for s in styles:
        add("date", ["2024-03-04", "0044-03-15 BC", "infinity", "12345-06-07"], s)
        add("timestamp", ["2024-03-04 05:06:07.089", "0044-03-15 01:02:03 BC", "-infinity", "1999-12-31 23:59:59.999999"], s)
        for zone in ["UTC", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "America/Sao_Paulo", "<+03>-3", "EST5EDT", "Europe/Paris", "Etc/GMT+5"]:
            add("timestamptz", ["2024-03-04 05:06:07.5+00", "2024-07-04 05:06:07+00", "1850-01-01 00:00:00+00", "0044-03-15 01:02:03+00 BC"], f"{s};timezone={zone}")
    times = ["00:00", "04:05:06.789", "04:05:06.7890001", "04:05:06.7899999", "04:05", "040506", "0405", "04:05 AM", "04:05 PM", "12:00 AM", "12:00 PM", "13:00 PM", "24:00", "24:00:00.1", "25:00", "23:60", "23:59:60", "23:59:61",
             "04:05:06-8", "04:05:06 PST", "04:05:06 America/New_York", "2003-04-12 04:05:06 America/New_York", "040506-08", "040506+07:30:05", "allballs", "", "x", "1", "4:5:6", "04:05:06.", ".5", "04:05:06.123456789", "T040506", "t04:05:06", "04:05:06+16", "04:05:06+15:59:59", "4:05:06 UTC", "04:05:06Z", "Jan 1 04:05", "noon", "1:2", "12:34.5", "04.05"]
    add("time", times)
    add("timetz", times)
    for p in [0, 3]:
        add(f"time({p})", ["04:05:06.789", "04:05:06.4995", "23:59:59.9999"])
        add(f"timetz({p})", ["04:05:06.789+01", "23:59:59.9999-03:30"])
    stamps = ["2024-03-04", "2024-03-04 05:06", "2024-03-04 05:06:07", "2024-03-04T05:06:07", "2024-03-04 05:06:07.123456", "2024-03-04 05:06:07.1234567", "2024-03-04 05:06:07.1234565", "2024-03-04 05:06:07+02", "2024-03-04 05:06:07 +02:30",
              "2024-03-04 05:06:07-0330", "2024-03-04 05:06:07Z", "2024-03-04 05:06:07 PST", "2024-07-04 05:06:07 PDT", "2024-07-04 05:06:07 MSK", "2024-03-04 05:06:07 America/New_York", "2024-07-04 05:06:07 america/new_york", "2024-03-04 05:06:07 Nowhere/Land",
              "2024-03-10 02:30 America/New_York", "2024-11-03 01:30 America/New_York", "2024-03-04 24:00", "2024-03-04 24:00:01", "2024-03-04 23:59:60", "20240304 050607", "20240304T050607", "2024-03-04 050607", "2024-03-04 5:6", "March 4, 2024 5:06 PM",
              "Mon Mar 4 05:06:07 2024", "Mon Mar 04 05:06:07.12 2024 PST", "4 March 2024 05:06:07 BC", "infinity", "-infinity", "epoch", "294276-12-31 23:59:59", "294277-01-01", "4714-11-24 00:00:00 BC", "4714-11-23 BC", "", "x", "2024-03-04 x", "2024-03-04 05:06:07 x", "05:06:07",
              "2024-02-30 00:00", "2024-03-04 25:00", "2024-03-04 05:60", "J2451187 04:05", "J2451187.5", "1999-01-08 04:05:06.789-8", "99-01-08 04:05:06", "2024-03-04 05:06:07 +16", "2024-03-04 05:06:07 +15:59", "2024-03-04,05:06:07", "2024-03-04 at 05:06", "now x", "PST 2024-03-04 05:06", "2024-03-04 05:06:07 MET DST", "2024-03-04 12:00 AM", "2024.03.04 05:06", "1/2/2024 3:04", "2024-03-04 05:06:07 EST5EDT", "2024-03-04 05:06:07 zulu", "2024-03-04T05:06:07.5+01:00", "2024-3-4T5:6:7", "2024-03-04T05", "2024-03-04 05"]
    add("timestamp", stamps)
    add("timestamptz", stamps)
    add("timestamptz", [s for s in stamps if "infinity" not in s][:40], "timezone=America/New_York")
    add("timestamptz", ["2024-03-10 02:30", "2024-03-10 01:59:59", "2024-03-10 03:00", "2024-11-03 01:30", "2024-11-03 00:59:59", "2024-11-03 02:00", "1883-11-18 12:00", "1883-11-18 12:05", "20024-07-04 00:00", "0100-01-01 00:00", "2037-07-04 00:00", "2050-07-04 00:00", "2050-01-04 00:00"], "timezone=America/New_York")
    add("timestamptz", ["2024-03-31 02:30", "2024-10-27 02:30", "1937-07-01 00:00", "1916-05-01 00:00", "1800-01-01 00:00"], "timezone=Europe/Amsterdam")
    add("timestamptz", ["2024-03-04 00:00"], "timezone=<-07>+7")
    for p in [0, 2]:
        add(f"timestamp({p})", ["2024-03-04 05:06:07.5", "2024-03-04 05:06:07.125", "1969-12-31 23:59:59.5", "1969-12-31 23:59:58.5", "1999-12-31 23:59:59.995", "infinity"])
        add(f"timestamptz({p})", ["2024-03-04 05:06:07.5+00", "1999-12-31 23:59:59.995+02"])
    intervals = ["1 day", "1 year 2 mons 3 days 04:05:06", "-1 year -2 mons +3 days -04:05:06", "1-2", "-1-2", "1-2 3 4:05:06", "3 4:05:06", "-3 4:05:06", "-3 -4:05:06", "+3 -4:05:06", "4:05", "4:05:06.7", "-4:05:06.7", "1.5 years", "1.5 months", "1.5 days", "1.5 weeks", "0.1 years",
                 "1.23456789 seconds", "5", "5.5", "-5", "1 day ago", "1 year 2 days ago", "-1 day ago", "@ 1 minute", "1 mon", "3 w", "2 decades", "1 century", "1 millennium", "1 c", "1 dec", "10 ms", "10 us", "1500 milliseconds", "1 quarter", "2 fortnights", "", " ", "x", "1", "day", "1 day 1 day", "1 hour 1 hour",
                 "P1Y2M3DT4H5M6S", "P1Y", "PT5M", "P1W", "P-1Y2M", "PT-5M", "P0001-02-03T04:05:06", "P00010203T040506", "P0001-02-03", "PT04:05:06", "PT040506", "P1.5Y", "P1.5M", "P1.5D", "PT1.5H", "PT0.000001S", "P", "PT", "P1", "PY", "P1Z", "P1Y2", "P1YT", "p1y",
                 "100000000 years", "178956970 years", "178956971 years", "2147483647 days", "2147483648 days", "2147483647 mons", "9223372036854775807 us", "9223372036854775808 us", "2562047788 hours", "2562047789 hours", "1 day 25:00", "1 day -00:00:01", "00:00:60", "00:60", "1:2:3:4", "1 2:3", "1 2 hours", "1 hour 30", "12:34.5", "infinity", "now", "1 year 13 mons", "1-13", "1 mon 40 days", "0", "0 days", "-0.5 days", "1 day 2 hours 3 minutes 4 seconds 5 ms", "3 days 2 days", "1e3 days", "1 day, 2 hours", "1y 2mon 3d 4h 5m 6s", "1y2mon", "4h5m", "-1.5 hours", "0.5 microseconds", "1.000000499 s", "1.0000005 s", "P1Y1Y", "25 hours", "-25:00:00", "1 timezone"]
    for s in ["postgres", "postgres_verbose", "sql_standard", "iso_8601"]:
        add("interval", intervals, f"intervalstyle={s}")
    for t in ["interval year", "interval month", "interval day", "interval hour", "interval minute", "interval second", "interval year to month", "interval day to hour", "interval day to minute", "interval day to second", "interval hour to minute", "interval hour to second", "interval minute to second", "interval(0)", "interval(3)", "interval second(2)"]:
        add(t, ["1 year 2 mons 3 days 04:05:06.789", "5", "1-2", "1 2", "1 2:03", "1 2:03:04", "12:34", "12:34:56.789", "-1.9999999", "1.5"])
    add("integer[]", ["{}", "{1,2,3}", " { 1 , 2 } ", "{1,NULL,null}", "{{1,2},{3,4}}", "{{1,2},{3}}", "{1,{2}}", "{{1},2}", "[0:1]={5,6}", "[2]={1,2}", "[-1:0][1:1]={{1},{2}}", "[0:2]={5,6}", "[1:0]={}", "{1,2", "1,2", "{1,,2}", "{,}", "{1,}", "{\"1\",2}", "{x}", "{1}x", "{{},{}}", "{{{{{{1}}}}}}", "{{{{{{{1}}}}}}}", "", "{1 2}", "{\"\"}", "{1}{2}", "[0:1]{5,6}", "{-1,+2}", "{{1,2},null}", "{ }", "{\n1}", "[1:2]={1,2}", "[1]={1}", "{99999999999}"])
    add("text[]", ["{a,b}", "{\"a b\",\"c,d\",\"e\\\"f\",\"g\\\\h\"}", "{NULL,\"NULL\",null,nUlL}", "{\"\"}", "{a b , c }", "{a\\,b}", "{a\\ }", "{\"a\"b}", "{a\"b\"}", "{\"a}", "{a\\}", "{{a,b},{c,d}}", "{ö,✓}", "{\"{}\"}", "{' x'}", "{\t a}", "{\"\\n\"}", "{\\\"}", "[5:6]={a,b}"])
    for t, text in [("boolean[]", "{t,f,NULL}"), ("numeric[]", "{1.50,NaN,NULL}"), ("numeric(5,2)[]", "{1.005,2}"), ("date[]", "{2024-01-01,infinity}"), ("timestamp[]", "{\"2024-01-01 00:00:00\"}"), ("timestamptz[]", "{2024-01-01}"), ("interval[]", "{1 day,\"1 mon -1 day\"}"), ("uuid[]", "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"),
                    ("jsonb[]", "{\"{\\\"a\\\":1}\",2}"), ("bytea[]", "{\"\\\\x00\"}"), ("float8[]", "{1.5,NaN}"), ("real[]", "{0.1}"), ("varchar[]", "{a,b}"), ("char(3)[]", "{a,bc}"), ("bigint[]", "{9223372036854775807}"), ("smallint[]", "{1,70000}"), ("time[]", "{04:05}"), ("oid[]", "{1}"), ("name[]", "{a}"), ("json[]", "{1}"), ("regtype[]", "{integer,\"text[]\"}")]:
        add(t, [text, "{}"])
    for s in styles[3:9:3]:
        add("date[]", ["{2024-03-04,NULL}"], s)
    rnd = random.Random(20240304)
    for _ in range(300):
        digits = rnd.choice([1, 4, 8, 9, 15, 16, 17])
        text = f"{rnd.choice(['', '-'])}{rnd.randrange(10**digits)}e{rnd.randrange(-30, 25)}"
        add(rnd.choice(["real", "double precision"]), [text], rnd.choice(["", "extra_float_digits=0", "extra_float_digits=-3"]))
    for _ in range(200):
        y, mo, d = rnd.randrange(1, 9999), rnd.randrange(1, 13), rnd.randrange(1, 29)
        h, mi, s, f = rnd.randrange(24), rnd.randrange(60), rnd.randrange(60), rnd.choice(["", f".{rnd.randrange(1000000)}"])
        zone = rnd.choice(["UTC", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Africa/Monrovia", "Asia/Tehran", "Pacific/Apia", "America/St_Johns"])
        add("timestamptz", [f"{y:04}-{mo:02}-{d:02} {h:02}:{mi:02}:{s:02}{f}"], f"{rnd.choice(styles)};timezone={zone}")
    for _ in range(150):
        parts = [f"{rnd.randrange(-30, 30)} {u}" for u in ["year", "mon", "day", "hour", "min", "sec"] if rnd.random() < 0.5]
        add("interval", [" ".join(parts) or "0"], f"intervalstyle={rnd.choice(['postgres', 'postgres_verbose', 'sql_standard', 'iso_8601'])}")
    return rows


def numeric_cases():
    rnd = random.Random(15)

    def number(small=False):
        kind = rnd.random()
        if kind < 0.04:
            return rnd.choice(["0", "1", "-1", "0.0", "1.000", "10", "2", "0.5"])
        whole = rnd.randrange(10 ** rnd.randrange(1, 4 if small else 22))
        scale = rnd.choice([0, 0, 1, 2, 3, 4, 5, 8, 15])
        text = str(whole) + ("." + "".join(rnd.choice("0123456789") for _ in range(scale)) if scale else "")
        if kind > 0.9:
            text = "0." + "0" * rnd.randrange(12) + str(rnd.randrange(1, 10**6))
        return rnd.choice(["", "-"]) + text

    rows = []

    def add(op, expression, *args):
        rows.append(("expression", f"{op} {' '.join(args)}", expression.format(*[f"'{a}'::numeric" for a in args]), ""))

    binary = {"add": "{} + {}", "sub": "{} - {}", "mul": "{} * {}", "div": "{} / {}", "rem": "{} % {}", "div_trunc": "div({},{})", "cmp": "CASE WHEN {0} < {1} THEN -1 WHEN {0} > {1} THEN 1 ELSE 0 END"}
    for op, expression in binary.items():
        for _ in range(260):
            add(op, expression, number(), number())
    for op, expression in {"ceil": "ceil({})", "floor": "floor({})", "sqrt": "sqrt({})", "ln": "ln({})", "log10": "log({})", "sign": "sign({})", "abs": "abs({})", "min_scale": "min_scale({})", "trim_scale": "trim_scale({})"}.items():
        for _ in range(110):
            add(op, expression, number())
    for _ in range(150):
        add("exp", "exp({})", number(small=True))
        add("power", "power({},{})", number(small=True), rnd.choice([number(small=True), str(rnd.randrange(-20, 40)), f"{rnd.randrange(-5, 9)}.{rnd.randrange(100)}"]))
        add("log", "log({},{})", number(), number())
    for _ in range(150):
        n, s = number(), str(rnd.randrange(-6, 12))
        rows.append(("expression", f"round {n} {s}", f"round('{n}'::numeric, {s})", ""))
        rows.append(("expression", f"trunc {n} {s}", f"trunc('{n}'::numeric, {s})", ""))
    special = ["NaN", "Infinity", "-Infinity", "0", "1", "-1", "2.5", "-2", "3", "0.5"]
    for op, expression in list(binary.items()) + [("power", "power({},{})"), ("log", "log({},{})")]:
        for a in special:
            for b in special:
                add(op, expression, a, b)
    for op in ["ceil", "floor", "sqrt", "ln", "exp", "abs", "sign"]:
        for a in special + ["1.0000000000000000000001", "0.99999999999999999", "1e-30", "1e300", "5999.9", "6000", "-6000", "-5999", "1e-300"]:
            add(op, op + "({})", a)
    return rows


def copy_cases():
    abc = "a int, b text, c numeric(10,2)"
    text, csv = "FORMAT text", "FORMAT csv"
    out = []

    def add(columns, options, *data):
        for d in data:
            out.append((columns, options, d if isinstance(d, bytes) else d.encode()))

    add(abc, text, "1\tx\t1.5\n2\t\\N\t-2\n", "1\tx\t1.5", "1\tx\n", "1\tx\t1\t2\n", "z\tx\t1\n", "1\tx\t1\n\n", "\n", "1\ta\\tb\\\\c\\x41\\101\\q\t0\n", "1\tx\\\ny\t1\n", "1\tx\t1\r\n2\ty\t2\r\n", "1\tx\t1\r2\ty\t2\r", "1\tx\t1\n2\ty\t2\r\n", "1\tx\t1\r\n2\ty\t2\n", "1\tx\t1\n\\.\n3\tz\t3\n", "1\tx\t1\n2\ty\t2\\.\n", "1\tx\t1\n\\.x\n", "1\tx\t1\r\n\\.\n", "1\t\\N\\N\t1\n", "1\tx\t123456789\n", "1\t" + "x" * 150 + "\ty\n", "1\t" + "x" * 150 + "\n", "\\N\t\\N\t\\N\n", "", "1\tx\\\t1\n", "1\tx\t\\\n", "1\tx\t1\\\n", "1\tü✓\t1\n", b"1\t\xff\t1\n", b"1\t\xc3(\t1\n", "1\t\\000\t1\n", "1\t\\xff\t1\n", "1\t\\b\\f\\n\\r\\t\\v\t1\n", " 1 \tx\t 2 \n")
    add(abc, "FORMAT text, DELIMITER '|'", "1|x|1.5\n", "1|a\\|b|2\n", "1|x|1|\n")
    add(abc, "FORMAT text, NULL 'null'", "1\tnull\tnull\n", "1\t\\N\t1\n", "1\tn\\ull\t1\n")
    add(abc, "FORMAT text, HEADER", "a\tb\tc\n1\tx\t1\n", "rubbish\n1\tx\t1\n", "a\tb\tc")
    add(abc, "FORMAT text, HEADER match", "a\tb\tc\n1\tx\t1\n", "a\tx\tc\n1\tx\t1\n", "a\tb\n1\tx\t1\n", "a\tb\tc\td\n", "a\t\\N\tc\n")
    add(abc, csv, "1,x,1.5\n2,,-2\n", "1,\"\",1\n", "1,\"a \"\"b\"\"\n,c\",2\n", "1,\"x\n", "1,a\"b\"c,1\n", "1,\"a\"b\"c\",1\n", "1,x\n", "1,x,1,2\n", "z,x,1\n", "1,x,1\r\n2,y,2\r\n", "1,x,1\r2,y,2\r", "1,x,1\n2,y,2\r\n", "1,x,1\n\\.\n2,y,2\n", "1,\\.,1\n", "\\.,x,1\n", "1,\\N,1\n", "1, x ,1\n", "1,\"x\",1\n2,\"multi\nline\",2\nz,3,3\n", "\"1\",\"x\",\"2.5\"\n", ",,\n", "", "\n", "1,\"a\\\"\",1\n", "1,x,\"\"\n", "1,'x',1\n", "1,x\ty,1\n", b"1,\xff,1\n", "1,\"x\r\ny\",1\n", "1,\"x\",1 \n", "1,\"x\"\n,1\n")
    add(abc, "FORMAT csv, ESCAPE E'\\\\'", "1,\"a\\\"b\\\\c\",1\n", "1,\"a\\n\",1\n", "1,\"a\"\"b\",1\n")
    add(abc, "FORMAT csv, QUOTE ''''", "1,'a''b',1\n", "1,\"a\",1\n")
    add(abc, "FORMAT csv, NULL 'NULL'", "1,NULL,1\n", "1,\"NULL\",1\n", "1,,NULL\n")
    add(abc, "FORMAT csv, FORCE_NULL (b)", "1,\"\",1\n", "1,,1\n")
    add(abc, "FORMAT csv, FORCE_NOT_NULL (b)", "1,,1\n", "1,\"\",1\n")
    add(abc, "FORMAT csv, HEADER", "a,b,c\n1,x,1\n", "\"multi\nline\"\n1,x,1\n")
    add(abc, "FORMAT csv, HEADER match", "a,b,c\n1,x,1\n", "a,c,b\n1,x,1\n", "a,\"b\",c\n1,x,1\n", "a,,c\n")
    add("b text", text, "x\n\ny\n", "\\.\n", "a\\.\n")
    add("b text", csv, "x\n\ny\n", "\"\\.\"\n", "\\.\n", "a\\.\n", "\\.x\n", "\"\"\n")
    add("j jsonb, d date, u uuid", text, "{\"b\":1,\"a\":[1,2]}\t2024-01-02\ta0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\n", "{\t2024-01-02\t\\N\n", "{}\t2024-02-30\t\\N\n", "{}\tx\t\\N\n", "{}\t\\N\tx\n")
    add("v varchar(3), c char(4), s smallint", text, "abc\tx\t1\n", "abcd\tx\t1\n", "abc  \tx\t1\n", "a\ttoolong\t1\n", "a\tb\t40000\n")
    add("x int[], t timestamptz, i interval, y bytea, f float8, o boolean", csv, "\"{1,2,NULL}\",2024-01-02 03:04:05+01,1 day,\\x00ff,1e10,t\n", "{1},2024-01-02,1 mon,abc,NaN,yes\n", "{1,,,,,\n")
    return out
