"""The load: wrk on the load core, and what its output says."""

import dataclasses
import os
import re
import subprocess

_UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 60e6, "h": 3600e6}


@dataclasses.dataclass
class Load:
    requests: int
    seconds: float
    rate: float
    p50_us: float
    p99_us: float
    errors: str      # "" if every request had a 2xx or 3xx answer
    failed: int


def _latency(text, percentile):
    match = re.search(rf"^\s+{percentile}%\s+([\d.]+)(us|ms|s|m|h)\s*$", text, re.M)
    return float(match[1]) * _UNITS[match[2]] if match else float("nan")


def parse_wrk(text):
    total = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m)", text)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if not total or not rate:
        raise ValueError("not wrk's output: " + text)
    counts = {}
    sockets = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    if sockets:
        counts = dict(zip(("connect", "read", "write", "timeout"), map(int, sockets.groups())))
    status = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    if status:
        counts["non-2xx"] = int(status[1])
    seconds = float(total[2]) * _UNITS[total[3]] / 1e6
    return Load(int(total[1]), seconds, float(rate[1]), _latency(text, 50), _latency(text, 99),
                ", ".join(f"{k} {v}" for k, v in counts.items() if v), sum(counts.values()))


class Wrk:
    def __init__(self, children, core, program, log):
        self._children, self._core, self._program, self._log = children, core, program, log

    def run(self, port, path, connections, seconds, headers=(), script=None, while_running=None, scheme="http",
            arguments=()):
        """One run of whole `seconds`. `while_running(process)` may do things meanwhile and must return once the process has
        ended. `arguments` are the script's."""
        argv = [self._program, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "--latency"]
        for header in headers:
            argv += ["-H", header]
        if script:
            argv += ["-s", script]
        process = self._children.start([*argv, f"{scheme}://127.0.0.1:{port}{path}", *(["--", *arguments] if arguments else [])],
                                       self._core, self._log, stdout=subprocess.PIPE)
        try:
            if while_running:
                while_running(process)
            out, _ = process.communicate(timeout=seconds + 60)
        finally:
            self._children.stop(process)
        return parse_wrk(out.decode())


def parse_talk(text):
    match = re.search(r"requests (\d+) failed (\d+) seconds ([\d.]+) p50 ([\d.]+) p99 ([\d.]+)", text)
    if not match:
        raise ValueError("not bench_talk's output: " + text)
    done, failed, seconds = int(match[1]), int(match[2]), float(match[3])
    return Load(done, seconds, done / seconds, float(match[4]), float(match[5]), f"{failed} failed" if failed else "",
                failed)


class Talk:
    """bench_talk: handshakes and WebSocket frames."""

    def __init__(self, children, core, program, work):
        self._children, self._core, self._program, self._work = children, core, program, work

    def run(self, mode, port, path, connections, seconds):
        process = self._children.start([self._program, mode, str(port), path, str(connections), str(seconds)],
                                       self._core, os.path.join(self._work, "talk.log"), stdout=subprocess.PIPE)
        try:
            out, _ = process.communicate(timeout=seconds + 60)
        finally:
            self._children.stop(process)
        return parse_talk(out.decode())


def parse_h2load(text, seconds):
    """h2load counts the requests of its warm-up apart, and gives no percentiles."""
    counts = re.search(r"requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored", text)
    rate = re.search(r"finished in [\d.]+\w+, ([\d.]+) req/s", text)
    if not counts or not rate:
        raise ValueError("not h2load's output: " + text)
    done, good = int(counts[3]), int(counts[4])
    bad = done - good
    return Load(good, seconds, float(rate[1]), float("nan"), float("nan"),
                f"{bad} without 2xx" if bad else "", bad)


class H2load:
    """HTTP/2 over TLS, one thread."""

    def __init__(self, children, core, program, work):
        self._children, self._core, self._program, self._work = children, core, program, work

    def run(self, port, path, connections, streams, seconds, headers=(), body=""):
        argv = [self._program, "-t1", f"-c{connections}", f"-m{streams}", f"-D{seconds}"]
        for header in headers:
            argv += ["-H", header]
        if body:
            file = os.path.join(self._work, "h2load.body")
            with open(file, "w", encoding="latin-1") as f:
                f.write(body)
            argv += ["-d", file]
        log = os.path.join(self._work, "h2load.log")
        process = self._children.start([*argv, f"https://127.0.0.1:{port}{path}"], self._core, log,
                                       stdout=subprocess.PIPE)
        try:
            out, _ = process.communicate(timeout=seconds + 60)
        finally:
            self._children.stop(process)
        return parse_h2load(out.decode(), seconds)
