#!/usr/bin/env bash
# Runs tools_bench.py on the tools that Bazel built; arguments are described there.
set -euo pipefail
exec python3 tests/bench/tools_bench.py --convert_graph=tools/convert_graph --freeze_graph=tools/freeze_graph \
  --transform_graph=tools/transform_graph "$@" \
  tools/freeze_graph tools/transform_graph tools/convert_graph tools/lint tools/cryograph
