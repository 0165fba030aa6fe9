#!/usr/bin/env python3
"""Holds the cases of remove_training_nodes against TensorFlow's function of that name.

    eval "$(../shared/oracle/setup.sh)"; for tf in "$TF1" "$TF2"; do "$tf" tests/oracle/check_remove_training_nodes.py; done

The function (tf.graph_util.remove_training_nodes) is called on each .in.pbtxt with the outputs as protected nodes. The
nodes must be those of the .out.pbtxt, in this order, unless the case says "oracle: differs"; then they must not be. The
exit status is 0 if all is well.
"""
import glob
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import tensorflow as tf  # pylint: disable=g-import-not-at-top
from google.protobuf import text_format


def parse(path):
    with open(path) as file:
        return text_format.Parse(file.read(), tf.compat.v1.GraphDef())


def nodes(graph):
    for node in graph.node:
        for i, text in enumerate(node.input):  # "x:0" is "x".
            node.input[i] = text[:-2] if text.endswith(":0") else text
    return list(graph.node)


def main():
    bad = 0
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../transforms/testdata/remove_training_nodes")
    for path in sorted(glob.glob(os.path.join(folder, "*.in.pbtxt"))):
        with open(path) as file:
            says = dict(line[2:].strip().split(": ", 1) for line in file if line.startswith("# "))
        protected = says["outputs"].replace(" ", "").split(",")
        theirs = tf.compat.v1.graph_util.remove_training_nodes(parse(path), protected)
        same = nodes(theirs) == nodes(parse(path.replace(".in.", ".out.")))
        differs = says.get("oracle", "")
        if differs.startswith("differs:") or differs.startswith("differs with " + tf.__version__[:4] + ":"):
            # Of functions and versions nothing is left there; that is the difference.
            same = same and bool(theirs.library.function) and theirs.HasField("versions")
            verdict = "WRONG: does not differ" if same else "differs, as it says"
        else:
            verdict = "same" if same else "WRONG"
        bad += verdict.startswith("WRONG")
        print("%-32s %s" % (os.path.basename(path)[:-9], verdict))
    print("%d wrong, with TensorFlow %s" % (bad, tf.__version__))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
