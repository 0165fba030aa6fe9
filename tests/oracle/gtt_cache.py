"""Graphs of the model corpus and what the original transform_graph makes of them, kept in a cache.

Runs under an interpreter that has TensorFlow 1.15. Each call of the original happens in a forked child, since it may
crash, hang or count across calls; its answer is kept in a folder, keyed by graph, names and spec.
"""
import glob
import hashlib
import json
import os
import signal
import sys
import time

from google.protobuf import text_format
from tensorflow.core.framework import graph_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow.core.protobuf import saved_model_pb2

LARGEST_GRAPH_BYTES = 8 << 20
SECONDS_PER_CALL = 60


class Case(object):
    """One graph of the corpus: its name, a binary file of it, and node names of inputs and outputs."""

    def __init__(self, name, path, inputs, outputs):
        self.name, self.path, self.inputs, self.outputs = name, path, inputs, outputs

    def graph(self):
        with open(self.path, "rb") as file:
            return graph_pb2.GraphDef.FromString(file.read())


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


def graph_of(folder, files):
    """The GraphDef of a model, whatever its container; None if it has none that TensorFlow 1.15 can parse."""
    if "graph" in files:
        path = os.path.join(folder, files["graph"])
        if path.endswith("txt"):
            return text_format.Parse(read_bytes(path).decode(), graph_pb2.GraphDef())
        return graph_pb2.GraphDef.FromString(read_bytes(path))
    if "tf_frozen" in files:
        return graph_pb2.GraphDef.FromString(read_bytes(os.path.join(folder, files["tf_frozen"])))
    if "meta" in files:
        return meta_graph_pb2.MetaGraphDef.FromString(read_bytes(os.path.join(folder, files["meta"]))).graph_def
    if "saved_model" in files:
        path = os.path.join(folder, files["saved_model"], "saved_model.pb")
        if os.path.exists(path):
            return saved_model_pb2.SavedModel.FromString(read_bytes(path)).meta_graphs[0].graph_def
        message = saved_model_pb2.SavedModel()
        return text_format.Parse(read_bytes(path + "txt").decode(), message).meta_graphs[0].graph_def
    return None


def node_names(tensors):
    """Names without ports, each once, in order."""
    return list(dict.fromkeys(tensor["name"].split(":")[0] for tensor in tensors))


def load_cases(models, cache):
    """Every model of the corpus that has a graph of moderate size, as binary files in the cache."""
    cases = []
    for description in sorted(glob.glob(os.path.join(models, "*", "case.json"))):
        with open(description) as file:
            case = json.load(file)
        try:
            graph = graph_of(os.path.dirname(description), case.get("files") or {})
        except Exception as error:  # A few are broken on purpose; what TensorFlow cannot parse is no golden.
            print("%s: TensorFlow cannot parse the graph: %s" % (case["name"], error), file=sys.stderr)
            continue
        if graph is None or graph.ByteSize() > LARGEST_GRAPH_BYTES:
            continue
        path = os.path.join(cache, "in", case["name"] + ".pb")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if not os.path.exists(path):
            with open(path + ".new", "wb") as file:
                file.write(graph.SerializeToString(deterministic=True))
            os.rename(path + ".new", path)
        known = {node.name for node in graph.node}
        inputs = [name for name in node_names(case.get("inputs") or []) if name in known]
        outputs = [name for name in node_names(case.get("outputs") or []) if name in known]
        if not outputs:  # No outputs are listed: the nodes that nobody reads.
            read = {source.lstrip("^").split(":")[0] for node in graph.node for source in node.input}
            outputs = [node.name for node in graph.node if node.name not in read][:3]
        cases.append(Case(case["name"], path, inputs, outputs))
    return cases


def child(case, spec, answer):
    """Runs in the forked child: leaves the transformed graph in `answer`, or the message of the error."""
    from tensorflow.tools.graph_transforms import TransformGraph
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 2)
    try:
        graph = TransformGraph(case.graph(), case.inputs, case.outputs, [spec])
    except Exception as error:
        with open(answer + ".err", "w") as file:
            file.write("%s: %s" % (type(error).__name__, getattr(error, "message", None) or error))
        return
    with open(answer + ".new", "wb") as file:
        file.write(graph.SerializeToString())
    os.rename(answer + ".new", answer + ".pb")


def original(case, spec, cache):
    """What the original makes of the case: (GraphDef, "") or (None, message)."""
    text = "\0".join([",".join(case.inputs), ",".join(case.outputs), spec])
    key = hashlib.sha256(read_bytes(case.path) + text.encode()).hexdigest()[:32]
    answer = os.path.join(cache, "out", key)
    os.makedirs(os.path.dirname(answer), exist_ok=True)
    if not os.path.exists(answer + ".pb") and not os.path.exists(answer + ".err"):
        pid = os.fork()
        if pid == 0:
            try:
                child(case, spec, answer)
            finally:
                os._exit(0)
        deadline = time.time() + SECONDS_PER_CALL
        while True:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                break
            if time.time() > deadline:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                status = None
                break
            time.sleep(0.005)
        if not os.path.exists(answer + ".pb") and not os.path.exists(answer + ".err"):
            with open(answer + ".err", "w") as file:
                file.write("CRASH" if status is not None else "HANG")
    if os.path.exists(answer + ".pb"):
        return graph_pb2.GraphDef.FromString(read_bytes(answer + ".pb")), ""
    return None, read_bytes(answer + ".err").decode()
