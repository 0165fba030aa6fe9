#!/usr/bin/env python3
"""Where TensorFlow's freeze_graph reports success and fails its users: each case, with theirs and with ours.

A tool for developers; needs both TensorFlows:

    eval "$(../shared/oracle/setup.sh)"
    "$TF1" tests/oracle/check_freeze_failures.py --freeze_graph=bazel-bin/tools/freeze_graph \\
        --doctor=bazel-bin/tools/doctor --tf2="$TF2"

Every case is a small model, made and run with TensorFlow 1.15. It is frozen by the freeze_graph of 1.15 and of 2.21; what
then becomes of the result, when it is loaded and run, is printed. Ours must give what the session gave before anything
was frozen, or refuse with the reason where no frozen graph can. The exit status is 0 if all of ours are right. What was
seen last is in recorded/check_freeze_failures.txt.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np  # pylint: disable=g-import-not-at-top
import tensorflow as tf
tf = tf.compat.v1
tf.disable_v2_behavior()

X = np.arange(6, dtype=np.float32).reshape(2, 3) / 7


def placeholder():
    return tf.placeholder(tf.float32, [2, 3], "x")


def variable(name, shape, resource=False):
    return tf.get_variable(name, shape, tf.float32, tf.random_uniform_initializer(0.1, 1, seed=7), use_resource=resource)


# 1: state changes on the way to the output.
def update_as_control():
    w = variable("w", [3, 3])
    step = tf.get_variable("step", [], tf.int64, tf.zeros_initializer(), trainable=False)
    with tf.control_dependencies([tf.assign_add(step, 1)]):
        tf.matmul(placeholder(), w, name="y")


def update_in_branch():
    x = placeholder()
    phase = tf.placeholder(tf.bool, [], "phase_train")
    mean = variable("mean", [3])
    def train():
        with tf.control_dependencies([tf.assign_sub(mean, mean * 0.1)]):
            return tf.identity(x) * 2
    tf.identity(tf.cond(phase, train, lambda: x - mean), "y")
    return {"ours": ["--set=phase_train=false"], "feed": {"phase_train:0": False}}


def is_initialized():
    w = variable("w", [3, 3])
    tf.matmul(placeholder(), tf.cond(tf.is_variable_initialized(w), lambda: w * 2, lambda: w * 0), name="y")


# 2: the same for resource variables.
def resource_update():
    w = variable("w", [3, 3], True)
    step = tf.get_variable("step", [], tf.int64, tf.zeros_initializer(), trainable=False, use_resource=True)
    with tf.control_dependencies([step.assign_add(1).op]):
        tf.matmul(placeholder(), w, name="y")


def resource_shape():
    from tensorflow.python.ops import gen_resource_variable_ops as ops  # pylint: disable=g-import-not-at-top
    w = variable("w", [3, 3], True)
    shape = tf.cast(ops.variable_shape(w.handle), tf.float32)
    tf.add(tf.matmul(placeholder(), w), tf.reduce_sum(shape), name="y")


# 3
def gather_nd():
    w = variable("w", [4, 3], True)
    tf.add(placeholder(), tf.reduce_sum(tf.gather_nd(w, [[1, 2], [3, 0]])), name="y")


# 4
def functional_while():
    tf.enable_control_flow_v2()
    try:
        x = placeholder()
        w = variable("w", [3, 3], True)
        tf.identity(tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, tf.tanh(tf.matmul(v, w))), [0, x])[1], "y")
    finally:
        tf.disable_control_flow_v2()


# 5 is about functions of TensorFlow 2 SavedModels; here the gather is in the body of a functional loop.
def embedding_in_function():
    tf.enable_control_flow_v2()
    try:
        x = placeholder()
        w = variable("w", [5, 3], True)
        body = lambda i, v: (i + 1, v * tf.nn.embedding_lookup(w, [i, 4 - i]))
        tf.identity(tf.while_loop(lambda i, v: i < 4, body, [0, x])[1], "y")
    finally:
        tf.disable_control_flow_v2()


# 6
def embedding_in_loop():
    x = placeholder()
    w = variable("w", [5, 3], True)
    body = lambda i, v: (i + 1, v * tf.nn.embedding_lookup(w, [i, 4 - i]))
    tf.identity(tf.while_loop(lambda i, v: i < 4, body, [0, x])[1], "y")


# 7
def legacy_variable():
    from tensorflow.python.ops import gen_state_ops  # pylint: disable=g-import-not-at-top
    v = gen_state_ops.variable([3, 3], tf.float32, name="w")
    v.set_shape([3, 3])
    tf.matmul(placeholder(), v, name="y")
    init = tf.assign(v, np.arange(9, dtype=np.float32).reshape(3, 3), validate_shape=False).op
    return {"init": init, "var_list": {"w": v}}


# 8, more than 2 GiB, is too large for a case here; see tests/bench.


# 9
def producer_lost():
    tf.matmul(placeholder(), variable("w", [3, 3]), name="y")


# 10
def table():
    x = placeholder()
    keys = tf.constant(["a", "b", "c"])
    lookup = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, tf.constant([5, 7, 9], tf.int64)), -1)
    w = variable("w", [3, 3])
    tf.add(tf.matmul(x, w), tf.cast(lookup.lookup(tf.constant(["b", "z", "c"])), tf.float32), name="y")
    return {"ours": ["--tables=bake"]}


def iterator():
    data = tf.data.make_initializable_iterator(tf.data.Dataset.from_tensors(X)).get_next()
    x = placeholder()
    tf.add(tf.matmul(x, variable("w", [3, 3])), data, name="y")
    return {"run": False, "refusal": "CG137"}


def py_func():
    x = placeholder()
    y = tf.py_func(lambda v: v + 1, [tf.matmul(x, variable("w", [3, 3]))], tf.float32)
    tf.identity(y, "y")
    return {"refusal": "CG138"}


# 11
def initializer_overwrites():
    tf.matmul(placeholder(), variable("w", [3, 3]), name="y")
    tf.get_variable("b", [], tf.float32, tf.zeros_initializer())
    return {"flags": ["--initializer_nodes=init"], "refusal": "CG127", "train": True}


# 12
def misspelt_flag():
    tf.matmul(placeholder(), variable("w", [3, 3]), name="y")
    return {"flags": ["--variable_names_blaklist=w"], "refusal": "has no flag"}


CASES = [("1", update_as_control), ("1", update_in_branch), ("1", is_initialized), ("2", resource_update),
         ("2", resource_shape), ("3", gather_nd), ("4", functional_while), ("5", embedding_in_function),
         ("6", embedding_in_loop), ("7", legacy_variable), ("9", producer_lost), ("10", table), ("10", iterator),
         ("10", py_func), ("11", initializer_overwrites), ("12", misspelt_flag)]


def words(error):
    """The line of a TensorFlow error that says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    for before, line in zip(lines, lines[1:]):
        if before.startswith("Node: "):
            return line[:160]
    return re.sub(r" ?\(defined at [^)]*\)", "", lines[0])[:160]


def load(path, feed, want):
    """What becomes of a frozen graph: "as before", other values, or TensorFlow's words."""
    graph_def = tf.GraphDef()
    with open(path, "rb") as f:
        graph_def.ParseFromString(f.read())
    left = sorted(set(n.op for n in graph_def.node if n.op.startswith("Variable") or n.op == "VarHandleOp"))
    try:
        graph = tf.Graph()
        with graph.as_default():
            tf.import_graph_def(graph_def, name="")
        names = set(op.name for op in graph.get_operations())
        with tf.Session(graph=graph) as session:
            got = session.run("y:0", {k: v for k, v in feed.items() if k[:-2] in names})
    except Exception as error:  # pylint: disable=broad-except
        return "fails: " + words(error)
    if left:
        return "%s left unfrozen" % left
    text = "as before" if np.allclose(got, want, rtol=1e-5) else "OTHER VALUES"
    return text + ("" if graph_def.versions.producer else ", but producer 0")


def peer(python, path, flags, feed, doctor):
    out = path("peer.pb")
    if os.path.exists(out):
        os.remove(out)
    done = subprocess.run([python, "-m", "tensorflow.python.tools.freeze_graph", "--input_binary=true",
                           "--output_node_names=y", "--output_graph=" + out] + flags,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        lines = [l for l in done.stdout.decode().splitlines() if l.strip()]
        return "status %d: %s" % (done.returncode, lines[-1][:160] if lines else "")
    text = "status 0; " + loaded(python, out, feed)
    if doctor and "; fails" in text:
        done = subprocess.run([doctor, out, "--out_graph=" + path("repaired.pb")], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        repaired = done.stderr.decode().split("error: ")[-1].splitlines()[0][:160] if done.returncode else \
            loaded(python, path("repaired.pb"), feed)
        text += "\n          doctor: " + repaired.replace(path(""), "")
    return text


def loaded(python, graph, feed):
    done = subprocess.run([python, os.path.abspath(__file__), "--load=" + graph, "--feed=" + feed],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.stdout.decode().strip() or done.stderr.decode().strip()[-160:]


def make(case, path):
    graph = tf.Graph()
    with graph.as_default():
        tf.set_random_seed(1)
        extra = case() or {}
        saver = tf.train.Saver(extra.get("var_list"))
        init = extra.get("init") or tf.global_variables_initializer()
        with tf.Session() as session:
            session.run(init)
            session.run(tf.tables_initializer())
            if extra.get("train"):
                session.run(tf.assign_add(tf.global_variables()[0], np.ones([3, 3], np.float32)))
            saver.save(session, path("model.ckpt"))
            feed = dict({"x:0": X}, **extra.get("feed", {}))
            want = session.run("y:0", feed) if extra.get("run", True) else X
        with open(path("graph.pb"), "wb") as f:
            f.write(graph.as_graph_def().SerializeToString())
    np.savez(path("feed.npz"), want=want, **{k.replace(":", "__"): v for k, v in feed.items()})
    return extra, feed, want


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--freeze_graph")
    parser.add_argument("--tf2", help="interpreter of TensorFlow 2.21")
    parser.add_argument("--doctor", help="our doctor: what it makes of the graphs that do not load is run, too")
    parser.add_argument("--only", default="")
    parser.add_argument("--load", help=argparse.SUPPRESS)
    parser.add_argument("--feed", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.load:
        stored = np.load(args.feed)
        print(load(args.load, {k.replace("__", ":"): stored[k] for k in stored.files if k != "want"}, stored["want"]))
        return 0
    bad = 0
    for item, case in CASES:
        if args.only not in case.__name__:
            continue
        folder = tempfile.mkdtemp()
        path = lambda name: os.path.join(folder, name)
        extra, feed, want = make(case, path)
        flags = ["--input_meta_graph=" + path("model.ckpt.meta"), "--input_checkpoint=" + path("model.ckpt")]
        flags += extra.get("flags", [])
        print("%s. %s" % (item, case.__name__))
        print("    1.15: " + peer(sys.executable, path, flags, path("feed.npz"), args.doctor))
        if args.tf2:
            print("    2.21: " + peer(args.tf2, path, flags, path("feed.npz"), args.doctor))
        done = subprocess.run([args.freeze_graph, "--output_node_names=y", "--output_graph=" + path("ours.pb")] + flags +
                              extra.get("ours", []), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        said = done.stderr.decode().replace(folder + "/", "")
        refusal = extra.get("refusal")
        if refusal:
            right = done.returncode != 0 and refusal in said and not os.path.exists(path("ours.pb"))
            text = "status %d: %s" % (done.returncode, said.split("error: ")[-1].splitlines()[0])
        elif done.returncode != 0:
            right, text = False, "status %d: %s" % (done.returncode, said.split("error: ")[-1].splitlines()[0])
        else:
            text = load(path("ours.pb"), feed, want)
            right = text == "as before"
            text = " ".join(["status 0;", text] + (["with"] + extra["ours"] if "ours" in extra else []))
        bad += not right
        print("    ours: %s%s" % ("" if right else "WRONG: ", text))
    print("%d wrong" % bad)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
