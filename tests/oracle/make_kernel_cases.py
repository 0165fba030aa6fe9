#!/usr/bin/env python3
"""Makes the op cases of runtime/kernels/testdata: ops that the cases beside the project lack, at what TensorFlow gives for them.

  eval "$(../shared/oracle/setup.sh)"
  "$TF1" tests/oracle/make_kernel_cases.py ../shared/oracle OUT GROUP…          (all groups: no name)
  "$TF2" tests/oracle/make_kernel_cases.py ../shared/oracle OUT GROUP… --second

The second step adds what TensorFlow 2 gives where that differs, and makes the ops that only it has. A group is one file, of the
ops in GROUPS below. Format, draws and tolerances are those of opgen.py, whose generators these are like.
"""
import argparse
import os
import sys
import tempfile

sys.path.insert(0, sys.argv[1])
import opgen  # noqa: E402
from opgen_lib import gens, oracle, wire  # noqa: E402,F401
from opgen_lib.build import DT, G, OPS, Raw, Sh, Skip, Ten, op  # noqa: E402,F401
import numpy as np  # noqa: E402

F = DT('float')


def window(r, dims):
  """Image sizes, window, strides, padding; at times windows that overlap, or leave gaps."""
  image = [r.i(1, 6) for _ in range(dims)]
  ksize = [r.i(1, 3) for _ in range(dims)]
  strides = [r.i(1, 3) for _ in range(dims)]
  padding = r.pick(['SAME', 'VALID'])
  if padding == 'VALID':
    image = [max(i, k) for i, k in zip(image, ksize)]
  out = [-(-i // s) if padding == 'SAME' else (i - k) // s + 1 for i, k, s in zip(image, ksize, strides)]
  return image, ksize, strides, padding, out


@op('MaxPoolGrad', 'MaxPoolGradV2', 'MaxPool3DGrad', tier=2, scenario=True)  # TensorFlow dies of operands that do not fit.
def max_pool_grad(g, r, k, name):
  dims = 3 if '3D' in name else 2
  image, ksize, strides, padding, out = window(r, dims)
  dt = g.dtype = r.pick(['float', 'float', 'half', 'double'] if dims == 2 else ['float'])
  n, c = r.i(1, 2), r.i(1, 3)
  x = g.x(r.data(dt, [n] + image + [c], r.pick(['n', 'ties'])))
  t = dict(ksize=[1] + ksize + [1], strides=[1] + strides + [1], padding=padding, T=DT(dt))
  y = g.op('MaxPool3D' if dims == 3 else 'MaxPool', [x], **t)
  dy = g.x(r.data(dt, [n] + out + [c], 'small'))
  g.cls = 'acc'
  if name == 'MaxPoolGradV2':
    sizes = [g.ci(t.pop('ksize')), g.ci(t.pop('strides'))]
    g.main(name, [x, y, dy] + sizes, **t)
  else:
    if dims == 3:
      t['TInput'] = DT(dt)
    g.main(name, [x, y, dy], **t)


@op('AvgPoolGrad', 'AvgPool3DGrad', tier=2, scenario=True)
def avg_pool_grad(g, r, k, name):
  dims = 3 if '3D' in name else 2
  image, ksize, strides, padding, out = window(r, dims)
  dt = g.dtype = r.pick(['float', 'float', 'half', 'double'] if dims == 2 else ['float', 'double'])
  n, c = r.i(1, 2), r.i(1, 3)
  g.cls = 'acc'
  g.main(name, [g.ci([n] + image + [c]), g.x(r.data(dt, [n] + out + [c]))], ksize=[1] + ksize + [1],
         strides=[1] + strides + [1], padding=padding, T=DT(dt))


@op('FusedBatchNormGrad', 'FusedBatchNormGradV2', 'FusedBatchNormGradV3', tier=2)
def batch_norm_grad(g, r, k, name):
  c = r.i(1, 4)
  shape = [r.i(1, 3), r.i(1, 4), r.i(1, 4), c]
  training = r.p(0.6)
  dt = 'float' if name == 'FusedBatchNormGrad' else r.pick(['float', 'half'])
  g.dtype = dt
  inputs = [g.x(r.data(dt, shape)), g.x(r.data(dt, shape)), g.x(r.data('float', [c])), g.x(r.data('float', [c])),
            g.x(r.data('float', [c], 'pos'))]
  attrs = dict(T=DT(dt), epsilon=r.f(0.001, 0.1), is_training=training)
  if name != 'FusedBatchNormGrad':
    attrs['U'] = F
  if name == 'FusedBatchNormGradV3':
    inputs.append(g.x(r.data('float', [])))
  g.cls = 'acc'
  g.main(name, inputs, outs=3, **attrs)


@op('DepthwiseConv2dNativeBackpropInput', 'DepthwiseConv2dNativeBackpropFilter', tier=2)
def depthwise_grad(g, r, k, name):
  image, ksize, strides, padding, _ = window(r, 2)
  s = strides[0]
  out = [-(-i // s) if padding == 'SAME' else (i - w) // s + 1 for i, w in zip(image, ksize)]
  n, c, m = r.i(1, 2), r.i(1, 3), r.i(1, 3)
  dt = g.dtype = r.pick(['float', 'float', 'double', 'half'])
  dy = g.x(r.data(dt, [n] + out + [c * m]))
  attrs = dict(T=DT(dt), strides=[1, s, s, 1], padding=padding)
  g.cls = 'acc'
  if name.endswith('Input'):
    g.main(name, [g.ci([n] + image + [c]), g.x(r.data(dt, ksize + [c, m])), dy], **attrs)
  else:
    g.main(name, [g.x(r.data(dt, [n] + image + [c])), g.ci(ksize + [c, m]), dy], **attrs)


@op('LRNGrad', tier=3)
def lrn_grad(g, r, k, name):
  shape = [r.i(1, 2), r.i(1, 2), r.i(1, 2), r.i(1, 9)]
  attrs = dict(T=F, depth_radius=r.i(0, 4), bias=r.f(0.5, 2), alpha=r.f(0.1, 1), beta=r.pick([0.5, r.f(0.3, 1)]))
  x = g.x(r.data('float', shape))
  g.cls = 'acc'
  g.main(name, [g.x(r.data('float', shape)), x, g.op('LRN', [x], **attrs)], **attrs)


@op('FakeQuantWithMinMaxArgsGradient', 'FakeQuantWithMinMaxVarsGradient', 'FakeQuantWithMinMaxVarsPerChannelGradient', tier=3)
def fake_quant_grad(g, r, k, name):
  c = r.i(1, 4)
  shape = r.pick([[3, c], [2, 2, c], [c]])
  attrs = dict(num_bits=r.i(2, 8), narrow_range=r.p(0.3))
  inputs = [g.x(r.data('float', shape)), g.x(r.data('float', shape))]
  low, high = -r.f(0.1, 2), r.f(0.1, 2)
  g.cls = 'acc'
  if 'Args' in name:
    g.main(name, inputs, min=low, max=high, **attrs)
    return
  ranges = [[low] * c, [high] * c] if 'PerChannel' in name else [low, high]
  if 'PerChannel' not in name and r.p(0.15):
    ranges = [0., 0.]
  g.main(name, inputs + [g.x(Ten('float', np.array(x, 'f4'))) for x in ranges], **attrs)


@op('ResizeBilinearGrad', 'ResizeBicubicGrad', 'ResizeNearestNeighborGrad', tier=3)
def resize_grad(g, r, k, name):
  n, c, size, out = r.i(1, 2), r.i(1, 2), [r.i(1, 5), r.i(1, 5)], [r.i(1, 7), r.i(1, 7)]
  nearest = 'Nearest' in name
  dt = g.dtype = r.pick(['float', 'float', 'double', 'half'] if nearest else ['float', 'float', 'double'])
  attrs = dict(T=DT(dt), align_corners=r.p(0.3))
  attrs['half_pixel_centers'] = not attrs['align_corners'] and r.p(0.5)
  g.cls = 'acc'
  dy = g.x(r.data(dt if nearest else 'float', [n] + out + [c]))
  if nearest:
    g.main(name, [dy, g.ci(size)], **attrs)
  else:
    g.main(name, [dy, g.x(r.data(dt, [n] + size + [c]))], **attrs)


@op('MirrorPadGrad', tier=2)
def mirror_pad_grad(g, r, k, name):
  mode = r.pick(['REFLECT', 'SYMMETRIC'])
  shape = [r.i(1, 5) for _ in range(r.i(1, 4))]
  most = [s - (mode == 'REFLECT') for s in shape]
  paddings = [[r.i(0, m), r.i(0, m)] for m in most]
  dt = g.dtype = r.pick(['float', 'float', 'double', 'half', 'int32'])
  g.cls = 'acc'
  g.main(name, [g.x(r.data(dt, [s + sum(p) for s, p in zip(shape, paddings)])), g.ci(paddings)], T=DT(dt), Tpaddings=DT('int32'), mode=mode)


def variables(g, op_name, values, resource):
  """Variables of those values; gives what an op takes, and the nodes that set them."""
  handles, ready = [], []
  for i, t in enumerate(values):
    name = 'v%d' % i
    if resource:
      g.op('VarHandleOp', [], name=name, dtype=DT(t.dt), shape=Sh(t.shape), shared_name=name)
      ready.append(g.op('AssignVariableOp', [name, g.x(t)], dtype=DT(t.dt)))
    else:
      g.op('VariableV2', [], name=name, dtype=DT(t.dt), shape=Sh(t.shape), shared_name=name)
      ready.append(g.op('Assign', [name, g.x(t)], T=DT(t.dt)))
    handles.append(name)
  return handles, ready


def read_variables(g, handles, values, resource):
  for h, t in zip(handles, values):
    if resource:
      g.out(g.op('ReadVariableOp', [h], ctrl=['op'], dtype=DT(t.dt)), t.dt)
    else:
      g.out(g.op('Identity', [h], ctrl=['op'], T=DT(t.dt)), t.dt)


# Name: what is kept beside the variable; the inputs after these, G for the gradient; attributes.
STEPS = {
    'GradientDescent': ([], ['rate', 'G'], {}),
    'Momentum': (['n'], ['rate', 'G', 'unit'], {'use_nesterov': bool}),
    'KerasMomentum': (['n'], ['rate', 'G', 'unit'], {'use_nesterov': bool}),
    'Adagrad': (['pos'], ['rate', 'G'], {'update_slots': bool}),
    'AdagradV2': (['pos'], ['rate', 'small', 'G'], {'update_slots': bool}),
    'RMSProp': (['pos', 'n'], ['rate', 'unit', 'unit', 'small', 'G'], {}),
    'CenteredRMSProp': (['mean', 'pos', 'n'], ['rate', 'unit', 'unit', 'small', 'G'], {}),
    'Adam': (['n', 'pos'], ['unit', 'unit', 'rate', 'unit', 'unit', 'small', 'G'], {'use_nesterov': bool}),
    'AdaMax': (['n', 'pos'], ['unit', 'rate', 'unit', 'unit', 'small', 'G'], {}),
    'Adadelta': (['pos', 'pos'], ['rate', 'unit', 'small', 'G'], {}),
    'AddSign': (['n'], ['rate', 'unit', 'unit', 'unit', 'G'], {}),
    'PowerSign': (['n'], ['rate', 'unit', 'unit', 'unit', 'G'], {}),
    'Ftrl': (['pos', 'n'], ['G', 'rate', 'unit', 'unit', 'power'], {}),
    'FtrlV2': (['pos', 'n'], ['G', 'rate', 'unit', 'unit', 'unit', 'power'], {}),
    'ProximalAdagrad': (['pos'], ['rate', 'some', 'unit', 'G'], {}),
    'ProximalGradientDescent': ([], ['rate', 'some', 'unit', 'G'], {}),
}
SPARSE_STEPS = ['Adadelta', 'Adagrad', 'AdagradV2', 'CenteredRMSProp', 'Ftrl', 'FtrlV2', 'KerasMomentum', 'Momentum', 'ProximalAdagrad',
                'ProximalGradientDescent', 'RMSProp']
ALL_STEPS = ([p + 'Apply' + n for n in STEPS for p in ('', 'Resource') if p or n != 'KerasMomentum'] +
             [p + 'SparseApply' + n for n in SPARSE_STEPS for p in ('', 'Resource') if p or n != 'KerasMomentum'])


@op(*ALL_STEPS, tier=3, scenario=True)
def training_step(g, r, k, name):
  resource, sparse = name.startswith('Resource'), 'Sparse' in name
  kept, inputs, flags = STEPS[name.split('Apply')[1]]
  # TensorFlow computes in half itself; of Ftrl's differences nothing is left then.
  dt = g.dtype = r.pick(['float', 'float', 'double', 'double' if 'Ftrl' in name else 'half'])
  shape = r.shape(hi=3, maxel=12, zero=0.05 if not sparse else 0)
  if sparse:
    shape = [r.i(1, 4)] + shape[1:]
  values = [r.data(dt, shape)] + [Ten(dt, r.s.uniform(-0.1, 0.1, shape)) if kind == 'mean' else r.data(dt, shape, kind) for kind in kept]
  handles, ready = variables(g, name, values, resource)
  rest = []
  for kind in inputs:
    if kind == 'G':
      if not sparse:
        rest.append(g.x(r.data(dt, shape)))
        continue
      rows = r.perm(shape[0])[:r.i(1, shape[0])]
      if k % 4 == 3:
        rows[0] = shape[0]
      rest += [g.x(r.data(dt, [len(rows)] + shape[1:])), g.x(Ten('int32', np.array(rows, 'i4')))]
    elif kind == 'power':
      rest.append(g.x(Ten(dt, np.array(r.pick([-0.5, -0.5, -0.75])))))
    else:
      low, high = {'rate': (0.01, 0.5), 'unit': (0.1, 0.95), 'small': (1e-3, 1e-2), 'some': (0, 0.5)}[kind]
      rest.append(g.x(Ten(dt, np.array(r.f(low, high) if kind != 'some' or r.p(0.7) else 0.0))))
  attrs = {f: r.p(0.4) for f in flags}
  if 'update_slots' in attrs:
    attrs['update_slots'] = r.p(0.7)
  if sparse:
    attrs['Tindices'] = DT('int32')
  g.cls = 'acc'
  g.op(name, handles + rest, name='op', ctrl=ready, T=DT(dt), **attrs)
  read_variables(g, handles, values, resource)


SCATTER = ['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min', 'Update']
SCATTER_ND = ['Add', 'Sub', 'Update']


@op(*[p + 'Scatter' + n for n in SCATTER for p in ('', 'Resource')], tier=3, scenario=True)
def variable_scatter(g, r, k, name):
  resource = name.startswith('Resource')
  dt = g.dtype = r.pick(['float', 'float', 'double', 'int32', 'int64', 'half'])
  shape = [r.i(1, 5)] + r.shape(hi=2, maxel=8, zero=0.0)
  at = r.shape(hi=2, maxel=4)
  it = r.pick(['int32', 'int64'])
  indices = np.array([r.i(0, shape[0] - 1) for _ in range(int(np.prod(at, dtype=int)))]).reshape(at)
  if k % 8 == 5 and indices.size:
    indices.reshape(-1)[0] = r.pick([-1, shape[0]])
  values = [r.data(dt, shape)]
  handles, ready = variables(g, name, values, resource)
  update = r.data(dt, [] if r.p(0.2) else at + shape[1:], 'pos' if name.endswith('Div') else 'n')
  attrs = {'dtype': DT(dt)} if resource else {'T': DT(dt)}
  g.cls = 'acc'
  g.op(name, handles + [g.x(Ten(it, indices)), g.x(update)], name='op', ctrl=ready, Tindices=DT(it), **attrs)
  read_variables(g, handles, values, resource)


@op(*[p + 'ScatterNd' + n for n in SCATTER_ND for p in ('', 'Resource')], tier=3, scenario=True)
def variable_scatter_nd(g, r, k, name):
  resource = name.startswith('Resource')
  dt = g.dtype = r.pick(['float', 'float', 'double', 'int32', 'int64'])
  shape = [r.i(1, 4) for _ in range(r.i(1, 3))]
  depth = r.i(1, len(shape))
  at = r.shape(lo=1, hi=2, maxel=4)
  it = r.pick(['int32', 'int64'])
  count = int(np.prod(at, dtype=int))
  indices = np.array([[r.i(0, shape[d] - 1) for d in range(depth)] for _ in range(count)]).reshape(at + [depth])
  if name.endswith('Update') and count:  # Which of two wins is not defined.
    rows = indices.reshape(count, depth)
    if len(set(map(tuple, rows))) < count:
      raise Skip('duplicates')
  if k % 8 == 5 and indices.size:
    indices.reshape(-1)[0] = -1
  values = [r.data(dt, shape)]
  handles, ready = variables(g, name, values, resource)
  g.cls = 'acc'
  g.op(name, handles + [g.x(Ten(it, indices)), g.x(r.data(dt, at + shape[depth:]))], name='op', ctrl=ready, T=DT(dt), Tindices=DT(it))
  read_variables(g, handles, values, resource)


def summary(g, name, inputs, **attrs):
  """numpy cuts zeros off the end of a string: something stands behind it."""
  g.op(name, inputs, name='op', **attrs)
  g.out(g.op('StringJoin', ['op', g.k_('end', 'string')], N=2), 'string')


@op('ScalarSummary', tier=4)
def scalar_summary(g, r, k, name):
  dt = g.dtype = r.pick(['float', 'double', 'int32', 'half', 'uint8', 'int64', 'bfloat16'])
  shape = [] if r.p(0.5) else [r.i(0, 3)]
  tags = Ten('string', np.array(['loss%d' % i for i in range(int(np.prod(shape, dtype=int)))], object).reshape(shape))
  g.cls = 'exact'
  summary(g, name, [g.x(tags), g.x(r.data(dt, shape, r.pick(['n', 'special'])))], T=DT(dt))


@op('HistogramSummary', tier=4)
def histogram_summary(g, r, k, name):
  dt = g.dtype = r.pick(['float', 'double', 'int32', 'half', 'uint8', 'int64', 'bfloat16'])
  g.cls = 'exact'
  summary(g, name, [g.x(Ten('string', np.array(r.pick(['weights', '', 'a/b']), object))),
                g.x(r.data(dt, r.shape(), r.pick(['n', 'pos', 'small', 'special' if k % 4 == 3 else 'n'])))], T=DT(dt))


@op('MergeSummary', tier=4)
def merge_summary(g, r, k, name):
  n = r.i(1, 3)
  g.cls = 'exact'
  parts = []
  for i in range(n):
    tag = g.k_('tag%d' % (i if r.p(0.8) else 0), 'string')
    parts.append(g.op(r.pick(['ScalarSummary', 'HistogramSummary']), [tag, g.x(r.data('float', []))], T=F))
  if k % 8 == 7:
    parts.append(g.x(Ten('string', np.array(b'\x0a\xff', object))))
  summary(g, name, parts, N=len(parts))


@op('SparseCrossHashed', tier=3, scenario=True)
def sparse_cross_hashed(g, r, k, name):
  rows = r.i(1, 4)
  n, m = r.i(0 if k % 3 else 1, 2), r.i(0, 2)
  if n + m == 0:
    m = 1
  kinds = [r.pick(['int64', 'string']) for _ in range(n)] + ['string'] * m  # TensorFlow dies of dense numbers beside others.
  indices, values, shapes, dense = [], [], [], []
  for i in range(n):
    at = [[row, c] for row in range(rows) for c in range(r.i(1, 2))]
    indices.append(g.x(Ten('int64', np.array(at, 'i8').reshape(len(at), 2))))
    values.append(g.x(r.data(kinds[i], [len(at)], 'full')))
    shapes.append(g.x(Ten('int64', np.array([rows, 2], 'i8'))))
  for i in range(m):
    dense.append(g.x(r.data(kinds[n + i], [rows, r.i(1, 2)], 'full')))
  more = [g.c(Ten('int64', np.array(r.pick([0, 10, 1000]), 'i8'))), g.c(Ten('bool', np.array(r.p(0.5)))),
          g.c(r.data('int64', [2], 'full'))]
  g.cls = 'exact'
  g.main(name, indices + values + shapes + dense + more, outs=3, N=n, sparse_types=[DT(t) for t in kinds[:n]],
         dense_types=[DT(t) for t in kinds[n:]])


@op('StatelessParameterizedTruncatedNormal', 'ParameterizedTruncatedNormal_ND', tier=4, scenario=True)
def truncated(g, r, k, name):
  """Parameters for each element of the last dimensions, or (with a state) of the first one."""
  stateless = name.startswith('Stateless')
  dt = g.dtype = r.pick(['float', 'float', 'double', 'half'])
  shape = [r.i(1, 5) for _ in range(r.i(1, 3))]
  if k in (3, 7):
    shape = [104]
  of = shape[r.i(0, len(shape)):] if stateless else shape[:1]

  def parameter(low, high):
    s = [] if r.p(0.4) else [1 if r.p(0.3) and stateless else d for d in of]
    return g.x(Ten(dt, np.asarray(r.s.uniform(low, high, s)).round(2)))
  kind = r.pick(['inside', 'tail', 'narrow'])
  low, high = {'inside': ((-2, -1.5), (1.5, 3)), 'tail': ((2, 2.5), (8, 9)), 'narrow': ((1, 1.1), (1.2, 1.4))}[kind]
  parameters = [parameter(-0.1, 0.1), parameter(0.9, 1.1), parameter(*low), parameter(*high)]
  g.cls = 'func'
  if stateless:
    g.main(name, [g.ci(shape), g.ci([r.i(0, 99), r.i(0, 99)], 'int64')] + parameters, dtype=DT(dt), S=DT('int32'))
  else:
    g.main(name[:-3], [g.ci(shape)] + parameters, dtype=DT(dt), T=DT('int32'), seed=r.i(1, 99), seed2=r.i(1, 99))


@op('TensorArrayGrads', 'Stacks', 'SumsAndReferences', tier=3, scenario=True)
def loop_state(g, r, k, name):
  """What gradients of loops are made of."""
  dt = g.dtype = r.pick(['float', 'float', 'double', 'int32'])
  shape = r.shape(hi=2, maxel=6, zero=0.0)
  g.cls = 'acc'
  if name == 'SumsAndReferences':
    n = r.i(1, 4)
    g.out(g.op('AccumulateNV2', [g.x(r.data(dt, shape)) for _ in range(n)], N=n, T=DT(dt), shape=Sh(shape)), dt)
    g.op('VariableV2', [], name='v', dtype=DT(dt), shape=Sh(shape), shared_name='v')
    ref = g.op('RefIdentity', [g.op('Assign', ['v', g.x(r.data(dt, shape))], T=DT(dt))], T=DT(dt))
    g.out(g.op('AssignAdd', [ref, g.x(r.data(dt, shape))], T=DT(dt)), dt)
    return
  if name == 'Stacks':
    stack = g.op('StackV2', [g.ci(r.pick([-1, 3]))], elem_type=DT(dt), stack_name='s')
    order = []
    for _ in range(r.i(1, 3 if k % 4 else 4)):
      order = [g.op('StackPushV2', [stack, g.x(r.data(dt, shape))], ctrl=order, T=DT(dt))]
      g.out(order[0], dt)
    for _ in range(r.i(1, 3)):
      order = [g.op('StackPopV2', [stack], ctrl=order, elem_type=DT(dt))]
      g.out(order[0], dt)
    return
  n = r.i(1, 3)
  array = g.op('TensorArrayV3', [g.ci(n)], dtype=DT(dt), element_shape=Sh(r.pick([None, shape])), clear_after_read=r.p(0.5))
  flow = array + ':1'
  for i in range(n):
    if r.p(0.8):
      flow = g.op('TensorArrayWriteV3', [array, g.ci(i), g.x(r.data(dt, shape)), flow], T=DT(dt))
  front = [r.i(1, 2)] if r.p(0.3) else []
  if front:
    grad = g.op('TensorArrayGradWithShape', [array, flow, g.ci(front)], source='gradients')
  else:
    grad = g.op('TensorArrayGradV3', [array, flow], source='gradients')
  flow = grad + ':1'
  for _ in range(r.i(0, 4)):
    flow = g.op('TensorArrayWriteV3', [grad, g.ci(r.i(0, n - 1)), g.x(r.data(dt, front + shape)), flow], T=DT(dt))
  g.out(g.op('TensorArraySizeV3', [grad, flow]), 'int32')
  for i in range(n):
    g.out(g.op('TensorArrayReadV3', [grad, g.ci(i), flow], dtype=DT(dt)), dt)


@op('CropAndResizeGradImage', 'CropAndResizeGradBoxes', tier=3, scenario=True)
def crop_grad(g, r, k, name):
  image = [r.i(1, 2), r.i(1, 4), r.i(1, 4), r.i(1, 2)]
  boxes = [[r.f(-0.2, 0.6), r.f(-0.2, 0.6), r.f(0.4, 1.2), r.f(0.4, 1.2)] for _ in range(r.i(1, 3))]
  n, crop = len(boxes), [r.i(1, 3), r.i(1, 3)]
  grads = g.x(r.data('float', [n] + crop + image[3:]))
  box = [g.x(Ten('float', np.array(boxes, 'f4'))), g.x(Ten('int32', np.array([r.i(0, image[0] - 1) for _ in boxes], 'i4')))]
  g.cls = 'acc'
  if name.endswith('Image'):
    dt = g.dtype = r.pick(['float', 'float', 'double'])
    g.main(name, [grads] + box + [g.ci(image)], T=DT(dt), method=r.pick(['bilinear', 'nearest']))
  else:
    dt = g.dtype = r.pick(['float', 'float', 'double', 'uint8'])
    g.main(name, [grads, g.x(r.data(dt, image))] + box, T=DT(dt), method='bilinear')


@op('SparseSegmentSumGrad', 'SparseSegmentMeanGrad', 'SparseSegmentSqrtNGrad', tier=3, scenario=True)
def sparse_segment_grad(g, r, k, name):
  dt = g.dtype = r.pick(['float', 'float', 'double'])
  n, segments, rows = r.i(1, 6), r.i(1, 4), r.i(1, 5)
  ids = sorted(r.i(0, segments - 1) for _ in range(n))
  indices = [r.i(0, rows - 1) for _ in range(n)]
  if k == 5:
    indices[0] = rows
  g.cls = 'acc'
  g.main(name, [g.x(r.data(dt, [segments] + r.shape(hi=1, maxel=4, zero=0))), g.x(Ten('int32', np.array(indices, 'i4'))),
                g.x(Ten('int32', np.array(ids, 'i4'))), g.ci(rows)], T=DT(dt), Tidx=DT('int32'))


@op('Polygamma_Overflow', tier=4, scenario=True)
def polygamma_overflow(g, r, k, name):
  """Where n! is over, and where zeta is nothing."""
  dt = g.dtype = ('float', 'double')[k % 2]
  n = [35, 50, 100, 120] if dt == 'float' else [171, 200, 1000]
  x = [1e-3, 0.5, 1.0, 2.5, 10.0, 1e5, 0.0]
  pairs = [(a, b) for a in n for b in x]
  g.cls = 'func'
  g.main('Polygamma', [g.x(Ten(dt, np.array([p[i] for p in pairs]))) for i in (0, 1)], T=DT(dt))


GROUPS = {
    'CropGradients': ['CropAndResizeGradImage', 'CropAndResizeGradBoxes'],
    'DepthwiseGradients': ['DepthwiseConv2dNativeBackpropInput', 'DepthwiseConv2dNativeBackpropFilter'],
    'FakeQuantGradients': ['FakeQuantWithMinMaxArgsGradient', 'FakeQuantWithMinMaxVarsGradient', 'FakeQuantWithMinMaxVarsPerChannelGradient'],
    'FusedBatchNormGrads': ['FusedBatchNormGrad', 'FusedBatchNormGradV2', 'FusedBatchNormGradV3'],
    'LRNGrad': ['LRNGrad'],
    'LoopState': ['TensorArrayGrads', 'Stacks', 'SumsAndReferences'],
    'MirrorPadGrad': ['MirrorPadGrad'],
    'PolygammaOverflow': ['Polygamma_Overflow'],
    'PoolGradients': ['MaxPoolGrad', 'MaxPoolGradV2', 'MaxPool3DGrad', 'AvgPoolGrad', 'AvgPool3DGrad'],
    'ResizeGradients': ['ResizeBilinearGrad', 'ResizeBicubicGrad', 'ResizeNearestNeighborGrad'],
    'SparseCrossHashed': ['SparseCrossHashed'],
    'SparseSegmentGradients': ['SparseSegmentSumGrad', 'SparseSegmentMeanGrad', 'SparseSegmentSqrtNGrad'],
    'Summaries': ['ScalarSummary', 'HistogramSummary', 'MergeSummary'],
    'TruncatedNormals': ['StatelessParameterizedTruncatedNormal', 'ParameterizedTruncatedNormal_ND'],
    'TrainingSteps': ALL_STEPS,
    'VariableScatter': [p + 'Scatter' + n for n in SCATTER for p in ('', 'Resource')] +
                       [p + 'ScatterNd' + n for n in SCATTER_ND for p in ('', 'Resource')],
}
COUNT = {'ResizeGradients': 10, 'TrainingSteps': 2, 'VariableScatter': 6, 'SparseCrossHashed': 16, 'TruncatedNormals': 16, 'LoopState': 16, 'PolygammaOverflow': 2}


def main():
  parser = argparse.ArgumentParser()
  parser.add_argument('opgen')
  parser.add_argument('out')
  parser.add_argument('groups', nargs='*')
  parser.add_argument('--second', action='store_true')
  parser.add_argument('--cases', type=int, default=0)
  parser.add_argument('--seed', type=int, default=1)
  args = parser.parse_args()
  for group in args.groups or sorted(GROUPS):
    path = os.path.join(args.out, group + '.cases')
    with tempfile.TemporaryDirectory() as folder:
      own = argparse.Namespace(ops=','.join(GROUPS[group]), out=folder, seed=args.seed, skip='', mode='second',
                               cases_per_op=args.cases or COUNT.get(group, 8), journal=os.path.join(folder, 'journal'))
      known = oracle.op_defs()
      if args.second:
        cases = wire.read_cases(path) if os.path.exists(path) else []
        for name in GROUPS[group]:
          wire.write_cases(os.path.join(folder, name + '.cases'), [c for c in cases if c.op == name])
        made = set(c.op for c in cases)
        own.ops = ','.join(name for name in GROUPS[group] if name in made)
        if own.ops:
          opgen.second(own)
        own.ops = ','.join(name for name in GROUPS[group] if name not in made)
      if own.ops:
        own.ops = ','.join(n for n in own.ops.split(',') if n.split('_')[0] in known or group == 'LoopState')
      if own.ops:
        opgen.worker(own)
      cases = []
      for name in GROUPS[group]:
        file = os.path.join(folder, name + '.cases')
        cases += wire.read_cases(file) if os.path.exists(file) else []
      with open(own.journal) as journal:
        for line in journal:
          if line.startswith(('done', 'note')):
            print(line.rstrip()[:400])
    for i, case in enumerate(cases):
      case.index = i
    wire.write_cases(path, cases)
    print('%s: %d cases, %d errors' % (path, len(cases), sum(c.expected_error for c in cases)))


if __name__ == '__main__':
  main()
