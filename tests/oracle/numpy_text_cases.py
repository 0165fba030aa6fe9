"""Writes graph/testdata/numpy_text/*.txt: arrays, and how numpy's str() prints them.

    python tests/oracle/numpy_text_cases.py old|new OUTPUT_FOLDER

`old` wants numpy below 1.19 (that of TensorFlow 1.15), `new` one from 2.3 on. Each case is a line

    dtype|dims|options|hexadecimal bytes (strings: those of each element, separated by commas)

then the lines of the text, each after a ">", then an empty line. `old` writes only the cases that new.txt, which must be there, has not.
graph/numpy_text_test.cc reads both.
"""
import os
import random
import struct
import sys

import numpy as np

SETS = [np.float16, np.float32, np.float64]


def cases():
    rng = random.Random(7)
    state = np.random.RandomState(7)
    for dtype in SETS:
        name = np.dtype(dtype).name
        # Scalars: each of them is str() of a numpy scalar.
        values = [0, -0.0, 1, 1.5, -2.25, 1e-4, 9.999e-5, 0.1, 1 / 3.0, 65504, 1e-7, float("nan"), float("inf"),
                  -float("inf"), 2 ** -14, 2 ** -24, 1024, 2049]
        if dtype != np.float16:
            values += [1e8, 123456789, 1e15, 1e16, 9.9e15, 1.2345678e16, 1e-20, 1e-38, 3.4028235e38, 1e20, 2.0 ** 60, 1e-45]
        if dtype == np.float64:
            values += [1e300, 5e-324, 1.7976931348623157e308, 2.0 ** 53 + 2, 9007199254740993.0]
        for value in values:
            yield np.array(value, dtype), {}
        for value in values:
            yield np.array([value], dtype), {}
        if dtype == np.float16:
            for _ in range(60):
                yield state.randint(0, 1 << 16, 7).astype(np.uint16).view(np.float16), {}
        for _ in range(60):
            bits = {2: np.uint16, 4: np.uint32, 8: np.uint64}[np.dtype(dtype).itemsize]
            low = state.randint(0, 1 << 32, 5, dtype=np.uint64)
            high = state.randint(0, 1 << 32, 5, dtype=np.uint64)
            yield (high << np.uint64(32) | low).astype(bits).view(dtype), {}
        for scale in [1e-6, 1e-4, 1e-3, 1, 10, 1e3, 1e6 if dtype != np.float16 else 1e4, 1e7 if dtype != np.float16 else 3e4]:
            yield (state.randn(3, 4) * scale).astype(dtype), {}
            yield (state.rand(5) * scale).astype(dtype), {}
        yield np.array([1, 2, 3], dtype), {}
        yield np.array([0.0001, 0.01], dtype), {}
        yield np.array([1, 1000], dtype), {}
        yield np.array([1, 1001], dtype), {}
        yield np.array([0, 0], dtype), {}
        yield np.array([np.nan, np.nan], dtype), {}
        yield np.array([np.nan, -np.inf], dtype), {}
        yield np.array([1.5, np.nan, -np.inf], dtype), {}
        yield np.array([1e-5, np.nan, np.inf], dtype), {}
        yield np.array([0.999999999, 0.123456789012], dtype), {}
        if dtype != np.float16:
            yield np.array([2e7, 1e7], dtype), {}
            yield np.array([999999, 1000000], dtype), {}
            yield np.array([99999999, 1e8], dtype), {}
        yield state.randn(30).astype(dtype), {}
        yield state.randn(2, 3, 4).astype(dtype), {}
        yield state.randn(2, 1, 2, 2).astype(dtype), {}
        if dtype == np.float16:
            yield state.randn(40, 40).astype(dtype), {}
            yield state.randn(1001).astype(dtype), {}
            yield state.randn(11, 10, 12).astype(dtype), {}
            yield np.zeros((600, 2), dtype), {}
            yield np.zeros((2, 600), dtype), {}
        for options in [dict(precision=3), dict(precision=0), dict(precision=12), dict(suppress=True), dict(linewidth=40),
                        dict(edgeitems=1, threshold=5), dict(threshold=100000), dict(nanstr="NaN", infstr="oo"),
                        dict(floatmode="fixed"), dict(floatmode="unique"), dict(floatmode="maxprec_equal"),
                        dict(floatmode="fixed", precision=3), dict(sign="+"), dict(sign=" ")]:
            yield (state.randn(3, 5) * 10).astype(dtype), options
            yield np.array([1e-3, 2.5, 1e3, np.nan, -np.inf], dtype), options
            yield np.array([1e-6, 2.5], dtype), options
            yield np.array([0.5, 2.5], dtype), options
            if options.get("threshold"):
                yield state.randn(20, 9).astype(dtype), options
    for dtype in [np.complex64, np.complex128]:
        for value in [0, 1 + 2j, -1.5 - 0.25j, 1j, -1j, 1e-20 + 1e20j, complex("nan"), complex(float("inf"), -1),
                      complex(1, float("nan")), complex(-0.0, 1), 1 / 3.0 + 1j / 3]:
            yield np.array(value, dtype), {}
            yield np.array([value, 1], dtype), {}
        yield (state.randn(3, 2) + 1j * state.randn(3, 2)).astype(dtype), {}
        yield (state.randn(3, 2) * 1e5 + 1j * state.randn(3, 2) * 1e-6).astype(dtype), {}
        yield (state.randn(3, 2) + 1j * state.randn(3, 2)).astype(dtype), dict(precision=2)
        yield (state.randn(3, 2) + 1j * state.randn(3, 2)).astype(dtype), dict(sign="+")
    for dtype in [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]:
        info = np.iinfo(dtype)
        yield np.array(info.max, dtype), {}
        yield np.array([info.min, info.max, 1], dtype), {}
        yield np.array([1, 20, 3], dtype), {}
        yield np.arange(60).astype(dtype).reshape(3, 20), {}
        if dtype == np.int8:
            yield (np.arange(2000) % 100).astype(dtype), {}
    yield np.array(True), {}
    yield np.array([True, False]), {}
    yield np.array([[True], [True]]), {}
    yield np.zeros((0,), np.float32), {}
    yield np.zeros((2, 0, 3), np.int32), {}
    yield np.array(b"it's", object), {}
    yield np.array([b"", b"a", b"\x00\xff\x80bin", b"x" * 90, b"tab\there", b"it's", b'"both\'"', b"back\\slash\r\n"], object), {}
    yield np.array([[b"a", b"longer"], [b"c", b"d"]], object), {}
    yield np.array([b"%d" % (i % 10) for i in range(1001)], object), {}


def main():
    which, folder = sys.argv[1:]
    version = tuple(int(part) for part in np.__version__.split(".")[:2])
    assert (which == "old" and version < (1, 19)) or (which == "new" and version >= (2, 3)), np.__version__
    defaults = np.get_printoptions()
    known = set()
    if which == "old":
        with open(os.path.join(folder, "new.txt")) as new:
            known = set(new.read().split("\n\n"))
    written = []
    for array, options in cases():
        np.set_printoptions(**defaults)
        np.set_printoptions(**options)
        text = str(array)
        if array.dtype == object:
            dtype, data = "string", ",".join(bytes(each).hex() for each in array.reshape(-1).tolist())
            if array.shape == ():
                text = str(array[()])
        else:
            dtype, data = array.dtype.name, np.ascontiguousarray(array).tobytes().hex()
        lines = ["%s|%s|%s|%s" % (dtype, ",".join(map(str, array.shape)),
                                      " ".join("%s=%s" % each for each in sorted(options.items())), data)]
        case = "\n".join(lines + [">" + line for line in text.split("\n")])
        if case not in known:
            written.append(case)
    with open(os.path.join(folder, which + ".txt"), "w") as out:
        out.write("\n\n".join(written) + "\n\n")


if __name__ == "__main__":
    main()
