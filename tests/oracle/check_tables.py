#!/usr/bin/env python3
"""Makes small models with lookup tables, freezes them with ours in both ways, and lets TensorFlow run the results.

A tool for developers; needs TensorFlow 1.15 (and runs with 2.x too, by way of compat.v1):

    eval "$(../shared/oracle/setup.sh)"
    "$TF1" tests/oracle/check_tables.py --freeze_graph=bazel-bin/tools/freeze_graph

For each model the session's own outputs are what the frozen graph must give, bit for bit: with --tables=bake, and with
--tables=keep_init after running the node that it names. The exit status is 0 if all is well. What was seen last is in
recorded/check_tables.txt.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np  # pylint: disable=g-import-not-at-top
import tensorflow as tf
tf = tf.compat.v1
tf.disable_v2_behavior()


def static(keys, values, default):
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, values), default)


def look_up(table, dtype, feed, shape=None):
    q = tf.placeholder(dtype, shape, "q")
    tf.identity(table.lookup(q), "y")
    return {"q:0": feed}


def text_to_number(folder):
    return look_up(static(tf.constant(["a", "b", "c"]), tf.constant([5, 7, 9], tf.int64), -1), tf.string,
                   np.array([["b", "z"], ["c", "a"]], object))


def text_scalar(folder):
    return look_up(static(tf.constant(["a", "b"]), tf.constant(["x", "y"]), "none"), tf.string, "b", [])


def dense(folder):
    return look_up(static(tf.range(4, 9, dtype=tf.int64), tf.constant(["p", "q", "r", "s", "t"]), "none"), tf.int64,
                   np.array([3, 4, 6, 8, 9, -2**63, 2**63 - 1]))


def dense_to_float(folder):
    return look_up(static(tf.constant([0, 1, 2], tf.int64), tf.constant([.5, 1.5, 1e-30]), -1.), tf.int64,
                   np.array([[0, 1], [2, 7]]))


def sparse_numbers(folder):
    return look_up(static(tf.constant([10, -5, 2**62, -2**62], tf.int64), tf.constant([1, 2, 3, 4], tf.int64), 0),
                   tf.int64, np.array([-5, 10, 2**62, 0, -2**62]))


def unsorted_dense(folder):
    return look_up(static(tf.constant([2, 0, 1], tf.int64), tf.constant(["c", "a", "b"]), "none"), tf.int64,
                   np.array([0, 1, 2, 3]))


def empty(folder):
    keys = tf.constant([], tf.string)
    return look_up(static(keys, tf.constant([], tf.int64), -7), tf.string, np.array(["a", "b"], object))


def no_queries(folder):
    return look_up(static(tf.constant(["a"]), tf.constant([3], tf.int64), -7), tf.string, np.zeros([0], object))


def size_and_buckets(folder):
    path = os.path.join(folder, "words.txt")
    with open(path, "w") as f:
        f.write("red\ngreen\r\nblue\n")
    table = tf.lookup.StaticVocabularyTable(
        tf.lookup.TextFileInitializer(path, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64,
                                      tf.lookup.TextFileIndex.LINE_NUMBER), 3)
    q = tf.placeholder(tf.string, [None], "q")
    tf.add(table.lookup(q), table.size(), "y")
    return {"q:0": np.array(["blue", "x", "red", "yy", "green"], object)}


def columns(folder):
    path = os.path.join(folder, "columns.txt")
    with open(path, "w") as f:
        f.write("a,1,0.5\nb,2,1e3\nc,-3,0.1\n")
    init = tf.lookup.TextFileInitializer(path, tf.int64, 1, tf.float32, 2, delimiter=",")
    return look_up(tf.lookup.StaticHashTable(init, -1.), tf.int64, np.array([2, 1, -3, 4]))


def line_numbers(folder):
    path = os.path.join(folder, "lines.txt")
    with open(path, "w") as f:
        f.write("zero\none\ntwo\nthree")
    init = tf.lookup.TextFileInitializer(path, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER, tf.string,
                                         tf.lookup.TextFileIndex.WHOLE_LINE, vocab_size=3)
    return look_up(tf.lookup.StaticHashTable(init, "none"), tf.int64, np.array([0, 2, 3]))


def in_loop(folder):
    table = static(tf.constant([0, 1, 2], tf.int64), tf.constant([1, 2, 0], tf.int64), 9)
    q = tf.placeholder(tf.int64, [2], "q")
    tf.identity(tf.while_loop(lambda i, v: i < 4, lambda i, v: (i + 1, table.lookup(v)), [0, q])[1], "y")
    return {"q:0": np.array([0, 5])}


def in_branch(folder):
    table = static(tf.constant(["a", "b"]), tf.constant([1, 2], tf.int64), 9)
    q = tf.placeholder(tf.string, [2], "q")
    p = tf.placeholder(tf.bool, [], "p")
    tf.identity(tf.cond(p, lambda: table.lookup(q), lambda: tf.zeros([2], tf.int64)), "y")
    return {"q:0": np.array(["b", "c"], object), "p:0": True}


def default_is_fed(folder):
    table = static(tf.constant(["a", "b"]), tf.constant([1, 2], tf.int64), 9)
    q = tf.placeholder(tf.string, [2], "q")
    d = tf.placeholder(tf.int64, [], "d")
    tf.identity(tf.raw_ops.LookupTableFindV2(table_handle=table.resource_handle, keys=q, default_value=d), "y")
    return {"q:0": np.array(["b", "c"], object), "d:0": 77}


CASES = [text_to_number, text_scalar, dense, dense_to_float, sparse_numbers, unsorted_dense, empty, no_queries,
         size_and_buckets, columns, line_numbers, in_loop, in_branch, default_is_fed]


def run(path, feed, init):
    graph_def = tf.GraphDef()
    with open(path, "rb") as f:
        graph_def.ParseFromString(f.read())
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(graph_def, name="")
    with tf.Session(graph=graph) as session:
        if init:
            session.run(init)
        return np.asarray(session.run("y:0", feed))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--freeze_graph", required=True)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    bad = 0
    for case in CASES:
        if args.only not in case.__name__:
            continue
        folder = tempfile.mkdtemp()
        graph = tf.Graph()
        with graph.as_default():
            feed = case(folder)
            with tf.Session() as session:
                try:
                    session.run(tf.tables_initializer())
                except tf.errors.OpError as error:
                    print("skipped %s: %s" % (case.__name__, error.message.splitlines()[0]))
                    continue
                want = np.asarray(session.run("y:0", feed))
        with open(os.path.join(folder, "graph.pb"), "wb") as f:
            f.write(graph.as_graph_def().SerializeToString())
        for tables in ("bake", "keep_init"):
            frozen = os.path.join(folder, tables + ".pb")
            done = subprocess.run([args.freeze_graph, "--input_graph=" + os.path.join(folder, "graph.pb"), "--json",
                                   "--output_node_names=y", "--output_graph=" + frozen, "--allow_frozen",
                                   "--tables=" + tables], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            if done.returncode != 0:
                problem = done.stderr.decode()
            else:
                for name in os.listdir(folder):
                    if name.endswith(".txt"):
                        os.rename(os.path.join(folder, name), os.path.join(folder, name + ".gone"))
                try:
                    got = run(frozen, feed, json.loads(done.stdout.decode())["init_node"])
                    same = np.array_equal(got, want) or (got.dtype.kind == "f" and got.tobytes() == want.tobytes())
                    problem = None if same and got.dtype == want.dtype else "%s instead of %s" % (got, want)
                except Exception as error:  # pylint: disable=broad-except
                    problem = str(error).splitlines()[0]
                for name in os.listdir(folder):
                    if name.endswith(".gone"):
                        os.rename(os.path.join(folder, name), os.path.join(folder, name[:-5]))
            bad += problem is not None
            print("%s %s, %s%s" % ("BAD " if problem else "good", case.__name__, tables, ": " + problem[:400] if problem else ""))
    print("%d bad, with TensorFlow %s" % (bad, tf.__version__))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
