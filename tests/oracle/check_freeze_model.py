#!/usr/bin/env python3
"""Holds saved_model_cli freeze_model against TensorFlow 2.21's.

    eval "$(../shared/oracle/setup.sh)"
    "$TF2" tests/oracle/check_freeze_model.py --cryograph=bazel-bin/tools/cryograph

With --model=DIR it makes the SavedModel of tests/tools/testdata/saved_model_cli/fixed_shapes anew and stops; the goldens
beside it are the config.pbtxt that TensorFlow writes of it. Both tools freeze each signature; config.pbtxt must say the
same but for the order, and for `readonly`: TensorFlow looks at what the other signatures do, too. Fed with random numbers in
the place of the zeros, both frozen graphs must give the same bits. The exit status is 0 if all is well.
"""
import argparse
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np  # pylint: disable=g-import-not-at-top
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
MODEL = os.path.join(HERE, "../tools/testdata/saved_model_cli/fixed_shapes")
CASES = [
    [], ["--variables_to_feed=w"], ["--variables_to_feed=all"], ["--signature_def_key=dyn"],
    ["--signature_def_key=nope"], ["--variables_to_feed=q"],
]


def make_model(folder):
    class Model(tf.Module):

        def __init__(self):
            self.w = tf.Variable([[1., 2.], [3., 4.], [5., 6.]], name="w")
            self.b = tf.Variable([.5, -.5], name="b")
            self.n = tf.Variable(3, name="n")

        @tf.function(input_signature=[tf.TensorSpec([2, 3], tf.float32, "x"), tf.TensorSpec([], tf.int32, "unused")])
        def serve(self, x, unused):
            y = tf.matmul(x, self.w) + self.b
            for _ in tf.range(self.n):
                y = y * .5 + self.b
            return {"y": y, "z/z": tf.nn.relu(y)}

        @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, "x")])
        def dyn(self, x):
            return {"y": tf.matmul(x, self.w)}

        @tf.function(input_signature=[tf.TensorSpec([2, 3], tf.float32, "x")])
        def count(self, x):
            self.b.assign_add([1., 1.])
            return {"y": tf.matmul(x, self.w) + self.b}

    model = Model()
    tf.saved_model.save(model, folder, signatures={"serving_default": model.serve, "dyn": model.dyn, "count": model.count})


def parts(path):
    """The messages of a config.pbtxt, sorted, without what is not compared."""
    with open(path) as file:
        text = file.read().replace("  readonly: true\n", "")
    return sorted(text.split("\n}\n"))


def run(path, x, fed):
    graph_def = tf.compat.v1.GraphDef()
    with open(path, "rb") as file:
        graph_def.ParseFromString(file.read())
    names = set(node.name for node in graph_def.node)
    output = "StatefulPartitionedCall_2"
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        tf.import_graph_def(graph_def, name="")
        if fed:  # The variables that the program would hold.
            for name, value in (("w", [[1., 2.], [3., 4.], [5., 6.]]), ("b", [.5, -.5]), ("n", 3)):
                if name in names and graph.get_operation_by_name(name).type == "VarHandleOp":
                    handle = graph.get_tensor_by_name(name + ":0")
                    dtype = tf.int32 if name == "n" else tf.float32
                    session.run(tf.raw_ops.AssignVariableOp(resource=handle, value=tf.constant(value, dtype)))
        return session.run([output + ":0", output + ":1"], {"serving_default_x:0": x})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cryograph")
    parser.add_argument("--model")
    args = parser.parse_args()
    if args.model:
        make_model(args.model)
        return 0
    bad = 0
    x = np.random.RandomState(7).randn(2, 3).astype(np.float32)
    for flags in CASES:
        folder = tempfile.mkdtemp()
        common = ["freeze_model", "--dir=" + MODEL, "--tag_set=serve"] + flags
        theirs, ours = (subprocess.run(tool + common + ["--output_prefix=" + os.path.join(folder, name)],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
                        for name, tool in (("theirs", [os.path.join(os.path.dirname(sys.executable), "saved_model_cli")]),
                                           ("ours", [args.cryograph, "saved_model_cli"])))
        path = lambda name, file: os.path.join(folder, name, file)
        if theirs.returncode or ours.returncode:
            verdict = "both refuse" if theirs.returncode and ours.returncode else "WRONG: only one refuses"
        elif parts(path("theirs", "config.pbtxt")) != parts(path("ours", "config.pbtxt")):
            verdict = "WRONG: config.pbtxt differs"
        else:
            fed = any(flag.startswith("--variables_to_feed") for flag in flags)
            want, got = (run(path(name, "frozen_graph.pb"), x, fed) for name in ("theirs", "ours"))
            same = all(a.tobytes() == b.tobytes() for a, b in zip(want, got))
            verdict = "same" if same else "WRONG: outputs differ"
        bad += verdict.startswith("WRONG")
        print("%-32s %s" % (" ".join(flags) or "serving_default", verdict))
    print("%d wrong, with TensorFlow %s" % (bad, tf.__version__))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
