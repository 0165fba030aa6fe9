#!/usr/bin/env python3
"""Runs the cases of inline_functions, lower_control_flow and freeze_variables in TensorFlow: before and after must give
the same.

    eval "$(../shared/oracle/setup.sh)"; "$TF2" tests/oracle/check_inlined_cases.py

Each .in.pbtxt and its .out.pbtxt are loaded and the nodes of its "# keep:" or "# outputs:" line run with the same feeds,
several times, after all that assigns variables. Of freeze_variables those cases are run that have functions.
What a case prints to stderr (its effects) must be the same, too. A tool for developers, no part of the test suite.
"""
import glob
import os
import subprocess
import sys

import numpy as np

FEEDS = [0, 1, 2, 3, 5]  # Where a value is none for a case, both must fail alike.


def run(path, keep):
    import tensorflow as tf
    from google.protobuf import text_format
    tf1 = tf.compat.v1
    graph_def = tf1.GraphDef()
    with open(path) as file:
        text_format.Parse(file.read(), graph_def)
    config = tf1.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    config.graph_options.optimizer_options.opt_level = -1
    with tf.Graph().as_default() as graph, tf1.Session(graph=graph, config=config) as session:
        tf1.import_graph_def(graph_def, name="")
        session.run([op for op in graph.get_operations() if op.type == "AssignVariableOp"])
        for value in FEEDS:
            feeds = {}
            for node in graph_def.node:
                if node.op == "Placeholder":
                    tensor = graph.get_tensor_by_name(node.name + ":0")
                    feeds[tensor] = np.array(value, dtype=tensor.dtype.as_numpy_dtype)
            for name in keep:
                operation = graph.get_operation_by_name(name)
                try:
                    fetched = session.run(list(operation.outputs) or operation, feeds)
                except tf.errors.InvalidArgumentError:
                    print(value, name, "refused")
                    continue
                print(value, name, [np.asarray(v).tolist() for v in fetched] if operation.outputs else "ran")


def main():
    if len(sys.argv) > 1:
        return run(sys.argv[1], sys.argv[2].split(","))
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "transforms", "testdata")
    failed = 0
    for before in sorted(glob.glob(os.path.join(root, "inline_functions", "*.in.pbtxt")) +
                         glob.glob(os.path.join(root, "lower_control_flow", "*.in.pbtxt")) +
                         glob.glob(os.path.join(root, "freeze_variables", "*.in.pbtxt"))):
        after = before.replace(".in.pbtxt", ".out.pbtxt")
        if not os.path.exists(after):
            continue
        with open(before) as file:
            lines = list(file)
        head = [line for line in lines if line.startswith("# ")]
        if "freeze_variables" in before and not any("library {" in line for line in lines):
            continue
        if any(line.startswith("# oracle:") for line in head):
            print("skipped %s" % os.path.relpath(before, root))
            continue
        keep = [line.split(":", 1)[1].strip() for line in head if line.startswith(("# keep:", "# outputs:"))]
        results = []
        for path in (before, after):
            done = subprocess.run([sys.executable, os.path.abspath(__file__), path, ",".join(keep)],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
                                  env=dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3"))
            printed = sorted(line for line in done.stderr.decode().splitlines() if line in ("here", "taken"))
            results.append((done.returncode, done.stdout.decode(), printed))
            if done.returncode != 0:
                print(done.stderr.decode().strip().splitlines()[-1])
        same = results[0] == results[1] and results[0][0] == 0 and results[0][1]
        failed += 0 if same else 1
        print("%-7s %s" % ("ok" if same else "DIFFERS", os.path.relpath(before, root)), flush=True)
        if not same:
            print(results)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
