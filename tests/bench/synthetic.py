"""Graphs and checkpoints of any size for the benchmarks, written byte by byte with Python's library alone.

Values are one seeded 64 KiB block over and over, so that checksums of gigabytes can be combined instead of computed.
"""
import random
import struct

BLOCK = random.Random(1).randbytes(1 << 14) * 4
DT_FLOAT, DT_INT32 = 1, 3


# Protobuf wire format.
def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, payload):
    """A length-delimited field; text is encoded."""
    if isinstance(payload, str):
        payload = payload.encode()
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def number(number_, value):
    return varint(number_ << 3) + varint(value & (1 << 64) - 1)


def shape_of(dims):
    """TensorShapeProto."""
    return b"".join(field(2, number(1, size) if size else b"") for size in dims)


# Values of attributes (AttrValue).
def type_attr(dtype):
    return number(6, dtype)


def shape_attr(dims):
    return field(7, shape_of(dims))


def bool_attr(value):
    return number(5, int(value))


def int_attr(value):
    return number(3, value)


def float_attr(value):
    return varint(4 << 3 | 5) + struct.pack("<f", value)


def text_attr(value):
    return field(2, value)


def ints_attr(values):
    return field(1, b"".join(number(3, value) for value in values))


def tensor_attr(dtype, dims, content):
    return field(8, number(1, dtype) + field(2, shape_of(dims)) + field(4, content))


def node(name, op, inputs=(), attrs=None):
    """One `node` field of a GraphDef."""
    parts = [field(1, name), field(2, op)] + [field(3, text) for text in inputs]
    for key in sorted(attrs or {}):
        parts.append(field(5, field(1, key) + field(2, attrs[key])))
    return field(1, b"".join(parts))


VERSIONS = field(4, number(1, 134))
FLOAT = {"T": type_attr(DT_FLOAT)}


# CRC-32C, and how that of a long run of equal blocks follows from that of one.
def _table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def masked(crc):
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _times(matrix, vector):
    total, row = 0, 0
    while vector:
        if vector & 1:
            total ^= matrix[row]
        vector >>= 1
        row += 1
    return total


def _shift(length):
    """The matrix that a CRC is multiplied with when `length` zero bytes follow."""
    one_bit = [0x82F63B78] + [1 << bit for bit in range(31)]
    power = one_bit
    for _ in range(3):
        power = [_times(power, row) for row in power]
    result = [1 << bit for bit in range(32)]
    while length:
        if length & 1:
            result = [_times(power, row) for row in result]
        power = [_times(power, row) for row in power]
        length >>= 1
    return result


_crc_of_size = {}
_block_crc, _block_shift = crc32c(BLOCK), _shift(len(BLOCK))


def crc_of_values(size):
    """CRC-32C of `size` bytes of values."""
    if size not in _crc_of_size:
        crc = 0
        for _ in range(size // len(BLOCK)):
            crc = _times(_block_shift, crc) ^ _block_crc
        tail = size % len(BLOCK)
        if tail:
            crc = _times(_shift(tail), crc) ^ crc32c(BLOCK[:tail])
        _crc_of_size[size] = crc
    return _crc_of_size[size]


# The V2 checkpoint: PREFIX.data-00000-of-00001 and the table PREFIX.index.
def _table_block(entries):
    """Entries without shared prefixes, each its own restart point."""
    out, restarts = bytearray(), []
    for key, value in entries:
        restarts.append(len(out))
        out += varint(0) + varint(len(key)) + varint(len(value)) + key + value
    restarts = restarts or [0]
    return bytes(out) + struct.pack("<%dI" % (len(restarts) + 1), *restarts, len(restarts))


def _write_table(path, entries):
    with open(path, "wb") as file:
        def add(contents):
            handle = varint(file.tell()) + varint(len(contents))
            file.write(contents + b"\0" + struct.pack("<I", masked(crc32c(contents + b"\0"))))
            return handle

        index = []
        for start in range(0, len(entries), 64):
            part = entries[start:start + 64]
            index.append((part[-1][0], add(_table_block(part))))
        footer = add(_table_block([])) + add(_table_block(index))
        file.write(footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57))


def write_checkpoint(prefix, variables):
    """`variables` are (name, dims) of float tensors. Returns the size of the values in bytes."""
    entries = [(b"", number(1, 1) + field(3, number(1, 1)))]
    offset = 0
    with open(prefix + ".data-00000-of-00001", "wb") as data:
        for name, dims in sorted(variables, key=lambda variable: variable[0].encode()):
            size = 4
            for dim in dims:
                size *= dim
            for _ in range(size // len(BLOCK)):
                data.write(BLOCK)
            data.write(BLOCK[:size % len(BLOCK)])
            entry = number(1, DT_FLOAT) + field(2, shape_of(dims))
            entry += (number(4, offset) if offset else b"") + number(5, size)
            entry += varint(6 << 3 | 5) + struct.pack("<I", masked(crc_of_values(size)))
            entries.append((name.encode(), entry))
            offset += size
    _write_table(prefix + ".index", entries)
    return offset


# Graphs. Each function returns (bytes of the GraphDef, variables).
def variable(name, dims):
    """A reference variable and the Identity that reads it, as tf.Variable makes them."""
    attrs = {"dtype": type_attr(DT_FLOAT), "shape": shape_attr(dims), "container": text_attr(""),
             "shared_name": text_attr("")}
    return node(name, "VariableV2", (), attrs) + node(name + "/read", "Identity", [name], FLOAT)


def sum_of_variables(count, dims):
    """`count` variables of one shape, added up in "out", and a branch that nothing needs."""
    names = ["layer%05d/kernel" % i for i in range(count)]
    attrs = {"T": type_attr(DT_FLOAT), "N": int_attr(count)}
    parts = [variable(name, dims) for name in names]
    parts.append(node("out", "AddN", [name + "/read" for name in names], attrs))
    parts.append(node("unused", "Relu", ["out"], FLOAT))
    return b"".join(parts) + VERSIONS, [(name, dims) for name in names]


def resnet50():
    """ResNet-50 for inference: 53 convolutions with batch norm, one dense layer, 25.6 million weights."""
    parts, variables = [], []

    def weights(name, dims):
        variables.append((name, dims))
        parts.append(variable(name, dims))
        return name + "/read"

    def convolution(name, x, size, stride, channels_in, channels_out):
        parts.append(node(
            name + "/Conv2D", "Conv2D", [x, weights(name + "/kernel", [size, size, channels_in, channels_out])],
            dict(FLOAT, strides=ints_attr([1, stride, stride, 1]), padding=text_attr("SAME"),
                 data_format=text_attr("NHWC"), dilations=ints_attr([1, 1, 1, 1]), use_cudnn_on_gpu=bool_attr(True),
                 explicit_paddings=field(1, b""))))
        statistics = [weights(name + "/bn/" + part, [channels_out])
                      for part in ("gamma", "beta", "moving_mean", "moving_variance")]
        parts.append(node(
            name + "/bn/FusedBatchNormV3", "FusedBatchNormV3", [name + "/Conv2D"] + statistics,
            dict(FLOAT, U=type_attr(DT_FLOAT), epsilon=float_attr(1e-3), is_training=bool_attr(False),
                 data_format=text_attr("NHWC"))))
        return name + "/bn/FusedBatchNormV3"

    def relu(name, x):
        parts.append(node(name, "Relu", [x], FLOAT))
        return name

    def constant(name, dtype, dims, content):
        parts.append(node(name, "Const", (), {"dtype": type_attr(dtype), "value": tensor_attr(dtype, dims, content)}))
        return name

    parts.append(node("image", "Placeholder", (), {"dtype": type_attr(DT_FLOAT), "shape": shape_attr([1, 224, 224, 3])}))
    x = relu("stem/relu", convolution("stem", "image", 7, 2, 3, 64))
    parts.append(node("stem/pool", "MaxPool", [x], dict(
        FLOAT, ksize=ints_attr([1, 3, 3, 1]), strides=ints_attr([1, 2, 2, 1]), padding=text_attr("SAME"),
        data_format=text_attr("NHWC"))))
    x, channels = "stem/pool", 64
    for stage, (blocks, width) in enumerate([(3, 64), (4, 128), (6, 256), (3, 512)]):
        for block in range(blocks):
            name = "stage%d/block%d" % (stage + 1, block + 1)
            stride = 2 if stage and not block else 1
            y = relu(name + "/a/relu", convolution(name + "/a", x, 1, stride, channels, width))
            y = relu(name + "/b/relu", convolution(name + "/b", y, 3, 1, width, width))
            y = convolution(name + "/c", y, 1, 1, width, 4 * width)
            if not block:
                x = convolution(name + "/shortcut", x, 1, stride, channels, 4 * width)
            parts.append(node(name + "/add", "AddV2", [y, x], FLOAT))
            x, channels = relu(name + "/relu", name + "/add"), 4 * width
    axes = constant("pool/axes", DT_INT32, [2], struct.pack("<2i", 1, 2))
    parts.append(node("pool", "Mean", [x, axes], dict(FLOAT, Tidx=type_attr(DT_INT32), keep_dims=bool_attr(False))))
    parts.append(node("logits/MatMul", "MatMul", ["pool", weights("logits/kernel", [2048, 1000])],
                      dict(FLOAT, transpose_a=bool_attr(False), transpose_b=bool_attr(False))))
    parts.append(node("logits", "BiasAdd", ["logits/MatMul", weights("logits/bias", [1000])],
                      dict(FLOAT, data_format=text_attr("NHWC"))))
    parts.append(node("probabilities", "Softmax", ["logits"], FLOAT))
    return b"".join(parts) + VERSIONS, variables


def _placeholder():
    return node("x", "Placeholder", (), {"dtype": type_attr(DT_FLOAT), "shape": shape_attr([1])})


def chain(count):
    """`count` nodes in a row, Relu and Identity by turns, between "x" and "out"."""
    parts, last = [_placeholder()], "x"
    for i in range(count - 2):
        parts.append(node("n%d" % i, "Identity" if i % 2 else "Relu", [last], FLOAT))
        last = "n%d" % i
    parts.append(node("out", "Relu", [last], FLOAT))
    return b"".join(parts) + VERSIONS


def readers(count):
    """`count` nodes that read the one node "x", every other an Identity, all added up in "out"."""
    parts = [_placeholder()]
    names = ["n%d" % i for i in range(count - 2)]
    parts += [node(name, "Identity" if i % 2 else "Relu", ["x"], FLOAT) for i, name in enumerate(names)]
    parts.append(node("out", "AddN", names, {"T": type_attr(DT_FLOAT), "N": int_attr(len(names))}))
    return b"".join(parts) + VERSIONS


def twin_chains(count):
    """Two equal chains of `count` nodes each from "x", added up in "out"."""
    parts, ends = [_placeholder()], []
    for name in "ab":
        last = "x"
        for i in range(count):
            parts.append(node("%s%d" % (name, i), "Relu", [last], FLOAT))
            last = "%s%d" % (name, i)
        ends.append(last)
    parts.append(node("out", "AddV2", ends, FLOAT))
    return b"".join(parts) + VERSIONS
