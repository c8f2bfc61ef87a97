"""Rows about who may pass and how often: the keys and tokens that the load sends, and what each proxy is told of them."""

import base64
import dataclasses
import hashlib
import hmac
import json
import os
import subprocess

HMAC_SECRET = "a-secret-of-at-least-thirty-two-bytes"
TOKENS = 256
FAR = 4102444800  # 2100-01-01: when the tokens end
NEVER = 1_000_000_000  # requests: a limit that no run reaches

_PRIVATE = {"RS256": ("RSA", "rsa_keygen_bits:2048"), "ES256": ("EC", "ec_paramgen_curve:P-256"), "EdDSA": ("ED25519", "")}


@dataclasses.dataclass(frozen=True)
class Guard:
    """What a request must show, and what is counted. Nothing by default."""

    keys: int = 0        # so many API keys are known; each is a consumer's
    accounts: int = 0    # each value of X-Account has a limit of its own; the load has so many
    jwt: str = ""        # a token signed so; two claims go into headers, and its consumer has a limit
    cache: bool = True   # tokens that were found good are remembered
    redis: bool = False  # X-Account's limits are counted in Redis

    @property
    def refuses(self):
        return bool(self.keys or self.jwt)


class Material:
    """Makes what guards need, in a folder, once; gives the paths."""

    def __init__(self, folder):
        self._folder = folder
        os.makedirs(folder, exist_ok=True)

    def _once(self, name, lines):
        path = os.path.join(self._folder, name)
        if not os.path.exists(path):
            with open(path + ".new", "w", encoding="ascii") as f:
                f.writelines(lines())
            os.replace(path + ".new", path)
        return path

    def keys(self, count):
        """A file with a key in each line."""
        return self._once(f"keys-{count}", lambda: (key(i) + "\n" for i in range(count)))

    def tokens(self, algorithm):
        """A file with a token in each line, all of one length."""
        return self._once(f"tokens-{algorithm}", lambda: (self._token(algorithm, i) + "\n" for i in range(TOKENS)))

    def public_key(self, algorithm):
        """PEM file."""
        path = os.path.join(self._folder, algorithm + ".pub.pem")
        if not os.path.exists(path):
            kind, option = _PRIVATE[algorithm]
            private = os.path.join(self._folder, algorithm + ".pem")
            _openssl("genpkey", "-algorithm", kind, *(["-pkeyopt", option] if option else []), "-out", private)
            _openssl("pkey", "-in", private, "-pubout", "-out", path)
        return path

    def _token(self, algorithm, number):
        head = {"alg": algorithm, "typ": "JWT"}
        claims = {"iss": "shop-app", "sub": f"user-{number:06}", "role": "clerk", "iat": 1767225600, "exp": FAR}
        signed = ".".join(_base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
        return signed + "." + _base64url(self._sign(algorithm, signed.encode()))

    def _sign(self, algorithm, text):
        if algorithm == "HS256":
            return hmac.digest(HMAC_SECRET.encode(), text, "sha256")
        self.public_key(algorithm)
        private, message = os.path.join(self._folder, algorithm + ".pem"), os.path.join(self._folder, "message")
        with open(message, "wb") as f:
            f.write(text)
        digest = [] if algorithm == "EdDSA" else ["-digest", "sha256"]
        signature = _openssl("pkeyutl", "-sign", "-inkey", private, "-rawin", *digest, "-in", message)
        return ecdsa_pair(signature) if algorithm == "ES256" else signature


def key(number):
    return hashlib.sha256(b"bench-key-%d" % number).hexdigest()[:32]


def consumer(number):
    return f"c{number:07}"


def ecdsa_pair(der):
    """The two numbers of an ECDSA P-256 signature, 32 bytes each (RFC 7518, 3.4), from its DER."""
    at, numbers = 2, b""
    for _ in range(2):
        length = der[at + 1]
        numbers += der[at + 2:at + 2 + length].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + length
    return numbers


def _base64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


def sent(guard, material):
    """(header, what stands before the value, file of values) of the load's requests; None where it sends nothing."""
    if guard.keys:
        return "X-API-Key", "", material.keys(guard.keys)
    if guard.jwt:
        return "Authorization", "Bearer ", material.tokens(guard.jwt)
    if guard.accounts:
        return "X-Account", "", material.keys(guard.accounts)
    return None


def header(guard, material):
    """The header of one request that passes."""
    found = sent(guard, material)
    if not found:
        return {}
    name, before, path = found
    with open(path, encoding="ascii") as f:
        return {name: before + f.readline().strip()}


# ---- Gatehouse ----

def _consumer_with_key(number):
    digest = hashlib.sha256(key(number).encode()).hexdigest()
    return f'{{"username":"{consumer(number)}","credentials":[{{"type":"key-auth","key_hash":"sha256:{digest}"}}]}}'


def gatehouse(guard, material, write, redis_port):
    """Consumers, plugins and what else stands at the top of the file. `write(name, text)` makes a file beside it."""
    if guard.keys:
        known = write("consumers.json", '{"consumers":[\n' + ",\n".join(map(_consumer_with_key, range(guard.keys))) + "\n]}\n")
        return f'include: ["{known}"]\nplugins: [{{name: key-auth}}]\n'
    if guard.jwt:
        own = f'secret: "{HMAC_SECRET}"' if guard.jwt == "HS256" else 'public_key: "${file:%s}"' % material.public_key(guard.jwt)
        return f"""consumers:
  - {{username: shop, credentials: [{{type: jwt, key: shop-app, algorithm: {guard.jwt}, {own}}}]}}
plugins:
  - {{name: jwt, config: {{claims_to_verify: [exp], cache: {str(guard.cache).lower()}}}}}
  - {{name: jwt-claims, config: {{claims: [sub, role], header_names: [X-User-ID, X-User-Role]}}}}
  - {{name: rate-limiting, config: {{minute: {NEVER}, limit_by: consumer, header_style: none}}}}
"""
    if guard.accounts:
        where = f'redis: {{address: "127.0.0.1:{redis_port}"}}\n' if guard.redis else ""
        policy = ", policy: redis" if guard.redis else ""
        return (f"{where}plugins: [{{name: rate-limiting, config: {{hour: {NEVER}, limit_by: header, "
                f"header_name: X-Account, header_style: none{policy}}}}}]\n")
    return ""


# ---- nginx ----

@dataclasses.dataclass
class NginxParts:
    """Lines for the top of nginx's file, for `http`, and for each location."""

    top: str = ""
    http: str = ""
    location: str = ""


def nginx(guard, material, write, lua):
    """`write(name, text)` makes a file beside the configuration; `lua` is the folder of nginx_jwt.lua."""
    if guard.keys:
        known = write("keys.map", "".join(f"{key(i)} {consumer(i)};\n" for i in range(guard.keys)))
        return NginxParts(http="  map_hash_max_size 2097152;\n  map_hash_bucket_size 1024;\n"
                               f'  map $http_x_api_key $consumer {{ default ""; include {known}; }}\n'
                               '  proxy_set_header X-Consumer-Username $consumer;\n  proxy_set_header X-API-Key "";\n',
                          location='if ($consumer = "") { return 401; } ')
    if guard.jwt:
        own = HMAC_SECRET if guard.jwt == "HS256" else material.public_key(guard.jwt)
        modules = "".join(f"load_module /usr/lib/nginx/modules/{name}.so;\n" for name in ("ndk_http_module", "ngx_http_lua_module"))
        return NginxParts(modules,
                          f'  lua_package_path "{lua}/?.lua;;";\n'
                          f'  init_by_lua_block {{ jwt = require "nginx_jwt"; jwt.setup("{guard.jwt}", "{own}", {str(guard.cache).lower()}) }}\n'
                          "  limit_req_zone $consumer zone=consumers:10m rate=1000000r/s;\n"
                          "  proxy_set_header X-Consumer-Username $consumer;\n"
                          "  proxy_set_header X-User-ID $user_id;\n  proxy_set_header X-User-Role $user_role;\n",
                          'set $consumer ""; set $user_id ""; set $user_role ""; rewrite_by_lua_block { jwt.check() } '
                          "limit_req zone=consumers burst=1000000 nodelay; ")
    if guard.accounts:
        return NginxParts(http="  limit_req_zone $http_x_account zone=accounts:512m rate=1000000r/s;\n",
                          location="limit_req zone=accounts burst=1000000 nodelay; ")
    return NginxParts()


# ---- HAProxy ----

def haproxy(guard, material, write):
    """Lines for the frontend."""
    if guard.keys:
        known = write("keys.map", "".join(f"{key(i)} {consumer(i)}\n" for i in range(guard.keys)))
        return f"""  http-request set-var(txn.consumer) req.hdr(X-API-Key),map_str({known})
  http-request deny deny_status 401 unless {{ var(txn.consumer) -m found }}
  http-request set-header X-Consumer-Username %[var(txn.consumer)]
  http-request del-header X-API-Key
"""
    if guard.jwt:
        own = HMAC_SECRET if guard.jwt == "HS256" else material.public_key(guard.jwt)
        return f"""  stick-table type string len 32 size 1m expire 1h store http_req_rate(60s)
  http-request set-var(txn.bearer) http_auth_bearer
  http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
  http-request deny deny_status 401 unless {{ var(txn.alg) -m str {guard.jwt} }}
  http-request deny deny_status 401 unless {{ var(txn.bearer),jwt_verify(txn.alg,"{own}") 1 }}
  http-request set-var(txn.now) date()
  http-request set-var(txn.exp) var(txn.bearer),jwt_payload_query('$.exp','int')
  http-request deny deny_status 401 if {{ var(txn.exp),sub(txn.now) -m int lt 0 }}
  http-request set-var(txn.iss) var(txn.bearer),jwt_payload_query('$.iss')
  http-request deny deny_status 401 unless {{ var(txn.iss) -m str shop-app }}
  http-request set-header X-Consumer-Username %[var(txn.iss)]
  http-request set-header X-User-ID %[var(txn.bearer),jwt_payload_query('$.sub')]
  http-request set-header X-User-Role %[var(txn.bearer),jwt_payload_query('$.role')]
  http-request track-sc0 var(txn.iss)
  http-request deny deny_status 429 if {{ sc0_http_req_rate gt {NEVER} }}
"""
    if guard.accounts:
        return f"""  stick-table type string len 36 size {guard.accounts} expire 1h store http_req_rate(1h)
  http-request track-sc0 req.hdr(X-Account)
  http-request deny deny_status 429 if {{ sc0_http_req_rate gt {NEVER} }}
"""
    return ""
