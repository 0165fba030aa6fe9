#!/bin/sh
# Runs transcript_test.py on the documents given, with the tools that Bazel built.
exec python3 tests/end_to_end/transcript_test.py tools "$@"
