#!/usr/bin/env python3
"""Makes graph/testdata/import_cases.json: what tf.import_graph_def makes of pairs of graphs, and what it refuses.

    "$TF1" tests/oracle/make_import_cases.py /tmp/1.json
    "$TF2" tests/oracle/make_import_cases.py graph/testdata/import_cases.json --same_as=/tmp/1.json

TF1 and TF2 are interpreters with TensorFlow 1.15 and 2.21. With --same_as it ends with an error if the two disagree.
"""
import json
import sys

import tensorflow as tf
from google.protobuf import text_format

tf1 = tf.compat.v1
tf1.disable_eager_execution()

X = 'node{name:"x" op:"Placeholder" attr{key:"dtype" value{type:DT_FLOAT}} attr{key:"shape" value{shape{unknown_rank:true}}}}'
RELU = 'attr{key:"T" value{type:DT_FLOAT}}'


def identity(name, *inputs, op='Identity', more=''):
    return 'node{name:"%s" op:"%s" %s %s %s}' % (name, op, ' '.join('input:"%s"' % i for i in inputs), RELU, more)


def noop(*names):
    return ' '.join('node{name:"%s" op:"NoOp"}' % name for name in names)


def colocated(*names):
    return 'attr{key:"_class" value{list{%s}}}' % ' '.join('s:"loc:@%s"' % name for name in names)


BASE = X + identity('y', 'x')
SWITCH = ('node{name:"p" op:"Placeholder" attr{key:"dtype" value{type:DT_BOOL}} '
          'attr{key:"shape" value{shape{unknown_rank:true}}}}' + X + identity('s', 'x', 'p', op='Switch') +
          identity('f', 's') + identity('t', 's:1'))
F = 'library{function{signature{name:"f" input_arg{name:"a" type:DT_FLOAT} output_arg{name:"b" type:DT_FLOAT}} ' \
    'node_def{name:"n" op:"%s" input:"a" attr{key:"T" value{type:DT_FLOAT}}} ret{key:"b" value:"n:%s:0"}}}'
CALL = X + 'node{name:"c" op:"f" input:"x"}'

# name, target, source, options
CASES = [
    ('plain', '', BASE, {}),
    ('no_prefix', '', BASE, {'prefix': ''}),
    ('nested_prefix', '', BASE, {'prefix': 'a/b'}),
    ('exact_prefix', noop('a'), BASE, {'prefix': 'a/'}),
    ('exact_prefix_collides', BASE.replace('"x"', '"a/x"').replace('"y"', '"a/y"'), BASE, {'prefix': 'a/'}),
    ('bad_prefix', '', BASE, {'prefix': 'a b'}),
    ('bad_prefix_underscore', '', BASE, {'prefix': '_a'}),
    ('prefix_is_taken', noop('import'), BASE, {}),
    ('names_collide', BASE, BASE, {'prefix': ''}),
    ('below_a_node', noop('a'), noop('a/b'), {'prefix': ''}),
    ('above_a_node', noop('a/b'), noop('a'), {'prefix': ''}),
    ('second_is_taken', noop('a', 'a_1'), noop('a'), {'prefix': ''}),
    ('second_is_taken_by_scope', noop('a', 'a_1/x'), noop('a'), {'prefix': ''}),
    ('second_is_taken_in_source', noop('a'), noop('a', 'a_1'), {'prefix': ''}),
    ('scope_in_source', noop('a'), noop('a_1/b', 'a'), {'prefix': ''}),
    ('case_differs', noop('A'), noop('a'), {'prefix': ''}),
    ('number_behind_number', noop('a_1', 'a_1_1'), noop('a_1', 'a'), {'prefix': ''}),
    ('forward_references', '', identity('y', 'z', '^w') + identity('z', 'x') + X + noop('w'), {}),
    ('control_inputs_merge', '', noop('w') + X + identity('y', 'x', '^w', '^w'), {}),
    ('port_zero', '', X + identity('y', 'x:0'), {}),
    ('map_input', BASE, BASE, {'input_map': {'x': 'y'}}),
    ('map_input_port', BASE, BASE, {'input_map': {'x:0': 'y:0'}}),
    ('map_second_output', X, SWITCH, {'input_map': {'s:1': 'x:0'}}),
    ('map_first_output', X, SWITCH, {'input_map': {'s': 'x:0'}}),
    ('map_from_second_output', SWITCH, BASE, {'input_map': {'x': 's:1'}}),
    ('map_control', X + identity('w', 'x'), noop('v') + X + identity('y', 'x', '^v'), {'input_map': {'^v': '^w'}}),
    ('map_both', X + identity('w', 'x'), noop('v') + X + identity('y', 'x', '^v'), {'input_map': {'^v': '^w', 'x': 'x:0'}}),
    ('map_leaves_control', X, X + identity('y', 'x', '^x'), {'input_map': {'x': 'x:0'}}),
    ('map_unread', BASE, BASE, {'input_map': {'y': 'y:0'}}),
    ('map_unknown', BASE, BASE, {'input_map': {'zz': 'y:0'}}),
    ('map_bad_port', BASE, BASE, {'input_map': {'x:1': 'y:0'}}),
    ('map_and_rename', BASE, BASE, {'input_map': {'x': 'y:0'}, 'prefix': ''}),
    ('return_elements', '', SWITCH, {'return': ['x', 'x:0', 's:1', 't']}),
    ('return_mapped', BASE, BASE, {'return': ['x', 'x:0', 'y'], 'input_map': {'x': 'y:0'}}),
    ('return_renamed', BASE, BASE, {'return': ['x', 'y:0'], 'prefix': ''}),
    ('return_unknown', '', BASE, {'return': ['nope']}),
    ('return_unknown_tensor', '', BASE, {'return': ['nope:0']}),
    ('return_bad_port', '', BASE, {'return': ['y:3']}),
    ('return_bad_name', '', BASE, {'return': ['y:0:1']}),
    ('colocation', '', X + identity('y', 'x', more=colocated('x')), {}),
    ('colocation_renamed', BASE, X + identity('y', 'x', more=colocated('x')), {'prefix': ''}),
    ('colocation_unknown', '', X + identity('y', 'x', more=colocated('gone')), {}),
    ('colocation_device', '', X + identity('y', 'x', more='device:"/device:CPU:0"') +
     identity('z', 'x', more='device:"/device:GPU:1" ' + colocated('y')) +
     identity('w', 'x', more='device:"/device:GPU:1" ' + colocated('x', 'y')) +
     identity('v', 'x', more='device:"/device:GPU:1" ' + colocated('x')), {}),
    ('colocation_itself', '', X + identity('y', 'x', more='device:"/device:CPU:0" ' + colocated('y')), {}),
    ('output_shapes', '', X + identity('y', 'x', more='attr{key:"_output_shapes" value{list{shape{dim{size:2}}}}}'), {}),
    ('versions', 'versions{producer:30 min_consumer:2 bad_consumers:7}',
     BASE + 'versions{producer:22 min_consumer:12 bad_consumers:9}', {}),
    ('versions_none', 'versions{producer:30}', BASE, {}),
    ('function_added', '', CALL + F % ('Relu', 'activations'), {}),
    ('function_equal', CALL + F % ('Relu', 'activations'), CALL + F % ('Relu', 'activations'), {}),
    ('function_differs', CALL + F % ('Relu', 'activations'), CALL + F % ('Elu', 'activations'), {}),
    ('missing_input', '', identity('y', 'q'), {}),
    ('duplicate', '', noop('a', 'a'), {}),
    ('cycle', '', identity('a', 'b') + identity('b', 'a'), {}),
    ('control_first', '', X + identity('y', '^x', 'x'), {}),
]


def graph_def(text):
    definition = tf1.GraphDef()
    text_format.Merge(text, definition)
    if not definition.versions.producer and 'versions' not in text:
        definition.versions.producer = 100
    return definition


def element(graph, name):
    # The Python API wants a tensor also where its node is meant.
    return graph.get_tensor_by_name(name.lstrip('^') if ':' in name else name.lstrip('^') + ':0')


def run(target, source, options):
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def(target), name='')
        input_map = {k: element(graph, v) for k, v in options.get('input_map', {}).items()}
        try:
            returned = tf.import_graph_def(graph_def(source), name=options.get('prefix'), input_map=input_map or None,
                                           return_elements=options.get('return'))
        except (ValueError, KeyError, RuntimeError, tf.errors.InvalidArgumentError) as error:
            return {'error': str(error)[:200]}
        result = graph.as_graph_def()
        nodes = []
        for node in result.node:
            nodes.append({'name': node.name, 'op': node.op, 'input': list(node.input), 'device': node.device,
                          'class': [s.decode() for s in node.attr['_class'].list.s] if '_class' in node.attr else [],
                          'output_shapes': '_output_shapes' in node.attr})
        return {'nodes': nodes, 'functions': [f.signature.name for f in result.library.function],
                'returned': [each.name for each in returned or []],
                'versions': [result.versions.producer, result.versions.min_consumer] + list(result.versions.bad_consumers)}


def main():
    cases = []
    for name, target, source, options in CASES:
        cases.append({'case': name, 'target': target, 'source': source, 'options': options,
                      'result': run(target, source, options)})
    for argument in sys.argv[2:]:
        with open(argument.split('=', 1)[1]) as other:
            for ours, theirs in zip(cases, json.load(other)):
                same = ours['result'] == theirs['result'] or ('error' in ours['result'] and 'error' in theirs['result'])
                if not same:
                    sys.exit('%s: %s but %s' % (ours['case'], ours['result'], theirs['result']))
    with open(sys.argv[1], 'w') as out:
        out.write('[\n' + ',\n'.join(json.dumps(case) for case in cases) + '\n]\n')


main()
