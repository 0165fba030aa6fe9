"""Measures the checkpoint library as a process beside its peers in the same run.

    bazelw build //tests:checkpoint_driver
    python3 tests/bench/checkpoint_bench.py --driver=bazel-bin/tests/checkpoint_driver [--scratch=FOLDER] [--mib=1000]

    open     a checkpoint of 10,000 variables, and one of them read
    list     the variables of a checkpoint of --mib
    verify   all checksums of it, beside cat
    rewrite  to three data files, and to version 1 and back, beside cp
    merge    of one checkpoint: all its bytes are copied, beside cp

With TF1 and TF2 set to interpreters that have TensorFlow 1.15 and 2.x, their inspect_checkpoint and load_checkpoint run
beside ours. --scratch (default: TEST_TMPDIR or /tmp) needs four times --mib.
"""
import argparse
import glob
import os
import shutil
import tempfile

import measure

LOAD_ONE = "import sys, tensorflow as tf; print(tf.train.load_checkpoint(sys.argv[1]).get_tensor(sys.argv[2]).shape)"


class Bench(object):

    def __init__(self, args, scratch):
        self.args, self.scratch = args, scratch
        self.peers = [(name, os.environ[name]) for name in ("TF1", "TF2") if os.environ.get(name)]

    def path(self, name):
        return os.path.join(self.scratch, name)

    def driver(self, *args):
        return [self.args.driver] + list(args)

    def row(self, what, ours, peer="", limit=""):
        print("%-44s %-48s %-60s %s" % (what, ours, peer, limit), flush=True)

    def runs(self, *commands):
        return measure.alternate(self.args.runs, *[lambda c=c: measure.run(c, own_memory=False) for c in commands])

    def fresh(self, out, command, **options):
        """Each run writes new files; what the last one wrote is on its way to the disk and not in our way."""
        for path in glob.glob(self.path(out) + "*"):
            os.remove(path)
        os.sync()
        return measure.run(command, **options)

    def tensorflow(self, *arguments):
        environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3")
        for name, python in self.peers:
            run = measure.run([python] + list(arguments), environment=environment, own_memory=False)
            self.row("", "", "%s %.2f s" % (name, run.seconds))

    def open(self):
        prefix = self.path("many")
        measure.run(self.driver("make", prefix, "10000", "4096"), own_memory=False)
        command = self.driver("read", prefix, "layer_1234/variable_2")
        measure.run(command, own_memory=False)
        ours, = self.runs(command)
        memory = measure.run(command)
        self.row("open 10,000 variables, read one", measure.spread(ours), "", "(limit 20 ms) %.1f MiB of its own, %.1f MiB in all"
                 % (memory.own_mib, memory.all_mib))
        self.tensorflow("-c", LOAD_ONE, prefix, "layer_1234/variable_2")

    def large(self):
        prefix = self.path("large")
        count = self.args.mib // 10
        measure.run(self.driver("make", prefix, str(count), str(10 << 20)), own_memory=False)
        data = prefix + ".data-00000-of-00001"
        self.cat(data)  # The data is in memory from here on.
        ours, = self.runs(self.driver("list", prefix))
        self.row("list the variables of %d MiB" % self.args.mib, measure.spread(ours), "", "(limit 30 ms)")
        self.tensorflow("-m", "tensorflow.python.tools.inspect_checkpoint", "--file_name=" + prefix)
        one, all_, cat = self.alternate_verify(prefix, data)
        self.row("verify all checksums, 1 thread", measure.spread(one), "cat " + measure.spread(cat),
                 "%.2f x cat" % (measure.median_seconds(one) / measure.median_seconds(cat)))
        self.row("verify all checksums, all processors", measure.spread(all_), "",
                 "%.2f x cat (limit 1.2)" % (measure.median_seconds(all_) / measure.median_seconds(cat)))
        self.copies(prefix, data)

    def cat(self, data):
        return measure.run(["sh", "-c", "exec cat \"$0\" > /dev/null", data], own_memory=False)

    def alternate_verify(self, prefix, data):
        return measure.alternate(
            self.args.runs, lambda: measure.run(self.driver("verify", prefix, "1"), own_memory=False),
            lambda: measure.run(self.driver("verify", prefix, "0"), own_memory=False), lambda: self.cat(data))

    def beside_cp(self, what, out, command, data):
        ours, cp, memory = measure.alternate(
            self.args.runs, lambda: self.fresh(out, command, own_memory=False),
            lambda: self.fresh("copied", ["cp", data, self.path("copied")], own_memory=False),
            lambda: self.fresh(out, command))
        self.row(what, measure.spread(ours), "cp " + measure.spread(cp),
                 "%.2f x cp (limit 1.5), %.1f MiB of its own (limit 64)" %
                 (measure.median_seconds(ours) / measure.median_seconds(cp), max(r.own_mib for r in memory)))

    def copies(self, prefix, data):
        self.beside_cp("rewrite as three data files", "sharded", self.driver("rewrite", prefix, self.path("sharded"), "2", "3"),
                       data)
        self.beside_cp("rewrite as version 1", "v1", self.driver("rewrite", prefix, self.path("v1"), "1", "1"), data)
        self.beside_cp("version 1 as version 2", "back", self.driver("rewrite", self.path("v1"), self.path("back"), "2", "1"),
                       data)
        for name in ("sharded*", "back*", "v1*"):
            for path in glob.glob(self.path(name)):
                os.remove(path)
        self.beside_cp("merge (of one: all bytes are copied)", "merged", self.driver("merge", self.path("merged"), prefix),
                       data)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--driver", required=True)
    parser.add_argument("--scratch", default=os.environ.get("TEST_TMPDIR", "/tmp"))
    parser.add_argument("--mib", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    args.driver = os.path.abspath(args.driver)
    scratch = tempfile.mkdtemp(dir=args.scratch)
    try:
        bench = Bench(args, scratch)
        bench.open()
        bench.large()
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
