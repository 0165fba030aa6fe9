#!/usr/bin/env python3
"""Makes tests/tools/testdata/initial_values: a model of which only one variable is in the checkpoint.

    eval "$(../shared/oracle/setup.sh)"; "$TF1" tests/oracle/make_initial_values.py tests/tools/testdata/initial_values

The others, and the keys of a table, begin with what the graph computes. Prints what TensorFlow gives for y and found; the test
has these.
"""
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import tensorflow as tf
tf = tf.compat.v1
tf.disable_v2_behavior()


def main():
    folder = sys.argv[1]
    x = tf.placeholder(tf.float32, [2], "x")
    w = tf.get_variable("w", initializer=tf.constant([1., 2.]))
    a = tf.Variable(tf.exp(tf.range(2, dtype=tf.float32)) * 3., name="a")
    b = tf.Variable(a.initialized_value() * 2. + w.initialized_value(), name="b")
    c = tf.Variable(tf.cumsum(tf.ones([2])) + 1., name="c", use_resource=True)
    d = tf.Variable(c.read_value() * 10., name="d", use_resource=True)
    r = tf.Variable(tf.random_uniform([2]), name="r")
    y = tf.add_n([x * w, a + 0., b + 0., c + 0., d + 0.], name="y")
    tf.identity(y + r, name="z")
    keys = tf.strings.split(["a b c"]).values
    values = tf.cast(tf.range(3) * 7, tf.int64)
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, values), -1)
    q = tf.placeholder(tf.string, [None], "q")
    tf.identity(table.lookup(q), name="found")
    with tf.Session() as session:
        session.run(w.initializer)
        session.run(tf.assign(w, [5., 7.]))
        tf.train.Saver([w]).save(session, os.path.join(folder, "m"), write_meta_graph=False, write_state=False)
        session.run([a.initializer, c.initializer])
        session.run([b.initializer, d.initializer])
        session.run(tf.tables_initializer())
        print(session.run([y, "found:0"], {x: [1., 1.], q: ["c", "x", "b"]}))
        with open(os.path.join(folder, "graph.pb"), "wb") as file:
            file.write(tf.get_default_graph().as_graph_def().SerializeToString())


if __name__ == "__main__":
    main()
