"""The proxies: what each is configured to do, how it is started, reloaded and asked for its version.

All do the same work: one worker; HTTP/1.1 with keep-alive to client and upstream and connections shared by all clients;
bodies streamed, not spooled; X-Forwarded-For, -Proto, -Host, -Port, X-Real-IP, Via and a fresh request id added to the
upstream request and Via to the response; one JSON line with the same fields per request to a file. Gatehouse adds all of
that unasked, so its configuration does not mention it.
"""

import dataclasses
import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import time

from harness import guards
from harness.guards import Guard, Material
from harness.machine import BenchError, free_port

LUA = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "lua")
UPSTREAM_KEEPALIVE = 1024
CONNECTIONS = 16000  # more than any row opens


@dataclasses.dataclass(frozen=True)
class Shape:
    """What of the configuration a row needs: how many routes, and which generation of it (None: never reloaded)."""

    routes: int = 0
    generation: int | None = None
    tls: bool = False   # for the client, HTTP/1.1 and HTTP/2 by ALPN
    rsa: bool = False   # with the RSA certificate instead of the ECDSA one
    grpc: bool = False  # the origin speaks HTTP/2 without TLS
    websocket: bool = False
    guard: Guard = Guard()

    def prefixes(self):
        """Path prefixes to forward; [""] means everything."""
        if self.routes:
            return [f"/r/{i}/" for i in range(self.routes)]
        if self.generation is not None:
            return ["/small", f"/gen-{self.generation}/"]
        return [""]


class Peer:
    """One proxy, running at most once. Files lie in a folder of its own under `work`."""

    name = ""
    reloads = True

    def __init__(self, program, children, core, origin_port, work, certificates=(), h2_origin=0):
        self.program, self._children, self._core = program, children, core
        self._http_origin, self._h2_origin = origin_port, h2_origin
        self._certificates, self._certificate = dict(certificates), ""
        self._origin, self._shape = origin_port, Shape()
        self.material = Material(os.path.join(work, "guards"))
        self.started_in = 0.0  # seconds from the start to the first answer
        self.asked = 0         # requests of the load since then
        self.dir = os.path.join(work, self.name)
        os.makedirs(self.dir, exist_ok=True)
        self.log = os.path.join(self.dir, "access.log")
        self.stderr = os.path.join(self.dir, "stderr.log")
        self.stdout = self.stderr
        self.port = 0
        self.process = None

    def cannot(self, shape):
        """Why it is left out of a row; "" where it is not."""
        return ""

    def config(self, shape):
        raise NotImplementedError

    def argv(self, shape):
        raise NotImplementedError

    def version(self):
        done = subprocess.run([self.program, *self.version_args], capture_output=True, text=True, check=False)
        text = done.stdout + done.stderr
        match = re.search(r"\d+\.\d+\.\d+[\w.+-]*", text)
        return match[0] if match else text.strip().splitlines()[0] if text.strip() else "unknown"

    version_args = ("--version",)

    def _write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path + ".new", "w", encoding="ascii") as f:
            f.write(text)
        os.replace(path + ".new", path)
        return path

    def start(self, shape, env=None):
        """Starts it and waits until it forwards."""
        self.port = free_port()
        self._shape, self._origin = shape, self._h2_origin if shape.grpc else self._http_origin
        self._certificate = self._certificates["rsa" if shape.rsa else "ecdsa"] if shape.tls else ""
        for path in (self.log, self.stderr):
            open(path, "wb").close()
        self._write("config", self.config(shape))
        with open(self.stdout, "ab") as out:
            self.process = self._children.start(self.argv(shape), self._core, self.stderr, env=env, stdout=out)
        path = shape.prefixes()[-1] + "x" if shape.prefixes()[0] else "/small"
        began, patience = time.monotonic(), 300 if shape.guard.keys > 1 else 30
        headers = guards.header(shape.guard, self.material)
        while self.status(path, headers) != 200:
            if self.process.poll() is not None or time.monotonic() > began + patience:
                state = "ended" if self.process.poll() is not None else f"did not forward within {patience} s"
                self.stop()
                raise BenchError(f"{self.name} {state}; its last words:\n{self.last_words()}")
            time.sleep(0.02)
        self.started_in, self.asked = time.monotonic() - began, 0

    def last_words(self):
        with open(self.stderr, encoding="utf-8", errors="replace") as f:
            return f.read()[-2000:].strip()

    def stop(self):
        if self.process:
            self._children.stop(self.process)
            self.process = None

    def connection(self, timeout):
        if not self._shape.tls:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=trusting)

    def status(self, path, headers={}):
        """Status of a GET on a connection of its own, 0 if there was no answer."""
        connection = self.connection(timeout=5)
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            response.read()
            return response.status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def reload(self, shape):
        self._write("config", self.config(shape))
        os.kill(self.process.pid, self.reload_signal)

    reload_signal = signal.SIGHUP

    def forget_log(self):
        """Empties the access log, so that rounds do not fill the disk."""
        if os.path.exists(self.log):
            os.truncate(self.log, 0)

    def log_lines(self):
        with open(self.log, "rb") as f:
            return sum(block.count(b"\n") for block in iter(lambda: f.read(1 << 20), b""))


class Gatehouse(Peer):
    name = "gatehouse"
    redis_port = 0
    version_args = ("version",)

    def config(self, shape):
        def pattern(prefix):
            return prefix + "*" if prefix.endswith("/") else prefix or "/*"

        routes = "".join(f'  - {{name: "route-{i}", path: "{pattern(prefix)}", service: origin}}\n'
                         for i, prefix in enumerate(shape.prefixes()))
        tls = ""
        if shape.tls:
            tls = f', tls: {{certificates: [{{cert: "{self._certificate}.crt", key: "{self._certificate}.key"}}]}}'
        return f"""workers: 1
listeners:
  - {{name: bench, address: "127.0.0.1:{self.port}"{tls}}}
{guards.gatehouse(shape.guard, self.material, self._write, self.redis_port)}limits: {{max_connections: {CONNECTIONS}}}
logging: {{level: warn, access: {{path: "{self.log}", format: json}}}}
services:
  - name: origin
    url: {"grpc" if shape.grpc else "http"}://127.0.0.1:{self._origin}
    pool: {{max_connections: 4096, max_idle: {UPSTREAM_KEEPALIVE}, queue: 4096}}
routes:
{routes}"""

    def argv(self, shape):
        return [self.program, "run", os.path.join(self.dir, "config")]


class Nginx(Peer):
    name = "nginx"
    version_args = ("-v",)

    def config(self, shape):
        forward = "grpc_pass grpc://origin" if shape.grpc else "proxy_pass http://origin"
        guard = guards.nginx(shape.guard, self.material, self._write, LUA)
        places = "".join(f"    location {prefix or '/'} {{ {guard.location}{forward}; }}\n" for prefix in shape.prefixes())
        listen, tls = "", ""
        if shape.tls:
            listen = " ssl http2"
            tls = (f"    ssl_certificate {self._certificate}.crt;\n    ssl_certificate_key {self._certificate}.key;\n"
                   "    ssl_protocols TLSv1.2 TLSv1.3;\n")
        if shape.grpc:
            tls += "    grpc_set_header X-Forwarded-For $remote_addr;\n    grpc_set_header X-Request-Id $request_id;\n"
        if shape.websocket:  # what its documentation says; one connection to the origin for each client's
            tls += ("    proxy_set_header Upgrade $http_upgrade;\n    proxy_set_header Connection upgrade;\n"
                    "    proxy_set_header Host $proxy_host;\n    proxy_set_header X-Forwarded-For $remote_addr;\n"
                    "    proxy_set_header X-Request-Id $request_id;\n")
        user = "user root;\n" if os.geteuid() == 0 else ""
        temp = "".join(f"  {kind}_temp_path {self.dir}/temp-{kind};\n"
                       for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return f"""{guard.top}{user}daemon off;
worker_processes 1;
worker_rlimit_nofile {CONNECTIONS + 2000};
pid {self.dir}/pid;
error_log {self.stderr} warn;
events {{ worker_connections {CONNECTIONS}; multi_accept on; }}
http {{
{temp}  log_format line escape=json '{{"ts":"$time_iso8601","request_id":"$request_id","client_ip":"$remote_addr",'
    '"method":"$request_method","host":"$host","path":"$request_uri","protocol":"$server_protocol","status":$status,'
    '"target":"$upstream_addr","bytes_in":"$content_length","bytes_out":$body_bytes_sent,'
    '"duration":$request_time,"upstream":"$upstream_response_time"}}';
  access_log {self.log} line buffer=64k flush=1s;
  keepalive_timeout 75s;
  keepalive_requests 1000000000;
  client_max_body_size 0;
  tcp_nodelay on;
  proxy_http_version 1.1;
  proxy_request_buffering off;
  proxy_max_temp_file_size 0;
  proxy_buffer_size 16k;
  proxy_buffers 8 16k;
  client_body_buffer_size 64k;
  proxy_set_header Connection "";
  proxy_set_header Host $proxy_host;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $http_host;
  proxy_set_header X-Forwarded-Port $server_port;
  proxy_set_header Via "1.1 nginx";
  add_header Via "1.1 nginx" always;
  proxy_set_header X-Real-IP $remote_addr;
  proxy_set_header X-Request-Id $request_id;
{guard.http}  upstream origin {{
    server 127.0.0.1:{self._origin};
    keepalive {UPSTREAM_KEEPALIVE};
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{self.port}{listen} backlog=4096;
{tls}{places}  }}
}}
"""

    def argv(self, shape):
        return [self.program, "-p", self.dir, "-e", self.stderr, "-c", os.path.join(self.dir, "config")]


class HAProxy(Peer):
    name = "haproxy"
    version_args = ("-v",)
    reload_signal = signal.SIGUSR2

    def cannot(self, shape):
        return "knows no EdDSA" if shape.guard.jwt == "EdDSA" else ""

    def __init__(self, *args):
        super().__init__(*args)
        self.stdout = self.log  # it writes logs to sockets and descriptors only

    def config(self, shape):
        if shape.prefixes() == [""]:
            choose = "  default_backend origin\n"
        else:
            prefixes = self._write("routes.map", "".join(f"{prefix} origin\n" for prefix in shape.prefixes()))
            choose = f"  use_backend %[path,map_beg({prefixes})]\n"
        line = ('{"ts":"%tr","request_id":"%ID","client_ip":"%ci","method":"%HM","host":"%[var(txn.host)]","path":"%HU",'
                '"protocol":"%HV","status":%ST,"target":"%si:%sp","bytes_in":%U,"bytes_out":%B,'
                '"duration":%Ta,"upstream":%Tr}').replace('"', '\\"')
        tls = f" ssl crt {self._certificate}.pem alpn h2,http/1.1" if shape.tls else ""
        return f"""global
  nbthread 1
  maxconn {CONNECTIONS}
  no strict-limits
  hard-stop-after 10s
  log stdout len 4096 format raw local0
defaults
  mode http
  log global
  option http-keep-alive
  http-reuse always
  timeout connect 5s
  timeout client 75s
  timeout server 30s
  timeout http-keep-alive 75s
  timeout http-request 10s
  maxconn {CONNECTIONS}
frontend bench
  bind 127.0.0.1:{self.port} backlog 4096{tls}
  log-format "{line}"
  unique-id-format %[uuid()]
  unique-id-header X-Request-Id
  http-request set-var(txn.host) req.hdr(host)
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Port %[dst_port]
  http-request set-header X-Real-IP %[src]
  http-request set-header Via "1.1 haproxy"
  http-response set-header Via "1.1 haproxy"
  http-request set-header Host 127.0.0.1:{self._origin}
{guards.haproxy(shape.guard, self.material, self._write)}{choose}backend origin
  server origin 127.0.0.1:{self._origin}{" proto h2" if shape.grpc else ""}
"""

    def argv(self, shape):
        # Only the reload row needs a master process; elsewhere it would only add to the memory.
        mode = ["-W"] if shape.generation is not None else []
        return [self.program, "-db", *mode, "-f", os.path.join(self.dir, "config")]


class Envoy(Peer):
    name = "envoy"

    def cannot(self, shape):
        return "" if shape.guard == Guard() else "not compared in this row"

    reloads = False  # a new bootstrap needs a new process; what Envoy reloads comes from a control plane

    def config(self, shape):
        def value(key, text):
            return {"header": {"key": key, "value": text}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}

        limits = {"max_connections": CONNECTIONS, "max_pending_requests": CONNECTIONS, "max_requests": CONNECTIONS}
        line = {
            "ts": "%START_TIME%", "request_id": "%REQ(X-REQUEST-ID)%", "client_ip": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
            "method": "%REQ(:METHOD)%", "host": "%REQ(X-FORWARDED-HOST)%", "path": "%REQ(:PATH)%", "protocol": "%PROTOCOL%",
            "status": "%RESPONSE_CODE%", "target": "%UPSTREAM_HOST%", "bytes_in": "%BYTES_RECEIVED%",
            "bytes_out": "%BYTES_SENT%", "duration": "%DURATION%", "upstream": "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%"}
        manager = {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "bench", "codec_type": "AUTO" if shape.tls else "HTTP1", "use_remote_address": True,
            "via": "1.1 envoy",
            "access_log": [{"name": "file", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                "path": self.log, "log_format": {"json_format": line}}}],
            "route_config": {"virtual_hosts": [{
                "name": "all", "domains": ["*"],
                "request_headers_to_add": [value("X-Forwarded-Host", "%REQ(:AUTHORITY)%"),
                                           value("X-Forwarded-Port", str(self.port)),
                                           value("X-Real-IP", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%")],
                "routes": [{"match": {"prefix": prefix or "/"},
                            "route": {"cluster": "origin", "timeout": "0s",
                                      "host_rewrite_literal": f"127.0.0.1:{self._origin}"}}
                           for prefix in shape.prefixes()]}]},
            **({"upgrade_configs": [{"upgrade_type": "websocket"}]} if shape.websocket else {}),
            "http_filters": [{"name": "router", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}]}
        chain = {"filters": [{"name": "http", "typed_config": manager}]}
        if shape.tls:
            chain["transport_socket"] = {"name": "tls", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                "common_tls_context": {"alpn_protocols": ["h2", "http/1.1"], "tls_certificates": [{
                    "certificate_chain": {"filename": self._certificate + ".crt"},
                    "private_key": {"filename": self._certificate + ".key"}}]}}}
        spoken = {"typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {"http2_protocol_options": {}}}}} if shape.grpc else {}
        address = lambda port: {"socket_address": {"address": "127.0.0.1", "port_value": port}}
        return json.dumps({"static_resources": {
            "listeners": [{"name": "bench", "address": address(self.port), "filter_chains": [chain]}],
            "clusters": [{**spoken, "name": "origin", "type": "STATIC", "connect_timeout": "5s",
                          "circuit_breakers": {"thresholds": [limits]},
                          "load_assignment": {"cluster_name": "origin", "endpoints": [{"lb_endpoints": [
                              {"endpoint": {"address": address(self._origin)}}]}]}}]}})

    def argv(self, shape):
        return [self.program, "--concurrency", "1", "--disable-hot-restart", "--log-level", "error",
                "-c", os.path.join(self.dir, "config.json")]

    def _write(self, name, text):
        return super()._write("config.json" if name == "config" else name, text)


KINDS = {kind.name: kind for kind in (Gatehouse, Nginx, HAProxy, Envoy)}
