"""Checks the array files of `cryograph checkpoint export` with numpy and safetensors, and what import makes of theirs.

    python tests/oracle/check_array_files.py --cryograph=bazel-bin/tools/cryograph [--tensorflow] CHECKPOINT…

The interpreter needs numpy and safetensors; with --tensorflow also TensorFlow, which then reads the checkpoint and what
was imported. For each checkpoint: the .npz equals what the checkpoint holds and is what numpy.savez writes for each
array; safetensors' own writer gives the same bytes; importing numpy's and safetensors' files gives the tensors back.
"""
import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save as save_safetensors

SAFE = {"bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32",
        "float64", "complex64"}


class Check(object):
    def __init__(self, args, scratch):
        self.args, self.scratch, self.failures = args, scratch, 0

    def path(self, name):
        return os.path.join(self.scratch, name)

    def run(self, *words):
        done = subprocess.run([self.args.cryograph, "checkpoint"] + list(words), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise RuntimeError("%s: %s" % (" ".join(words), done.stderr.decode()))
        return done.stdout.decode()

    def require(self, condition, what):
        if not condition:
            self.failures += 1
            print("FAIL " + what)

    def arrays(self, checkpoint):
        listed = json.loads(self.run("list", checkpoint, "--json"))["tensors"]
        self.run("export", checkpoint, "--out=" + self.path("a.npz"), "--exclude=" + self.args.exclude)
        loaded = np.load(self.path("a.npz"))
        for entry in listed:
            if entry["name"] not in loaded.files:
                continue
            array = loaded[entry["name"]]
            self.require(list(array.shape) == entry["shape"], "shape of " + entry["name"])
            if array.dtype.names is None and array.dtype.kind != "S":
                self.require(array.dtype.name == entry["dtype"].replace("qu", "u").replace("qi", "i"),
                             "type of %s: %s" % (entry["name"], array.dtype))
        # Each member is what numpy itself writes.
        with zipfile.ZipFile(self.path("a.npz")) as archive:
            self.require(archive.testzip() is None, "checksums of the archive")
            for name in loaded.files:
                buffer = io.BytesIO()
                np.save(buffer, loaded[name])
                self.require(buffer.getvalue() == archive.read(name + ".npy"), "bytes of %s.npy" % name)
        return {name: loaded[name] for name in loaded.files}

    def safetensors(self, checkpoint, arrays):
        plain = {name: array for name, array in arrays.items() if array.dtype.name in SAFE}
        if not plain:
            return
        listed = ",".join(plain)
        self.run("export", checkpoint, "--out=" + self.path("a.safetensors"), "--tensors=" + listed)
        with open(self.path("a.safetensors"), "rb") as file:
            self.require(file.read() == save_safetensors({n: np.array(a, order="C") for n, a in plain.items()}),
                         "bytes of the safetensors file of " + checkpoint)
        with safe_open(self.path("a.safetensors"), "np") as file:
            for name in file.keys():
                self.require(file.get_tensor(name).tobytes() == plain[name].tobytes(), "safetensors: " + name)

    def back(self, checkpoint, arrays):
        plain = {name: array for name, array in arrays.items() if array.dtype.names is None}
        if not plain:
            return
        np.savez_compressed(self.path("theirs.npz"), **plain)
        np.savez(self.path("fortran.npz"), **{n: np.array(a, order="F") for n, a in plain.items()})
        names = "--tensors=" + ",".join(plain)
        for theirs in ("theirs.npz", "fortran.npz"):
            self.run("import", self.path(theirs), "--out=" + self.path("back"))
            self.run("diff", checkpoint, self.path("back"), names)
        if self.args.tensorflow:
            import tensorflow as tf
            reader = tf.train.load_checkpoint(self.path("back"))
            original = tf.train.load_checkpoint(checkpoint)
            self.require(sorted(plain) == sorted(reader.get_variable_to_shape_map()), "names that TensorFlow reads")
            for name, array in plain.items():
                if array.dtype.kind != "S":
                    self.require(reader.get_tensor(name).tobytes() == original.get_tensor(name).tobytes(),
                                 "TensorFlow reads another value of " + name)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cryograph", required=True)
    parser.add_argument("--exclude", default="^_CHECKPOINTABLE_OBJECT_GRAPH$")
    parser.add_argument("--tensorflow", action="store_true")
    parser.add_argument("checkpoints", nargs="+")
    args = parser.parse_args()
    failures = 0
    for checkpoint in args.checkpoints:
        with tempfile.TemporaryDirectory() as scratch:
            check = Check(args, scratch)
            try:
                arrays = check.arrays(checkpoint)
                check.safetensors(checkpoint, arrays)
                check.back(checkpoint, arrays)
                print("%s: %d arrays, %d failures" % (checkpoint, len(arrays), check.failures))
            except RuntimeError as error:
                print("%s: %s" % (checkpoint, error))
                check.failures += 1
            failures += check.failures
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
