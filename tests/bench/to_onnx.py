"""Converts a frozen graph for ONNX Runtime. Usage: python to_onnx.py GRAPH OUTPUT, with TensorFlow 2 and tf2onnx.

Where those two cannot live in one environment, CRYOGRAPH_ONNX_PATH names the site-packages of tf2onnx, looked at last.
"""

import os
import sys

sys.path.extend(filter(None, [os.environ.get("CRYOGRAPH_ONNX_PATH")]))
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import tensorflow as tf  # pylint: disable=wrong-import-position
import tf2onnx  # pylint: disable=wrong-import-position


def main():
    graph_def = tf.compat.v1.GraphDef()
    with open(sys.argv[1], "rb") as file:
        graph_def.ParseFromString(file.read())
    model, _ = tf2onnx.convert.from_graph_def(graph_def, input_names=["image:0"], output_names=["probabilities:0"],
                                              opset=15)
    with open(sys.argv[2] + ".part", "wb") as file:
        file.write(model.SerializeToString())
    os.rename(sys.argv[2] + ".part", sys.argv[2])


if __name__ == "__main__":
    main()
