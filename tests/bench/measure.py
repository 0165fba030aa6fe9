"""Runs programs and measures them: wall time, and memory of their own (RssAnon: mapped files do not count)."""
import os
import statistics
import subprocess
import threading
import time


class Run(object):
    """What one run took: `seconds` on the clock, `cpu_seconds` of the processors (user and system), `own_mib` (peak of
    RssAnon), `all_mib` (peak of all resident memory); and what it said."""

    def __init__(self, seconds, cpu_seconds, own_mib, all_mib, said):
        self.seconds, self.cpu_seconds, self.own_mib, self.all_mib = seconds, cpu_seconds, own_mib, all_mib
        self.said = said


def _watch(pid, peak, ended):
    # RssAnon has no high-water mark in the kernel, so it is looked at every half millisecond.
    while not ended.is_set():
        try:
            with open("/proc/%d/status" % pid) as status:
                for line in status:
                    if line.startswith("RssAnon:"):
                        peak[0] = max(peak[0], int(line.split()[1]) / 1024)
        except (FileNotFoundError, ProcessLookupError):
            return
        ended.wait(0.0005)


def run(command, own_memory=True, environment=None):
    """Runs a command to its end; a failure ends the benchmark with what the command said."""
    with open(os.devnull, "rb") as nothing:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=nothing, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   env=environment)
        said, peak, ended = [], [0.0], threading.Event()
        reader = threading.Thread(target=lambda: said.append(process.stdout.read()))
        reader.start()
        if own_memory:
            watcher = threading.Thread(target=_watch, args=(process.pid, peak, ended))
            watcher.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        ended.set()
        reader.join()
        if own_memory:
            watcher.join()
    text = said[0].decode(errors="replace")
    if process.returncode != 0:
        raise SystemExit("%s\nended with %d:\n%s" % (" ".join(command), process.returncode, text[-2000:]))
    return Run(seconds, usage.ru_utime + usage.ru_stime, peak[0], usage.ru_maxrss / 1024, text)


def median_seconds(runs):
    return statistics.median(run.seconds for run in runs)


def spread(runs):
    """"0.81 s (0.79 to 0.86, 5 runs, cpu 0.80)": medians. On a busy machine look at the processors' time."""
    seconds = sorted(run.seconds for run in runs)
    unit, scale = ("s", 1) if seconds[-1] >= 0.1 else ("ms", 1000)
    return "%.3g %s (%.3g to %.3g, %d %s, cpu %.3g)" % (
        median_seconds(runs) * scale, unit, seconds[0] * scale, seconds[-1] * scale, len(runs),
        "runs" if len(runs) > 1 else "run", statistics.median(run.cpu_seconds for run in runs) * scale)


def alternate(count, *actions):
    """Runs the actions by turns, `count` times each, so that a busy moment of the machine hits all; lists of Run."""
    results = [[] for _ in actions]
    for _ in range(count):
        for action, result in zip(actions, results):
            result.append(action())
    return results
