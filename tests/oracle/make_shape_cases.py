#!/usr/bin/env python3
"""Makes graph/testdata/shapes.pbtxt and shapes.txt: a graph with every op family that has a shape rule, and the
shape that TensorFlow gives each tensor of it.

    "$TF1" tests/oracle/make_shape_cases.py graph/testdata

TF1 is an interpreter with TensorFlow 1.15.
"""
import sys

import numpy as np
import tensorflow as tf

tf.compat.v1.disable_eager_execution()
tf1 = tf.compat.v1


def placeholder(name, shape, dtype=tf.float32):
    return tf1.placeholder(dtype, shape, name=name)


def elementwise():
    a, b, v, s, u = (placeholder(*each) for each in [
        ('ew/a', [None, 3]), ('ew/b', [2, 1, 3]), ('ew/v', [3]), ('ew/s', []), ('ew/u', None)])
    for i, (x, y) in enumerate([(a, b), (a, v), (a, s), (a, u), (s, u), (v, b)]):
        tf.add(x, y, name='ew/add_%d' % i)
        tf.maximum(x, y, name='ew/max_%d' % i)
        tf.less(x, y, name='ew/less_%d' % i)
    tf.nn.relu(a, name='ew/relu')
    tf.nn.softmax(a, name='ew/softmax')
    tf.cast(a, tf.int32, name='ew/cast')
    tf.add_n([a, placeholder('ew/c', [4, None])], name='ew/add_n')
    tf.where(placeholder('ew/cond', [4], tf.bool), placeholder('ew/w1', [4, 2]), placeholder('ew/w2', [None, 2]),
             name='ew/select')
    tf.where_v2(placeholder('ew/cond2', [4, 1], tf.bool), a, v, name='ew/select_v2')
    for i, (axis, keep) in enumerate([(0, False), (-1, True), ([0, 1], False), ([], False), (None, True)]):
        tf.reduce_sum(a, axis, keepdims=keep, name='ew/sum_%d' % i)
    tf.reduce_mean(u, 0, name='ew/mean_u')
    tf.reduce_max(a, placeholder('ew/axis', [1], tf.int32), keepdims=True, name='ew/max_k')
    tf.argmax(b, 1, name='ew/argmax')
    tf.nn.l2_loss(a, name='ew/l2')
    tf.cumsum(b, 1, name='ew/cumsum')


def sources():
    placeholder('src/unknown', None)
    tf.constant(np.zeros([2, 3], np.float32), name='src/const')
    tf.constant(7, name='src/scalar')
    tf1.placeholder_with_default(np.zeros([2, 3], np.float32), [None, 3], name='src/default')
    tf.ensure_shape(placeholder('src/e', [None, 3]), [5, None], name='src/ensure')
    v = tf1.Variable(np.zeros([4, 5], np.float32), name='src/v', use_resource=False)
    tf1.assign_add(v, np.ones([4, 5], np.float32), name='src/assign_add')
    r = tf1.Variable(np.zeros([4, 5], np.float32), name='src/r', use_resource=True)
    r.read_value()
    tf.gather(r, placeholder('src/i', [None, 2], tf.int32), name='src/resource_gather')
    n = tf.shape(placeholder('src/n', [None, 7]))[0]
    tf.random.uniform([n, 3], name='src/random')
    tf.random.normal([2, 3], name='src/normal')
    tf.linspace(0.0, 1.0, 5, name='src/lin')


def arrays():
    x = placeholder('arr/x', [None, 4, 6])
    y = placeholder('arr/y', [2, 4, 6])
    u = placeholder('arr/u', None)
    shape = tf.shape(x, name='arr/shape')
    tf.shape(y, name='arr/shape_y')
    tf.rank(y, name='arr/rank')
    tf.size(y, name='arr/size')
    tf.reshape(y, [2, -1], name='arr/reshape')
    tf.reshape(y, [-1], name='arr/flat')
    tf.reshape(x, tf.stack([shape[0], shape[1] * shape[2]]), name='arr/reshape_dynamic')
    tf.reshape(x, tf.concat([shape[:1], [24]], 0), name='arr/reshape_concat')
    tf.reshape(y, tf.concat([tf.shape(y)[1:], [-1]], 0), name='arr/reshape_sliced')
    tf.reshape(u, [3, -1], name='arr/reshape_u')
    tf.reshape(u, placeholder('arr/newshape', [2], tf.int32), name='arr/reshape_fed')
    tf.reshape(y, tf.stack([tf.size(y) // 6, 6]), name='arr/reshape_div')
    tf.reshape(y, [tf.reduce_prod(tf.shape(y)[:2]), 6], name='arr/reshape_prod')
    tf.reshape(y, tf.gather(tf.shape(y), [2, 1, 0]), name='arr/reshape_gather')
    for i, axis in enumerate([0, 1, -1, 3]):
        tf.expand_dims(x, axis, name='arr/expand_%d' % i)
    tf.squeeze(placeholder('arr/q', [1, 3, 1, 2]), name='arr/squeeze')
    tf.squeeze(placeholder('arr/q2', [1, None, 1, 2]), [0, -2], name='arr/squeeze_axes')
    tf.squeeze(placeholder('arr/q3', [1, None, 1]), name='arr/squeeze_unknown')
    tf.transpose(x, [2, 0, 1], name='arr/transpose')
    tf.transpose(x, placeholder('arr/perm', [3], tf.int32), name='arr/transpose_fed')
    tf.concat([x, y], 1, name='arr/concat')
    tf.concat([x, y], -1, name='arr/concat_last')
    tf.concat([x, u], 1, name='arr/concat_u')
    tf.concat([x, y], placeholder('arr/axis', [], tf.int32), name='arr/concat_fed')
    tf.raw_ops.Concat(concat_dim=2, values=[x, y], name='arr/concat_v1')
    tf.stack([x, y], 1, name='arr/stack')
    tf.unstack(y, axis=1, name='arr/unstack')
    tf.fill([2, 3], 1.0, name='arr/fill')
    tf.fill(shape, 1.0, name='arr/fill_shape')
    tf.range(2, 12, 3, name='arr/range')
    tf.range(12, 2, -3, name='arr/range_down')
    tf.range(shape[0], name='arr/range_unknown')
    tf.broadcast_to(y, [5, 2, 4, 6], name='arr/broadcast')
    tf.tile(x, [1, 2, 3], name='arr/tile')
    tf.tile(x, placeholder('arr/times', [3], tf.int32), name='arr/tile_fed')
    tf.pad(x, [[0, 0], [1, 2], [3, 3]], name='arr/pad')
    tf.pad(x, [[1, 1], [1, 1], [1, 1]], mode='REFLECT', name='arr/mirror')
    tf.one_hot(placeholder('arr/hot', [None, 2], tf.int32), 9, name='arr/one_hot')
    tf.one_hot(placeholder('arr/hot2', [None, 2], tf.int32), 9, axis=0, name='arr/one_hot_0')
    tf.where(placeholder('arr/cond', [2, 3], tf.bool), name='arr/where')
    tf.nn.top_k(y, 3, name='arr/top')
    tf.reverse(y, [0], name='arr/reverse')


def slices():
    x = placeholder('sl/x', [None, 5, 6])
    y = placeholder('sl/y', [8, 5, 6])
    tf.slice(y, [1, 0, 2], [2, -1, 3], name='sl/slice')
    tf.slice(x, [1, 0, 2], [-1, -1, 3], name='sl/slice_x')
    tf.slice(y, placeholder('sl/b', [3], tf.int32), [2, -1, 3], name='sl/slice_fed')
    tf.identity(y[1], name='sl/i0')
    tf.identity(y[1:3], name='sl/i1')
    tf.identity(y[:, ::2, ::-1], name='sl/i2')
    tf.identity(y[..., 1:-1], name='sl/i3')
    tf.identity(y[:, tf.newaxis, 2], name='sl/i4')
    tf.identity(y[-3:, ..., tf.newaxis], name='sl/i5')
    tf.identity(y[6:1:-2, 0, 4:100], name='sl/i6')
    tf.identity(x[:, 1], name='sl/i7')
    tf.identity(x[::1, ..., 0], name='sl/i8')
    tf.identity(y[3:3], name='sl/i9')
    tf.identity(y[5:2], name='sl/i10')
    i = placeholder('sl/index', [None, 3], tf.int32)
    tf.gather(y, i, name='sl/gather')
    tf.gather(y, i, axis=1, name='sl/gather_1')
    tf.gather(y, 2, axis=-1, name='sl/gather_last')
    tf.gather_nd(y, placeholder('sl/nd', [7, 2], tf.int32), name='sl/gather_nd')
    tf.gather_nd(y, placeholder('sl/nd3', [7, None, 3], tf.int32), name='sl/gather_nd3')
    tf.split(y, 4, 0, name='sl/split')
    tf.split(x, 3, 2, name='sl/split_x')
    tf.split(y, [1, 4, -1], 0, name='sl/split_v')
    tf.split(y, [1, 4], 1, name='sl/split_v1')
    tf.strings.to_hash_bucket_fast(placeholder('sl/s', [None], tf.string), 10, name='sl/hash')


def layers():
    m = placeholder('nn/m', [None, 7])
    tf.matmul(m, placeholder('nn/w', [7, 9]), name='nn/matmul')
    tf.matmul(m, placeholder('nn/wt', [9, 7]), transpose_b=True, name='nn/matmul_t')
    tf.matmul(m, m, transpose_a=True, name='nn/matmul_a')
    tf.matmul(placeholder('nn/b1', [2, None, 3, 4]), placeholder('nn/b2', [2, 5, 4, 6]), name='nn/batch')
    tf.raw_ops.BatchMatMulV2(x=placeholder('nn/b3', [2, 1, 3, 4]), y=placeholder('nn/b4', [5, 4, 6]), name='nn/batch2')
    tf.raw_ops.BatchMatMul(x=placeholder('nn/b5', [2, 4, 3]), y=placeholder('nn/b6', [2, 6, 4]), adj_x=True, adj_y=True,
                           name='nn/batch_adjoint')
    image = placeholder('nn/image', [None, 17, 19, 4])
    nchw = placeholder('nn/nchw', [2, 4, 17, 19])
    filters = placeholder('nn/filter', [3, 5, 4, 8])
    for i, (strides, padding, dilations) in enumerate([(1, 'VALID', 1), (2, 'SAME', 1), (2, 'VALID', 1), (1, 'VALID', 2),
                                                       (1, 'SAME', 2)]):
        tf.nn.conv2d(image, filters, strides=strides, padding=padding, dilations=dilations, name='nn/conv_%d' % i)
        tf.nn.conv2d(nchw, filters, strides=strides, padding=padding, dilations=dilations, data_format='NCHW',
                     name='nn/conv_nchw_%d' % i)
        tf1.nn.depthwise_conv2d_native(image, placeholder('nn/dw_%d' % i, [3, 3, 4, 2]),
                                       strides=[1, strides, strides, 1], padding=padding, name='nn/depthwise_%d' % i)
        tf.nn.max_pool2d(image, 3, strides, padding, name='nn/pool_%d' % i)
        tf.nn.avg_pool2d(nchw, 2, strides, padding, data_format='NCHW', name='nn/avg_%d' % i)
    tf.nn.conv2d(image, filters, strides=2, padding=[[0, 0], [1, 2], [3, 0], [0, 0]], name='nn/conv_explicit')
    tf.nn.conv2d_transpose(image, placeholder('nn/ft', [3, 3, 6, 4]), [2, 34, 38, 6], 2, name='nn/transpose')
    tf.nn.conv3d(placeholder('nn/volume', [1, 9, 9, 9, 2]), placeholder('nn/f3', [3, 3, 3, 2, 4]), [1, 2, 2, 2, 1], 'SAME',
                 name='nn/conv3d')
    tf.nn.max_pool3d(placeholder('nn/volume2', [1, 9, 9, 9, 2]), 2, 2, 'VALID', name='nn/pool3d')
    tf1.nn.fused_batch_norm(image, placeholder('nn/scale', [4]), placeholder('nn/offset', [4]), name='nn/bn')
    tf.nn.bias_add(image, placeholder('nn/bias', [4]), name='nn/bias_add')
    tf.nn.lrn(image, name='nn/lrn')
    tf1.image.resize_bilinear(image, [8, 9], name='nn/resize')
    tf1.image.resize_nearest_neighbor(image, tf.shape(image)[1:3] * 2, name='nn/resize_dynamic')
    tf.image.crop_and_resize(image, placeholder('nn/boxes', [None, 4]), placeholder('nn/box', [None], tf.int32), [5, 6],
                             name='nn/crop')
    tf.nn.space_to_depth(placeholder('nn/std', [None, 4, 6, 3]), 2, name='nn/space_to_depth')
    tf.nn.depth_to_space(placeholder('nn/dts', [None, 4, 6, 12]), 2, name='nn/depth_to_space')
    tf.io.decode_jpeg(placeholder('nn/bytes', [], tf.string), channels=3, name='nn/jpeg')


def control_flow():
    tf1.disable_control_flow_v2()
    x = placeholder('cf/x', [None, 3])
    p = placeholder('cf/p', [], tf.bool)
    tf.identity(tf1.cond(p, lambda: x + 1.0, lambda: x[:1]), name='cf/cond')
    i, a = tf1.while_loop(lambda i, a: i < 10, lambda i, a: (i + 1, a * 2.0), [0, x])
    tf.identity(i, name='cf/counter')
    tf.identity(a, name='cf/same')
    _, g = tf1.while_loop(lambda i, a: i < 10, lambda i, a: (i + 1, tf.concat([a, x], 0)), [0, x],
                          shape_invariants=[tf.TensorShape([]), tf.TensorShape([None, 3])], name='cf/grow')
    tf.identity(g, name='cf/grown')


def main():
    graph = tf.Graph()
    with graph.as_default():
        for family in (elementwise, sources, arrays, slices, layers, control_flow):
            family()
    definition = graph.as_graph_def()
    for node in definition.node:
        node.attr.pop('_output_shapes', None)
    # As a file gives them: what the Python that built the graph knew besides is not in it.
    with tf.Graph().as_default() as fresh:
        tf.import_graph_def(definition, name='')
        lines = []
        for op in fresh.get_operations():
            for tensor in op.outputs:
                text = '?' if tensor.shape.rank is None else '[%s]' % ','.join(
                    '?' if d is None else str(d) for d in tensor.shape.as_list())
                lines.append('%s %s' % (tensor.name, text))
    with open(sys.argv[1] + '/shapes.pbtxt', 'w') as out:
        out.write('# Made by tests/oracle/make_shape_cases.py.\n')
        for node in definition.node:
            node_text = tf1.GraphDef(node=[node])
            out.write(__import__('google.protobuf.text_format', fromlist=['']).MessageToString(
                node_text, as_one_line=True) + '\n')
        out.write('versions { producer: %d }\n' % definition.versions.producer)
    with open(sys.argv[1] + '/shapes.txt', 'w') as out:
        out.write('# The shapes that TensorFlow %s infers; made by tests/oracle/make_shape_cases.py.\n' % tf.__version__)
        out.write('\n'.join(lines) + '\n')


main()
