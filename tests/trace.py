#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Tests of `hypike trace` and `hypike timeline`, as TAP: tests/trace.py BUILD

Streams are made here, by the description in include/hypike/trace.h, so that what the command says about
them is known to the letter. It runs with ASan and UBSan.

@verifies TOOL-201
@verifies TOOL-202
@verifies TOOL-203
"""
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

from tool import Tap

SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OK, NOT_PLANNED, USAGE, INPUT = 0, 1, 2, 3
NONE16, NONE32 = 0xFFFF, 0xFFFFFFFF
(BOOT, WINDOW, FRAME, PLAN, DISPATCH, EXIT, INTERRUPT, TIMER, WRITE, READ, REFUSED, NOTIFY, HEALTH,
 STATE, FLUSH, USER, LATE) = range(1, 18)
KHZ, START = 1000000, 5000  # a tick is a nanosecond
EXIT_PORT = 2

# Two frames of: one 0-300 us, two 300-600 us, then nothing, on CPU 0.
SYSTEM = ["one:program", "two:program", "plan=main,1000000", "window=main,0,one,0,300000",
          "window=main,0,two,300000,300000"]


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def head(cpus=1, partitions=("one", "two"), plans=("main",)):
    names = b"".join(struct.pack("<32s", name.encode()) for name in (*partitions, *plans))
    return struct.pack("<8sIIQQIIII", b"HyPikeTr", 1, 24, KHZ, START, cpus, len(partitions),
                       len(plans), 0) + names


def record(ns, event, partition=NONE16, a=0, b=0):
    return struct.pack("<QHHIQ", START + ns, event, partition, b, a)


def block(cpu, first, records):
    data = b"".join(records)
    key = struct.pack("<HHQ", cpu, len(records), first)
    return struct.pack("<I12sII", 0x6B6C4254, key, crc32c(data + key), 0) + data


def window(ns, planned, partition, index):
    return record(ns, WINDOW, partition, START + planned, index)


def frame(number, late=(1000, 2000, 1500), drift=0):
    """A frame of the system's plan; how late its slots begin."""
    at = 1000000 * number + drift
    return [record(at + 500, FRAME, NONE16, START + at, 0),
            window(at + late[0], at, 0, 0), record(at + late[0] + 100, DISPATCH, 0, 0, 32),
            window(at + 300000 + late[1], at + 300000, 1, 1),
            record(at + 300000 + late[1] + 100, DISPATCH, 1, 2, 16),
            window(at + 600000 + late[2], at + 600000, NONE16, NONE32),
            record(at + 600000 + late[2] + 100, DISPATCH, NONE16, 0, 0)]


def good():
    """Boot, two frames, and some events in them."""
    records = [record(-3000, BOOT, NONE16, 4)] + frame(0) + frame(1)
    records[4:4] = [record(5000, EXIT, 0, EXIT_PORT, 1), record(6000, WRITE, 0, 3, 64),
                    record(7000, HEALTH, 0, 6 << 32 | 2, 0xE)]
    return records


def stream(records=None, size=5):
    """One CPU's records in blocks of some."""
    records = good() if records is None else records
    return head() + b"".join(block(0, i, records[i:i + size])
                             for i in range(0, len(records), size))


TEXT = """\
-0.003000 cpu0 boot         - apic=4
0.000500 cpu0 frame        - planned=-500ns plan=main
0.001000 cpu0 window       one planned=-1000ns window=0
0.001100 cpu0 dispatch     one thread=0 priority=32
0.005000 cpu0 exit         one kind=port vcpu=1
0.006000 cpu0 port_write   one port=3 bytes=64
0.007000 cpu0 health       one error=memory_violation action=log detail=0xe
"""


class Commands:
    """Runs the command in a directory of its own; files by their names."""

    def __init__(self, build, tap):
        asan = os.path.join(build, "tests", "unit", "tools", "hypike-asan")
        self.tool = asan if os.path.exists(asan) else os.path.join(build, "tools", "hypike")
        self.tap = tap

    def run(self, *arguments):
        return subprocess.run([self.tool, *arguments], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=120, check=False)

    def says(self, name, status, expected, *arguments):
        """`expected` in this order, each a regular expression of a line or a part of one."""
        done = self.run(*arguments)
        text = done.stdout + done.stderr
        problem, at = None, 0
        if done.returncode != status:
            problem = f"status {done.returncode}, expected {status}"
        for pattern in expected:
            match = re.compile(pattern, re.MULTILINE).search(text, at)
            if not match:
                problem = f"never (further) says: {pattern}"
                break
            at = match.end()
        self.tap.point(name, problem and f"{problem}\n{text}")

    def is_so(self, name, true, why=""):
        self.tap.point(name, None if true else why or "it isn't")


def write(name, data):
    with open(name, "wb") as file:
        file.write(data)
    return name


def pack(*words):
    subprocess.run([sys.executable, os.path.join(SOURCE, "tests/system/native/pack.py"), "-o",
                    "system.img", *words], check=True)


# ---- forms ----

def test_text(say):
    done = say.run("trace", write("good", stream()))
    say.is_so("text", done.stdout.startswith(TEXT) and done.stdout.count("\n") == 18 and
              not done.stderr, done.stdout + done.stderr)
    say.says("losses are told", OK, (r"^# records of cpu0 are missing here$",
                                     r"^7 records of cpu0 are lost$"),
             "trace", write("gap", head() + block(0, 0, good()[:3]) + block(0, 10, good()[10:])))
    say.says("unknown events", OK, (r"^0\.000009 cpu0 unknown +\? a=0x5 b=0x6$",),
             "trace", write("unknown", stream([record(9, 99, 7, 5, 6)])))


def test_summary(say):
    say.says("summary", OK,
             (r"^18 records of 1\.605 ms$", r"^one +0\.602 +37\.5 +2 +2 +0\.602 +1\.0 +1 +1 +0 +0 +1 +0$",
              r"^two +0\.599 +37\.3 +2 +2 +0\.599 +2\.0 +0 +0", r"^exits of one: port 1$",
              r"^0 +18 +0 +0\.400 +0$"), "trace", "--summary", "good")
    figures = json.loads(say.run("trace", "--summary", "--json", "-", "good").stdout)
    one = figures["partitions"][0]
    say.is_so("summary as JSON", (one["run_ns"], one["window_ns"], one["exits"], one["bytes_written"]) ==
              (602000, 602000, {"port": 1}, 64), str(one))


def test_json(say):
    say.run("trace", "--json", "good.json", "good")
    with open("good.json", encoding="utf-8") as file:
        events = json.load(file)["traceEvents"]
    slices = [e for e in events if e["ph"] == "X" and e["pid"] == 0 and e["tid"] == 1]
    say.is_so("JSON for Perfetto", [(e["name"], e["ts"], e["dur"]) for e in slices] ==
              [("one", 1.0, 301.0), ("two", 302.0, 299.5), ("one", 1001.0, 301.0),
               ("two", 1302.0, 299.5)], str(slices))


def test_ctf(say):
    say.says("CTF is written", OK, (), "trace", "--ctf", "ctf", "good")
    if not shutil.which("babeltrace2"):
        print("# babeltrace2 is not installed")
        say.is_so("its metadata", open("ctf/metadata", encoding="ascii").read(12) == "/* CTF 1.8 *")
        return
    done = subprocess.run(["babeltrace2", "ctf"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)
    lines = done.stdout.splitlines()
    wanted = ('exit: { cpu_id = 0 }, { partition = ( "one" : container = 0 ) }, '
              '{ kind = ( "port" : container = 2 ), vcpu = 1 }')
    say.is_so("babeltrace2 reads it", done.returncode == 0 and len(lines) == 18 and
              lines[4].startswith("[00:00:00.000005000]") and lines[4].endswith(wanted),
              done.stdout + done.stderr)


# ---- the check ----

def violation(say, name, records, pattern, *options):
    say.says(name, NOT_PLANNED, (pattern, r"^NOT as planned"), "trace", "--check", "system.img",
             *options, write("bad", stream(records)))


def without(records, index):
    return records[:index] + records[index + 1:]


def test_check(say):
    pack(*SYSTEM)
    check = ("trace", "--check", "system.img")
    say.says("as planned", OK,
             (r"^2 frames, 4 windows, 0 plan switches", r"^ below +2\.0 us +2 #+$",
              r"^ below +5\.0 us +2 #+$", r"^ +0 +0 +one +2 +1\.0 +1\.0 +1\.0$",
              r"^as planned: the latest window began 2\.0 us"), *check, "good")
    result = json.loads(say.run(*check, "--json", "-", "good").stdout)
    say.is_so("as JSON", result["violations"] == 0 and result["all"]["most_ns"] == 2000 and
              sum(bucket["count"] for bucket in result["histogram"]) == 4, str(result))
    two = frame(0) + frame(1)
    violation(say, "late", two, r"window 1 \(two\) begins 2000 ns late", "--bound", "1500ns")
    violation(say, "late by the bound that is the default", frame(0, (1000, 100001, 1500)),
              r"begins 100001 ns late")
    violation(say, "early", frame(0, (1000, -50, 1500)), r"window 1 \(two\) begins 50 ns early")
    violation(say, "missing", without(two, 3), r"window 1 \(two\) is missing")
    violation(say, "missing at the end", frame(0) + frame(1)[:3] +
              [record(1900000, INTERRUPT, NONE16, 0xF0)], r"1\.300000 ms: window 1 \(two\) is missing")
    violation(say, "overrun", frame(0, (1000, 2000, 200000)), r"the window before ends 200000 ns late")
    violation(say, "drift", frame(0) + frame(1, drift=50), r"a frame of plan main begins \+50 ns off")
    violation(say, "a frame is missing", frame(0) + frame(2), r"begins \+1000000 ns off")
    other = two[:]
    other[1] = window(1000, 0, 1, 0)
    violation(say, "another partition", other, r"window 0 is of partition one, not two")
    violation(say, "a window that isn't there", two + [window(1900000, 1900000, 0, 7)],
              r"window 7 is none of this CPU's")
    violation(say, "no plan of that number", [record(500, FRAME, NONE16, START, 9)],
              r"there is no plan 9")
    violation(say, "nothing", [record(1, BOOT)], r"no window begins in this trace")
    say.says("what is lost is no violation", OK, (r"are lost$", r"^as planned"), *check,
             write("gap", head() + block(0, 0, frame(0)[:4]) + block(0, 50, frame(3) + frame(4))))
    say.says("another system", INPUT, (r"the trace is of another system",), *check,
             write("other", head(partitions=("one", "three")) + block(0, 0, frame(0))))
    say.says("no system", INPUT, (r"good: header\[0\]",), "trace", "--check", "good", "good")


# ---- the timeline ----

def page_data(name):
    with open(name, encoding="utf-8") as file:
        text = file.read()
    return json.loads(re.search(r'type="application/json">(.*?)</script>', text, re.DOTALL).group(1)), text


def test_timeline(say):
    say.says("timeline", OK, (), "timeline", "good", "-o", "good.html")
    data, text = page_data("good.html")
    say.is_so("its windows", data["windows"][:7] == [0, 0, 1000, 302000, 0, 0, 0] and
              len(data["windows"]) == 4 * 7, str(data["windows"]))
    say.is_so("its threads", len(data["runs"]) == 6 * 6 and
              data["runs"][:6] == [0, 0, 0, 32, 1100, 302100], str(data["runs"]))
    say.is_so("it loads nothing", not re.search(r"(src|href)=|https?://(?!www\.w3\.org)|@import|url\(",
                                                text))
    nasty = head(partitions=("</script>", "&<b>")) + block(0, 0, frame(0))
    say.run("timeline", write("nasty", nasty), "-o", "nasty.html")
    data, text = page_data("nasty.html")
    say.is_so("names end no script", data["partitions"] == ["</script>", "&<b>"])
    say.says("a picture", OK, (), "timeline", "--svg", "--from", "0", "--to", "1", "nasty", "-o", "nasty.svg")
    svg = xml.etree.ElementTree.parse("nasty.svg").getroot()
    bars = [e for e in svg.iter() if e.get("class") in ("c0", "c1", "c0 w", "c1 w")]
    say.is_so("its bars", len(bars) == 8, str(len(bars)))


# ---- whatever is wrong ----

def test_damage(say):
    whole = stream()
    say.says("a byte", OK, (r"144 bytes of the stream are damaged",),
             "trace", write("byte", whole[:300] + b"\x99" + whole[301:]))
    say.says("noise between blocks", OK, (r"^7 bytes of the stream are damaged",), "trace",
             write("noise", head() + block(0, 0, good()[:3]) + b"TBlkxyz" + block(0, 3, good()[3:])))
    say.says("noise before all", OK, (r"^5 bytes",), "trace", write("before", b"boot\n" + whole))
    say.says("the end is cut off", OK, (r"bytes of the stream are damaged",), "trace",
             write("cut", whole[:-30]))
    say.says("a block twice", OK, (r"^3 records of ",), "trace", "--summary",
             write("twice", head() + 2 * block(0, 0, [record(1, BOOT), record(2, USER), record(3, USER)])))
    for name, data in {"empty": b"", "short": whole[:40], "names": whole[:100],
                       "else": b"no trace" * 99}.items():
        say.says("refused: " + name, INPUT, ("trace",), "trace", write(name, data))
    say.says("refused: another version", INPUT, ("another version",), "trace",
             write("version", whole[:8] + b"\x02" + whole[9:]))
    say.says("refused: CPUs", INPUT, ("damaged",), "trace",
             write("cpus", whole[:32] + b"\xff" + whole[33:]))


def test_random_damage(say):
    rng = random.Random(1)
    whole, bad = stream(size=3), []
    for turn in range(24):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 20)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        write("random", bytes(data[:rng.randrange(len(data) // 2, len(data))]))
        for options in (["--check", "system.img"], ["--summary"]):
            done = say.run("trace", *options, "random")
            if done.returncode not in (OK, NOT_PLANNED, INPUT) or "Sanitizer" in done.stderr:
                bad.append(f"turn {turn} {options}: status {done.returncode}\n{done.stderr}")
    say.is_so("random damage is survived", not bad, "\n".join(bad))


def test_usage(say):
    for name, pattern, *words in (
            ("no file", "give one FILE", "trace"), ("two", "give one FILE", "trace", "a", "b"),
            ("bound", "--bound 5: no time such as", "trace", "--bound", "5", "good"),
            ("bound alone", "--bound goes with --check", "trace", "--bound", "5us", "good"),
            ("two wishes", "one of them", "trace", "--summary", "--check", "x", "good"),
            ("no output", "give one FILE and -o OUT", "timeline", "good"),
            ("time", "--from x: no number", "timeline", "--svg", "--from", "x", "good", "-o", "y"),
            ("range of a page", "go with --svg", "timeline", "--from", "1", "good", "-o", "y")):
        say.says("usage: " + name, USAGE, (pattern,), *words)
    say.says("a range that ends before it begins", INPUT, ("--to is not behind",), "timeline", "--svg",
             "--from", "2", "--to", "1", "good", "-o", "y")
    say.says("missing file", INPUT, ("nowhere: No such file",), "trace", "nowhere")
    say.says("no place for CTF", INPUT, ("good/metadata|good: ",), "trace", "--ctf", "good", "good")


def main():
    build = os.path.abspath(sys.argv[1])
    tap = Tap()
    say = Commands(build, tap)
    with tempfile.TemporaryDirectory(prefix="hypike-trace-") as work:
        os.chdir(work)
        write("program", b"anything")
        for test in (test_text, test_summary, test_json, test_ctf, test_check, test_timeline,
                     test_damage, test_random_damage, test_usage):
            test(say)
        os.chdir("/")
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
