#!/usr/bin/env python3
"""Counts test cases in what `bazel test --build_event_json_file=EVENTS` left.

    tools/dev/count_tests.py EVENTS...

Prints "PASSED FAILED SKIPPED". Each <testcase> of a test.xml is one case, so a skipped GoogleTest case counts as
skipped and not as passed. A target that could not be built, or that failed without saying where, is one failure.
"""

import json
import os
import sys
import urllib.parse
import xml.etree.ElementTree


def cases(path):
  """Cases of one test.xml: [passed, failed, skipped]."""
  counts = [0, 0, 0]
  try:
    root = xml.etree.ElementTree.parse(path).getroot()
  except (OSError, xml.etree.ElementTree.ParseError):
    return counts
  for case in root.iter("testcase"):
    if case.find("failure") is not None or case.find("error") is not None:
      counts[1] += 1
    elif case.find("skipped") is not None or case.get("status") == "notrun" or case.get("result") == "skipped":
      counts[2] += 1
    else:
      counts[0] += 1
  return counts


def count(events):
  """Cases of one run of bazel test."""
  total = [0, 0, 0]
  last_attempts = {}
  summaries = {}
  expected = set()
  for line in events:
    event = json.loads(line)
    name, content = next(iter(event.get("id", {}).items()), ("", {}))
    if name == "testResult":
      last_attempts[(content["label"], content.get("run"), content.get("shard"))] = event["testResult"]
    elif name == "testSummary":
      summaries[content["label"]] = event["testSummary"]["overallStatus"]
    elif name == "targetConfigured" and event.get("configured", {}).get("targetKind", "").endswith("_test rule"):
      expected.add(content["label"])
  failed_cases = {}
  for (label, _, _), result in last_attempts.items():
    paths = [urllib.parse.unquote(urllib.parse.urlparse(output.get("uri", "")).path)
             for output in result.get("testActionOutput", []) if output["name"] == "test.xml"]
    counts = cases(paths[0]) if paths else [0, 0, 0]
    if counts == [0, 0, 0] and result["status"] == "PASSED":
      counts = [1, 0, 0]
    failed_cases[label] = failed_cases.get(label, 0) + counts[1]
    total = [sum(pair) for pair in zip(total, counts)]
  for label in expected | set(summaries):
    if summaries.get(label, "FAILED_TO_BUILD") not in ("PASSED", "FLAKY") and not failed_cases.get(label):
      total[1] += 1
  return total


def main():
  total = [0, 0, 0]
  for path in sys.argv[1:]:
    # Bazel leaves no events if it did not even start.
    if os.path.exists(path):
      with open(path, encoding="utf-8") as events:
        total = [sum(pair) for pair in zip(total, count(events))]
  print(*total)


if __name__ == "__main__":
  main()
