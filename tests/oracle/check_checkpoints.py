#!/usr/bin/env python3
"""Has TensorFlow restore the checkpoints that we write, merge what we merge, and run the savers that we build.

A tool for developers: it needs TensorFlow 1.15 or 2.x and the shared data and oracle folders, and is no part of the
test suite. Run it once with each:

    eval "$(../shared/oracle/setup.sh)"
    ./bazelw build //tests:checkpoint_driver
    for python in "$TF1" "$TF2"; do
      "$python" tests/oracle/check_checkpoints.py --data=../shared/data --driver=bazel-bin/tests/checkpoint_driver
    done

Each checkpoint of data/formats is written again as version 2 with one and with three data files, and as version 1 if
that holds all its types; TensorFlow's restore op must give the values of the manifest, bit for bit. The exit status is
0 if there is no difference.
"""
import argparse
import collections
import filecmp
import glob
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.python.ops import gen_io_ops

# What the restore op cannot put together from slices, though the save op stores it in slices.
UNSLICED = ("DT_HALF", "DT_STRING", "DT_UINT16", "DT_UINT32", "DT_UINT64")


class Checker(object):

    def __init__(self, driver, scratch):
        self.driver, self.scratch = driver, scratch
        self.counts = collections.Counter()

    def path(self, name):
        return os.path.join(self.scratch, name)

    def run(self, *args):
        done = subprocess.run([self.driver] + list(args), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")

    def wrong(self, what):
        self.counts["DIFFERENT"] += 1
        print("DIFFERENT  " + what)

    # --- Values.

    def restored(self, prefix, names, dtypes):
        """Values, or the error of those that cannot be restored; all in one session, which is what takes time."""
        with tf.Graph().as_default(), tf.Session() as session:
            reads = [gen_io_ops.restore_v2(prefix, [n], [""], [t])[0] for n, t in zip(names, dtypes)]
            values = []
            for read in reads:
                try:
                    values.append(session.run(read))
                except tf.errors.OpError as error:
                    values.append(error)
        return values

    def same(self, value, expected):
        if "strings_hex" in expected:
            found = [bytes(v) for v in np.asarray(value).reshape(-1)]
            return found == [bytes.fromhex(h) for h in expected["strings_hex"]]
        return np.ascontiguousarray(value).tobytes() == bytes.fromhex(expected["data_hex"])

    def check_values(self, label, prefix, tensors, sliced):
        names, dtypes, wanted = [], [], []
        for expected in tensors:
            kind = expected["dtype"]
            try:
                dtype = tf.as_dtype(kind[3:].lower())
            except TypeError:
                self.counts["types unknown to this TensorFlow"] += 1
                continue
            if "variants_hex" in expected or (kind in UNSLICED and expected.get("name") in sliced):
                self.counts["not for this op"] += 1
                continue
            names.append(bytes.fromhex(expected["name_hex"]) if "name_hex" in expected else expected["name"])
            dtypes.append(dtype)
            wanted.append(expected)
        for name, expected, value in zip(names, wanted, self.restored(prefix, names, dtypes)):
            if isinstance(value, bytes):
                value = np.array(value, dtype=object)  # A scalar string.
            if isinstance(value, Exception):
                self.wrong("%s: %r: %s" % (label, name, str(value)[:300]))
            elif list(value.shape) != expected["shape"] or not self.same(value, expected):
                self.wrong("%s: %r" % (label, name))
            else:
                self.counts["values restored"] += 1

    def rewrite_samples(self, data):
        with open(os.path.join(data, "formats", "checkpoints_expected.json")) as file:
            samples = json.load(file)
        for key, sample in sorted(samples.items()):
            source = os.path.join(data, "formats", key)
            if "slices" in sample:
                continue  # Slices at offsets up to 2^62: their tensors exist in no memory.
            sliced = set()
            for version, shards in ((2, 1), (2, 3), (1, 1), (1, 3)):
                out = self.path("rewritten_%d_%d" % (version, shards))
                for old in glob.glob(out + "*"):
                    os.remove(old)
                status, said = self.run("rewrite", source, out, str(version), str(shards))
                label = "%s as version %d, %d files" % (key, version, shards)
                if status != 0:
                    if version == 1 and "version 1 cannot hold" in said:
                        self.counts["not for version 1"] += 1
                    else:
                        self.wrong("%s: %s" % (label, said))
                    continue
                if version == 1 and shards > 1:
                    out += "-?????-of-%05d" % shards
                sliced = sliced or self.sliced_names(source, sample)
                self.check_values(label, out, sample["tensors"], sliced)

    def sliced_names(self, source, sample):
        """Names that may be stored in slices: the samples say it by their folder."""
        folder = os.path.basename(os.path.dirname(source))
        if "slices" in folder or "saver" in folder or "merged" in folder:
            return set(t.get("name") for t in sample["tensors"])
        return set()

    # --- Merging.

    def save(self, prefix, tensors):
        names, slices, values = zip(*tensors)
        with tf.Graph().as_default(), tf.Session() as session:
            session.run(gen_io_ops.save_v2(prefix, names, slices, [tf.constant(v) for v in values]))

    def merge(self, rounds):
        shuffle = random.Random(1)
        for turn in range(rounds):
            folder = self.path("merge")
            shutil.rmtree(folder, ignore_errors=True)
            prefixes = []
            names = ["%s%d" % (shuffle.choice("abxyz_/0"), i) for i in range(shuffle.randint(2, 12))]
            parts = shuffle.randint(2, 4)
            for part in range(parts):
                tensors = [(n, "", np.float32([part, i])) for i, n in enumerate(names) if i % parts == part]
                tensors.append(("part", "%d 2 %d,1:-" % (parts, part), np.float32([[part, 1]])))
                shuffle.shuffle(tensors)
                prefixes.append(os.path.join(folder, "in%d" % part, "p"))
                os.makedirs(os.path.dirname(prefixes[-1]))
                self.save(prefixes[-1], tensors)
            shuffle.shuffle(prefixes)
            ours, theirs = os.path.join(folder, "ours"), os.path.join(folder, "theirs")
            status, said = self.run("merge", ours, *prefixes)
            with tf.Graph().as_default(), tf.Session() as session:
                session.run(gen_io_ops.merge_v2_checkpoints(prefixes, theirs, delete_old_dirs=False))
            files = sorted(glob.glob(theirs + ".*"))
            same = status == 0 and len(files) == parts + 1 and all(
                filecmp.cmp(f, ours + f[len(theirs):], shallow=False) for f in files)
            if same:
                self.counts["merged to the same bytes"] += 1
            else:
                self.wrong("merge %d: %s" % (turn, said))

    # --- Savers.

    def saver(self):
        for resource in (False, True):
            with tf.Graph().as_default() as graph:
                tf.get_variable("b", initializer=np.float32([1, 2]), use_resource=resource)
                tf.get_variable("a", initializer=np.int64(3), use_resource=resource)
                tf.get_variable("c/s", initializer=np.array([b"x", b"yz"]), use_resource=False)
                initialize = tf.global_variables_initializer().name
            graph_file, meta = self.path("graph.pb"), self.path("graph.meta")
            with open(graph_file, "wb") as file:
                file.write(graph.as_graph_def().SerializeToString())
            status, said = self.run("meta", graph_file, meta)
            if status != 0:
                self.wrong("saver: " + said)
                continue
            values = {}
            with tf.Graph().as_default(), tf.Session() as session:
                saver = tf.train.import_meta_graph(meta)
                session.run(initialize)
                reads = {n: n + "/Read/ReadVariableOp:0" if resource and n != "c/s" else n + ":0" for n in ("a", "b", "c/s")}
                values = session.run(reads)
                prefix = saver.save(session, self.path("by_our_saver"), global_step=7, write_meta_graph=False)
            with tf.Graph().as_default(), tf.Session() as session:
                saver = tf.train.import_meta_graph(meta)
                saver.restore(session, prefix)
                again = session.run(reads)
            if all(np.array_equal(values[n], again[n]) for n in values) and prefix.endswith("by_our_saver-7"):
                self.counts["savers run"] += 1
            else:
                self.wrong("saver: %s, then %s" % (values, again))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--driver", required=True)
    parser.add_argument("--merges", type=int, default=20)
    args = parser.parse_args()
    scratch = tempfile.mkdtemp()
    try:
        checker = Checker(os.path.abspath(args.driver), scratch)
        checker.rewrite_samples(os.path.abspath(args.data))
        checker.merge(args.merges)
        checker.saver()
    finally:
        shutil.rmtree(scratch)
    print("TensorFlow %s: %s" % (tf.__version__, ", ".join("%d %s" % (n, what)
                                                          for what, n in sorted(checker.counts.items()))))
    return 1 if checker.counts["DIFFERENT"] else 0


if __name__ == "__main__":
    sys.exit(main())
