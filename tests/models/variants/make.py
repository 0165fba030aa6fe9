"""Writes the tiny models of this folder, one for each way in which TensorFlow 1.15 keeps a variable.

    python make.py [OUTPUT_FOLDER]         (TensorFlow 1.15; about three seconds)

Each model becomes a folder with graph.pb, model.ckpt.*, input.npy (fed to "x:0") and output.npy (what TensorFlow gives
for "out:0"). The values of the variables are drawn by a seeded generator. README.md says what each model is about.
"""
import os
import sys

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saver_pb2


def variable(name, shape, **options):
    random = np.random.RandomState(sum(map(ord, name)))
    value = random.uniform(-1, 1, shape).astype(np.float32)
    return tf.get_variable(name, initializer=tf.constant(value), **options)


def split_variable(name, shape, parts, **options):
    """A variable cut along its rows into `parts`."""
    random = np.random.RandomState(sum(map(ord, name)))
    value = random.uniform(-1, 1, shape).astype(np.float32)
    return tf.get_variable(
        name, shape, initializer=lambda shape, dtype, partition_info: tf.constant(
            value[partition_info.var_offset[0]:partition_info.var_offset[0] + shape[0]]),
        partitioner=tf.fixed_size_partitioner(parts), **options)


def resource():
    """Resource variables, read directly and by a gather."""
    x = tf.placeholder(tf.int32, [None], "x")
    table = variable("table", [7, 4], use_resource=True)
    kernel = variable("dense/kernel", [4, 3], use_resource=True)
    rows = tf.nn.embedding_lookup(table, x, name="lookup")
    tf.identity(tf.matmul(rows, kernel, name="dense/MatMul"), "out")
    return np.array([0, 6, 2, 2], np.int32), {}


def partitioned():
    """Reference variables cut into slices; the checkpoint keeps each whole, as one entry of several slices."""
    x = tf.placeholder(tf.float32, [None, 5], "x")
    kernel = split_variable("wide/kernel", [5, 4], 3)
    bias = split_variable("wide/bias", [4], 2)
    tf.nn.bias_add(tf.matmul(x, tf.convert_to_tensor(kernel)), tf.convert_to_tensor(bias), name="out")
    return np.linspace(-1, 1, 10).reshape(2, 5).astype(np.float32), {}


def partitioned_resource():
    """The same with resource variables."""
    x = tf.placeholder(tf.float32, [None, 5], "x")
    kernel = split_variable("wide/kernel", [5, 4], 2, use_resource=True)
    tf.matmul(x, tf.convert_to_tensor(kernel), name="out")
    return np.linspace(-1, 1, 10).reshape(2, 5).astype(np.float32), {}


def control_flow():
    """A while loop and a conditional (Enter, Switch, Merge) around variables of both kinds."""
    x = tf.placeholder(tf.float32, [None, 3], "x")
    turn = variable("turn", [3, 3], use_resource=True)
    shift = variable("shift", [3])
    gain = variable("gain", [], use_resource=True)

    def body(i, state):
        return i + 1, tf.tanh(tf.matmul(state, turn.read_value()) + shift)

    _, state = tf.while_loop(lambda i, _: i < 3, body, [tf.constant(0), x], name="loop")
    positive = tf.greater(tf.reduce_sum(state), 0, name="positive")
    tf.identity(tf.cond(positive, lambda: state * gain, lambda: state - shift, name="choice"), "out")
    return np.linspace(-2, 2, 6).reshape(2, 3).astype(np.float32), {}


def renamed():
    """Variables whose keys in the checkpoint are other names than theirs, and two nodes that share one variable."""
    x = tf.placeholder(tf.float32, [None, 2], "x")
    a, b = variable("net/a", [2, 2]), variable("net/b", [2])
    alias = tf.raw_ops.VariableV2(shape=[2], dtype=tf.float32, container="", shared_name="net/b", name="alias")
    tf.add(tf.matmul(x, a) + b, alias, name="out")
    return np.array([[1, -1], [0.5, 2]], np.float32), {"old/weights": a, "old/offset": b}


def dtypes():
    """One variable of each dtype that a checkpoint holds and TensorFlow's freezer converts, and an empty one."""
    x = tf.placeholder(tf.float32, [3], "x")
    total = x
    for dtype in (tf.float32, tf.float64, tf.float16, tf.bfloat16, tf.int8, tf.uint8, tf.int16, tf.uint16, tf.int32,
                  tf.int64):
        value = tf.get_variable("v_" + dtype.name, initializer=tf.cast(tf.constant([1, 2, 3]), dtype))
        total += tf.cast(value, tf.float32)
    flags = tf.get_variable("v_bool", initializer=tf.constant([True, False, True]))
    phase = tf.get_variable("v_complex64", initializer=tf.constant([1 + 2j, -1j, 3], tf.complex64))
    words = tf.get_variable("v_string", initializer=tf.constant(["one", "", "three"]))
    empty = tf.get_variable("v_empty", initializer=tf.zeros([0, 4]))
    scalar = tf.get_variable("v_scalar", initializer=tf.constant(0.5))
    total = total * scalar + tf.cast(flags, tf.float32) + tf.abs(phase) + tf.cast(tf.strings.length(words), tf.float32)
    tf.add(total, tf.reduce_sum(empty), name="out")
    return np.array([0.25, 0.5, 1], np.float32), {}


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    for model in (resource, partitioned, partitioned_resource, control_flow, renamed, dtypes):
        place = os.path.join(folder, model.__name__)
        tf.gfile.MakeDirs(place)
        with tf.Graph().as_default() as graph, tf.Session() as session:
            fed, keys = model()
            # The part of a Saver that names where the restore subgraph begins; freeze_graph calls it the saver file.
            saver = tf.train.Saver(keys or None, save_relative_paths=True)
            session.run(tf.global_variables_initializer())
            np.save(os.path.join(place, "input.npy"), fed)
            np.save(os.path.join(place, "output.npy"), session.run("out:0", {"x:0": fed}))
            prefix = os.path.join(place, "model.ckpt")
            # What needs the MetaGraph is frozen through it; "dtypes" and "renamed" are not, and stay smaller without.
            saver.save(session, prefix, write_state=False, write_meta_graph=model not in (dtypes, renamed))
            tf.train.write_graph(graph.as_graph_def(), place, "graph.pb", as_text=False)
            if keys:
                kept = saver_pb2.SaverDef()
                kept.CopyFrom(saver.as_saver_def())
                with open(os.path.join(place, "saver.pb"), "wb") as file:
                    file.write(kept.SerializeToString())


if __name__ == "__main__":
    main()
