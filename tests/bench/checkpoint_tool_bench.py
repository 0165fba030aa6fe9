"""Measures `cryograph checkpoint` on a large checkpoint, beside cp and cat in the same run.

    bazelw run //tests/bench:checkpoint_tool -- [--mib=1000] [--runs=5] [--scratch=FOLDER]

The scratch folder (default: TEST_TMPDIR or /tmp) needs four times the size.
"""
import argparse
import os
import shutil
import tempfile

import measure
import synthetic


def size_of(folder):
    return sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))


class Bench(object):
    def __init__(self, args, scratch):
        self.args, self.scratch = args, scratch
        self.tool = os.path.abspath(args.cryograph)

    def path(self, name):
        return os.path.join(self.scratch, name)

    def fresh(self, command, **options):
        # Each run writes new files; what the last one wrote is on its way to the disk and not in our way.
        shutil.rmtree(self.path("out"), ignore_errors=True)
        os.makedirs(self.path("out"))
        os.sync()
        return measure.run(command, **options)

    def beside(self, what, command, peer, limit, memory_limit="64 MiB"):
        ours, theirs, memory = measure.alternate(
            self.args.runs, lambda: self.fresh(command, own_memory=False), lambda: self.fresh(peer, own_memory=False),
            lambda: self.fresh(command))
        print("%-26s %-48s %-48s %.2f x (limit %s)" % (
            what, measure.spread(ours), "%s %s" % (peer[0], measure.spread(theirs)),
            measure.median_seconds(ours) / measure.median_seconds(theirs), limit), flush=True)
        print("%-26s %.1f MiB of its own (limit %s)" % ("", max(run.own_mib for run in memory), memory_limit), flush=True)

    def run(self):
        _, variables = synthetic.sum_of_variables(self.args.mib // 10, [1024, 2560])
        size = synthetic.write_checkpoint(self.path("in.ckpt"), variables)
        print("%d MiB in %d tensors" % (size >> 20, len(variables)))
        source, data = self.path("in.ckpt"), self.path("in.ckpt.data-00000-of-00001")
        tool, out = [self.tool, "checkpoint"], self.path("out/")
        cp = ["cp", data, out + "copy"]
        self.fresh(cp)  # The data is in memory from here on.
        self.beside("verify", tool + ["verify", source], ["sh", "-c", "cat " + data + " > /dev/null"], "1.2")
        self.beside("export to npz", tool + ["export", source, "--out=" + out + "a.npz"], cp, "1.5")
        self.beside("export to safetensors", tool + ["export", source, "--out=" + out + "a.safetensors"], cp, "1.5")
        self.beside("export to .npy files", tool + ["export", source, "--out=" + out + "a/"], cp, "1.5")
        self.beside("reshard, 4 files", tool + ["reshard", source, out + "a", "--num_shards=4"], cp, "1.5")
        measure.run(tool + ["copy", source, self.path("half0"), "--match=[02468]/kernel$"])
        measure.run(tool + ["copy", source, self.path("half1"), "--exclude=[02468]/kernel$"])
        self.beside("merge", tool + ["merge", self.path("half0"), self.path("half1"), "--out=" + out + "a"], cp, "1.5")
        moved = measure.run(tool + ["merge", self.path("half0"), self.path("half1"), "--out=" + self.path("moved"), "--move"])
        print("%-26s %s" % ("merge --move", measure.spread([moved])), flush=True)
        for name in os.listdir(self.scratch):
            if name.startswith("moved"):
                os.remove(self.path(name))
        measure.run(tool + ["convert", source, self.path("v1"), "--to=V1"])
        self.beside("V1 -> V2", tool + ["convert", self.path("v1"), out + "a"], cp, "1.5")
        self.beside("V2 -> V1", tool + ["convert", source, out + "a", "--to=V1"], cp, "-")
        listing, = measure.alternate(5 * self.args.runs, lambda: measure.run(tool + ["list", source], own_memory=False))
        print("%-26s %s (limit 30 ms)" % ("list", measure.spread(listing)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cryograph", default="tools/cryograph")
    parser.add_argument("--mib", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--scratch", default=os.environ.get("TEST_TMPDIR", "/tmp"))
    args = parser.parse_args()
    scratch = tempfile.mkdtemp(prefix="checkpoint_tool_bench", dir=args.scratch)
    try:
        Bench(args, scratch).run()
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
