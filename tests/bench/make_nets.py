"""Makes the three networks of the benchmark //tests/bench:nets as frozen graphs: random weights, seeded.

Usage: python make_nets.py FOLDER, with TensorFlow 1.15 or 2. What is there already is left alone.
The architectures are those of keras.applications; batch normalization has statistics as a trained one has.
"""

import os
import sys

import numpy as np
import tensorflow as tf

NETS = {
    "mobilenet_v2": ("MobileNetV2", 224),
    "resnet50": ("ResNet50", 224),
    "inception_v3": ("InceptionV3", 299),
}


def make(name, path):
  tf1 = tf.compat.v1
  tf1.disable_eager_execution()
  tf1.reset_default_graph()
  tf1.keras.backend.clear_session()
  function, size = NETS[name]
  with tf1.Session(graph=tf1.Graph()) as session:
    tf1.keras.backend.set_session(session)
    tf1.keras.backend.set_learning_phase(0)  # Of this graph: else both branches of each normalization are in it.
    image = tf1.placeholder(tf.float32, [1, size, size, 3], name="image")
    model = getattr(tf1.keras.applications, function)(weights=None, input_tensor=image)
    random = np.random.RandomState(1)
    values = {}
    for variable in tf1.global_variables():
      # He-initialised filters and moderate statistics keep values in range through all layers.
      shape = variable.shape.as_list()
      if len(shape) >= 2:
        fan_in = np.prod(shape[:-1]) if "depthwise" not in variable.name else np.prod(shape[:2])
        value = random.normal(0, np.sqrt(2.0 / fan_in), shape)
      elif "variance" in variable.name or "gamma" in variable.name:
        value = random.uniform(0.5, 1.5, shape)
      else:
        value = random.normal(0, 0.1, shape)
      values[variable.initializer.inputs[1]] = value.astype(np.float32)
    session.run([variable.initializer for variable in tf1.global_variables()], values)
    # Features grow from block to block; the last layer brings them back, so that the probabilities tell outputs apart.
    features = session.run(model.layers[-2].output, {image: random.uniform(-1, 1, image.shape.as_list())})
    kernel = model.layers[-1].kernel
    kernel.load(session.run(kernel) / np.std(features), session)
    output = tf1.identity(model.output, name="probabilities")
    graph = tf1.graph_util.convert_variables_to_constants(session, session.graph.as_graph_def(), [output.op.name])
  for node in graph.node:
    node.device = ""
  with open(path + ".part", "wb") as file:
    file.write(graph.SerializeToString())
  os.rename(path + ".part", path)


def main():
  folder = sys.argv[1]
  os.makedirs(folder, exist_ok=True)
  for name in NETS:
    path = os.path.join(folder, name + ".pb")
    if not os.path.exists(path):
      make(name, path)


if __name__ == "__main__":
  main()
