#!/usr/bin/env python3
"""Writes the goldens of checkpoint/saver_graph_test: graphs with the nodes that TensorFlow's own Saver adds.

A tool for developers: it needs TensorFlow 1.15 (see tests/oracle/check_freeze.py for how to get it).

    "$TF1" tests/oracle/make_saver_goldens.py checkpoint/testdata
"""
import os
import re
import sys

import tensorflow.compat.v1 as tf


def graph_with_saver(path, partitioned=False, two_devices=False, **saver_args):
    graph = tf.Graph()
    with graph.as_default():
        zeros = tf.zeros_initializer()
        tf.get_variable("b", shape=[2], use_resource=False, initializer=zeros)
        tf.get_variable("a", shape=[], dtype=tf.int64, use_resource=False, initializer=zeros)
        tf.get_variable("r", shape=[3], use_resource=True, initializer=zeros)
        if partitioned:
            tf.get_variable("p", shape=[4, 2], use_resource=False, initializer=zeros,
                            partitioner=tf.fixed_size_partitioner(2))
        if two_devices:
            with tf.device("/cpu:1"):
                tf.get_variable("d", shape=[1], use_resource=True, initializer=zeros)
        saver = tf.train.Saver(**saver_args)
    definition = graph.as_graph_def()
    for node in definition.node:
        # 1.15 makes up a folder for each graph; 2.x always uses this one.
        if node.name == "save/StringJoin/inputs_1":
            value = node.attr["value"].tensor.string_val
            value[0] = re.sub(b"_temp_[0-9a-f]{32}", b"_temp", value[0])
    text = "# SaverDef: %s\n" % saver.saver_def.SerializeToString().hex()
    with open(path, "w") as file:
        file.write(text + str(definition))


def main():
    folder = sys.argv[1]
    path = lambda name: os.path.join(folder, "saver_%s.pbtxt" % name)
    graph_with_saver(path("plain"))
    graph_with_saver(path("partitioned"), partitioned=True)
    graph_with_saver(path("sharded"), two_devices=True, sharded=True)
    graph_with_saver(path("v1"), write_version=tf.train.SaverDef.V1, max_to_keep=3)
    graph_with_saver(path("v1_sharded"), two_devices=True, sharded=True, write_version=tf.train.SaverDef.V1)


if __name__ == "__main__":
    main()
