#!/usr/bin/env python3
"""Freezes models of the shared corpus with ours and lets TensorFlow run the results on the golden inputs.

A tool for developers; needs TensorFlow 1.15 (2.21 for models that 1.15 cannot load) and the shared data:

    eval "$(../shared/oracle/setup.sh)"
    "$TF1" tests/oracle/run_frozen_models.py --data=../shared/data --freeze_graph=bazel-bin/tools/freeze_graph

A model is frozen as it is; with its mode placeholders set (--set), and then fed without them; with its tables baked and
with what fills them kept, which is then run first. Every output must be as case.json says, within its tolerances. The
exit status is 0 if all are. What was seen last is in recorded/run_frozen_models.txt.
"""
import argparse
import base64
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np  # pylint: disable=g-import-not-at-top
import tensorflow as tf
tf = tf.compat.v1
tf.disable_v2_behavior()

# Further ways to freeze a model, beside "as it is": flags, and inputs that are then not there to be fed.
VARIANTS = {
    "t1_while_cond_bn": [("set", ["--set=is_training=false"], ["is_training:0"])],
    "t1_hashtable_v1_pb": [("bake", ["--tables=bake"], [])],
    "t1_sm_lookup_assets": [("bake", ["--tables=bake"], [])],
    "t2_lookup_text": [("bake", ["--tables=bake"], [])],
    "t2_textvectorization": [("bake", ["--tables=bake"], [])],
}


def ways(folder, case):
    files = case["files"]
    path = lambda key: os.path.join(folder, files[key])
    if "saved_model" in files:
        freeze = case.get("freeze") or {}
        yield "saved_model", ["--input_saved_model_dir=" + path("saved_model"),
                              "--saved_model_tags=" + freeze.get("tags", "serve")]
        return
    checkpoint = None
    for key in ("checkpoint_pattern", "checkpoint"):
        if key in files and checkpoint is None:
            checkpoint = path(key)
    if checkpoint is None:
        if "graph" in files:
            yield "graph", ["--input_graph=" + path("graph"), "--allow_frozen"]
        return
    if "graph" in files:
        yield "graph", ["--input_graph=" + path("graph"), "--input_checkpoint=" + checkpoint]
    if "meta" in files:
        yield "meta", ["--input_meta_graph=" + path("meta"), "--input_checkpoint=" + checkpoint]


def value(folder, tensor):
    path = os.path.join(folder, tensor["file"])
    if path.endswith(".json"):
        with open(path) as f:
            entry = json.load(f)[tensor["key"]]
        flat = [base64.b64decode(text) for text in entry["b64"]]
        return np.array(flat, dtype=object).reshape(entry["shape"])
    array = np.load(path)[tensor["key"]]
    if tensor.get("stored_as") == "uint16":
        array = array.view(tf.bfloat16.as_numpy_dtype)
    return array


def same(got, want, case, tensor):
    if want.dtype == object:
        return np.array_equal(np.asarray(got, dtype=object), want)
    tolerances = case.get("tolerances") or {}
    atol = tensor.get("atol", tolerances.get("atol", 0))
    atol = 0 if isinstance(atol, str) else atol
    if want.dtype.kind in "biu" and atol < 1:
        return np.array_equal(got, want)
    return np.allclose(np.asarray(got, np.float64) if want.dtype.kind == "f" else got, want, equal_nan=True,
                       rtol=tolerances.get("rtol", 1e-5), atol=atol)


def run_model(path, folder, case, unfed, init):
    graph_def = tf.GraphDef()
    with open(path, "rb") as f:
        graph_def.ParseFromString(f.read())
    for node in graph_def.node:  # Python, and nothing else that runs graphs, holds a feed against this shape.
        if node.op == "PlaceholderWithDefault" and "shape" in node.attr:
            node.attr["shape"].shape.Clear()
            node.attr["shape"].shape.unknown_rank = True
            node.attr.pop("_output_shapes", None)
    problems = []
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(graph_def, name="")
    names = set(op.name for op in graph.get_operations())
    with tf.Session(graph=graph) as session:
        if init:
            session.run(init)
        tags = (case.get("freeze") or {}).get("tags", "serve").split(",")
        for run in case["runs"]:
            if sorted(run.get("tags", tags)) != sorted(tags):
                continue  # Another MetaGraph of the SavedModel.
            feed = {t["name"]: value(folder, t) for t in run["inputs"] if t["name"] not in unfed}
            outputs = [t for t in run["outputs"] if t["name"].split(":")[0] in names]
            feed = {name: v for name, v in feed.items() if name.split(":")[0] in names}
            got = session.run([t["name"] for t in outputs], feed)
            for tensor, result in zip(outputs, got):
                if not same(result, value(folder, tensor), case, tensor):
                    problems.append("%s of run %s differs" % (tensor["name"], run["run"]))
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--freeze_graph", required=True)
    parser.add_argument("--models", default="^t1_", help="a regular expression; only these")
    args = parser.parse_args()
    good = bad = refused = 0
    for case_path in sorted(glob.glob(os.path.join(args.data, "models", "*", "case.json"))):
        folder = os.path.dirname(case_path)
        model = os.path.basename(folder)
        if not re.search(args.models, model) or model.startswith("t1_bad_"):
            continue
        with open(case_path) as f:
            case = json.load(f)
        if not case.get("runs"):
            continue
        names = (case.get("freeze") or {}).get("output_node_names")
        if not names:
            names = sorted(set(t["name"].split(":")[0] for run in case["runs"] for t in run["outputs"]))
        for way, flags in ways(folder, case):
            for variant, more, unfed in [("as it is", [], [])] + VARIANTS.get(model, []):
                label = "%s, %s, %s" % (model, way, variant)
                frozen = os.path.join(tempfile.mkdtemp(), "frozen.pb")
                command = [args.freeze_graph, "--output_node_names=" + ",".join(names), "--output_graph=" + frozen,
                           "--json"] + flags + more
                done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                if done.returncode != 0:
                    refused += 1
                    said = done.stderr.decode().replace(folder + "/", "")
                    print("refused  %s: %s" % (label, said.split("error: ")[-1].splitlines()[0][:200]))
                    continue
                init = json.loads(done.stdout.decode())["init_node"]
                try:
                    problems = run_model(frozen, folder, case, unfed, init)
                except Exception as error:  # pylint: disable=broad-except
                    problems = [str(error).splitlines()[0][:200]]
                    if "only supports NHWC" in problems[0]:
                        print("skipped  %s: %s" % (label, problems[0]))
                        continue
                if problems:
                    bad += 1
                    print("BAD      %s: %s" % (label, "; ".join(problems)))
                else:
                    good += 1
                    print("good     %s" % label)
    print("%d good, %d refused, %d bad, with TensorFlow %s" % (good, refused, bad, tf.__version__))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
