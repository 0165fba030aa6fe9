"""Compares our transform_graph with the original one on every model of the corpus.

    python check_transforms.py --tool=bazel-bin/tools/transform_graph [--models=…] [--cache=…] [--only=TEXT] [--verbose]

Needs an interpreter with TensorFlow 1.15, so it is run by hand and is no test. Prints a table with a line for each
transform and exits with 1 if a difference is left that no entry of known_differences.py explains. An entry belongs to
a sentence of the transforms specification that calls the original wrong.
"""
import argparse
import collections
import os
import re
import subprocess
import sys
import tempfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import compare_graphs  # noqa: E402
import gtt_cache  # noqa: E402
import known_differences  # noqa: E402
from tensorflow.core.framework import graph_pb2  # noqa: E402

# (spec for the original, spec for ours if it needs a parameter of ours to mean the same, how results are compared)
TRANSFORMS = [
    ("remove_device", None, "nodes"),
    ('set_device(device="/job:worker/task:1")', None, "nodes"),
    ('set_device(device="/device:CPU:0",if_default=true)', None, "nodes"),
    ("remove_attribute(attribute_name=_output_shapes)", None, "nodes"),
    ("remove_attribute(attribute_name=T,op_name=Relu)", None, "nodes"),
    ("rename_attribute(old_attribute_name=T,new_attribute_name=Told,op_name=Identity)", None, "nodes"),
    ("rename_op(old_op_name=Relu,new_op_name=Relu6)", None, "nodes"),
    ("remove_control_dependencies", "remove_control_dependencies(force=true)", "nodes"),
    ("sort_by_execution_order", "sort_by_execution_order(order=gtt)", "order"),
    ("obfuscate_names", None, "nodes"),
    ("strip_unused_nodes", None, "nodes"),
    ('strip_unused_nodes(type=int32,shape="1,2,3")', None, "nodes"),
    ("insert_logging", None, "nodes"),
    ('insert_logging(op=MatMul,op=Conv2D,show_op=true,show_name=true,message="at: ",first_n=3,summarize=5)', None,
     "nodes"),
    ("add_default_attributes", None, "nodes"),
    ("remove_nodes(op=Identity)", None, "nodes"),
    ("remove_nodes(op=Identity,op=StopGradient,op=CheckNumerics)", None, "nodes"),
    ("remove_nodes(op=FakeQuantWithMinMaxVars,max_inputs=3)", None, "nodes"),
    ("merge_duplicate_nodes", None, "structure"),
    ("remove_device strip_unused_nodes remove_nodes(op=Identity) sort_by_execution_order", None, "nodes"),
]


def missing_pass(tool, spec):
    """The first pass of the spec that our tool does not have, or ""."""
    listed = subprocess.run([tool, "--list_passes"], stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout.decode()
    known = {line.split()[0] for line in listed.splitlines() if line.strip()}
    names = re.sub(r"\([^)]*\)", " ", spec).split()
    return next((name for name in names if name not in known), "")


def ours(tool, case, spec, scratch):
    """(GraphDef, "") or (None, what the tool said)."""
    out = os.path.join(scratch, "out.pb")
    if os.path.exists(out):
        os.remove(out)
    run = subprocess.run(
        [tool, "--in_graph=" + case.path, "--out_graph=" + out, "--inputs=" + ",".join(case.inputs),
         "--outputs=" + ",".join(case.outputs), "--transforms=" + spec, "--verify=off"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said = run.stderr.decode(errors="replace").strip()
    if run.returncode != 0:
        return None, "exit %d: %s" % (run.returncode, said)
    return graph_pb2.GraphDef.FromString(gtt_cache.read_bytes(out)), said


def compare(case, spec, how, theirs, got):
    if how == "structure":
        names = case.outputs + case.inputs
        ignored = known_differences.BOOKKEEPING_ATTRIBUTES
        want = compare_graphs.structure(theirs, names, ignored)
        have = compare_graphs.structure(got, names, ignored)
        found = [("structure", name, "depends on something else") for name in names if want[name] != have[name]]
        if len(got.node) > len(theirs.node):
            found.append(("unmerged", "", "%d nodes instead of %d" % (len(got.node), len(theirs.node))))
        return found
    found = compare_graphs.differences(theirs, got)
    if how == "order" and not found:
        want, have = [n.name for n in theirs.node], [n.name for n in got.node]
        if want != have:
            at = next(i for i in range(len(want)) if want[i] != have[i])
            found.append(("order", have[at], "at place %d, where the original has %r" % (at, want[at])))
    return found


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", required=True)
    parser.add_argument("--models", default=os.path.join(here, "../../../shared/data/models"))
    parser.add_argument("--cache", default=os.path.join(tempfile.gettempdir(), "gtt_cache"))
    parser.add_argument("--only", default="", help="a word of the spec")
    parser.add_argument("--case", default="", help="a word of the model's name")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()

    cases = [case for case in gtt_cache.load_cases(args.models, args.cache) if args.case in case.name]
    unexplained, reasons = 0, collections.Counter()
    print("%-64s %6s %9s %8s %9s" % ("transform", "equal", "explained", "refused", "different"))
    with tempfile.TemporaryDirectory() as scratch:
        for spec, ours_spec, how in TRANSFORMS:
            if args.only not in spec:
                continue
            absent = missing_pass(args.tool, ours_spec or spec)
            if absent:
                print("%-64s ours has no pass %s" % (spec[:64], absent))
                unexplained += 1
                continue
            count, report = collections.Counter(), []
            for case in cases:
                theirs, their_error = gtt_cache.original(case, spec, args.cache)
                got, our_error = ours(args.tool, case, ours_spec or spec, scratch)
                if theirs is None or got is None:
                    found = [("error", "", "ours: %s; original: %s" % (our_error if got is None else "fine",
                                                                       their_error or "fine"))]
                    if theirs is None and got is None:
                        count["refused"] += 1
                        continue
                else:
                    found = compare(case, spec, how, theirs, got)
                before = case.graph()
                left = []
                for difference in found:
                    reason = known_differences.reason(spec, case, before, theirs, got, difference)
                    if reason:
                        reasons[reason] += 1
                    else:
                        left.append(difference)
                count["different" if left else "explained" if found else "equal"] += 1
                for kind, node, text in left[:None if args.verbose else 3]:
                    report.append("    %s: %s %s: %s" % (case.name, kind, node, text[:300]))
                if len(left) > 3 and not args.verbose:
                    report.append("    %s: … %d in all" % (case.name, len(left)))
            print("%-64s %6d %9d %8d %9d" % (
                spec[:64], count["equal"], count["explained"], count["refused"], count["different"]))
            if report:
                print("\n".join(report))
            sys.stdout.flush()
            unexplained += count["different"]
    print("\nDifferences where the specification calls the original wrong:")
    for reason, times in sorted(reasons.items()):
        print("%8d  %s" % (times, reason))
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
