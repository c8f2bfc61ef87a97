"""A Redis for the rows that need one."""

import os
import re
import socket
import subprocess
import time

from harness.machine import BenchError, free_port


class Redis:
    """Empty, in memory, on the load's core."""

    def __init__(self, children, core, program, work):
        self._children, self.port = children, free_port()
        self._process = children.start([program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", work],
                                       core, os.path.join(work, "redis.log"), stdout=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while True:
            try:
                self._ask("PING")
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > end:
                    raise BenchError("Redis did not start; see " + os.path.join(work, "redis.log")) from None
                time.sleep(0.05)

    def stop(self):
        self._children.stop(self._process)

    def _ask(self, command):
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(command.encode() + b"\r\nQUIT\r\n")
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode()

    def scripts_run(self):
        """Since the start: what clients asked for. Calls within a script are not in it."""
        stats = self._ask("INFO commandstats")
        return sum(map(int, re.findall(r"cmdstat_(?:eval|evalsha|fcall):calls=(\d+)", stats)))
