#!/usr/bin/env bash
# Writes tests/tools/testdata/saved_model_run: what `saved_model_cli run` of TensorFlow 1.15 and 2.21 prints for
# its model. TF1 and TF2 name interpreters.
#   TF1=… TF2=… tests/oracle/make_saved_model_run_goldens.sh
set -euo pipefail
folder=$(cd "$(dirname "$0")/../tools/testdata/saved_model_run" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$folder/model" "$work/model"
mkdir -p "$folder/arrays"
cd "$folder/arrays"
"$TF1" - <<'PYTHON'
import numpy as np
np.save("x.npy", np.arange(1100, dtype=np.float64).reshape(-1, 2) / 7)
np.savez("two.npz", a=np.array([[1, 2]], np.float32), b=np.array([[3, 4], [5, 6]], np.float32))
np.savez_compressed("one.npz", a=np.array([[1e-5, 2], [1234567, 3]], np.float32))
PYTHON
cp ./*.np? "$work"
cd "$work"

run() {
  local python=$1
  shift
  "$python" -c 'from tensorflow.python.tools import saved_model_cli; saved_model_cli.main()' run --dir model \
    --tag_set serve --signature_def serving_default "$@" 2>/dev/null
}

for version in tf15 tf221; do
  python=$TF1
  [[ $version == tf15 ]] || python=$TF2
  rm -rf o
  run "$python" --input_exprs 'x=[[1.0,2.5],[-3,4]];times=6' --input_examples 'examples=[{"id":[26,-1]},{"w":[0.5,2]}]' \
    --outdir o >"$folder/literals.$version.txt"
  run "$python" --inputs 'x=one.npz;' --input_exprs 'examples=["a","b\x00"];times=-2' >"$folder/npz.$version.txt"
  run "$python" --inputs 'x=x.npy' --input_exprs 'examples=[];times=3' >"$folder/summary.$version.txt"
done
