#!/usr/bin/env bash
# Runs checkpoint_tool_bench.py on the tool that Bazel built; arguments are described there.
set -euo pipefail
exec python3 tests/bench/checkpoint_tool_bench.py --cryograph=tools/cryograph "$@"
