"""Runs a network with TensorFlow 1 or 2, ONNX Runtime or OpenCV, one thread, and prints what net_latency prints.

Usage: python peer_net.py tensorflow|onnx|opencv MODEL SIZE RUNS START, where START is time.monotonic() * 1e3 when the process was started.
"""

import json
import os
import resource
import sys
import time


def image(size):
    import numpy as np

    # The same pseudo-random numbers as net_latency's.
    values = np.empty(size * size * 3, np.uint32)
    state = 1
    for i in range(values.size):
        state = (state * 1664525 + 1013904223) & 0xffffffff
        values[i] = state
    return ((values >> 8).astype(np.float32) / (1 << 23) - 1).reshape(1, size, size, 3)


def with_tensorflow(path):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf

    tf1 = tf.compat.v1
    tf1.disable_eager_execution()
    graph_def = tf1.GraphDef()
    with open(path, "rb") as file:
        graph_def.ParseFromString(file.read())
    tf1.import_graph_def(graph_def, name="")
    config = tf1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    session = tf1.Session(config=config)
    run = session.make_callable("probabilities:0", feed_list=["image:0"])
    return run


def with_onnx(path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})[0]


def with_opencv(path):
    import cv2

    cv2.setNumThreads(1)
    net = cv2.dnn.readNetFromTensorflow(path)

    def run(x):
        net.setInput(x.transpose(0, 3, 1, 2))  # Its images are [batch, channels, height, width].
        return net.forward()

    return run


WAYS = {"tensorflow": with_tensorflow, "onnx": with_onnx, "opencv": with_opencv}


def main():
    kind, path, size, runs, start = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
    run = WAYS[kind](path)
    making = time.monotonic()
    x = image(size)
    making = time.monotonic() - making  # A slow loop of Python is not the peer's fault.
    output = run(x)
    first = time.monotonic() * 1e3 - start - making * 1e3
    times, cpu_times = [], []
    for _ in range(runs):
        begin, cpu_begin = time.monotonic(), time.process_time()
        output = run(x)
        times.append((time.monotonic() - begin) * 1e3)
        cpu_times.append((time.process_time() - cpu_begin) * 1e3)
    times.sort()
    cpu_times.sort()
    print(json.dumps({
        "p50_ms": times[len(times) // 2],
        "cpu_ms": cpu_times[len(times) // 2],
        "first_ms": first,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "output": [float(v) for v in output.reshape(-1)[:5]],
    }))


if __name__ == "__main__":
    main()
