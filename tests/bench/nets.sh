#!/usr/bin/env bash
# bazelw run //tests/bench:nets -- ARGS: see nets_bench.py.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
exec python3 nets_bench.py --ours="$PWD/net_latency" "$@"
