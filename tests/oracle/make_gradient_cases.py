#!/usr/bin/env python3
"""Makes the cases of SymbolicGradient: small functions and the gradients that TensorFlow's tf.gradients gives for them.

  eval "$(../shared/oracle/setup.sh)"
  "$TF1" tests/oracle/make_gradient_cases.py ../shared/oracle runtime/kernels/testdata/SymbolicGradient.cases

tf.gradients knows more ops than the SymbolicGradient kernel of TensorFlow does; where that one runs, it must give the same.
"""
import sys

import numpy as np

sys.path.insert(0, sys.argv[1])
from opgen_lib import oracle, wire  # noqa: E402
from opgen_lib.build import Ten  # noqa: E402
import tensorflow as tf  # noqa: E402
from tensorflow.python.framework import graph_to_function_def  # noqa: E402

v1 = tf.compat.v1
nn = tf.nn
raw = tf.raw_ops
CASES = []
RANDOM = np.random.RandomState(20)


def data(shape, dtype='float32', kind='n'):
  a = {'n': lambda: RANDOM.randn(*shape), 'pos': lambda: RANDOM.uniform(0.3, 3, shape),
       'unit': lambda: RANDOM.uniform(-0.9, 0.9, shape), 'ge1': lambda: RANDOM.uniform(1.2, 4, shape),
       'distinct': lambda: RANDOM.permutation(int(np.prod(shape))).reshape(shape) * 0.25 - 2}[kind]()
  if dtype.startswith('complex'):
    a = a + 1j * RANDOM.randn(*shape)
  return np.asarray(a, dtype)


def case(note, function, *args):
  """args: arrays, or (shape, kind, dtype) for random ones."""
  CASES.append((note, function, [a if isinstance(a, np.ndarray) else data(a[0], *a[2:] or ('float32',),
                                                                          kind=a[1] if len(a) > 1 else 'n')
                                 for a in args]))


for name in ('Abs', 'Cos', 'Cosh', 'Digamma', 'Elu', 'Erf', 'Erfc', 'Exp', 'Expm1', 'Inv', 'LeakyRelu', 'Neg', 'Reciprocal',
             'Relu', 'Relu6', 'Selu', 'Sigmoid', 'Sin', 'Sinh', 'Softplus', 'Softsign', 'Square', 'Tan', 'Tanh', 'Asinh', 'Atan',
             'Floor', 'Sign', 'Round', 'Ceil', 'ZerosLike', 'StopGradient', 'Identity', 'L2Loss'):
  # Its operand's name, the first under "Args:".
  key = getattr(raw, name).__doc__.split('Args:')[1].split(':')[0].strip()
  case(name, lambda x, op=getattr(raw, name), key=key: op(**{key: x}), ((2, 3), 'pos' if name == 'Digamma' else 'n'))
for name, kind in (('Acos', 'unit'), ('Asin', 'unit'), ('Atanh', 'unit'), ('Acosh', 'ge1'), ('Lgamma', 'pos'), ('Log', 'pos'),
                   ('Log1p', 'pos'), ('Rsqrt', 'pos'), ('Sqrt', 'pos')):
  case(name, lambda x, op=getattr(raw, name): op(x=x), ((2, 3), kind))
for name in ('Add', 'AddV2', 'Sub', 'Mul', 'Div', 'RealDiv', 'Maximum', 'Minimum', 'SquaredDifference', 'FloorMod', 'DivNoNan', 'MulNoNan'):
  case(name + ', broadcast', lambda x, y, op=getattr(raw, name): op(x=x, y=y), ((2, 1, 3),), ((4, 1),))
  case(name, lambda x, y, op=getattr(raw, name): op(x=x, y=y), ((3,),), ((3,), 'pos'))
case('Pow', lambda x, y: raw.Pow(x=x, y=y), ((2, 3), 'pos'), ((3,),))
case('Pow of what is not positive', lambda x: raw.Pow(x=x, y=tf.constant([2., 3., 2.])), ((2, 3),))
case('Atan2', lambda y, x: tf.atan2(y, x), ((2, 3),), ((2, 3),))
case('AddN, twice one', lambda x, y: tf.add_n([x, y, x]), ((2, 2),), ((2, 2),))
case('one argument used often', lambda x: x * x + tf.sin(x) * x, ((3,),))
case('an argument that nothing reads', lambda x, y: tf.tanh(x), ((3,),), ((2, 2),))
case('double', lambda x, y: tf.tanh(x * 2.0) / y, ((3,), 'n', 'float64'), ((3,), 'pos', 'float64'))
case('half', lambda x, y: tf.exp(x) * y, ((3,), 'unit', 'float16'), ((3,), 'unit', 'float16'))
case('complex', lambda x, y: tf.exp(x) * y - x / y, ((3,), 'n', 'complex64'), ((3,), 'n', 'complex64'))
case('Cast', lambda x: tf.cast(tf.cast(x, tf.float64) * 3.0, tf.float32), ((4,),))
case('through an integer', lambda x: x * tf.cast(tf.cast(x, tf.int32), tf.float32), ((4,),))
case('Select', lambda x, y: raw.Select(condition=x > y, x=x, y=y), ((2, 3),), ((2, 3),))
case('Select by rows', lambda x, y: raw.Select(condition=tf.constant([True, False]), x=x, y=y), ((2, 3),), ((2, 3),))
case('SelectV2', lambda x, y: raw.SelectV2(condition=tf.constant([[True], [False]]), t=x, e=y), ((3,),), ((2, 1),))

for keep in (False, True):
  for axis in (None, [0], [1, -1], [], 0):
    case('Sum %s %s' % (axis, keep), lambda x, a=axis, k=keep: tf.reduce_sum(x, a, k), ((2, 3, 2),))
  case('Mean %s' % keep, lambda x, k=keep: tf.reduce_mean(x, [1], k), ((2, 3, 2),))
  case('Max %s' % keep, lambda x, k=keep: tf.reduce_max(x, [-1], k), ((2, 3), 'distinct'))
case('Mean of all', tf.reduce_mean, ((2, 3),))
case('Sum of a scalar', lambda x: raw.Sum(input=x, axis=tf.constant([], tf.int32)), ((),))
case('Max, equal ones', lambda x: tf.reduce_max(x, 1), np.array([[1, 1, 0], [2, 1, 2]], np.float32))
case('Min', lambda x: tf.reduce_min(x, [0]), ((3, 2), 'distinct'))
case('Cumsum', lambda x: tf.cumsum(x, 1), ((2, 4),))
case('Cumsum, exclusive, reverse', lambda x: tf.cumsum(x, -1, True, True), ((2, 4),))
case('Softmax', nn.softmax, ((2, 4),))
case('LogSoftmax', nn.log_softmax, ((2, 4),))
case('SoftmaxCrossEntropyWithLogits', lambda x, y: raw.SoftmaxCrossEntropyWithLogits(features=x, labels=y).loss, ((3, 4),), ((3, 4), 'pos'))
case('SparseSoftmaxCrossEntropyWithLogits', lambda x: raw.SparseSoftmaxCrossEntropyWithLogits(features=x, labels=tf.constant([1, 0, 3])).loss, ((3, 4),))
case('SegmentSum', lambda x: tf.math.segment_sum(x, tf.constant([0, 0, 2])), ((3, 2),))

case('Reshape', lambda x: tf.reshape(x, [3, -1]) * 2.0, ((2, 3, 2),))
case('ExpandDims, Squeeze', lambda x: tf.squeeze(tf.expand_dims(x, 1) * 3.0, [1]), ((2, 3),))
case('Transpose', lambda x: tf.transpose(x, [2, 0, 1]), ((2, 3, 4),))
case('BroadcastTo', lambda x: tf.broadcast_to(x, [2, 3, 4]), ((3, 1),))
case('Fill', lambda x: tf.fill([2, 3], x), ((),))
case('Tile', lambda x: tf.tile(x, [2, 1, 3]), ((2, 3, 2),))
case('ReverseV2', lambda x: tf.reverse(x, [1]), ((2, 3),))
case('Roll', lambda x: tf.roll(x, 2, 1), ((2, 5),))
case('Pack', lambda x, y: tf.stack([x, y, x], 1), ((2, 3),), ((2, 3),))
case('Unpack, two of three', lambda x: [tf.unstack(x, axis=1)[i] for i in (0, 2)], ((2, 3),))
case('ConcatV2', lambda x, y: tf.concat([x, y], -1), ((2, 3),), ((2, 2),))
case('Concat', lambda x, y: raw.Concat(concat_dim=0, values=[x, y]), ((2, 3),), ((1, 3),))
case('Split', lambda x: tf.split(x, 2, 1)[1], ((2, 4),))
case('SplitV', lambda x: tf.split(x, [1, 3], 1), ((2, 4),))
case('SpaceToDepth', lambda x: tf.nn.space_to_depth(x, 2), ((1, 4, 4, 1),))
case('DepthToSpace', lambda x: tf.nn.depth_to_space(x, 2), ((1, 2, 2, 4),))
case('SpaceToBatchND', lambda x: tf.space_to_batch_nd(x, [2], [[1, 1]]), ((1, 4, 2),))
case('BatchToSpaceND', lambda x: tf.batch_to_space_nd(x, [2], [[1, 0]]), ((2, 3, 2),))
case('MatrixBandPart', lambda x: tf.linalg.band_part(x, 0, 1), ((3, 3),))
case('Slice', lambda x: raw.Slice(input=x, begin=tf.constant([0, 1]), size=tf.constant([2, 2])), ((3, 4),))
case('StridedSlice', lambda x: x[1:, ::-2, tf.newaxis, ..., 0], ((3, 4, 2),))
case('Pad', lambda x: tf.pad(x, [[1, 0], [0, 2]]), ((2, 3),))
case('MirrorPad', lambda x: tf.pad(x, [[1, 1], [0, 2]], 'REFLECT'), ((2, 3),))
case('MirrorPad, symmetric', lambda x: tf.pad(x, [[2, 1], [0, 2]], 'SYMMETRIC'), ((2, 3),))
case('GatherV2', lambda x: tf.gather(x, [[2, 0], [2, 2]]), ((3, 2),))
case('GatherV2, axis 1', lambda x: tf.gather(x, [0, 2, 2, 1], axis=1), ((2, 3, 2),))
case('GatherV2, axis -1', lambda x: tf.gather(x, [[0, 2]], axis=-1), ((2, 2, 3),))
case('GatherNd', lambda x: tf.gather_nd(x, [[0, 1], [1, 0], [0, 1]]), ((2, 2, 2),))
case('ScatterNd', lambda x: tf.scatter_nd([[2], [0]], x, [4, 2]), ((2, 2),))

for ta in (False, True):
  for tb in (False, True):
    case('MatMul %s %s' % (ta, tb), lambda x, y, ta=ta, tb=tb: raw.MatMul(a=x, b=y, transpose_a=ta, transpose_b=tb),
         ((3, 2) if ta else (2, 3),), ((4, 3) if tb else (3, 4),))
    case('BatchMatMulV2 %s %s' % (ta, tb), lambda x, y, ta=ta, tb=tb: raw.BatchMatMulV2(x=x, y=y, adj_x=ta, adj_y=tb),
         ((2, 1) + ((3, 2) if ta else (2, 3)),), ((2,) + ((4, 3) if tb else (3, 4)),))
case('BatchMatMul', lambda x, y: raw.BatchMatMul(x=x, y=y, adj_y=True), ((2, 2, 3),), ((2, 4, 3),))
case('BiasAdd', lambda x, b: nn.bias_add(x, b), ((1, 2, 2, 3),), ((3,),))
case('Conv2D', lambda x, w: raw.Conv2D(input=x, filter=w, strides=[1, 2, 2, 1], padding='SAME'), ((1, 5, 5, 2),), ((3, 3, 2, 3),))
case('DepthwiseConv2dNative', lambda x, w: raw.DepthwiseConv2dNative(input=x, filter=w, strides=[1, 1, 1, 1], padding='VALID'), ((1, 4, 5, 2),), ((3, 2, 2, 2),))
case('MaxPool', lambda x: raw.MaxPool(input=x, ksize=[1, 2, 2, 1], strides=[1, 1, 1, 1], padding='SAME'), ((1, 3, 4, 2), 'distinct'))
case('AvgPool', lambda x: raw.AvgPool(value=x, ksize=[1, 3, 2, 1], strides=[1, 2, 1, 1], padding='SAME'), ((1, 5, 4, 2),))
case('FusedBatchNorm', lambda x, s, o: raw.FusedBatchNorm(x=x, scale=s, offset=o, mean=tf.constant([]), variance=tf.constant([])).y,
     ((2, 3, 2, 2),), ((2,), 'pos'), ((2,),))
case('FusedBatchNormV3, not training', lambda x, s, o: raw.FusedBatchNormV3(x=x, scale=s, offset=o, mean=tf.constant([.1, .2]), variance=tf.constant([.7, .9]), is_training=False).y,
     ((2, 3, 2, 2),), ((2,), 'pos'), ((2,),))
case('LRN', lambda x: nn.lrn(x, 2, 1.0, 0.5, 0.7), ((1, 2, 2, 6),))
case('FakeQuantWithMinMaxVars', lambda x, lo, hi: raw.FakeQuantWithMinMaxVars(inputs=x, min=lo, max=hi), ((3, 3),), np.array(-0.6, np.float32), np.array(0.7, np.float32))
case('ResizeBilinear', lambda x: raw.ResizeBilinear(images=x, size=[5, 3]), ((1, 3, 4, 1),))
case('ResizeNearestNeighbor', lambda x: raw.ResizeNearestNeighbor(images=x, size=[4, 3]), ((1, 2, 5, 1),))


def make(index, note, function, arrays):
  with tf.Graph().as_default() as graph:
    xs = [v1.placeholder(a.dtype, a.shape, 'a%d' % i) for i, a in enumerate(arrays)]
    ys = function(*xs)
    ys = [tf.identity(y) for y in (ys if isinstance(ys, list) else [ys])]
    body = graph_to_function_def.graph_to_function_def(
        graph, [o for o in graph.get_operations() if o not in [x.op for x in xs]], xs, ys, ['r%d' % i for i in range(len(ys))])
    body.signature.name = 'f'
    with v1.Session() as session:
      shapes = [y.shape for y in session.run(ys, dict(zip(xs, arrays)))]
    slopes = [np.asarray(data(s, y.dtype.as_numpy_dtype.__name__)) for s, y in zip(shapes, ys)]
    dys = [v1.placeholder(d.dtype, d.shape) for d in slopes]
    dxs = [tf.zeros_like(x) if d is None else tf.convert_to_tensor(d) for d, x in zip(tf.gradients(ys, xs, dys), xs)]
    with v1.Session() as session:
      wanted = session.run(dxs, dict(zip(xs + dys, arrays + slopes)))
  with tf.Graph().as_default() as graph:
    inputs = [v1.placeholder(a.dtype, None, 'x_%d' % i) for i, a in enumerate(arrays + slopes)]
    definition = graph.as_graph_def()
    definition.library.function.add().CopyFrom(body)
    node = definition.node.add(name='op', op='SymbolicGradient')
    node.input.extend(i.op.name for i in inputs)
    node.attr['f'].func.name = 'f'
    node.attr['Tin'].list.type.extend(i.dtype.as_datatype_enum for i in inputs)
    node.attr['Tout'].list.type.extend(i.dtype.as_datatype_enum for i in inputs[:len(arrays)])
    for i in range(len(arrays)):
      out = definition.node.add(name='out_%d' % i, op='Identity')
      out.input.append('op:%d' % i if i else 'op')
      out.attr['T'].type = inputs[i].dtype.as_datatype_enum
  result = wire.Case()
  result.op, result.index, result.tier, result.note = 'SymbolicGradient', index, 4, note
  result.graph_def = definition.SerializeToString()
  result.oracle = tf.__version__

  def ten(a):
    return Ten(wire.NAME[tf.as_dtype(a.dtype).as_datatype_enum], a)
  result.feeds = [wire.Feed('x_%d' % i, ten(a).proto()) for i, a in enumerate(arrays + slopes)]
  for i, w in enumerate(wanted):
    w = np.asarray(w)
    half = w.dtype == np.float16
    scale = max(float(np.abs(w).max()) if w.size else 1.0, 1.0)
    result.fetches.append(wire.Fetch('out_%d' % i, ten(w).proto(), 'close', 2e-2 if half else 2e-5, (1e-2 if half else 4e-6) * scale))
  # TensorFlow's own SymbolicGradient, where it knows all the ops.
  own = oracle.run(result.graph_def, [(f.name, ten(a)) for f, a in zip(result.feeds, arrays + slopes)], [f.name for f in result.fetches])
  if own.outs is None:
    result.second = 'error: ' + own.text.split('\n')[0][:80]
  else:
    same = all(np.allclose(t.arr, w, rtol=1e-2 if w.dtype == np.float16 else 1e-4, atol=1e-5, equal_nan=True)
               for t, w in zip(own.outs, wanted))
    result.second = 'same' if same else 'differs'
  print('%-45s %s' % (note, result.second))
  return result


wire.write_cases(sys.argv[2], [make(i, *c) for i, c in enumerate(CASES)])
