#!/usr/bin/env python3
"""Makes the SavedModel of this folder with TensorFlow 2.21: small, with everything that makes freezing one hard.

    python make.py                              makes it
    python make.py check frozen_*.pb            runs frozen graphs; they must give the same to the last bit

An embedding that is looked up in a function and again in a loop's body (ResourceGather), a loop inside of a branch, a
Case, a nested function, two variables of one name, a captured constant, and a second signature that counts. For the
signature serving_default, tokens.npy and gain.npy are inputs, scores.npy and steps.npy what TensorFlow computes.
"""
import os
import shutil
import sys

import numpy as np
import tensorflow as tf


class Module(tf.Module):
    def __init__(self):
        super().__init__()
        rng = np.random.RandomState(7)
        values = lambda *shape: rng.normal(size=shape).astype(np.float32)
        self.embedding = tf.Variable(values(11, 4), name="embedding")
        self.kernel = tf.Variable(values(4, 3), name="dup")
        self.bias = tf.Variable(values(3), name="dup")
        self.count = tf.Variable(0, dtype=tf.int64, name="count", trainable=False)
        self.scale = tf.constant(values(4))

    @tf.function
    def pool(self, tokens):
        return tf.reduce_mean(tf.nn.embedding_lookup(self.embedding, tokens), axis=1) * self.scale

    @tf.function(input_signature=[tf.TensorSpec([None, 5], tf.int32, name="tokens"),
                                  tf.TensorSpec([], tf.float32, name="gain")])
    def serve(self, tokens, gain):
        state = self.pool(tokens)
        steps = tf.constant(0)
        if gain > 0:
            while steps < 3:
                state += tf.gather(self.embedding, tokens[:, steps]) * gain
                steps += 1
        else:
            state = -state
        state = tf.switch_case(tf.shape(tokens)[0] % 3, [
            lambda: state, lambda: tf.nn.relu(state) + self.embedding[0], lambda: state * 2.0])
        return {"scores": tf.matmul(state, self.kernel) + self.bias, "steps": steps}

    @tf.function(input_signature=[tf.TensorSpec([], tf.int64, name="by")])
    def bump(self, by):
        return {"count": self.count.assign_add(by)}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    module = Module()
    folder = os.path.join(here, "saved_model")
    shutil.rmtree(folder, ignore_errors=True)
    tf.saved_model.save(module, folder, signatures={"serving_default": module.serve, "bump": module.bump})
    for extra in ("fingerprint.pb", "assets"):
        path = os.path.join(folder, extra)
        shutil.rmtree(path, ignore_errors=True)
        if os.path.exists(path):
            os.remove(path)
    tokens = np.arange(20, dtype=np.int32).reshape(4, 5) % 11
    gain = np.float32(0.5)
    result = module.serve(tf.constant(tokens), tf.constant(gain))
    np.save(os.path.join(here, "tokens.npy"), tokens)
    np.save(os.path.join(here, "gain.npy"), gain)
    for key in ("scores", "steps"):
        np.save(os.path.join(here, key + ".npy"), result[key].numpy())


def check(paths):
    tf1 = tf.compat.v1
    here = os.path.dirname(os.path.abspath(__file__))
    stored = lambda key: np.load(os.path.join(here, key + ".npy"))
    config = tf1.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    for path in paths:
        graph_def = tf1.GraphDef()
        with open(path, "rb") as file:
            graph_def.ParseFromString(file.read())
        with tf.Graph().as_default() as graph, tf1.Session(graph=graph, config=config) as session:
            tf1.import_graph_def(graph_def, name="")
            scores, steps = session.run(["scores:0", "steps:0"], {"serving_default_tokens:0": stored("tokens"),
                                                                  "serving_default_gain:0": stored("gain")})
        same = scores.tobytes() == stored("scores").tobytes() and steps == stored("steps")
        print("%s: %s" % (path, "the same" if same else "DIFFERENT"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["check"]:
        check(sys.argv[2:])
    else:
        main()
