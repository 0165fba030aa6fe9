"""Makes and freezes the Keras ResNet-50 of the benchmark, with TensorFlow 2.

    python keras_resnet50.py make DIR            a SavedModel with random weights (seeded)
    python keras_resnet50.py convert DIR OUT     the real conversion: load, convert_variables_to_constants_v2, write
"""
import sys

import tensorflow as tf


def make(folder):
    tf.keras.utils.set_random_seed(1)
    tf.keras.applications.ResNet50(weights=None).export(folder)


def convert(folder, out):
    from tensorflow.python.framework import convert_to_constants
    loaded = tf.saved_model.load(folder)  # Holds the variables; the signature does not.
    frozen = convert_to_constants.convert_variables_to_constants_v2(loaded.signatures["serving_default"])
    with open(out, "wb") as file:
        file.write(frozen.graph.as_graph_def().SerializeToString())


if __name__ == "__main__":
    {"make": make, "convert": convert}[sys.argv[1]](*sys.argv[2:])
