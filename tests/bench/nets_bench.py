"""Our runtime beside TensorFlow 1.15, TensorFlow 2, ONNX Runtime and OpenCV on three networks: one thread, batch 1.

  TF1=… TF2=… ORT=… OPENCV=… bazelw run //tests/bench:nets [-- --runs=50 --rounds=3]

TF1, TF2, ORT and OPENCV name Python interpreters that have them; who is missing is left out. The graphs are made once, by TF1 or TF2, in
$CRYOGRAPH_NETS (default: ~/.cache/cryograph/nets). All take turns, --rounds times; a figure is the median of the rounds' medians.
"cpu ms" is time of the processor: what counts when the machine has other work as well. "peak MB" is the most memory that the process
had at a time, of which the line below says what ours was for.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

NETS = [("mobilenet_v2", 224), ("resnet50", 224), ("inception_v3", 299)]
HERE = os.path.dirname(os.path.abspath(__file__))


def log(text):
    sys.stderr.write(text + "\n")


def prepare(folder, pythons):
    graphs = [os.path.join(folder, name + ".pb") for name, _ in NETS]
    if not all(map(os.path.exists, graphs)):
        maker = pythons.get("TF1") or pythons.get("TF2")
        if not maker:
            raise SystemExit("nets: no graphs in %s, and neither TF1 nor TF2 names an interpreter to make them" % folder)
        log("making the graphs in %s" % folder)
        subprocess.run([maker, os.path.join(HERE, "make_nets.py"), folder], check=True, stderr=subprocess.DEVNULL)
    for graph in graphs if "ORT" in pythons and "TF2" in pythons else []:
        onnx = graph[:-3] + ".onnx"
        if os.path.exists(onnx):
            continue
        log("converting %s" % graph)
        packages = subprocess.run([pythons["ORT"], "-c", "import site; print(site.getsitepackages()[0])"], check=True,
                                  stdout=subprocess.PIPE, universal_newlines=True).stdout.strip()
        subprocess.run([pythons["TF2"], os.path.join(HERE, "to_onnx.py"), graph, onnx], stderr=subprocess.DEVNULL,
                       env=dict(os.environ, CRYOGRAPH_ONNX_PATH=packages))


def commands(folder, name, size, runs, pythons, ours):
    graph = os.path.join(folder, name + ".pb")
    peer = os.path.join(HERE, "peer_net.py")
    result = {"ours": [ours, graph, "image:0", str(size), "probabilities:0", str(runs), "1"]}
    for key, label in (("TF1", "TensorFlow 1.15"), ("TF2", "TensorFlow 2")):
        if key in pythons:
            result[label] = [pythons[key], peer, "tensorflow", graph, str(size), str(runs)]
    onnx = graph[:-3] + ".onnx"
    if "ORT" in pythons and os.path.exists(onnx):
        result["ONNX Runtime"] = [pythons["ORT"], peer, "onnx", onnx, str(size), str(runs)]
    if "OPENCV" in pythons:
        result["OpenCV"] = [pythons["OPENCV"], peer, "opencv", graph, str(size), str(runs)]
    return result


def measure(command):
    start = time.monotonic() * 1e3
    process = subprocess.run(command + ["%.3f" % start], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             universal_newlines=True)
    if process.returncode != 0:
        raise SystemExit("%s\nended with %d:\n%s" % (" ".join(command), process.returncode, process.stderr[-2000:]))
    return json.loads(process.stdout.splitlines()[-1])


def print_memory(run):
    bar = run["weights_mb"] + 1.5 * run["live_mb"]
    own = run["peak_mb"] - run["files_mb"]
    print("%-14s memory: peak %.1f MB, %.1f of it pages of the program and its libraries: %.1f of its own (%.1f in all when it was planned); "
          "weights %.1f, largest live set %.1f in an arena of %.1f; weights + 1.5 live sets: %.1f" %
          ("", run["peak_mb"], run["files_mb"], own, run["plan_peak_mb"], run["weights_mb"], run["live_mb"], run["arena_mb"], bar))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", required=True, help="the net_latency binary")
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    flags = parser.parse_args()
    folder = os.environ.get("CRYOGRAPH_NETS") or os.path.expanduser("~/.cache/cryograph/nets")
    os.makedirs(folder, exist_ok=True)
    pythons = {key: os.environ[key] for key in ("TF1", "TF2", "ORT", "OPENCV") if os.environ.get(key)}
    prepare(folder, pythons)
    print("%-14s %-16s %9s %13s %9s %10s %9s %8s" %
          ("network", "runtime", "p50 ms", "spread", "cpu ms", "first ms", "peak MB", "ours/it"))
    for name, size in NETS:
        programs = commands(folder, name, size, flags.runs, pythons, flags.ours)
        rounds = {label: [] for label in programs}
        for _ in range(flags.rounds):
            for label, command in programs.items():
                rounds[label].append(measure(command))
        ours = statistics.median(run["p50_ms"] for run in rounds["ours"])
        for label, measured in rounds.items():
            times = [run["p50_ms"] for run in measured]
            p50 = statistics.median(times)
            difference = max(abs(a - b) for a, b in zip(measured[0]["output"], rounds["ours"][0]["output"]))
            if difference > 1e-4:
                print("%-14s %-16s DIFFERS from ours by %g" % (name, label, difference))
            print("%-14s %-16s %9.2f %13s %9.2f %10.0f %9.0f %8.2f" %
                  (name, label, p50, "%.1f-%.1f" % (min(times), max(times)),
                   statistics.median(run["cpu_ms"] for run in measured),
                   statistics.median(run["first_ms"] for run in measured),
                   statistics.median(run["peak_mb"] for run in measured), ours / p50))
            if label == "ours":
                print_memory(measured[-1])
            sys.stdout.flush()


if __name__ == "__main__":
    main()
