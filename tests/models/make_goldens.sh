#!/usr/bin/env bash
# Makes the goldens of the models in this folder with TensorFlow's own freeze_graph and transform_graph:
#   make_goldens.sh PYTHON_OF_TENSORFLOW_1_15 FOLDER_OF_THE_ORACLE_SCRIPTS
set -euo pipefail
python=$1
oracle=$(realpath "$2")
cd "$(dirname "${BASH_SOURCE[0]}")/variants"
export TF_CPP_MIN_LOG_LEVEL=3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

freeze() {  # FOLDER OUTPUT_NODE FLAGS…
  (cd "$1" && "$python" "$oracle/freeze_oracle.py" --quiet --text "$scratch/frozen.pbtxt" -- --input_binary=true \
    --input_checkpoint=model.ckpt --output_node_names="$2" --output_graph="$scratch/frozen.pb" "${@:3}") 2>"$scratch/log" \
    || { cat "$scratch/log" >&2; exit 1; }
}

for model in resource partitioned partitioned_resource control_flow; do
  freeze "$model" out --input_meta_graph=model.ckpt.meta
  mv "$scratch/frozen.pbtxt" "$model/frozen.pbtxt"
done
freeze renamed out --input_graph=graph.pb --input_saver=saver.pb
mv "$scratch/frozen.pbtxt" renamed/frozen.pbtxt
freeze dtypes out --input_graph=graph.pb
mv "$scratch/frozen.pbtxt" dtypes/frozen.pbtxt

freeze ../digits probabilities --input_graph=graph.pb
mv "$scratch/frozen.pb" ../digits/frozen.pb
"$python" "$oracle/gtt_oracle.py" --in_graph=../digits/frozen.pb --out_graph=../digits/lean.pb \
  --inputs=image --outputs=probabilities \
  --transforms='remove_device strip_unused_nodes remove_nodes(op=Identity) sort_by_execution_order' 2>/dev/null
