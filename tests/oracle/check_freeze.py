#!/usr/bin/env python3
"""Freezes every model of the shared corpus with TensorFlow's freeze_graph and with ours, and compares the graphs.

A tool for developers: it needs TensorFlow 1.15 and the shared data and oracle folders, and is no part of the test suite.

    eval "$(../shared/oracle/setup.sh)"
    ./bazelw build //tools:freeze_graph
    "$TF1" tests/oracle/check_freeze.py --data=../shared/data --oracle=../shared/oracle \\
        --freeze_graph=bazel-bin/tools/freeze_graph --cache=/tmp/freeze_cache

Each model is frozen in every way that its files allow (GraphDef, GraphDef with saver, MetaGraph, SavedModel). Compared
are the node order, ops, inputs (x and x:0 are the same), devices, all attributes, and constants bit for bit. Allowed
differences, all documented:

  * an attribute that equals the op's default may be absent in ours (TensorFlow adds them when it imports);
  * control inputs that TensorFlow 1.15 loses on ReadVariableOp and ResourceGather may be there in ours;
  * versions: 1.15 drops them, ours keeps those of the input;
  * functions that nothing leads to are gone in ours (compared with --keep_functions they must be equal).

Where TensorFlow refuses, ours must refuse or do better; where ours refuses, the reason is printed. TensorFlow's results
are kept in --cache, which makes the second run quick. The exit status is 0 if there is no unexplained difference.
"""
import argparse
import collections
import glob
import hashlib
import json
import os
import re
import subprocess
import sys

# Models that ours refuses by intention, with the flags under which it freezes them as TensorFlow does. A model whose
# TensorFlow result cannot be loaded is compared by its refusal alone.
REFUSED = {
    "t1_pyfunc_error": ("CG138", ["--allow_py_func"]),
    "t1_input_pipeline": ("CG137", ["--allow_input_pipeline"]),
    "t1_contrib_quantize_train": ("CG132", None),
}


def ways(folder, case):
    """Name and flags of every way in which the files of a case can be frozen."""
    files = case["files"]
    outputs = (case.get("freeze") or {}).get("output_node_names")
    if not outputs:
        return
    common = ["--output_node_names=" + ",".join(outputs)]
    path = lambda key: os.path.join(folder, files[key])
    checkpoint = None
    if "checkpoint_pattern" in files:
        checkpoint = path("checkpoint_pattern")
    elif "checkpoint" in files:
        checkpoint = path("checkpoint")
    if "saved_model" in files:
        tags = case["freeze"].get("tags", "serve")
        yield "saved_model", common + ["--input_saved_model_dir=" + path("saved_model"), "--saved_model_tags=" + tags]
    if checkpoint is None:
        if "graph" in files and "saved_model" not in files:
            binary = str(not files["graph"].endswith("txt")).lower()
            yield "graph", common + ["--input_graph=" + path("graph"), "--input_binary=" + binary]
        return
    common.append("--input_checkpoint=" + checkpoint)
    for key in ("graph", "graph_pbtxt"):
        if key in files:
            binary = str(not files[key].endswith("txt")).lower()
            yield key, common + ["--input_graph=" + path(key), "--input_binary=" + binary]
    if "saver" in files and "graph" in files:
        yield "saver", common + ["--input_graph=" + path("graph"), "--input_saver=" + path("saver"),
                                 "--input_binary=true"]
    if "meta" in files:
        yield "meta", common + ["--input_meta_graph=" + path("meta"), "--input_binary=true"]


def run(command, cwd=None):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd)
    return done.returncode, done.stderr.decode("utf-8", "replace")


def oracle(args, flags):
    """TensorFlow's report and output file, from the cache if they are there."""
    key = hashlib.sha256("\0".join(flags).encode()).hexdigest()[:24]
    report = os.path.join(args.cache, key + ".json")
    graph = os.path.join(args.cache, key + ".pb")
    if not os.path.exists(report):
        run([sys.executable, os.path.join(args.oracle, "freeze_oracle.py"), "--quiet", "--report", report + ".tmp", "--"]
            + flags + ["--output_graph=" + graph])
        os.rename(report + ".tmp", report)
    with open(report) as f:
        return json.load(f), graph


def canonical(text):
    return text[:-2] if text.endswith(":0") and not text.startswith("^") else text


class Comparer(object):

    def __init__(self):
        from tensorflow.core.framework import graph_pb2, op_def_pb2  # pylint: disable=g-import-not-at-top
        from tensorflow.python.framework import op_def_registry, tensor_util
        import tensorflow as tf  # pylint: disable=unused-import
        self.graph_pb2, self.tensor_util = graph_pb2, tensor_util
        self.ops = op_def_registry.get_registered_ops()

    def load(self, path):
        graph = self.graph_pb2.GraphDef()
        with open(path, "rb") as f:
            graph.ParseFromString(f.read())
        return graph

    def default(self, op, key):
        if op in self.ops:
            for attr in self.ops[op].attr:
                if attr.name == key and attr.HasField("default_value"):
                    return attr.default_value
        return None

    def same_tensor(self, a, b):
        if a.dtype != b.dtype or [d.size for d in a.tensor_shape.dim] != [d.size for d in b.tensor_shape.dim]:
            return False
        x, y = self.tensor_util.MakeNdarray(a), self.tensor_util.MakeNdarray(b)
        if x.dtype == object:
            return x.tolist() == y.tolist()
        return x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()

    def differences(self, want, got):
        """Texts; empty if the graphs are the same in the sense of the docstring."""
        found = []
        names = [n.name for n in want.node], [n.name for n in got.node]
        if names[0] != names[1]:
            lost, extra = sorted(set(names[0]) - set(names[1])), sorted(set(names[1]) - set(names[0]))
            found.append("nodes: %d lost %s, %d extra %s%s" % (
                len(lost), lost[:6], len(extra), extra[:6], "" if lost or extra else "; another order"))
        nodes = {n.name: n for n in got.node}
        for node in want.node:
            other = nodes.get(node.name)
            if other is None:
                continue
            where = "node %s (%s): " % (node.name, node.op)
            if other.op != node.op:
                found.append(where + "op " + other.op)
                continue
            data = [[canonical(i) for i in n.input if not i.startswith("^")] for n in (node, other)]
            control = [[i for i in n.input if i.startswith("^")] for n in (node, other)]
            if data[0] != data[1]:
                found.append(where + "inputs %s instead of %s" % (data[1], data[0]))
            if control[0] != control[1]:
                if not (node.op in ("Identity", "GatherV2") and set(control[0]) <= set(control[1])):
                    found.append(where + "control inputs %s instead of %s" % (control[1], control[0]))
            if node.device != other.device:
                found.append(where + "device %r instead of %r" % (other.device, node.device))
            for key in sorted(set(node.attr) | set(other.attr)):
                a = node.attr[key] if key in node.attr else None
                b = other.attr[key] if key in other.attr else None
                if b is None and a == self.default(node.op, key):
                    continue
                if a is None or b is None:
                    found.append(where + "attribute %s is %s" % (key, "extra" if a is None else "lost"))
                elif a.WhichOneof("value") == "tensor" and b.WhichOneof("value") == "tensor":
                    if not self.same_tensor(a.tensor, b.tensor):
                        found.append(where + "tensor in %s" % key)
                elif a.SerializeToString() != b.SerializeToString():
                    found.append(where + "attribute %s: %s instead of %s" % (key, b, a))
        functions = [f.signature.name for f in want.library.function], [f.signature.name for f in got.library.function]
        if not set(functions[1]) <= set(functions[0]):
            found.append("functions: extra %s" % sorted(set(functions[1]) - set(functions[0])))
        return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--oracle", required=True)
    parser.add_argument("--freeze_graph", required=True)
    parser.add_argument("--cache", required=True)
    parser.add_argument("--models", default="", help="a regular expression; only these")
    parser.add_argument("--only_oracle", action="store_true", help="fill the cache and stop")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    for key in ("data", "oracle", "freeze_graph", "cache"):
        setattr(args, key, os.path.abspath(getattr(args, key)))
    if not os.path.isdir(args.cache):
        os.makedirs(args.cache)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    comparer = None if args.only_oracle else Comparer()
    counts = collections.Counter()
    bad = 0
    for path in sorted(glob.glob(os.path.join(args.data, "models", "*", "case.json"))):
        folder = os.path.dirname(path)
        model = os.path.basename(folder)
        if not re.search(args.models, model):
            continue
        with open(path) as f:
            case = json.load(f)
        if case["kind"] in ("saved_model_tf2",) or "frozen" in case["kind"].split("+")[0]:
            continue
        for way, flags in ways(folder, case):
            report, want = oracle(args, flags)
            if args.only_oracle:
                continue
            label = "%s (%s)" % (model, way)
            got = os.path.join(args.cache, "ours.pb")
            if os.path.exists(got):
                os.remove(got)
            command = [args.freeze_graph] + flags + ["--tables=leave", "--output_graph=" + got]  # As TensorFlow does.
            status, stderr = run(command)
            problems = []
            kind = None
            refusal = REFUSED.get(model)
            if status != 0 and refusal is not None and refusal[0] in stderr:
                kind = "ours refuses with %s" % refusal[0]
                if refusal[1] and report["exit_code"] == 0:
                    status, stderr = run(command + refusal[1])
                    kind += ", the same with " + " ".join(refusal[1])
                    if status != 0:
                        problems.append("refused with %s too: %s" % (refusal[1], stderr))
                    else:
                        problems += comparer.differences(comparer.load(want), comparer.load(got))
            elif report["exit_code"] != 0 and status != 0:
                kind = "both refuse"
            elif report["exit_code"] != 0:
                kind = "only ours freezes"
                names = os.path.join(folder, "golden", "frozen_nodes.txt")
                if os.path.exists(names):
                    with open(names) as f:
                        lines = [tuple(line.split()) for line in f if line.strip()]
                    nodes = [(n.name, n.op) for n in comparer.load(got).node]
                    if lines != nodes:
                        problems.append("other nodes than golden/frozen_nodes.txt: %s" %
                                        sorted(set(lines) ^ set(nodes))[:10])
            elif status != 0:
                problems.append("ours fails: " + stderr)
            else:
                kind = "the same"
                problems += comparer.differences(comparer.load(want), comparer.load(got))
            if problems and kind == "the same":  # Unless told otherwise ours inlines functions that take variables.
                status, stderr = run(command + ["--functions=keep"])
                if status == 0 and not comparer.differences(comparer.load(want), comparer.load(got)):
                    kind, problems = "the same with --functions=keep", []
            if problems:
                bad += 1
                counts["DIFFERENT"] += 1
                print("DIFFERENT  %s" % label)
                for problem in problems[:8]:
                    print("    " + problem)
                if len(problems) > 8:
                    print("    and %d more" % (len(problems) - 8))
                continue
            counts[kind] += 1
            if args.verbose or kind in ("both refuse", "only ours freezes"):
                print("%-12s %s" % (kind, label))
                if status != 0:
                    print("    ours: %s" % stderr.strip().splitlines()[0])
                if report["exit_code"] != 0:
                    print("    TensorFlow: %s" % (report["message"] or "").strip().splitlines()[0][:150])
    for kind, count in sorted(counts.items()):
        print("%4d  %s" % (count, kind))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
