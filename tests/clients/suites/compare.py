"""compare.py NAME results.xml gaps.tsv [part]: fails on a failure that no gap expects, and on a gap that no longer is one.

With `part`, only a part of the suite was run: gaps without a test are no error.

A line of the gaps file is a test id (with * and ? as in file names), a tab, and the reason. `#` begins a comment.
A reason that begins with `sometimes:` is that of a test whose outcome hangs on the clock: it may pass as well.
"""
import collections
import fnmatch
import sys
import xml.etree.ElementTree as ElementTree

name, results, gaps, *part = sys.argv[1:]
try:
    cases = list(ElementTree.parse(results).getroot().iter("testcase"))
except (OSError, ElementTree.ParseError) as error:
    sys.exit(f"{name}: no results: {error}")

expected = []
for line in open(gaps, encoding="utf-8"):
    line = line.rstrip("\n")
    if line and not line.startswith("#"):
        pattern, _, reason = line.partition("\t")
        if not reason:
            sys.exit(f"{gaps}: no reason for {pattern}")
        expected.append((pattern, reason))

counts = collections.Counter()
unexpected, passing, used = [], [], set()
for case in cases:
    identifier = f"{case.get('classname', '')}::{case.get('name', '')}"
    bad = next((child for child in case if child.tag in ("failure", "error")), None)
    skipped = any(child.tag == "skipped" for child in case)
    matching = [pattern for pattern, _ in expected if fnmatch.fnmatchcase(identifier, pattern)]
    used.update(matching)
    if bad is not None:
        counts["expected" if matching else "failed"] += 1
        if not matching:
            message = (bad.get("message") or bad.text or "").strip().splitlines() or [""]
            unexpected.append(f"{identifier}\t{message[0][:200]}")
    elif skipped:
        counts["skipped"] += 1
    else:
        counts["passed"] += 1
        if any(not reason.startswith("sometimes:") for pattern, reason in expected if pattern in matching):
            passing.append(identifier)

for line in unexpected:
    print(f"UNEXPECTED FAILURE {line}")
for identifier in passing:
    print(f"UNEXPECTED PASS {identifier}")
stale = [] if part else [pattern for pattern, _ in expected if pattern not in used]
for pattern in stale:
    print(f"GAP WITHOUT A TEST {pattern}")
print(f"{name} passed={counts['passed']} failed={counts['failed']} expected={counts['expected']} skipped={counts['skipped']}")
sys.exit(1 if unexpected or passing or stale or not cases else 0)
