#!/usr/bin/env python3
"""Holds export_meta_graph and import_meta_graph against TensorFlow 1.15's functions of these names.

    eval "$(../shared/oracle/setup.sh)"
    "$TF1" tests/oracle/check_meta_graph_scope.py --cryograph=bazel-bin/tools/cryograph

A graph with variables, a loop, a branch, an optimizer and two savers is exported whole by TensorFlow; ours must make of that
file what TensorFlow makes of the graph: by scope, without devices, without other savers, without defaults; and under a scope. The
order of control inputs and of a context's values, which TensorFlow has in sets, is not compared; and where TensorFlow puts a graph under
a scope, it leaves the frames of gradient loops as they are called, so that two imports would share them: ours must have
them under the scope. The exit status is 0 if all is well.
"""
import argparse
import logging
import os
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
logging.getLogger("tensorflow").setLevel(logging.ERROR)
import tensorflow as tf  # noqa
from tensorflow.python.framework import meta_graph as meta_graph_lib  # noqa
tf = tf.compat.v1
tf.disable_v2_behavior()

FAILED = []


def build():
    x = tf.placeholder(tf.float32, [None, 3], "x")
    with tf.name_scope("outside"):
        y = x * 2
    with tf.variable_scope("enc"):
        with tf.device("/cpu:0"):
            w = tf.get_variable("w", [3, 3])
        r = tf.get_variable("r", [3], use_resource=True)
        h = tf.nn.relu(tf.matmul(y, w) + r)
        h = tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, tf.tanh(tf.matmul(v, w))), [0, h])[1]
        h = tf.cond(tf.reduce_sum(h) > 0, lambda: h * 2, lambda: h + 1)
        tf.add_to_collection("mine", h)
        tf.add_to_collection("numbers", 3)
    loss = tf.reduce_sum(tf.get_variable("top", [3]) * h)
    tf.add_to_collection("train_op", tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss))
    return tf.train.Saver({"w": w}), tf.train.Saver()


def parsed(path):
    message = tf.MetaGraphDef()
    message.ParseFromString(open(path, "rb").read())
    return message


def elements(collection, name, nodes):
    kind = collection.WhichOneof("kind")
    if kind is None:
        return []
    values = list(getattr(collection, kind).value)
    types = {"while_context": "WhileContextDef", "cond_context": "CondContextDef"}
    if kind == "bytes_list" and ("variables" in name or name in types):
        from tensorflow.core.framework import variable_pb2
        from tensorflow.core.protobuf import control_flow_pb2
        make = variable_pb2.VariableDef if "variables" in name else getattr(control_flow_pb2, types[name])
        result = []
        for value in values:
            message = make()
            message.ParseFromString(value)
            if name == "while_context":
                # Of a part, TensorFlow's context still names tensors of the gradient that are not in the part.
                there = lambda tensors: sorted(t for t in tensors if t.split(":")[0] in nodes)
                for field in (message.values_def.values, message.loop_exit_names, message.loop_enter_names):
                    kept = there(field)
                    del field[:]
                    field.extend(kept)
                for key in list(message.values_def.external_values):
                    if not there([key]):
                        del message.values_def.external_values[key]
            result.append(str(message))
        return result
    return [str(v) for v in values]


def compare(what, got, want, scope=b""):
    differences = []
    a = {n.name: n for n in got.graph_def.node}
    b = {n.name: n for n in want.graph_def.node}
    for name in sorted(set(a) ^ set(b)):
        differences.append("node %s is only in %s" % (name, "ours" if name in a else "TensorFlow's"))
    for name in sorted(set(a) & set(b)):
        for node in (a[name], b[name]):
            node.attr.pop("_output_shapes", None)
            for i, text in enumerate(node.input):  # "x:0" is "x".
                node.input[i] = text[:-2] if text.endswith(":0") else text
            data = [text for text in node.input if not text.startswith("^")]
            control = sorted(text for text in node.input if text.startswith("^"))
            del node.input[:]
            node.input.extend(data + control)
        frame = b[name].attr["frame_name"].s if "frame_name" in b[name].attr else b""
        if scope and frame.startswith(b"gradients/"):
            b[name].attr["frame_name"].s = scope + frame
        if a[name] != b[name]:
            differences.append("node %s: ours %s TensorFlow's %s" % (name, str(a[name]).replace("\n", " ")[:1500], str(b[name]).replace("\n", " ")[:1500]))
    for name in sorted(set(got.collection_def) | set(want.collection_def)):
        x, y = elements(got.collection_def[name], name, a), elements(want.collection_def[name], name, b)
        if x != y and sorted(x) != sorted(y):
            differences.append("collection %s: ours %s TensorFlow's %s" % (name, x, y))
    if got.saver_def != want.saver_def:
        differences.append("saver: ours %s TensorFlow's %s" % (got.saver_def, want.saver_def))
    ops = lambda m: [op.name for op in m.meta_info_def.stripped_op_list.op]
    if ops(got) != ops(want):
        differences.append("ops: ours %s TensorFlow's %s" % (ops(got), ops(want)))
    for x, y in zip(got.meta_info_def.stripped_op_list.op, want.meta_info_def.stripped_op_list.op):
        if [i.name for i in x.input_arg] != [i.name for i in y.input_arg]:
            differences.append("op %s differs" % x.name)
    print("%-32s %s" % (what, "ok" if not differences else "FAILED"))
    for difference in differences[:12]:
        print("   ", difference)
    if differences:
        FAILED.append(what)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cryograph", required=True)
    args = parser.parse_args()
    folder = tempfile.mkdtemp()
    path = lambda name: os.path.join(folder, name)

    def ours(tool, *flags):
        subprocess.run([args.cryograph, tool] + list(flags), check=True, stderr=subprocess.PIPE)

    with tf.Graph().as_default() as graph:
        small, saver = build()
        saver_def = saver.as_saver_def()
        whole = tf.train.export_meta_graph(path("whole.meta"), saver_def=saver_def)
        want = tf.train.export_meta_graph(path("a.meta"), export_scope="enc")
        ours("export_meta_graph", "--in_graph=" + path("whole.meta"), "--out_graph=" + path("b.meta"), "--export_scope=enc")
        compare("export_scope", parsed(path("b.meta")), parsed(path("a.meta")))
        tf.train.export_meta_graph(path("a.meta"), saver_def=saver_def, clear_devices=True)
        ours("export_meta_graph", "--in_graph=" + path("whole.meta"), "--out_graph=" + path("b.meta"), "--clear_devices")
        compare("clear_devices", parsed(path("b.meta")), parsed(path("a.meta")))
        tf.train.export_meta_graph(path("a.meta"), saver_def=saver_def, clear_extraneous_savers=True)
        ours("export_meta_graph", "--in_graph=" + path("whole.meta"), "--out_graph=" + path("b.meta"), "--clear_extraneous_savers")
        compare("clear_extraneous_savers", parsed(path("b.meta")), parsed(path("a.meta")))
        tf.train.export_meta_graph(path("a.meta"), saver_def=saver_def, strip_default_attrs=True)
        ours("export_meta_graph", "--in_graph=" + path("whole.meta"), "--out_graph=" + path("b.meta"), "--strip_default_attrs")
        compare("strip_default_attrs", parsed(path("b.meta")), parsed(path("a.meta")))

    with tf.Graph().as_default():
        imported = tf.train.import_meta_graph(path("whole.meta"), import_scope="left")
        tf.train.export_meta_graph(path("a.meta"), saver_def=imported.as_saver_def())
        ours("import_meta_graph", "--in_graph=" + path("whole.meta"), "--out_graph=" + path("b.meta"), "--import_scope=left")
        compare("import_scope", parsed(path("b.meta")), parsed(path("a.meta")), b"left/")

    with tf.Graph().as_default():
        ours("export_meta_graph", "--in_graph=" + path("whole.meta"), "--out_graph=" + path("part.meta"), "--export_scope=enc")
        y = tf.ones([2, 3], name="ones")
        unbound = [v.decode() for v in parsed(path("part.meta")).collection_def["unbound_inputs"].bytes_list.value]
        print("unbound:", unbound)
        # import_scoped_meta_graph cannot map control inputs: their values must be tensors.
        if not any(v.startswith("^") for v in unbound):
            meta_graph_lib.import_scoped_meta_graph(path("part.meta"), import_scope="new", input_map={v: y for v in unbound})
        print("%-32s ok" % "TensorFlow imports our part")
    print("%d failed" % len(FAILED))
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
