#!/usr/bin/env python3
"""Runs the commands that documents show and compares what they print.

    transcript_test.py TOOLS_FOLDER DOCUMENT.md…            a test
    transcript_test.py --update TOOLS_FOLDER DOCUMENT.md…   writes what the commands print now into the documents

A fenced block of the language "console" holds commands after "$ " and below each what it prints, stdout and stderr as
they come; a command goes on after a backslash at the end of a line and inside of quotes. The commands of a document run one after another in a new folder that holds tests/models and a stand-in for
bazelw, which runs the tool that Bazel has built already. In the expected output "…" stands for any text within a line,
and a line of "…" alone for any number of lines. A command must succeed unless "# exits with N" is behind it.
"""
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile

BAZELW = """#!/bin/sh
[ "$1" = run ] || { echo "only 'run' here" >&2; exit 1; }
tool=${2#//tools:}
shift 3
exec "$tool" "$@"
"""
EXIT = re.compile(r"\s+# exits with (\d+)$")


def blocks(lines):
    """(first, last) of the lines inside each console block."""
    start = None
    for at, line in enumerate(lines):
        if start is None and line.strip() == "```console":
            start = at + 1
        elif start is not None and line.strip() == "```":
            yield start, at
            start = None


def open_quote(text):
    """True if a quotation is not closed at the end of the text."""
    try:
        shlex.split(text, comments=False)
    except ValueError:
        return True
    return False


def commands(lines, first, last):
    """(line of the command, text, first line of output, line behind it)."""
    at = first
    while at < last:
        if not lines[at].startswith("$ "):
            raise SystemExit("line %d: a console block must start with '$ '" % (at + 1))
        start, text = at, lines[at][2:]
        while text.endswith("\\") or (open_quote(text) and at + 1 < last):
            at += 1
            text = text[:-1] + lines[at].lstrip() if text.endswith("\\") else text + "\n" + lines[at]
        at += 1
        output = at
        while at < last and not lines[at].startswith("$ "):
            at += 1
        yield start, text, output, at


def matches(expected, actual):
    """True if the lines are equal, where "…" stands for anything."""
    if not expected:
        return not actual
    if expected[0].strip() == "…":
        return any(matches(expected[1:], actual[at:]) for at in range(len(actual) + 1))
    if not actual:
        return False
    pattern = ".*".join(re.escape(part) for part in expected[0].split("…"))
    return re.fullmatch(pattern, actual[0]) is not None and matches(expected[1:], actual[1:])


def run(text, folder, tools):
    match = EXIT.search(text)
    wanted = int(match.group(1)) if match else 0
    environment = dict(os.environ, PATH=tools + os.pathsep + os.environ["PATH"], HOME=folder, LC_ALL="C.UTF-8")
    environment.pop("BUILD_WORKING_DIRECTORY", None)
    done = subprocess.run(["bash", "-c", EXIT.sub("", text)], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    printed = done.stdout.decode(errors="replace").rstrip("\n")
    return done.returncode, wanted, printed.split("\n") if printed else []


def sandbox(folder, models):
    shutil.copytree(models, os.path.join(folder, "tests", "models"))
    path = os.path.join(folder, "bazelw")
    with open(path, "w") as file:
        file.write(BAZELW)
    os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)


def check(document, tools, models, update):
    """Number of commands whose output differs."""
    with open(document, encoding="utf-8") as file:
        lines = file.read().split("\n")
    wrong, count, replacements = 0, 0, []
    with tempfile.TemporaryDirectory() as folder:
        sandbox(folder, models)
        for first, last in blocks(lines):
            for at, text, output, end in commands(lines, first, last):
                count += 1
                code, wanted, printed = run(text, folder, tools)
                expected = lines[output:end]
                while expected and not expected[-1].strip():
                    expected.pop()
                if code == wanted and matches(expected, printed):
                    continue
                if update and code == wanted:
                    replacements.append((output, output + len(expected), printed))
                    continue
                wrong += 1
                print("%s:%d: $ %s" % (document, at + 1, text))
                if code != wanted:
                    print("  exited with %d, not %d" % (code, wanted))
                print("\n".join(["  expected:"] + ["    " + line for line in expected] +
                                ["  printed:"] + ["    " + line for line in printed]))
    if update:
        for start, end, printed in reversed(replacements):
            lines[start:end] = printed
        with open(document, "w", encoding="utf-8") as file:
            file.write("\n".join(lines))
    if not count and not wrong:
        print("%s: no command in it" % document)
        return 1
    print("%s: %d commands, %d wrong" % (document, count, wrong))
    return wrong


def main():
    arguments = sys.argv[1:]
    update = arguments[:1] == ["--update"]
    if update:
        arguments = arguments[1:]
    tools = os.path.abspath(arguments[0])
    models = os.path.abspath("tests/models")  # Bazel runs a test at the root of the tree; so must --update.
    return 1 if sum([check(document, tools, models, update) for document in arguments[1:]]) else 0


if __name__ == "__main__":
    sys.exit(main())
