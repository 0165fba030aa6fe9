"""Measures the command-line tools as whole processes, beside their peers in the same run.

    bazelw run //tests/bench:tools -- [--only=copy,resnet,keras,start,large,nodes] [--scratch=FOLDER] [--mib=1000] [--large_mib=5120]

    copy    freezing a checkpoint of --mib, beside cp of its data file
    resnet  freezing ResNet-50 (98 MiB)
    keras   freezing the Keras ResNet-50, a SavedModel of TensorFlow 2 that TF2's interpreter makes
    start   --help of each tool
    large   freezing and stripping a model of --large_mib, more than TensorFlow can write
    nodes   open, strip, sort, remove nodes and save graphs of up to a million nodes; merging equal chains

With TF1 and TF2 set to interpreters that have TensorFlow 1.15 and 2.21, its own tools run beside ours. --scratch (default: TEST_TMPDIR or
/tmp) needs twice the size of the largest model, and is left as it was.
"""
import argparse
import os
import platform
import shutil
import sys
import tempfile

import measure
import synthetic

# The original is quadratic here, so it gets graphs that it can finish within a minute.
PEER_NODES = 2000

ORIGINAL_TRANSFORM = """
import sys
from tensorflow.core.framework import graph_pb2
from tensorflow.tools.graph_transforms import TransformGraph
graph = graph_pb2.GraphDef.FromString(open(sys.argv[1], "rb").read())
result = TransformGraph(graph, ["x"], ["out"], [sys.argv[3]])
open(sys.argv[2], "wb").write(result.SerializeToString())
"""


class Bench(object):
    def __init__(self, args, scratch):
        self.args, self.scratch = args, scratch
        self.tf1, self.tf2 = os.environ.get("TF1", ""), os.environ.get("TF2", "")
    def path(self, name):
        return os.path.join(self.scratch, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)
        return self.path(name)

    def row(self, what, ours, peer="", limit=""):
        print("%-46s %-48s %-64s %s" % (what, ours, peer, limit), flush=True)

    def freeze_command(self, graph, checkpoint, output, out):
        return [self.args.freeze_graph, "--input_graph=" + graph, "--input_binary=true",
                "--input_checkpoint=" + checkpoint, "--output_node_names=" + output, "--output_graph=" + out]

    def original_freeze(self, ours):
        return [self.tf1, "-m", "tensorflow.python.tools.freeze_graph"] + ours[1:]

    def environment(self):
        return dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3")

    # --- Parts.

    def copy(self):
        graph, variables = synthetic.sum_of_variables(self.args.mib // 10, [1024, 2560])
        self.write("copy.pb", graph)
        size = synthetic.write_checkpoint(self.path("copy.ckpt"), variables)
        data = self.path("copy.ckpt.data-00000-of-00001")
        command = self.freeze_command(self.path("copy.pb"), self.path("copy.ckpt"), "out", self.path("frozen.pb"))
        measure.run(["cp", data, self.path("copied")], own_memory=False)  # The data is in memory from here on.

        def fresh(name, command, **options):
            # Each run writes a new file; what the last one wrote is on its way to the disk and not in our way.
            if os.path.exists(self.path(name)):
                os.remove(self.path(name))
            os.sync()
            return measure.run(command, **options)

        ours, cp, memory = measure.alternate(
            self.args.runs, lambda: fresh("frozen.pb", command, own_memory=False),
            lambda: fresh("copied", ["cp", data, self.path("copied")], own_memory=False),
            lambda: fresh("frozen.pb", command))
        self.row("freeze a %d MiB checkpoint" % (size >> 20), measure.spread(ours), "cp " + measure.spread(cp),
                 "%.2f x cp (limit 1.3)" % (measure.median_seconds(ours) / measure.median_seconds(cp)))
        self.row("  memory of its own", "%.1f MiB" % max(run.own_mib for run in memory), "", "(limit 64 MiB)")
        if self.tf1:
            peer = fresh("frozen.pb", self.original_freeze(command), environment=self.environment())
            self.row("", "", "TensorFlow 1.15 %.1f s, %.0f MiB" % (peer.seconds, peer.all_mib))
        for name in ("frozen.pb", "copied", "copy.ckpt.data-00000-of-00001"):
            os.remove(self.path(name))

    def resnet(self):
        graph, variables = synthetic.resnet50()
        self.write("resnet.pb", graph)
        size = synthetic.write_checkpoint(self.path("resnet.ckpt"), variables)
        command = self.freeze_command(self.path("resnet.pb"), self.path("resnet.ckpt"), "probabilities",
                                      self.path("resnet_frozen.pb"))
        measure.run(command, own_memory=False)
        ours, memory = measure.alternate(2 * self.args.runs, lambda: measure.run(command, own_memory=False),
                                         lambda: measure.run(command))
        self.row("freeze ResNet-50 (%.0f MiB)" % (size / 2**20), measure.spread(ours), "", "(limit 150 ms)")
        self.row("  memory of its own", "%.1f MiB" % max(run.own_mib for run in memory))
        if self.tf1:
            peer, = measure.alternate(3, lambda: measure.run(self.original_freeze(command),
                                                             environment=self.environment()))
            self.row("", "", "TensorFlow 1.15 %s, %.0f MiB" % (measure.spread(peer), max(r.all_mib for r in peer)))

    def keras(self):
        if not self.tf2:
            self.row("freeze the Keras ResNet-50", "not measured: TF2 is not set, and it makes the model")
            return
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "keras_resnet50.py")
        model, out = self.path("keras_resnet50"), self.path("keras_frozen.pb")
        measure.run([self.tf2, script, "make", model], environment=self.environment())
        command = [self.args.freeze_graph, "--input_saved_model_dir=" + model, "--signature=serving_default",
                   "--output_graph=" + out]
        measure.run(command, own_memory=False)
        ours, memory = measure.alternate(2 * self.args.runs, lambda: measure.run(command, own_memory=False),
                                         lambda: measure.run(command))
        self.row("freeze the Keras ResNet-50 (%.0f MiB)" % (os.path.getsize(out) / 2**20), measure.spread(ours), "",
                 "(limit 300 ms)")
        self.row("  memory of its own", "%.1f MiB" % max(run.own_mib for run in memory))
        peer, = measure.alternate(3, lambda: measure.run([self.tf2, script, "convert", model, out],
                                                         environment=self.environment()))
        self.row("", "", "TensorFlow 2.21 %s, %.0f MiB" % (measure.spread(peer), max(r.all_mib for r in peer)))

    def start(self):
        for tool in self.args.tools:
            ours, = measure.alternate(10 * self.args.runs, lambda: measure.run([tool, "--help"], own_memory=False))
            self.row("%s --help" % os.path.basename(tool), measure.spread(ours), "", "(limit 20 ms)")
        if self.tf1:
            peer, = measure.alternate(3, lambda: measure.run(
                [self.tf1, "-m", "tensorflow.python.tools.freeze_graph", "--help"], environment=self.environment()))
            self.row("", "", "freeze_graph of TensorFlow 1.15 " + measure.spread(peer))

    def large(self):
        graph, variables = synthetic.sum_of_variables(self.args.large_mib // 10, [1024, 2560])
        self.write("large.pb", graph)
        size = synthetic.write_checkpoint(self.path("large.ckpt"), variables)
        out = self.path("large_frozen.pb")
        command = [self.args.transform_graph, "--in_graph=" + self.path("large.pb"), "--out_graph=" + out,
                   "--outputs=out", "--transforms=freeze_variables(checkpoint=\"%s\") strip_unused_nodes" %
                   self.path("large.ckpt")]
        ours = measure.run(command)
        self.row("freeze and strip %.1f GiB" % (size / 2**30), measure.spread([ours]), "impossible",
                 "%.1f MiB of its own (limit 100 MiB)" % ours.own_mib)
        self.row("  what it says", ours.said.strip().splitlines()[-1][:120] if ours.said.strip() else "nothing")
        if os.path.getsize(out) < size:
            raise SystemExit("the frozen graph is smaller than its values")
        os.remove(self.path("large.ckpt.data-00000-of-00001"))
        convert = measure.run([self.args.convert_graph, "--in_graph=" + out, "--output_format=saved_model",
                               "--out_graph=" + self.path("large_saved_model")])
        self.row("  write the result as a SavedModel", measure.spread([convert]), "",
                 "%.1f MiB of its own (limit 100 MiB)" % convert.own_mib)
        shutil.rmtree(self.path("large_saved_model"))
        os.remove(out)

    def nodes(self):
        pipeline = "strip_unused_nodes sort_by_execution_order remove_nodes(op=Identity)"
        for kind in ("chain", "readers"):
            for count in (10000, 100000, 1000000):
                self.transform(kind, getattr(synthetic, kind), count, pipeline,
                               "(limit 4 s, 600 MiB)" if count == 1000000 else "")
            self.original("%s of %d: the same" % (kind, PEER_NODES), getattr(synthetic, kind)(PEER_NODES), pipeline)
        for count, limit in ((4000, "(limit 20 ms)"), (500000, "(limit 3 s)")):
            self.transform("two equal chains of", synthetic.twin_chains, count, "merge_duplicate_nodes", limit)
        self.original("two equal chains of %d: the same" % (PEER_NODES // 2), synthetic.twin_chains(PEER_NODES // 2),
                      "merge_duplicate_nodes")

    def command(self, graph, out, spec):
        return [self.args.transform_graph, "--in_graph=" + graph, "--out_graph=" + out, "--inputs=x", "--outputs=out",
                "--transforms=" + spec]

    def transform(self, kind, make, count, spec, limit):
        graph = self.write("nodes.pb", make(count))
        command = self.command(graph, self.path("nodes_out.pb"), spec)
        ours, memory = measure.alternate(self.args.runs, lambda: measure.run(command, own_memory=False),
                                         lambda: measure.run(command))
        self.row("%s %d: %s" % (kind, count, "strip, sort, remove" if "sort" in spec else "merge"),
                 measure.spread(ours), "", "%.0f MiB of its own %s" % (max(run.own_mib for run in memory), limit))

    def original(self, what, graph, spec):
        if not self.tf1:
            return
        command = [self.tf1, "-c", ORIGINAL_TRANSFORM, self.write("peer.pb", graph), self.path("peer_out.pb"), spec]
        ours = measure.run(self.command(self.path("peer.pb"), self.path("peer_out.pb"), spec), own_memory=False)
        peer = measure.run(command, environment=self.environment())
        self.row(what, measure.spread([ours]), "TensorFlow 1.15 " + measure.spread([peer]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="copy,resnet,keras,start,large,nodes")
    parser.add_argument("--scratch", default=os.environ.get("TEST_TMPDIR", tempfile.gettempdir()))
    parser.add_argument("--mib", type=int, default=1000)
    parser.add_argument("--large_mib", type=int, default=5120)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--freeze_graph", required=True, help="our tool; the Bazel target gives it")
    parser.add_argument("--transform_graph", required=True, help="our tool; the Bazel target gives it")
    parser.add_argument("--convert_graph", required=True, help="our tool; the Bazel target gives it")
    parser.add_argument("tools", nargs="*", help="our tools whose start is measured; the Bazel target gives them")
    args = parser.parse_args()
    for flag in ("convert_graph", "freeze_graph", "transform_graph"):
        setattr(args, flag, os.path.abspath(getattr(args, flag)))
    args.tools = [os.path.abspath(tool) for tool in args.tools]

    print("%s, %d processors, %s" % (platform.platform(), os.cpu_count(), "with TensorFlow 1.15" if
                                     os.environ.get("TF1") else "without TF1: no TensorFlow beside ours"))
    print("%-46s %-48s %-64s" % ("what", "ours, median (spread)", "peer"))
    scratch = tempfile.mkdtemp(prefix="cryograph_bench.", dir=args.scratch)
    try:
        bench = Bench(args, scratch)
        for part in args.only.split(","):
            getattr(bench, part)()
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    sys.exit(main())
