"""Writes tests/models/images: one picture as JPEG, PNG and BMP, and what TensorFlow 1.15's label_image makes of it.

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
    }
    decoders = {
        "scene.jpg": lambda contents: tf.image.decode_jpeg(contents, channels=3),
        "scene.png": lambda contents: tf.image.decode_png(contents, channels=3),
        "scene.bmp": tf.image.decode_bmp,
    }
    for name, contents in files.items():
        with open(folder + "/" + name, "wb") as file:
            file.write(contents)
        pixels = tf.expand_dims(tf.cast(decoders[name](contents), tf.float32), 0)
        resized = tf.compat.v1.image.resize_bilinear(pixels, [24, 20])
        value = session.run(tf.math.divide(tf.subtract(resized, [127.5]), [127.5]))
        np.save(folder + "/" + name + ".npy", value)


main()
