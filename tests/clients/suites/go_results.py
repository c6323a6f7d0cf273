"""go_results.py log results.xml: what `go test -v` printed, as the JUnit file that compare.py reads.

Before a package's tests the log has a line `=== PACKAGE name`. Subtests count with their test.
"""
import re
import sys
import xml.etree.ElementTree as ElementTree

log, results = sys.argv[1:]
suite = ElementTree.Element("testsuite")
package, current, said, ended = "", "", {}, set()


def end(test, outcome):
    ended.add((package, test))
    case = ElementTree.SubElement(suite, "testcase", classname=package, name=test)
    if outcome == "SKIP":
        ElementTree.SubElement(case, "skipped")
    if outcome == "FAIL":
        text = re.sub(r"[^\t\n\x20-\ud7ff]", "?", " ".join(said.get(test, []))[:400])
        ElementTree.SubElement(case, "failure", message=text or "no message")


begun = []
for line in open(log, encoding="utf-8", errors="replace"):
    line = line.rstrip("\n")
    if line.startswith("=== PACKAGE "):
        package, said = line.split()[2], {}
    elif match := re.match(r"=== (RUN|CONT|NAME|PAUSE)\s+(\S+)", line):
        current = match[2].split("/")[0]
        if match[1] == "RUN" and "/" not in match[2]:
            begun.append((package, current))
    elif match := re.match(r"--- (PASS|FAIL|SKIP): (\S+)", line):
        end(match[2], match[1])
    elif line.strip() and not re.match(r"\s*--- |\s*Error Trace:|\s+/", line):
        said.setdefault(current, []).append(" ".join(line.split()))
# What had begun when the package's time was over, or when it crashed.
for package, test in begun:
    if (package, test) not in ended:
        end(test, "FAIL")
ElementTree.ElementTree(suite).write(results, encoding="utf-8")
