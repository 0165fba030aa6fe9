#!/usr/bin/env python3
"""Lets TensorFlow load every SavedModel and MetaGraph that our tools write, run it, and train one step of what was thawed.

A tool for developers; runs with TensorFlow 1.15 and 2.x:

    eval "$(../shared/oracle/setup.sh)"
    "$TF1" tests/oracle/check_containers.py --cryograph=bazel-bin/tools/cryograph --data=../shared/data
    "$TF2" tests/oracle/check_containers.py --cryograph=bazel-bin/tools/cryograph --data=../shared/data

For each model of the corpus that is frozen, or that our freeze_graph freezes: the golden outputs must come out of
  saved_model   edit_model: the frozen graph as a SavedModel with a signature;
  meta          convert_graph: the frozen graph as a MetaGraphDef;
  thawed        thaw_graph --out_checkpoint, by import_meta_graph and Saver.restore, with both kinds of variables;
  thawed_dir    thaw_graph --out_saved_model, by the SavedModel loader;
  trained       one step of gradient descent on a sum of the outputs changes a variable of `thawed`;
and for each SavedModel of the corpus, signatures copied by edit_model run as the original does. With 2.x, --join=PROGRAM
(tests/oracle/join_chunks.cc) also holds what our chunked files join to against the unchunked model.
The exit status is 0 if all is well. --report=FILE writes a line for each check.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import logging
logging.getLogger("tensorflow").setLevel(logging.ERROR)
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
import numpy as np  # pylint: disable=g-import-not-at-top
import tensorflow as tf
tf = tf.compat.v1
tf.disable_v2_behavior()
tf.logging.set_verbosity(tf.logging.ERROR)
from tensorflow.python.training import saver as saver_lib  # noqa

ARGS = None
RESULTS = []


def tool(*words):
    run = subprocess.run([ARGS.cryograph] + list(words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    if run.returncode != 0:
        raise RuntimeError("%s: %s" % (" ".join(words[:1]), run.stderr.strip().split("\n")[-1][:300] + " | " + run.stderr.strip()[:300]))
    return run


def load(folder, tensor):
    path = os.path.join(folder, tensor["file"])
    if path.endswith(".json"):
        entry = json.load(open(path))[tensor["key"]]
        import base64
        return np.array([base64.b64decode(s) for s in entry["b64"]], dtype=object).reshape(entry["shape"])
    array = np.load(path)[tensor["key"]]
    if tensor.get("stored_as") == "uint16":
        array = array.view(tf.bfloat16.as_numpy_dtype)
    return array


def close(got, want, case, tensor):
    got, want = np.asarray(got), np.asarray(want)
    if want.dtype == object or want.dtype.kind in "SU":
        return got.shape == want.shape and (got.astype(bytes) == want.astype(bytes)).all()
    tolerances = case.get("tolerances") or {}
    atol = tensor.get("atol", tolerances.get("atol", 0))
    atol = float(atol) if not isinstance(atol, str) else float(tensor.get("atol", 1e-5))
    rtol = tolerances.get("rtol", 1e-5)
    got, want = got.astype(np.float64) if got.dtype.kind != "c" else got, want.astype(np.float64) if want.dtype.kind != "c" else want
    return got.shape == want.shape and np.allclose(got, want, rtol=rtol, atol=max(atol, 1e-6), equal_nan=True)


def run_goldens(session, folder, case):
    if case.get("init_nodes"):
        session.run([n for n in case["init_nodes"]])
    for run in case["runs"]:
        feeds = {t["name"]: load(folder, t) for t in run["inputs"]}
        got = session.run([t["name"] for t in run["outputs"]], feeds)
        for value, tensor in zip(got, run["outputs"]):
            if not close(value, load(folder, tensor), case, tensor):
                raise RuntimeError("%s differs in run %s" % (tensor["name"], run["run"]))


def check(name, what, function):
    try:
        note = function()
        RESULTS.append((name, what, "ok", note or ""))
    except Exception as error:  # pylint: disable=broad-except
        RESULTS.append((name, what, "FAILED", "%s: %s" % (type(error).__name__, str(error).strip().split("\n")[0][:400])))
    print("%-32s %-18s %s %s" % RESULTS[-1], flush=True)


def frozen_of(folder, case, scratch):
    """The frozen graph of a case, by our tool if it is not frozen; None if it cannot be."""
    files = case["files"]
    path = lambda name: os.path.join(folder, name)
    outputs = ",".join(case["freeze"]["output_node_names"]) if case.get("freeze") else None
    if case["kind"].startswith("frozen") or case["kind"] == "graphdef_pb":
        return path(files.get("graph") or files["graph_pbtxt"]) if files.get("graph") or files.get("graph_pbtxt") else None
    out = os.path.join(scratch, "frozen.pb")
    if not outputs or case.get("expect"):
        return None
    if files.get("meta") and files.get("checkpoint"):
        tool("freeze_graph", "--input_meta_graph=" + path(files["meta"]), "--input_checkpoint=" + path(files["checkpoint"]),
             "--output_graph=" + out, "--output_node_names=" + outputs)
    elif files.get("graph") and files.get("checkpoint"):
        tool("freeze_graph", "--input_graph=" + path(files["graph"]), "--input_checkpoint=" + path(files["checkpoint"]),
             "--output_graph=" + out, "--output_node_names=" + outputs)
    else:
        return None
    return out


def signature_of(case):
    inputs = ",".join("i%d=%s" % (i, t["name"]) for i, t in enumerate(case["runs"][0]["inputs"]))
    outputs = ",".join("o%d=%s" % (i, t["name"]) for i, t in enumerate(case["runs"][0]["outputs"]))
    return "serving_default(%s -> %s)" % (inputs, outputs)


def check_frozen(name, folder, case, scratch):
    try:
        frozen = frozen_of(folder, case, scratch)
    except RuntimeError as error:
        print("%-32s skipped: freeze_graph refuses: %s" % (name, str(error)[:100]))
        RESULTS.append((name, "frozen", "skipped", str(error)[:100].replace("\n", " ")))
        return
    if frozen is None:
        return
    out = lambda part: os.path.join(scratch, part)

    def importable():
        with tf.Graph().as_default(), tf.Session() as session:
            graph = tf.GraphDef()
            data = open(frozen, "rb").read()
            if frozen.endswith("txt"):
                from google.protobuf import text_format
                text_format.Merge(data.decode(), graph)
            else:
                graph.ParseFromString(data)
            tf.import_graph_def(graph, name="")
            run_goldens(session, folder, case)
    try:
        importable()
    except Exception as error:  # pylint: disable=broad-except
        print("%-32s skipped: this TensorFlow does not run the frozen graph itself: %s" % (name, str(error).split("\n")[0][:120]))
        RESULTS.append((name, "frozen", "skipped", str(error).split("\n")[0][:120]))
        return

    def saved_model():
        tool("edit_model", "--in_graph=" + frozen, "--out_graph=" + out("sm"), "--set_signature=" + signature_of(case))
        with tf.Graph().as_default(), tf.Session() as session:
            meta = tf.saved_model.loader.load(session, ["serve"], out("sm"))
            signature = meta.signature_def["serving_default"]
            for i, tensor in enumerate(case["runs"][0]["inputs"]):
                assert signature.inputs["i%d" % i].name == tensor["name"], signature
            run_goldens(session, folder, case)
    check(name, "saved_model", saved_model)

    def meta():
        tool("convert_graph", frozen, out("frozen.meta"))
        with tf.Graph().as_default(), tf.Session() as session:
            saver_lib.import_meta_graph(out("frozen.meta"))
            run_goldens(session, folder, case)
    check(name, "meta", meta)

    for kind in ("ref", "resource"):
        prefix = os.path.join(scratch, kind, "model.ckpt")
        try:
            tool("thaw_graph", "--in_graph=" + frozen, "--out_checkpoint=" + prefix, "--variables=" + kind, "--min_bytes=64")
        except RuntimeError as error:
            if "no constant of" not in str(error):
                check(name, "thawed " + kind, lambda: (_ for _ in ()).throw(error))
            continue

        def thawed():
            with tf.Graph().as_default() as graph, tf.Session() as session:
                saver = tf.train.import_meta_graph(prefix + ".meta")
                session.run(tf.global_variables_initializer())
                saver.restore(session, prefix)
                run_goldens(session, folder, case)
                # And what TensorFlow saves again restores.
                again = saver.save(session, prefix + "-again")
                session.run(tf.global_variables_initializer())
                saver.restore(session, again)
                run_goldens(session, folder, case)
                return "%d variables" % len(tf.global_variables())
        check(name, "thawed " + kind, thawed)

        def trained():
            with tf.Graph().as_default(), tf.Session() as session:
                saver = tf.train.import_meta_graph(prefix + ".meta")
                graph = tf.get_default_graph()
                run = case["runs"][0]
                losses = []
                for tensor in run["outputs"]:
                    value = graph.get_tensor_by_name(tensor["name"])
                    if value.dtype.is_floating:
                        losses.append(tf.reduce_sum(tf.square(tf.cast(value, tf.float32) + 1)))
                if not losses:
                    return "no floating output"
                loss = tf.add_n(losses)
                variables = tf.trainable_variables()
                try:
                    gradients = tf.gradients(loss, variables)
                except LookupError as error:
                    return "an op has no gradient: %s" % str(error).split("\n")[0][:80]
                except AttributeError as error:
                    # TensorFlow 1 loops need their WhileContext, which a frozen GraphDef does not carry.
                    if "outer_context" in str(error) and any(op.type == "Enter" for op in graph.get_operations()):
                        return "loops have no gradient without their WhileContext"
                    raise
                pairs = [(g, v) for g, v in zip(gradients, variables) if g is not None]
                if not pairs:
                    return "no variable has a gradient"
                step = tf.train.GradientDescentOptimizer(1e-3).apply_gradients(pairs)
                saver.restore(session, prefix)
                feeds = {t["name"]: load(folder, t) for t in run["inputs"]}
                before = session.run([v for _, v in pairs])
                try:
                    session.run(step, feeds)
                except tf.errors.InvalidArgumentError as error:
                    if "do not yet support" in str(error):
                        return "this TensorFlow has no kernel for a gradient"
                    raise
                after = session.run([v for _, v in pairs])
                changed = sum(1 for a, b in zip(before, after) if not np.array_equal(a, b))
                if changed == 0:
                    raise RuntimeError("no variable changed")
                return "%d of %d variables changed" % (changed, len(variables))
        check(name, "trained " + kind, trained)

        def thawed_dir():
            tool("thaw_graph", "--in_graph=" + frozen, "--out_saved_model=" + out("tsm_" + kind), "--variables=" + kind,
                 "--min_bytes=64", "--inputs=" + ",".join(t["name"] for t in case["runs"][0]["inputs"]),
                 "--outputs=" + ",".join(t["name"] for t in case["runs"][0]["outputs"]))
            with tf.Graph().as_default(), tf.Session() as session:
                tf.saved_model.loader.load(session, ["serve"], out("tsm_" + kind))
                run_goldens(session, folder, case)
        check(name, "thawed_dir " + kind, thawed_dir)


def check_edited(name, folder, case, scratch):
    source = os.path.join(folder, case["files"]["saved_model"])
    target = os.path.join(scratch, "edited")
    run = case["runs"][0]
    signature, tags = run.get("signature"), run.get("tags", ["serve"])
    if not signature or case.get("expect"):
        return

    try:
        with tf.Graph().as_default(), tf.Session() as session:
            meta = tf.saved_model.loader.load(session, tags, source).signature_def[signature]
            session.run([meta.outputs[t["alias"]].name for t in run["outputs"]],
                        {meta.inputs[t["alias"]].name: load(folder, t) for t in run["inputs"]})
    except Exception as error:  # pylint: disable=broad-except
        print("%-32s skipped: this TensorFlow does not load the SavedModel itself: %s" % (name, str(error).split("\n")[0][:80]))
        RESULTS.append((name, "saved_model", "skipped", str(error).split("\n")[0][:80]))
        return

    def edited():
        tool("edit_model", "--in_graph=" + source, "--out_graph=" + target, "--tag_set=" + ",".join(tags),
             "--copy_signature=%s=copied" % signature, "--add_tags=edited")
        with tf.Graph().as_default(), tf.Session() as session:
            meta = tf.saved_model.loader.load(session, tags + ["edited"], target)
            copy = meta.signature_def["copied"]
            feeds = {copy.inputs[t["alias"]].name: load(folder, t) for t in run["inputs"]}
            got = session.run([copy.outputs[t["alias"]].name for t in run["outputs"]], feeds)
            for value, tensor in zip(got, run["outputs"]):
                if not close(value, load(folder, tensor), case, tensor):
                    raise RuntimeError("%s differs" % tensor["alias"])
    check(name, "edited", edited)
    if ARGS.join:
        def chunked():
            chunks = os.path.join(scratch, "chunked")
            tool("convert_graph", "--in_graph=" + source, "--saved_model_tags=" + ",".join(tags), "--out_graph=" + chunks,
                 "--output_format=saved_model_chunked")
            joined = os.path.join(scratch, "joined.pb")
            subprocess.run([ARGS.join, os.path.join(chunks, "saved_model"), joined], check=True)
            from tensorflow.core.protobuf import saved_model_pb2
            theirs, original = saved_model_pb2.SavedModel(), saved_model_pb2.SavedModel()
            theirs.ParseFromString(open(joined, "rb").read())
            original.ParseFromString(open(os.path.join(source, "saved_model.pb"), "rb").read())
            for meta in original.meta_graphs:
                if set(meta.meta_info_def.tags) == set(tags):
                    # Whether an empty library is present says nothing.
                    joined_graph, graph = theirs.meta_graphs[i].graph_def, meta.graph_def
                    if (list(joined_graph.node) != list(graph.node) or joined_graph.versions != graph.versions or
                            list(joined_graph.library.function) != list(graph.library.function)):
                        raise RuntimeError("TensorFlow joins our chunks to another graph")
                    return "%d bytes" % os.path.getsize(os.path.join(chunks, "saved_model.cpb"))
        check(name, "chunked", chunked)


def main():
    global ARGS
    parser = argparse.ArgumentParser()
    parser.add_argument("--cryograph", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--join", default="")
    parser.add_argument("--report", default="")
    parser.add_argument("--only", default="", help="names of models, separated by commas")
    parser.add_argument("--max_bytes", type=int, default=30000000)
    ARGS = parser.parse_args()
    ARGS.cryograph = os.path.abspath(ARGS.cryograph)
    models = os.path.join(ARGS.data, "models")
    for name in sorted(os.listdir(models)):
        folder = os.path.join(models, name)
        if not os.path.exists(os.path.join(folder, "case.json")) or (ARGS.only and name not in ARGS.only.split(",")):
            continue
        case = json.load(open(os.path.join(folder, "case.json")))
        if not case.get("runs"):
            continue
        scratch = tempfile.mkdtemp()
        try:
            if case.get("files", {}).get("saved_model"):
                check_edited(name, folder, case, scratch)
            check_frozen(name, folder, case, scratch)
        except Exception as error:  # pylint: disable=broad-except
            RESULTS.append((name, "case", "FAILED", str(error)[:300]))
            print("%-32s %-18s %s %s" % RESULTS[-1], flush=True)
        shutil.rmtree(scratch)
    if ARGS.report:
        with open(ARGS.report, "w") as report:
            report.write("TensorFlow %s\n" % tf.VERSION)
            for line in RESULTS:
                report.write("%-32s %-18s %-8s %s\n" % line)
    failed = [line for line in RESULTS if line[2] == "FAILED"]
    print("%d checks, %d failed" % (len(RESULTS), len(failed)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
