#!/usr/bin/env python3
"""Compares the shapes of our infer_shapes with TensorFlow's, tensor by tensor, on every model of a corpus.

    "$TF1" tests/oracle/check_shapes.py --tool=bazel-bin/tools/infer_shapes --models=…/data/models [--only=TEXT] [--verbose]

Needs an interpreter with TensorFlow, so it is run by hand and is no test. Ends with 1 if a shape of ours contradicts
TensorFlow's. Prints how many tensors TensorFlow knows more of, with the ops that are to blame, and how many we do.
"""
import argparse
import collections
import glob
import json
import os
import subprocess
import sys

os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
import tensorflow as tf  # noqa: E402

tf1 = tf.compat.v1


def graph_of(path):
    with open(path, 'rb') as file:
        data = file.read()
    if path.endswith('.meta'):
        meta = tf1.MetaGraphDef()
        meta.ParseFromString(data)
        return meta.graph_def
    definition = tf1.GraphDef()
    definition.ParseFromString(data)
    return definition


def shapes_of(definition):
    for node in definition.node:
        node.attr.pop('_output_shapes', None)
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(definition, name='')
        return {t.name: None if t.shape.rank is None else [-1 if d is None else d for d in t.shape.as_list()]
                for op in graph.get_operations() for t in op.outputs}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--tool', required=True)
    parser.add_argument('--models', required=True)
    parser.add_argument('--only', default='')
    parser.add_argument('--verbose', action='store_true')
    flags = parser.parse_args()
    totals, blame = collections.Counter(), collections.Counter()
    wrong = 0
    paths = sorted(glob.glob(flags.models + '/**/*.pb', recursive=True) + glob.glob(flags.models + '/**/*.meta', recursive=True))
    for path in paths:
        if flags.only not in path:
            continue
        try:
            definition = graph_of(path)
            theirs = shapes_of(definition)
        except Exception:  # Not a graph, or not one that this TensorFlow takes.
            totals['models that TensorFlow does not take'] += 1
            continue
        run = subprocess.run([flags.tool, path, '--json'], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if run.returncode == 2:
            totals['models that ours does not read'] += 1
            continue
        answer = json.loads(run.stdout.decode())
        if answer['conflicts']:
            print('CONFLICT', path, answer['conflicts'][:3])
            wrong += 1
        ops = {node.name: node.op for node in definition.node}
        totals['models'] += 1
        for tensor in answer['tensors']:
            name, ours = tensor['name'], tensor['shape']
            if name not in theirs:
                continue
            other = theirs[name]
            totals['tensors'] += 1
            if ours is None and other is None or ours == other:
                totals['equal'] += 1
            elif ours is None or (other is not None and len(ours) == len(other) and
                                  all(a == b or a < 0 for a, b in zip(ours, other))):
                totals['TensorFlow knows more'] += 1
                blame[ops.get(name.split(':')[0])] += 1
                if flags.verbose:
                    print('less', path, name, ops.get(name.split(':')[0]), ours, other)
            elif other is None or (len(ours) == len(other) and all(a == b or a < 0 or b < 0 for a, b in zip(ours, other))):
                totals['we know more'] += 1
            else:
                wrong += 1
                print('WRONG', path, name, ops.get(name.split(':')[0]), ours, other)
    for key, count in totals.items():
        print('%-40s %d' % (key, count))
    print('ops of which TensorFlow knows more:', ', '.join('%s %d' % each for each in blame.most_common(30)))
    sys.exit(1 if wrong else 0)


main()
