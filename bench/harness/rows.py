"""The rows of the table: what each asks of a proxy, and how one sample of it is taken."""

import dataclasses
import http.client
import mmap
import os
import struct
import subprocess
import time

from harness import guards, machine
from harness.guards import Guard
from harness.machine import BenchError
from harness.peers import Shape

RELOAD_EVERY = 0.5
HEADERS_ADDED = ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-real-ip",
                 "x-request-id", "via")
CALLS = ("read", "write", "epoll_wait", "epoll_ctl", "accept", "eagain", "malloc", "calloc", "realloc")

TWENTY_HEADERS = tuple(
    f"{name}: {value}" for name, value in (
        ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
        ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        ("Accept-Language", "en-GB,en;q=0.7,de;q=0.3"), ("Accept-Encoding", "identity"), ("DNT", "1"),
        ("Referer", "https://shop.example.com/catalogue/garden?page=3"), ("Origin", "https://shop.example.com"),
        ("Cookie", "session=5f2c9d7e8b1a4c03; theme=dark; consent=analytics.0-ads.0; cart=3fa85f64"),
        ("Authorization", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJiZW5jaCIsIm5hbWUiOiJCZW5jaG1hcmsifQ."),
        ("Cache-Control", "no-cache"), ("Pragma", "no-cache"), ("Sec-Fetch-Dest", "empty"), ("Sec-Fetch-Mode", "cors"),
        ("Sec-Fetch-Site", "same-origin"), ("X-Requested-With", "XMLHttpRequest"), ("X-Client-Version", "4.18.2"),
        ("X-Tenant", "acme"), ("X-Experiment", "checkout-b"), ("If-None-Match", '"33a64df551425fcc55e4d42a148795d9"'),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")))


VERIFYING = "nginx, verifying"  # a second one, that remembers no token


@dataclasses.dataclass(frozen=True)
class Row:
    """`kind` is load, idle, reload, calls or redis. `goal` is the highest ratio of CPU per request to the better of nginx and
    HAProxy, `goals` those to each of them; for idle it is in bytes a connection, for reload in failed requests, for redis in
    µs more than without."""

    id: str
    title: str
    kind: str = "load"
    goal: float | None = 1.0
    goals: tuple = ()  # (peer, ratio)
    connections: int = 64
    path: str = "/small"
    length: int = 100
    headers: tuple = ()
    script: str | None = None
    shape: Shape = Shape()
    streams: int = 0  # at a time on a connection: the load is HTTP/2's
    body: str = ""    # of a POST in HTTP/2
    talk: str = ""    # the load is bench_talk's, in this mode
    first: int = 0    # requests before the first measurement

    def wants_verifying(self):
        return any(peer == VERIFYING for peer, _ in self.goals)

    def shape_of(self, peer):
        """How the peer of that name is to run."""
        return self.shape if peer != VERIFYING else dataclasses.replace(
            self.shape, guard=dataclasses.replace(self.shape.guard, cache=False))


ROWS = (
    Row("small", "small GET, 64 connections", goal=0.85),
    Row("headers", "20 request headers", headers=TWENTY_HEADERS),
    Row("body100k", "100 KiB response", path="/bytes/102400", length=102400),
    Row("body10m", "10 MiB response, 8 connections", path="/bytes/10485760", length=10485760, connections=8),
    Row("upload", "1 MiB upload, 16 connections", path="/upload", length=0, script="upload.lua", connections=16),
    Row("chunked", "64 KiB chunked response", path="/chunked/65536", length=65536),
    Row("close", "no keep-alive to the client", headers=("Connection: close",)),
    Row("conns1000", "small GET, 1,000 connections", connections=1000),
    Row("routes", "10,000 routes", path="/r/0/items", script="routes.lua", shape=Shape(routes=10000)),
    Row("tls", "TLS 1.3, small GET, 64 connections", goal=0.9, shape=Shape(tls=True)),
    Row("tls1m", "1 MiB response over TLS, 16 connections", path="/bytes/1048576", length=1048576, connections=16,
        shape=Shape(tls=True)),
    Row("h2", "HTTP/2 over TLS, 10 connections, 100 streams", goal=0.9, connections=10, streams=10,
        shape=Shape(tls=True)),
    Row("grpc", "gRPC unary, HTTP/2 on both sides, 100 streams", connections=10, streams=10, body="\0\0\0\0\5hello",
        path="/shop.Echo/Unary", headers=("content-type: application/grpc", "te: trailers"),
        shape=Shape(tls=True, grpc=True)),
    Row("handshake", "TLS 1.3, a full handshake and one request, ECDSA P-256", talk="handshake", connections=16,
        shape=Shape(tls=True)),
    Row("resumed", "the same, resumed", talk="resumed", connections=16, shape=Shape(tls=True)),
    Row("handshakersa", "TLS 1.3, a full handshake and one request, RSA-2048", talk="handshake", connections=16,
        shape=Shape(tls=True, rsa=True)),
    Row("websocket", "WebSocket echo of 32 bytes, 64 connections", talk="websocket", path="/websocket",
        shape=Shape(websocket=True)),
    Row("keyauth1", "key-auth, 1 key", script="pick.lua", shape=Shape(guard=Guard(keys=1))),
    Row("keyauth1m", "key-auth, 1,000,000 keys", script="pick.lua", shape=Shape(guard=Guard(keys=1000000))),
    Row("limit1m", "a limit for each of 1,000,000 accounts", script="pick.lua", first=1000000,
        shape=Shape(guard=Guard(accounts=1000000))),
    *(Row(f"jwt_{algorithm.lower()}{'' if cache else '_nocache'}",
          f"{algorithm} token, claims to headers, limit{'' if cache else '; each token verified'}", script="pick.lua",
          goal=None if algorithm == "HS256" else 1.0,
          goals=(("haproxy", 0.7 if cache else 0.8), (VERIFYING if cache else "nginx", 0.5)) if algorithm == "HS256" else (),
          shape=Shape(guard=Guard(jwt=algorithm, cache=cache)))
      for algorithm in ("HS256", "RS256", "ES256", "EdDSA") for cache in (True, False)),
    Row("limit_redis", "a limit counted in Redis, 10,000 accounts", kind="redis", goal=6.0, script="pick.lua",
        shape=Shape(guard=Guard(accounts=10000, redis=True))),
    Row("reload", "reloads under load", kind="reload", goal=0, shape=Shape(generation=0)),
    Row("idle", "idle connections, bytes of RSS each", kind="idle", goal=5 * 1024),
    Row("idletls", "idle TLS connections, bytes of RSS each", kind="idle", goal=None, shape=Shape(tls=True)),
    Row("calls", "calls per request", kind="calls", goal=None),
)


@dataclasses.dataclass
class Sample:
    """One measurement. Times in microseconds, memory in bytes. `failed` counts requests without a 2xx answer."""

    user_us: float = 0.0
    system_us: float = 0.0
    rate: float = 0.0
    p50_us: float = 0.0
    p99_us: float = 0.0
    rss: int = 0
    busy: float = 0.0      # share of the proxy's core, 0..1
    requests: int = 0
    failed: int = 0
    errors: str = ""
    idle_bytes: float = 0.0
    started_in: float = 0.0   # seconds until the proxy gave its first answer
    round_trips: float = 0.0  # to Redis, for each request
    reloads: int = 0
    calls: dict = dataclasses.field(default_factory=dict)

    @property
    def cpu_us(self):
        return self.user_us + self.system_us


@dataclasses.dataclass
class Bench:
    """What taking a sample needs."""

    children: machine.Children
    wrk: object
    h2load: object
    talk: object
    tools: str
    lua: str
    work: str
    load_core: int
    seconds: int
    idle_connections: int
    twins: dict = dataclasses.field(default_factory=dict)  # second instances, by name


def check_equivalent(peer, row):
    """Trial requests before the load: status, length, routes, and what headers the upstream and the client see. Gives a
    list of what is not as it should be."""
    found = []
    if row.shape.grpc or row.shape.websocket:
        return found  # the load counts what is not answered as it should be
    connection = peer.connection(timeout=10)
    shown = guards.header(row.shape.guard, peer.material)

    def exchange(method, path, body=None, headers=shown):
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        via.append(response.getheader("Via"))
        return response.status, response.read()

    via = []
    try:
        if row.path == "/upload":
            status, body = exchange("POST", row.path, b"u" * (1 << 20))
            if status != 200 or body != b'{"bytes":1048576}':
                found.append(f"upload answered {status} {body[:60]!r}")
        else:
            status, body = exchange("GET", row.path)
            if status != 200 or len(body) != row.length:
                found.append(f"GET {row.path} answered {status} with {len(body)} bytes, not 200 with {row.length}")
        if row.shape.routes:
            last = row.shape.prefixes()[-1]
            if exchange("GET", last + "items")[0] != 200:
                found.append(f"{last} is not routed")
            if exchange("GET", "/nowhere")[0] == 200:
                found.append("a path without a route was forwarded")
        if row.shape.guard.refuses:
            found += check_refusals(row.shape.guard, shown, exchange)
        if row.shape == Shape():
            seen = exchange("GET", "/echo")[1].decode(errors="replace").lower()
            missing = [name for name in HEADERS_ADDED if f"\r\n{name}:" not in seen]
            if missing:
                found.append("the upstream does not get " + ", ".join(missing))
            if not via[-1]:
                found.append("the client does not get via")
    except (OSError, http.client.HTTPException) as error:
        found.append(f"trial request failed: {error}")
    finally:
        connection.close()
    return found


def check_refusals(guard, shown, exchange):
    """That nobody passes without a good key or token, and that services are told who it is."""
    found = []
    name, value = next(iter(shown.items()))
    other = value[:-2] + ("AA" if value[-2:] != "AA" else "BB")
    for headers, what in (({}, "nothing"), ({name: other}, "a false one")):
        status = exchange("GET", "/small", headers=headers)[0]
        if status not in (401, 403):
            found.append(f"who shows {what} is answered {status}")
    name, told = (("X-Consumer-Username", (b"x-consumer-username: c0000000",)) if guard.keys else
                  ("X-User-ID", (b"x-user-id: user-000000", b"x-user-role: clerk")))
    seen = exchange("GET", "/echo", headers=dict(shown, **{name: "root"}))[1]
    found += [f"the upstream does not get {line.decode()}" for line in told if b"\r\n" + line + b"\r\n" not in seen.lower()]
    if b": root\r\n" in seen:
        found.append(f"a client's own {name} gets through")
    return found


def _drive(bench, peer, row, seconds, while_running=None):
    if row.talk:
        return bench.talk.run(row.talk, peer.port, row.path, row.connections, seconds)
    if row.streams:
        return bench.h2load.run(peer.port, row.path, row.connections, row.streams, seconds, row.headers, row.body)
    script = os.path.join(bench.lua, row.script) if row.script else None
    values = guards.sent(row.shape.guard, peer.material)
    arguments = (values[0], values[2], str(peer.asked), values[1]) if values else ()
    load = bench.wrk.run(peer.port, row.path, row.connections, seconds, row.headers, script, while_running,
                         "https" if row.shape.tls else "http", arguments)
    peer.asked += load.requests
    return load


def take_load(bench, peer, row, while_running=None):
    peer.forget_log()
    user, system = machine.cpu_seconds(peer.process.pid)
    load = _drive(bench, peer, row, bench.seconds, while_running)
    user_after, system_after = machine.cpu_seconds(peer.process.pid)
    each = 1e6 / max(load.requests, 1)
    sample = Sample((user_after - user) * each, (system_after - system) * each, load.rate, load.p50_us, load.p99_us,
                    machine.rss_bytes(peer.process.pid), requests=load.requests, failed=load.failed, errors=load.errors,
                    started_in=peer.started_in)
    sample.busy = (user_after - user + system_after - system) / load.seconds
    if load.requests == 0:
        sample.errors = sample.errors or "no request was answered"
    return sample


def check_log(peer, sample):
    """That the last sample's requests were logged. Lines may still be in a buffer of the proxy (Envoy keeps up to
    64 KiB for 10 s), so a few hundred may be missing at the end."""
    lines = peer.log_lines()
    if lines < sample.requests * 0.99 - 400:
        return [f"the access log has {lines:,} lines for {sample.requests:,} requests"]
    return []


def warm_up(bench, peer, row):
    """A second of load, or as many requests as the row wants first, but no longer than ten measurements take."""
    _drive(bench, peer, row, 1)
    end = time.monotonic() + 10 * bench.seconds
    while peer.asked < row.first and time.monotonic() < end:
        _drive(bench, peer, row, bench.seconds)


def take_reload(bench, peer, row, generation):
    """Load with a reload every half second, each to another route; checks that the last one took effect."""
    done = 0

    def reload_meanwhile(process):
        nonlocal done
        # Not in the first and last tenth of a second: the connections must be there, and the answers must count.
        end = time.monotonic() + bench.seconds - 0.1
        time.sleep(0.2)
        while process.poll() is None and time.monotonic() < end:
            done += 1
            peer.reload(Shape(generation=generation + done))
            time.sleep(RELOAD_EVERY)

    sample = take_load(bench, peer, row, reload_meanwhile)
    sample.reloads = done
    newest, before = f"/gen-{generation + done}/x", f"/gen-{generation + done - 1}/x"
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and (peer.status(newest) != 200 or peer.status(before) == 200):
        time.sleep(0.05)
    if peer.status(newest) != 200 or peer.status(before) == 200:
        sample.errors = (sample.errors + "; " if sample.errors else "") + "the last reload took no effect"
    return sample


def take_idle(bench, peer, row):
    """Memory that N connections cost which have had one answer each and are now quiet. The proxy has been under load
    before, so that what it keeps anyway is in neither reading."""
    warm_up(bench, peer, row)
    time.sleep(1)
    wanted = bench.idle_connections
    before = machine.rss_bytes(peer.process.pid)
    process = bench.children.start([os.path.join(bench.tools, "bench_idle"), str(peer.port), str(wanted), row.path,
                                    *(["tls"] if row.shape.tls else [])],
                                   bench.load_core, os.path.join(bench.work, "idle.log"),
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        word, held, failed = process.stdout.readline().decode().split() or ("", 0, 0)
        time.sleep(2)
        after = machine.rss_bytes(peer.process.pid)
        process.stdin.write(b"\n")
        process.stdin.flush()
        still = int(process.stdout.readline().split()[1])
    except (ValueError, IndexError, OSError) as error:
        raise BenchError(f"bench_idle ended early: {error}") from error
    finally:
        bench.children.stop(process)
    errors = []
    if word != "ready" or int(failed):
        errors.append(f"{failed} connections had no answer")
    if still != wanted:
        errors.append(f"{still} of {wanted} were still open")
    return Sample(rss=after, requests=int(held), failed=int(failed), errors=", ".join(errors),
                  idle_bytes=(after - before) / max(still, 1))


class CallCounters:
    """The counters that bench_syscount.so keeps in a file."""

    def __init__(self, bench):
        self._path = os.path.join(bench.work, "calls.counters")
        self.env = dict(os.environ, GATEHOUSE_SYSCOUNT=self._path,
                        LD_PRELOAD=os.path.join(bench.tools, "bench_syscount.so"))
        with open(self._path, "wb") as f:
            f.write(bytes(4096))

    def read(self):
        with open(self._path, "r+b") as f, mmap.mmap(f.fileno(), 4096) as shared:
            return dict(zip(CALLS, struct.unpack_from(f"<{len(CALLS)}Q", shared)))


def take_calls(bench, peer, row, counters):
    """Runs under the preload library; its CPU and latency are not those of the other rows and are not reported."""
    warm_up(bench, peer, row)
    before = counters.read()
    load = _drive(bench, peer, row, bench.seconds)
    after = counters.read()
    if after["read"] == 0:
        return Sample(requests=load.requests, errors="nothing was counted (is it linked statically?)")
    return Sample(requests=load.requests, failed=load.failed, errors=load.errors,
                  calls={k: (after[k] - before[k]) / max(load.requests, 1) for k in CALLS})
