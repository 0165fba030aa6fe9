"""Writes tests/models/images: one picture as JPEG, PNG, BMP and GIF, and what TensorFlow 1.15's label_image makes of it.

    $TF1 tests/oracle/make_image_goldens.py tests/models/images

FILE.npy is the picture of FILE decoded, resized to 24 x 20 with ResizeBilinear, and (pixel - 127.5) / 127.5, by the ops
of TensorFlow's tools.
"""
import struct
import sys

import numpy as np
import tensorflow as tf


def bmp(image):
    """Uncompressed, 24 bits, bottom row first."""
    height, width, _ = image.shape
    row = (width * 3 + 3) // 4 * 4
    pixels = b"".join(image[r, :, ::-1].tobytes().ljust(row, b"\0") for r in range(height - 1, -1, -1))
    return (b"BM" + struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54) +
            struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(pixels), 2835, 2835, 0, 0) + pixels)


def lzw(indices, bits):
    """The codes of GIF for `indices`, least significant bit first, in blocks of up to 255 bytes."""
    clear, end = 1 << bits, (1 << bits) + 1
    codes, width, table = [(clear, bits + 1)], bits + 1, {(i,): i for i in range(clear)}
    following, prefix = end + 1, ()
    for index in indices:
        if prefix + (index,) in table:
            prefix += (index,)
            continue
        codes.append((table[prefix], width))
        table[prefix + (index,)] = following
        if following == 1 << width:
            width += 1
        following += 1
        if following == 4096:
            codes.append((clear, width))
            width, table, following = bits + 1, {(i,): i for i in range(clear)}, end + 1
        prefix = (index,)
    codes += [(table[prefix], width), (end, width)]
    number, length = 0, 0
    for code, code_width in codes:
        number |= code << length
        length += code_width
    packed = number.to_bytes((length + 7) // 8, "little")
    blocks = [packed[i:i + 255] for i in range(0, len(packed), 255)]
    return bytes([bits]) + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"


def gif(image):
    """One frame with a table of its 128 colors: two bits of red and blue, three of green."""
    height, width, _ = image.shape
    colors = [(r * 85, g * 36, b * 85) for r in range(4) for g in range(8) for b in range(4)]
    indices = (image[..., 0] // 64 * 32 + image[..., 1] // 32 * 4 + image[..., 2] // 64).astype(int).ravel().tolist()
    return (b"GIF89a" + struct.pack("<HHBBB", width, height, 0xe6, 0, 0) + b"".join(bytes(c) for c in colors) + b"," +
            struct.pack("<HHHHB", 0, 0, width, height, 0) + lzw(indices, 7) + b";")


def main():
    folder = sys.argv[1]
    y, x = np.mgrid[0:40, 0:56]
    image = np.stack([(x * 4) % 256, (y * 6) % 256, ((x + y) * 3) % 256], -1).astype(np.uint8)
    image[10:20, 10:30] = [250, 20, 30]
    session = tf.compat.v1.Session()
    files = {
        "scene.jpg": session.run(tf.image.encode_jpeg(image, quality=85)),
        "scene.png": session.run(tf.image.encode_png(image)),
        "scene.bmp": bmp(image),
        "scene.gif": gif(image),
    }
    decoders = {
        "scene.jpg": lambda contents: tf.image.decode_jpeg(contents, channels=3),
        "scene.png": lambda contents: tf.image.decode_png(contents, channels=3),
        "scene.bmp": tf.image.decode_bmp,
        "scene.gif": lambda contents: tf.squeeze(tf.image.decode_gif(contents), [0]),
    }
    for name, contents in files.items():
        with open(folder + "/" + name, "wb") as file:
            file.write(contents)
        pixels = tf.expand_dims(tf.cast(decoders[name](contents), tf.float32), 0)
        resized = tf.compat.v1.image.resize_bilinear(pixels, [24, 20])
        value = session.run(tf.math.divide(tf.subtract(resized, [127.5]), [127.5]))
        np.save(folder + "/" + name + ".npy", value)


main()
