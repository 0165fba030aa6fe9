#!/usr/bin/env bash
# bazelw run //tests/bench:nets -- ARGS: see nets_bench.py.
set -euo pipefail
exec python3 tests/bench/nets_bench.py --ours=tests/bench/net_latency "$@"
