#!/usr/bin/env bash
# exports_test.sh LIBRARY HEADER: the library exports the functions that the header declares, and nothing else.
set -euo pipefail
exported=$(nm -D --defined-only "$1" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort)
declared=$(grep -oE '^(int|void|const char\*) cryograph_[a-z_]+\(' "$2" | grep -oE 'cryograph_[a-z_]+' | sort)
[[ -n $declared ]] || { echo "no functions found in $2" >&2; exit 1; }
diff <(echo "$declared") <(echo "$exported") || { echo 'declared (<) and exported (>) differ' >&2; exit 1; }
