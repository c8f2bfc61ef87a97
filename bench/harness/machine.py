"""Processes and what the kernel says of them: starting pinned, ending by pid, CPU time and memory of a process tree."""

import contextlib
import ctypes
import datetime
import os
import platform
import random
import resource
import signal
import socket
import subprocess
import time

PROXY_CORE, LOAD_CORE = 0, 1
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
_libc = ctypes.CDLL(None, use_errno=True)


class BenchError(Exception):
    """Something that the user can read and act on; the run ends with it."""


def cores():
    """The two cores to pin to, of those that this process may use. One is used twice where there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[PROXY_CORE], allowed[min(LOAD_CORE, len(allowed) - 1)]


def raise_file_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 65536:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (65536, 65536))
            return 65536
        except (ValueError, PermissionError, OSError):
            pass
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def free_port():
    """A port below the ephemeral range, so that no outgoing connection takes it before the program has bound it."""
    for _ in range(200):
        port = random.randrange(18000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise BenchError("no free port found between 18000 and 32000")


class Children:
    """Everything this run has started. `stop_all` ends each by its own pid, and what it had forked."""

    def __init__(self):
        self._running = []

    def start(self, argv, core, log, env=None, **more):
        """Starts `argv` on `core`; stdout and stderr are appended to the file `log` unless given otherwise."""
        parent = os.getpid()

        def prepare():
            os.sched_setaffinity(0, {core})
            _libc.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: ends with the harness even if that is killed
            if os.getppid() != parent:
                os._exit(1)

        with open(log, "ab") as out:
            more.setdefault("stdout", out)
            more.setdefault("stderr", out)
            more.setdefault("stdin", subprocess.DEVNULL)
            # A session of its own: Ctrl-C reaches the harness only, which then ends its children in order.
            process = subprocess.Popen(argv, env=env, preexec_fn=prepare, start_new_session=True, **more)
        self._running.append(process)
        return process

    def stop(self, process):
        if process in self._running:
            self._running.remove(process)
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                with contextlib.suppress(BrokenPipeError):  # it was gone before it read all
                    stream.close()
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline and _in_session(process.pid):
            time.sleep(0.02)
        for pid in _in_session(process.pid):
            os.kill(pid, signal.SIGKILL)

    def stop_all(self):
        for process in list(reversed(self._running)):
            self.stop(process)


def _stat(pid):
    """Fields of /proc/PID/stat after the command name, or None; [0] state, [1] ppid, [3] session, [11..14] CPU ticks."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as f:
            return f.read().rsplit(b")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _in_session(session):
    """Live processes of the session that a child was started with: what it had forked, even if it is gone itself."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            stat = _stat(name)
            if stat and stat[0] != b"Z" and int(stat[3]) == session:
                found.append(int(name))
    return found


def tree(root):
    """The process and all its descendants."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            stat = _stat(name)
            if stat:
                children.setdefault(int(stat[1]), []).append(int(name))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def cpu_seconds(root):
    """(user, system) of all threads of the tree, with what its ended and awaited children had used."""
    user = system = 0
    for pid in tree(root):
        stat = _stat(pid)
        if stat:
            user += int(stat[11]) + int(stat[13])
            system += int(stat[12]) + int(stat[14])
    return user / TICK, system / TICK


def rss_bytes(root):
    """Resident memory of the tree; a page that two of its processes share counts in both."""
    total = 0
    for pid in tree(root):
        try:
            with open(f"/proc/{pid}/statm", encoding="ascii") as f:
                total += int(f.read().split()[1]) * PAGE
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


def describe():
    model = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": model,
        "cpus": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * PAGE / 2**30, 1),
        "load_before": round(os.getloadavg()[0], 2),
    }
