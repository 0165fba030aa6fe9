#!/usr/bin/env python3
"""Makes the op cases of runtime/kernels/testdata: ops that the cases beside the project lack, at what TensorFlow gives for them.

  eval "$(../shared/oracle/setup.sh)"
  "$TF1" tests/oracle/make_kernel_cases.py ../shared/oracle OUT GROUP…          (all groups: no name)
  "$TF2" tests/oracle/make_kernel_cases.py ../shared/oracle OUT --second GROUP…

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


GROUPS = {
    'DepthwiseGradients': ['DepthwiseConv2dNativeBackpropInput', 'DepthwiseConv2dNativeBackpropFilter'],
    'FakeQuantGradients': ['FakeQuantWithMinMaxArgsGradient', 'FakeQuantWithMinMaxVarsGradient', 'FakeQuantWithMinMaxVarsPerChannelGradient'],
    'FusedBatchNormGrads': ['FusedBatchNormGrad', 'FusedBatchNormGradV2', 'FusedBatchNormGradV3'],
    'LRNGrad': ['LRNGrad'],
    'MirrorPadGrad': ['MirrorPadGrad'],
    'PoolGradients': ['MaxPoolGrad', 'MaxPoolGradV2', 'MaxPool3DGrad', 'AvgPoolGrad', 'AvgPool3DGrad'],
    'ResizeGradients': ['ResizeBilinearGrad', 'ResizeBicubicGrad', 'ResizeNearestNeighborGrad'],
}
COUNT = {'ResizeGradients': 10}


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
        own.ops = ','.join(n for n in own.ops.split(',') if OPS[n].get('scenario') or n in known)
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
