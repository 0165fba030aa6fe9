#!/usr/bin/env python3
"""Makes small models that freezing tools get wrong, freezes them with ours, and lets TensorFlow run the results.

A tool for developers; needs TensorFlow 1.15 (and runs with 2.x too, by way of compat.v1):

    eval "$(../shared/oracle/setup.sh)"
    "$TF1" tests/oracle/check_freeze_cases.py --freeze_graph=bazel-bin/tools/freeze_graph

For each model the session's own outputs, before anything is frozen, are what the frozen graph must give for the same
feeds, but for rounding, since TensorFlow folds and reorders sums. Every model is frozen from GraphDef and checkpoint, from the MetaGraph,
and with a SaverDef. The exit status is 0 if all is well.
"""
import argparse
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np  # pylint: disable=g-import-not-at-top
import tensorflow as tf
tf = tf.compat.v1
tf.disable_v2_behavior()
from tensorflow.python.ops import gen_resource_variable_ops, gen_state_ops  # noqa

X = np.arange(6, dtype=np.float32).reshape(2, 3) / 7


def variable(name, shape, resource, **kwargs):
    return tf.get_variable(name, shape, tf.float32, tf.random_uniform_initializer(0.1, 1, seed=hash(name) % 99 + 1),
                           use_resource=resource, **kwargs)


def placeholder():
    return tf.placeholder(tf.float32, [2, 3], "x")


def softmax(resource):
    x = placeholder()
    tf.nn.softmax(tf.matmul(x, variable("w", [3, 4], resource)) + variable("b", [4], resource), name="y")


def while_loop(resource):
    x = placeholder()
    w = variable("w", [3, 3], resource)
    tf.identity(tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, tf.tanh(tf.matmul(v, w))), [0, x])[1], "y")


def nested_loops(resource):
    x = placeholder()
    w = variable("w", [3, 3], resource)
    def outer(i, v):
        return i + 1, tf.while_loop(lambda j, u: j < i, lambda j, u: (j + 1, tf.matmul(u, w)), [0, v])[1] + w[0]
    tf.identity(tf.while_loop(lambda i, v: i < 3, outer, [0, x])[1], "y")


def cond(resource):
    x = placeholder()
    w = variable("w", [3, 3], resource)
    p = tf.placeholder_with_default(True, [], "p")
    tf.identity(tf.cond(p, lambda: tf.matmul(x, w), lambda: x + w[0]), "y")


def embedding_in_loop(resource):
    x = placeholder()
    w = variable("w", [5, 3], resource)
    def body(i, v):
        return i + 1, v * tf.nn.embedding_lookup(w, [i, 4 - i])
    tf.identity(tf.while_loop(lambda i, v: i < 4, body, [0, x])[1], "y")


def embedding_in_cond_in_loop(resource):
    x = placeholder()
    w = variable("w", [5, 3], resource)
    def body(i, v):
        return i + 1, tf.cond(tf.equal(i % 2, 0), lambda: v * tf.nn.embedding_lookup(w, [i, 4 - i]), lambda: v + w[1])
    tf.identity(tf.while_loop(lambda i, v: i < 4, body, [0, x])[1], "y")


def gathers(resource):
    x = placeholder()
    w = variable("w", [4, 3], resource)
    ids = tf.cast(x * 3, tf.int64)
    a = tf.gather(w, ids)
    b = tf.gather_nd(w, [[1, 2], [3, 0]])
    y = tf.reduce_sum(a) + tf.reduce_sum(b) + x
    if resource:
        y += tf.cast(tf.reduce_sum(tf.cast(gen_resource_variable_ops.variable_shape(w.handle), tf.int32)), tf.float32)
        y += tf.cast(gen_resource_variable_ops.var_is_initialized_op(w.handle), tf.float32)
        y += tf.reduce_sum(gen_resource_variable_ops.resource_gather(w.handle, [[1, 0], [2, 2], [0, 1], [2, 1]],
                                                                    dtype=tf.float32, batch_dims=1))
    else:
        y += tf.cast(tf.is_variable_initialized(w), tf.float32)
    tf.identity(y, "y")


def shape_in_loop(resource):
    x = placeholder()
    w = variable("w", [4, 3], resource)
    if resource:
        read = lambda: tf.cast(gen_resource_variable_ops.variable_shape(w.handle), tf.float32)
        known = lambda: tf.cast(gen_resource_variable_ops.var_is_initialized_op(w.handle), tf.float32)
    else:
        read = lambda: tf.cast(tf.shape(w), tf.float32)
        known = lambda: tf.cast(tf.is_variable_initialized(w), tf.float32)
    def body(i, v):
        return i + 1, tf.cond(v[0, 0] > 2, lambda: v + read()[1], lambda: v + known())
    tf.identity(tf.while_loop(lambda i, v: i < 4, body, [0, x])[1], "y")


def partitioned(resource):
    x = placeholder()
    w = variable("w", [3, 4], resource, partitioner=tf.fixed_size_partitioner(2))
    v = variable("v", [3, 5], resource, partitioner=tf.fixed_size_partitioner(3, axis=1))
    tf.concat([tf.matmul(x, tf.convert_to_tensor(w)), tf.matmul(x, tf.convert_to_tensor(v))], 1, name="y")


def partitioned_embedding(resource):
    x = placeholder()
    w = variable("w", [7, 3], resource, partitioner=tf.fixed_size_partitioner(3))
    tf.add(tf.nn.embedding_lookup(w, tf.cast(x[:, 0] * 14, tf.int32), partition_strategy="div"), x, name="y")


def batch_norm(resource):
    with tf.variable_scope("net", use_resource=resource):
        x = tf.placeholder(tf.float32, [2, 4, 4, 3], "x")
        training = tf.placeholder_with_default(False, [], "training")
        tf.identity(tf.layers.batch_normalization(x, training=training), "out")
    tf.identity(tf.get_default_graph().get_tensor_by_name("net/out:0"), "y")


def batch_norm_updates_as_controls(resource):
    batch_norm(resource)
    graph = tf.get_default_graph()
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        tf.identity(graph.get_tensor_by_name("net/out:0"), "y2")


def counter(resource):
    x = placeholder()
    w = variable("w", [3, 3], resource)
    step = tf.get_variable("step", [], tf.int64, tf.zeros_initializer(), trainable=False, use_resource=resource)
    with tf.control_dependencies([step.assign_add(1).op]):
        tf.matmul(x, w, name="y")


def update_in_loop(resource):
    x = placeholder()
    w = variable("w", [3], resource)
    step = variable("step", [], resource)
    def body(i, v):
        with tf.control_dependencies([step.assign_add(1.).op]):
            one = tf.constant(1)
            return i + one, v * w
    tf.identity(tf.while_loop(lambda i, v: i < 3, body, [0, x])[1], "y")


def initialized_value(resource):
    x = placeholder()
    w = variable("w", [3, 3], resource)
    tf.matmul(x, w.initialized_value(), name="y")


def alias(resource):
    x = placeholder()
    w = variable("w", [3, 3], resource)
    if resource:
        handle = gen_resource_variable_ops.var_handle_op(dtype=tf.float32, shape=[3, 3], shared_name="w", name="twin")
        v = gen_resource_variable_ops.read_variable_op(handle, dtype=tf.float32)
    else:
        v = gen_state_ops.variable_v2([3, 3], tf.float32, shared_name="w", name="twin")
    tf.add(tf.matmul(x, w), tf.matmul(x, v), name="y")


def ref_switch(resource):
    x = placeholder()
    w = variable("w", [2, 3], False)
    p = tf.placeholder_with_default(True, [], "p")
    f, t = tf.python.ops.control_flow_ops.ref_switch(w, p) if hasattr(tf, "python") else ref_switch_op(w._ref(), p)
    tf.add(x, tf.raw_ops.Merge(inputs=[tf.negative(f), tf.identity(t)])[0], name="y")


def ref_switch_op(data, pred):
    from tensorflow.python.ops import gen_control_flow_ops  # pylint: disable=g-import-not-at-top
    return gen_control_flow_ops.ref_switch(data, pred)


def legacy_variable(resource):
    x = placeholder()
    v = gen_state_ops.variable([3, 3], tf.float32, name="w")
    v.set_shape([3, 3])
    tf.matmul(x, v, name="y")
    graph = tf.get_default_graph()
    init = tf.assign(v, np.arange(9, dtype=np.float32).reshape(3, 3), validate_shape=False).op
    return {"init": init, "var_list": {"w": v}}


def renamed_keys(resource):
    x = placeholder()
    w, b = variable("w", [3, 4], resource), variable("b", [4], resource)
    tf.nn.softmax(tf.matmul(x, w) + b, name="y")
    return {"var_list": {"old/weights": w, "old/biases": b}}


def swapped_keys(resource):
    x = placeholder()
    v, w = variable("v", [3], resource), variable("w", [3], resource)
    tf.add(x * v, w, name="y")
    return {"var_list": {"v": w, "w": v}}


def dtypes(resource):
    x = placeholder()
    total = tf.reduce_sum(x)
    values = [("half", tf.half), ("bfloat16", tf.bfloat16), ("double", tf.float64), ("int8", tf.int8), ("uint16", tf.uint16),
              ("int64", tf.int64), ("bool", tf.bool)]
    for name, dtype in values:
        for shape in ([], [1], [0, 3], [2, 2]):
            v = tf.get_variable("%s_%d" % (name, len(shape) * 10 + sum(shape)), dtype=dtype, use_resource=resource,
                                initializer=tf.cast(tf.ones(shape), dtype))
            total += tf.reduce_sum(tf.cast(v, tf.float32))
    s = tf.get_variable("strings", initializer=tf.constant(["a", "bc"]), use_resource=False)
    tf.add(total, tf.cast(tf.strings.length(s), tf.float32), name="y")


CASES = [softmax, while_loop, nested_loops, cond, embedding_in_loop, embedding_in_cond_in_loop, gathers, shape_in_loop,
         partitioned, partitioned_embedding, batch_norm, batch_norm_updates_as_controls, counter, update_in_loop,
         initialized_value, alias, renamed_keys, swapped_keys, dtypes]
ONLY_REF = [ref_switch, legacy_variable]
# A counter that runs in the outputs' own control dependencies changes nothing that they read.
OUTPUT = {batch_norm_updates_as_controls: "y2"}


def feeds(graph):
    x = graph.get_tensor_by_name("net/x:0" if "net/x" in [o.name for o in graph.get_operations()] else "x:0")
    return {x.name: np.resize(X, x.shape.as_list())}


def run(graph_def, output, feed):
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(graph_def, name="")
    with tf.Session(graph=graph) as session:
        return session.run(output + ":0", feed)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--freeze_graph", required=True)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    bad = good = 0
    for case, resource in [(c, r) for c in CASES for r in (False, True)] + [(c, False) for c in ONLY_REF]:
        label = "%s (%s)" % (case.__name__, "resource" if resource else "ref")
        if args.only not in label:
            continue
        folder = tempfile.mkdtemp()
        path = lambda name: os.path.join(folder, name)
        output = OUTPUT.get(case, "y")
        graph = tf.Graph()
        with graph.as_default():
            try:
                extra = case(resource) or {}
            except (AttributeError, NotImplementedError) as error:
                print("skipped %s: %s" % (label, error))
                continue
            saver = tf.train.Saver(extra.get("var_list"))
            init = extra.get("init", tf.global_variables_initializer())
            with tf.Session() as session:
                session.run(init)
                saver.save(session, path("model.ckpt"))
                feed = feeds(graph)
                want = session.run(output + ":0", feed)
            with open(path("graph.pb"), "wb") as f:
                f.write(graph.as_graph_def().SerializeToString())
            with open(path("saver.pb"), "wb") as f:
                f.write(saver.as_saver_def().SerializeToString())
        ways = [("meta", ["--input_meta_graph=" + path("model.ckpt.meta")]),
                ("saver", ["--input_graph=" + path("graph.pb"), "--input_saver=" + path("saver.pb")]),
                ("graph", ["--input_graph=" + path("graph.pb")])]
        for way, flags in ways:
            done = subprocess.run([args.freeze_graph, "--input_binary=true", "--input_checkpoint=" + path("model.ckpt"),
                                   "--output_node_names=" + output, "--output_graph=" + path("frozen.pb")] + flags,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            problem = None
            if done.returncode != 0:
                problem = done.stderr.decode()
            else:
                graph_def = tf.GraphDef()
                with open(path("frozen.pb"), "rb") as f:
                    graph_def.ParseFromString(f.read())
                left = [n.name for n in graph_def.node if "Var" in n.op or n.op.startswith(("Ref", "Assign", "Resource"))]
                try:
                    got = run(graph_def, output, feed)
                    if not np.allclose(want, got, rtol=1e-6, atol=0):
                        problem = "other values: %s instead of %s" % (got, want)
                    elif left:
                        problem = "not frozen: %s" % left
                except Exception as error:  # pylint: disable=broad-except
                    problem = str(error)
            if problem:
                bad += 1
                print("BAD %s, %s: %s" % (label, way, problem[:600]))
            else:
                good += 1
    print("%d good, %d bad" % (good, bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
