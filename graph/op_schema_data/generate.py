#!/usr/bin/env python3
"""Writes ops.txt, the table of ops that is compiled into the program.

    python3 graph/op_schema_data/generate.py ../shared/data/op_defs graph/op_schema_data/ops.txt

The first argument is a folder with tf_1_15.pbtxt.gz, tf_1_15_ext.pbtxt.gz, tf_2_21.pbtxt.gz (OpList in text format)
and history.json.gz (every op of 40 releases). Needs Python 3 alone. The same input gives the same bytes.

One line is one definition; lines are sorted by the bytes of the op's name, and of one op the newest stands first.
Tabs separate the fields, blanks the items of a field:

    name  releases  since  until  flags  inputs  outputs  attributes

releases   letters: "a" the definition of 1.15, "e" the same but from a library beside the core (contrib), "b" of 2.21;
           "-" of neither (the op's last definition).
since      the first release that had the op; until: the last, "-" if 2.21 still has it.
flags      letters: s stateful, c commutative, a aggregate, u allows uninitialized input; then a number if it is
           deprecated from that producer on; "-" for none.
argument   NAME:TYPE or NAME:NUMBER_ATTR*TYPE or NAME:[TYPE_LIST_ATTR], "&" behind a reference.
           TYPE is DT_... or the name of an attribute.
attribute  NAME:TYPE, then in this order and each optional: @RELEASE that brought it, if later than the op;
           >=MINIMUM; {VALUE,...} allowed; =DEFAULT.
value      as text; strings in double quotes with \\xHH for control characters, blanks, quotes, backslash and
           bytes beyond ASCII; types without DT_ and in lower case; shapes [2,-1] or ? for unknown rank; functions
           @NAME; a tensor %HEX, its serialized TensorProto; lists in brackets.
"""
import base64
import gzip
import json
import re
import struct
import sys

TOKEN = re.compile(r'\s+|#[^\n]*|([A-Za-z_][\w.]*)|(-?[0-9][\w.+-]*|-inf)|("(?:[^"\\]|\\.)*")|([{}:\[\],])')


def tokens(text):
    """Words, numbers, strings and marks of a text-format message."""
    position = 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if not match:
            raise ValueError('cannot read %r' % text[position:position + 40])
        position = match.end()
        if match.lastindex:
            yield match.group(match.lastindex)


def message(stream):
    """A message as a list of (field, value); a value is a text, or a list for a message."""
    fields = []
    for token in stream:
        if token == '}':
            break
        mark = next(stream)
        fields.append((token, message(stream) if mark == '{' else next(stream)))
    return fields


def one(fields, name, default=None):
    found = [value for key, value in fields if key == name]
    return found[-1] if found else default


def every(fields, name):
    return [value for key, value in fields if key == name]


def unquote(text):
    """The bytes of a string literal."""
    def byte(match):
        code = match.group(1)
        simple = {b'n': b'\n', b'r': b'\r', b't': b'\t', b'"': b'"', b"'": b"'", b'\\': b'\\'}
        return simple[code] if code in simple else bytes([int(code, 8)])
    return re.sub(rb'\\([0-7]{1,3}|.)', byte, text[1:-1].encode())


def quote(value):
    """A string of the table; no blank, tab or line end is left in it."""
    return '"%s"' % ''.join(chr(b) if 0x20 < b < 0x7f and b not in b'"\\' else '\\x%02x' % b for b in value)


def short_type(name):
    return name[3:].lower()


def float_text(text):
    """The shortest text that reads back as the same float."""
    value = float(text)
    if value != value or value in (float('inf'), float('-inf')):
        return str(value)
    for digits in range(1, 10):
        short = '%.*g' % (digits, value)
        if struct.pack('<f', float(short)) == struct.pack('<f', value):
            return short
    raise ValueError(text)


def shape_text(fields):
    if one(fields, 'unknown_rank') == 'true':
        return '?'
    return '[%s]' % ','.join(one(dim, 'size', '0') for dim in every(fields, 'dim'))


def varint(number):
    out = b''
    number &= (1 << 64) - 1
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


TYPES = {'FLOAT': 1, 'DOUBLE': 2, 'INT32': 3, 'UINT8': 4, 'INT16': 5, 'INT8': 6, 'STRING': 7, 'INT64': 9, 'BOOL': 10}


def tensor_text(fields):
    """Serialized TensorProto in hex. Defaults of ops hold no more than a type, a shape and integers."""
    unknown = {key for key, _ in fields} - {'dtype', 'tensor_shape', 'int_val'}
    if unknown:
        raise ValueError('a default tensor with %s' % unknown)
    out = b'\x08' + varint(TYPES[one(fields, 'dtype')[3:]])
    if one(fields, 'tensor_shape') is not None:
        shape = b''
        for dim in every(one(fields, 'tensor_shape'), 'dim'):
            size = int(one(dim, 'size', '0'))
            body = b'\x08' + varint(size) if size else b''
            shape += b'\x12' + varint(len(body)) + body
        out += b'\x12' + varint(len(shape)) + shape
    values = b''.join(varint(int(value)) for value in every(fields, 'int_val'))
    if values:
        out += b'\x3a' + varint(len(values)) + values
    return '%' + out.hex()


SCALARS = {'s': lambda v: quote(unquote(v)), 'i': str, 'f': float_text, 'b': str, 'type': short_type,
           'shape': shape_text, 'func': lambda v: '@' + unquote(one(v, 'name', '""')).decode(),
           'tensor': tensor_text}


def value_text(fields, bare_list=False):
    """An AttrValue; `bare_list` leaves the brackets of a list away."""
    (kind, value), = fields
    if kind != 'list':
        return SCALARS[kind](value)
    items = []
    for key, element in value:
        items.append(SCALARS[key](element))
    return ','.join(items) if bare_list else '[%s]' % ','.join(items)


def history_value(kind, value):
    """A value of history.json as value_text() would give it."""
    if kind.startswith('list('):
        return '[%s]' % ','.join(history_value(kind[5:-1], element) for element in value)
    if kind == 'bool':
        return 'true' if value else 'false'
    if kind == 'int':
        return str(value)
    if kind == 'float':
        return float_text(value)
    if kind == 'string':
        return quote(value.encode()) if isinstance(value, str) else quote(base64.b64decode(value['b64']))
    if kind == 'type':
        return short_type(value)
    if kind == 'shape':
        return '?' if value is None else '[%s]' % ','.join(map(str, value))
    if kind == 'func':
        return '@' + value['func']
    if kind == 'tensor':
        return tensor_text(message(tokens(value['tensor'])))
    raise ValueError(kind)


class Definition:
    """What one release says of an op, in the texts of the table."""

    def __init__(self, flags, inputs, outputs, attrs):
        self.flags, self.inputs, self.outputs, self.attrs = flags, inputs, outputs, attrs

    def key(self):
        return self.flags, self.inputs, self.outputs, self.attrs


def flag_text(letters, deprecated):
    return letters + (str(deprecated) if deprecated else '') or '-'


def arg_text(fields):
    kind = one(fields, 'type_attr')
    kind = unquote(kind).decode() if kind else one(fields, 'type')
    number, types = one(fields, 'number_attr'), one(fields, 'type_list_attr')
    if types:
        kind = '[%s]' % unquote(types).decode()
    elif number:
        kind = '%s*%s' % (unquote(number).decode(), kind)
    return '%s:%s%s' % (unquote(one(fields, 'name')).decode(), kind, '&' if one(fields, 'is_ref') == 'true' else '')


def from_op_def(op):
    letters = ''.join(letter for letter, field in
                      (('s', 'is_stateful'), ('c', 'is_commutative'), ('a', 'is_aggregate'),
                       ('u', 'allows_uninitialized_input')) if one(op, field) == 'true')
    attrs = []
    for attr in every(op, 'attr'):
        rest = ''
        if one(attr, 'has_minimum') == 'true':
            rest += '>=' + one(attr, 'minimum', '0')
        if one(attr, 'allowed_values') is not None:
            rest += '{%s}' % value_text(one(attr, 'allowed_values'), bare_list=True)
        if one(attr, 'default_value') is not None:
            rest += '=' + value_text(one(attr, 'default_value'))
        attrs.append((unquote(one(attr, 'name')).decode(), unquote(one(attr, 'type')).decode(), rest))
    deprecated = one(op, 'deprecation', [])
    return Definition(flag_text(letters, int(one(deprecated, 'version', '0'))),
                      tuple(arg_text(arg) for arg in every(op, 'input_arg')),
                      tuple(arg_text(arg) for arg in every(op, 'output_arg')), tuple(attrs))


def from_history(definition):
    flags = definition.get('flags', [])
    letters = ''.join(letter for letter, flag in (('s', 'stateful'), ('c', 'commutative'), ('a', 'aggregate'),
                                                  ('u', 'uninit_ok')) if flag in flags)
    def args(key):
        return tuple('%s:%s%s' % (arg[0], arg[1], '&' if len(arg) > 2 else '') for arg in definition.get(key, []))
    attrs = []
    for attr in definition.get('attr', []):
        name, kind, extra = attr[0], attr[1], attr[2] if len(attr) > 2 else {}
        element = kind[5:-1] if kind.startswith('list(') else kind
        rest = ''
        if 'm' in extra:
            rest += '>=%d' % extra['m']
        if 'a' in extra:
            rest += '{%s}' % ','.join(history_value(element, value) for value in extra['a'])
        if 'd' in extra:
            rest += '=' + history_value(kind, extra['d'])
        attrs.append((name, kind, rest))
    return Definition(flag_text(letters, definition.get('deprecated', 0)), args('in'), args('out'), tuple(attrs))


def read_op_list(path):
    ops = {}
    for _, op in message(tokens(gzip.open(path, 'rt', encoding='utf-8').read())):
        ops[unquote(one(op, 'name')).decode()] = from_op_def(op)
    return ops


def read_history(path):
    """Per op: first and last release index, the release index that brought each attribute, the last definition."""
    history = json.load(gzip.open(path, 'rt', encoding='utf-8'))
    known = {}
    for part in ('gpu', 'ext', 'ops'):  # The core's entry stands over the others.
        for name, entry in history[part].items():
            attr_since = {}
            for index, definition in entry['revs']:
                for attr in definition.get('attr', []):
                    attr_since.setdefault(attr[0], index)
            first, last = entry['seen'][0][0], entry['seen'][-1][1]
            if name in known:
                other = known[name]
                for attr, index in other[2].items():
                    attr_since[attr] = min(index, attr_since.get(attr, index))
                first, last = min(first, other[0]), max(last, other[1])
            known[name] = (first, last, attr_since, entry['revs'][-1][1])
    return [version['v'] for version in history['versions']], known


def main():
    folder, out = sys.argv[1:]
    core = read_op_list(folder + '/tf_1_15.pbtxt.gz')
    extensions = read_op_list(folder + '/tf_1_15_ext.pbtxt.gz')
    newest = read_op_list(folder + '/tf_2_21.pbtxt.gz')
    releases, history = read_history(folder + '/history.json.gz')
    lines = []
    for name in sorted(set(core) | set(extensions) | set(newest) | set(history)):
        definitions = []  # [letters, Definition]
        for letter, ops in (('b', newest), ('a', core), ('e', extensions)):
            if name not in ops or (letter == 'e' and name in core):
                continue
            if definitions and definitions[-1][1].key() == ops[name].key():
                definitions[-1][0] += letter
            else:
                definitions.append([letter, ops[name]])
        first, last, attr_since, last_definition = history.get(name, (None, None, {}, None))
        if not definitions:
            definitions.append(['-', from_history(last_definition)])
        since = releases[first] if first is not None else '-'
        until = '-' if last is None or last == len(releases) - 1 else releases[last]
        for letters, definition in definitions:
            attrs = []
            for attr, kind, rest in definition.attrs:
                later = attr_since.get(attr, first)
                attrs.append('%s:%s%s%s' % (attr, kind, '@' + releases[later] if later != first else '', rest))
            lines.append('\t'.join([name, letters, since, until, definition.flags, ' '.join(definition.inputs),
                                    ' '.join(definition.outputs), ' '.join(attrs)]))
    text = ''.join(line + '\n' for line in lines)
    with open(out, 'w', encoding='ascii', newline='\n') as file:
        file.write(text)
    print('%d definitions, %d bytes' % (len(lines), len(text)))


if __name__ == '__main__':
    main()
