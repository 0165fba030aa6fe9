#!/usr/bin/env python3
"""Freezes every model of the shared corpus that has functions, in every form, and has the real TensorFlow run it.

A tool for developers: it needs TensorFlow 2.21 (and 1.15, if TF1 names an interpreter that has it) and the shared data
folder, and is no part of the test suite.

    eval "$(../shared/oracle/setup.sh)"
    ./bazelw build //tools:cryograph
    "$TF2" tests/oracle/check_freeze_functions.py --data=../shared/data --cryograph=bazel-bin/tools/cryograph

For each model, each of its signatures and each form (lower, inline, keep):

  golden   our frozen graph, run by TensorFlow 2.21 without graph rewriting, gives the golden outputs;
  tf1      the same in 1.15, where 1.15 loads the graph;
  equal    for SavedModels: the real convert_variables_to_constants_v2 (control flow lowered, or not) of the same
           signature gives, on the same feeds, the same outputs bit for bit, and every constant that it made of a
           variable is in ours, bit for bit.

A line per check; --json writes them all to a file. The exit status is 0 if all hold that can be tried.
"""
import argparse
import collections
import hashlib
import json
import os
import subprocess
import sys
import tempfile

import numpy as np


def load_tensor(folder, entry):
    path = os.path.join(folder, entry["file"])
    if path.endswith(".json"):
        import base64
        with open(path) as file:
            stored = json.load(file)[entry["key"]]
        values = [base64.b64decode(v) for v in stored["b64"]]
        return np.array(values, dtype=object).reshape(stored["shape"])
    value = np.load(path)[entry["key"]]
    if entry.get("stored_as") == "uint16":
        import ml_dtypes
        value = value.view(ml_dtypes.bfloat16)
    return value


def mismatch(got, want, rtol, atol):
    """Empty if `got` is `want` within the tolerance."""
    if got.shape != want.shape:
        return "shape %s instead of %s" % (got.shape, want.shape)
    if want.dtype == object or want.dtype.kind in "SUb" or (want.dtype.kind in "iu" and atol < 1):
        return "" if np.array_equal(got, want) else "differs"
    wide = np.complex128 if want.dtype.kind == "c" else np.float64
    got, want = got.astype(wide), want.astype(wide)
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    near = np.zeros(same.shape, bool)
    finite = np.isfinite(got) & np.isfinite(want)
    near[finite] = np.abs(got[finite] - want[finite]) <= atol + rtol * np.abs(want[finite])
    if np.all(same | near):
        return ""
    return "off by %g" % np.max(np.abs(got[finite] - want[finite])) if finite.any() else "differs"


def run_frozen(path, folder, runs, outputs_file, tolerances):
    """Loads and runs a frozen graph in the TensorFlow of this interpreter; prints a JSON list of results."""
    import tensorflow as tf
    tf1 = tf.compat.v1
    graph_def = tf1.GraphDef()
    with open(path, "rb") as file:
        graph_def.ParseFromString(file.read())
    for node in graph_def.node:
        if node.op == "Placeholder":  # A signature takes other shapes than its placeholders say; a session does not.
            node.attr.pop("shape", None)
    graph = tf.Graph()
    with graph.as_default():
        tf1.import_graph_def(graph_def, name="")
    config = tf1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    config.graph_options.optimizer_options.opt_level = -1
    results, saved = [], {}
    init = [node.name for node in graph_def.node if node.op in
            ("InitializeTableV2", "InitializeTableFromTextFileV2", "LookupTableImportV2")]
    for run in runs:
        with tf1.Session(graph=graph, config=config) as session:
            for name in init:
                session.run(graph.get_operation_by_name(name))
            feeds = {}
            for entry in run["inputs"]:
                try:
                    graph.get_tensor_by_name(entry["name"])
                except KeyError:
                    continue  # An input that the outputs do not need.
                feeds[entry["name"]] = load_tensor(folder, entry)
            got = session.run([entry["name"] for entry in run["outputs"]], feeds)
        for entry, value in zip(run["outputs"], got):
            want = load_tensor(folder, entry)
            value = np.asarray(value)
            rtol = tolerances.get("rtol") or 0
            atol = entry.get("atol", tolerances.get("atol"))
            if not isinstance(atol, (int, float)):
                atol = 0
            why = mismatch(value, want, rtol if isinstance(rtol, (int, float)) else 0, atol)
            saved["%s/%s" % (run["run"], entry.get("alias") or entry["name"])] = value
            if why:
                results.append("%s %s: %s" % (run["run"], entry["name"], why))
    if outputs_file:
        np.savez(outputs_file, **{key.replace("/", "|"): value for key, value in saved.items()})
    print("RESULT " + json.dumps(results))


def constants(graph_def):
    """Counts the constants of a graph and its functions by type, shape and bytes."""
    from tensorflow.python.framework import tensor_util
    counted = collections.Counter()
    nodes = list(graph_def.node)
    for function in graph_def.library.function:
        nodes.extend(function.node_def)
    for node in nodes:
        if node.op != "Const":
            continue
        proto = node.attr["value"].tensor
        array = tensor_util.MakeNdarray(proto)
        data = repr(array.tolist()).encode() if array.dtype == object else np.ascontiguousarray(array).tobytes()
        counted[(proto.dtype, array.shape, hashlib.sha1(data).hexdigest())] += 1
    return counted


def convert(saved_model, tags, signature, lower):
    """The real conversion; the model holds the variables alive."""
    import tensorflow as tf
    from tensorflow.python.framework import convert_to_constants
    model = tf.saved_model.load(saved_model, tags=tags)
    function = model.signatures[signature]
    frozen = convert_to_constants.convert_variables_to_constants_v2(function, lower_control_flow=lower)
    return model, function, frozen


def check_equal(saved_model, folder, tags, signature, lower, ours, ours_npz, runs):
    import tensorflow as tf
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    model, function, frozen = convert(saved_model, tags, signature, lower)
    real = frozen.graph.as_graph_def()
    ours_def = tf.compat.v1.GraphDef()
    with open(ours, "rb") as file:
        ours_def.ParseFromString(file.read())
    problems = []
    # Constants that the conversion made: named as captures, so told by the variables' values.
    have = constants(ours_def)
    captured = set()
    for variable in function.variables:
        if not any(variable.handle is c for c in function.graph.external_captures):
            continue
        array = variable.numpy()
        captured.add((variable.dtype.as_datatype_enum, array.shape,
                      hashlib.sha1(np.ascontiguousarray(array).tobytes()).hexdigest()))
    theirs = constants(real)
    for key in captured:
        if key in theirs and key not in have:
            problems.append("the constant %s %s of the real conversion is not in ours" % key[:2])
    got = np.load(ours_npz, allow_pickle=True)
    config = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    config.graph_options.optimizer_options.opt_level = -1
    names = [tensor.name for tensor in frozen.outputs]
    keys = sorted(function.structured_outputs)
    stripped = tf.compat.v1.GraphDef.FromString(real.SerializeToString())
    for node in stripped.node:
        if node.op == "Placeholder":
            node.attr.pop("shape", None)
    with tf.Graph().as_default() as graph:
        tf.compat.v1.import_graph_def(stripped, name="")
        for run in runs:
            with tf.compat.v1.Session(graph=graph, config=config) as session:
                feeds = {}
                for entry in run["inputs"]:
                    feeds[entry["alias"] + ":0"] = load_tensor(folder, entry)
                feeds = {k: v for k, v in feeds.items() if k in [t.name for t in frozen.inputs]}
                values = session.run(names, feeds)
            for key, value in zip(keys, values):
                mine = got["%s|%s" % (run["run"], key)]
                value = np.asarray(value)
                same = np.array_equal(mine, value) if value.dtype == object else (
                    mine.shape == value.shape and mine.tobytes() == value.tobytes())
                if not same:
                    problems.append("%s %s is not that of the real conversion bit for bit" % (run["run"], key))
    ops = collections.Counter(node.op for node in real.node)
    mine = collections.Counter(node.op for node in ours_def.node)
    print("RESULT " + json.dumps(problems))
    print("OPS " + json.dumps({"real": len(real.node), "ours": len(ours_def.node),
                               "only_real": sorted((ops - mine).items()), "only_ours": sorted((mine - ops).items())}))


def child(interpreter, arguments):
    """Runs this script for one check; a list of problems, or a text that says why there is no result."""
    done = subprocess.run([interpreter, os.path.abspath(__file__)] + arguments, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3"))
    out = done.stdout.decode()
    ops = [line[4:] for line in out.splitlines() if line.startswith("OPS ")]
    for line in out.splitlines():
        if line.startswith("RESULT "):
            return json.loads(line[7:]), (json.loads(ops[0]) if ops else None)
    lines = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    return (lines[-1] if lines else "no output")[:300], None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data")
    parser.add_argument("--cryograph")
    parser.add_argument("--models", default="", help="comma-separated; all if empty")
    parser.add_argument("--forms", default="lower,inline,keep")
    parser.add_argument("--json")
    parser.add_argument("--child", nargs="*")
    args = parser.parse_args()
    if args.child:
        spec = json.loads(args.child[1])
        if args.child[0] == "run":
            run_frozen(spec["graph"], spec["folder"], spec["runs"], spec["npz"], spec["tolerances"])
        else:
            check_equal(spec["saved_model"], spec["folder"], spec["tags"], spec["signature"], spec["lower"],
                        spec["graph"], spec["npz"], spec["runs"])
        return 0

    records, failed = [], 0

    def record(model, signature, form, check, result, extra=None):
        nonlocal failed
        ok = result == []
        failed += 0 if ok or check == "tf1" and isinstance(result, str) else 1
        records.append({"model": model, "signature": signature, "form": form, "check": check, "result": result,
                        "ops": extra})
        text = "ok" if ok else ("; ".join(result) if isinstance(result, list) else result)
        print("%-26s %-16s %-7s %-7s %s" % (model, signature, form, check, text), flush=True)

    root = os.path.join(args.data, "models")
    wanted = args.models.split(",") if args.models else sorted(os.listdir(root))
    for name in wanted:
        folder = os.path.join(root, name)
        if not os.path.exists(os.path.join(folder, "case.json")):
            continue
        with open(os.path.join(folder, "case.json")) as file:
            case = json.load(file)
        files, groups = case["files"], collections.OrderedDict()
        for run in case.get("runs") or []:
            groups.setdefault((run.get("signature") or "", ",".join(run.get("tags") or ["serve"])), []).append(run)
        is_tf2 = case["kind"] == "saved_model_tf2"
        if not is_tf2 and name not in ("t1_control_flow_v2", "t1_function_library"):
            continue
        for (signature, tags), runs in groups.items():
            for form in args.forms.split(","):
                with tempfile.TemporaryDirectory() as temp:
                    graph, npz = os.path.join(temp, "frozen.pb"), os.path.join(temp, "out.npz")
                    flags = ["--output_graph=" + graph, "--functions=" + form, "--compat=2.21"]
                    if is_tf2:
                        flags += ["--input_saved_model_dir=" + os.path.join(folder, files["saved_model"]),
                                  "--saved_model_tags=" + tags, "--signature=" + signature]
                    else:
                        flags += ["--input_graph=" + os.path.join(folder, files["graph"]), "--input_binary",
                                  "--input_checkpoint=" + os.path.join(folder, files["checkpoint"]),
                                  "--output_node_names=" + ",".join(case["freeze"]["output_node_names"])]
                    done = subprocess.run([args.cryograph, "freeze_graph"] + flags, stderr=subprocess.PIPE)
                    if done.returncode != 0:
                        record(name, signature, form, "freeze", done.stderr.decode().strip().splitlines()[0][:200])
                        continue
                    spec = {"graph": graph, "folder": folder, "runs": runs, "npz": npz,
                            "tolerances": case.get("tolerances") or {}}
                    result, _ = child(sys.executable, ["--child", "run", json.dumps(spec)])
                    record(name, signature, form, "golden", result)
                    if os.environ.get("TF1") and form == "lower":
                        spec_1 = dict(spec, npz="")
                        result, _ = child(os.environ["TF1"], ["--child", "run", json.dumps(spec_1)])
                        record(name, signature, form, "tf1", result)
                    if is_tf2 and os.path.exists(npz) and form != "keep":
                        spec.update(saved_model=os.path.join(folder, files["saved_model"]), signature=signature,
                                    tags=tags.split(","), lower=form == "lower")
                        result, ops = child(sys.executable, ["--child", "equal", json.dumps(spec)])
                        record(name, signature, form, "equal", result, ops)
    if args.json:
        with open(args.json, "w") as file:
            json.dump(records, file, indent=1)
    print("%d checks, %d failed" % (len(records), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
