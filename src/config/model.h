#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/ip_address.h"
#include "base/period.h"
#include "config/diagnostic.h"

namespace gatehouse::config {

class Node;

/// The one model that every configuration format becomes. Plain values; defaults are semantics.md's. Each object that a
/// runtime message may want to name keeps the Mark of where it was written.

/// A value that print, logs and errors show as ***.
struct Secret {
  std::string value;
};

/// Where a service's bytes go to or a listener takes them from.
struct Address {
  enum class Kind : std::uint8_t { ip, name, unix_path };
  Kind kind = Kind::ip;
  IpAddress ip;              ///< of kind ip
  std::string host;          ///< of kind name: a DNS name; of kind unix_path: the path
  std::uint16_t port = 0;    ///< none for unix_path
  std::string text() const;  ///< "10.0.0.1:80", "[::1]:80", "items.internal:9003", "unix:/run/x.sock"
  friend bool operator==(const Address&, const Address&) = default;
};

/// nullopt: not written here, the outer level's value holds.
struct RouteLimits {
  std::optional<std::uint64_t> max_body;  ///< bytes; UINT64_MAX is off
  std::optional<Duration> body_timeout;   ///< between two reads of a body, either side
};

/// What one HTTP/2 connection of a client may use up.
struct Http2Limits {
  std::uint32_t max_concurrent_streams = 128;
  std::uint32_t stream_window = 128 * 1024;       ///< bytes of a request's body that no service has taken yet
  std::uint32_t control_frames = 1000;            ///< that ask for work and bring none, at once …
  std::uint32_t control_frames_per_second = 100;  ///< … and as time goes by
};

struct Limits {
  std::uint32_t request_line = 8 * 1024;
  std::uint32_t max_header_bytes = 32 * 1024;
  std::uint32_t max_headers = 100;
  Duration header_timeout = std::chrono::seconds(10);
  Duration idle_timeout = std::chrono::seconds(75);
  std::uint64_t max_body = UINT64_MAX;
  Duration body_timeout = std::chrono::seconds(30);
  std::uint32_t max_connections = 0;  ///< 0: from RLIMIT_NOFILE
  Http2Limits http2;
};

struct Timeouts {
  std::optional<Duration> connect, send, read, total, stream_idle;  ///< defaults 5s, 30s, 30s, off, 1h
};

/// A plugin as written; its `config` is decoded by the plugin's own option table.
struct PluginUse {
  std::string name;
  std::string instance;  ///< "" unless a second one of a kind is wanted
  bool enabled = true;
  bool before_auth = false;            ///< phase: before_auth
  std::string route, service;          ///< of a consumer's: where alone it counts, "" for everywhere
  std::shared_ptr<const Node> config;  ///< the mapping under `config`, null if absent
  Mark mark;
  std::string config_path;  ///< "routes[2].plugins[0]", for messages
};

/// Which authentication plugins a route or service asks for.
struct Authentication {
  enum class Mode : std::uint8_t { none, any, all };
  Mode mode = Mode::all;
  std::vector<std::string> plugins;  ///< by name; empty for none
  std::string anonymous;             ///< the consumer that stands in, "" for nobody
  Mark mark;
};

/// A key, password, certificate … of a consumer.
struct CredentialUse {
  std::string type;  ///< the authentication plugin that knows it
  std::string id;    ///< as written, or what the plugin makes of it; no secret
  std::string tier;  ///< instead of the consumer's
  std::optional<Rate> rate_limit;
  std::vector<std::string> services;   ///< empty: all
  std::shared_ptr<const Node> config;  ///< what is left, for the plugin's own table
  Mark mark;
  std::string config_path;
};

struct Consumer {
  std::string username, id, custom_id;
  std::vector<std::string> groups;
  std::string tier;
  std::vector<CredentialUse> credentials;
  std::vector<PluginUse> plugins;
  Mark mark;
  std::string config_path;
};

struct Tier {
  std::string name;
  std::vector<Rate> limits;  ///< by period, the shortest first
  Mark mark;
};

struct Target {
  Address address;
  std::uint32_t weight = 1;
  Mark mark;
};

struct Pool {
  std::uint32_t max_connections = 1024;  ///< a target, all workers together
  std::uint32_t max_idle = 256;
  Duration idle_timeout = std::chrono::seconds(4);
  std::uint32_t queue = 1024;
  Duration queue_timeout = std::chrono::seconds(1);
};

/// What is spoken to a service.
enum class Protocol : std::uint8_t { http, https, h2c, h2 };
inline bool is_tls(Protocol protocol) {
  return protocol == Protocol::https || protocol == Protocol::h2;
}
/// How TLS is spoken to a service. Names of files are as they are opened.
/// What either side of TLS may choose from.
struct TlsRules {
  std::string min_version = "1.2", max_version = "1.3";
  std::vector<std::string> ciphers;  ///< OpenSSL's or IANA's names; those of a version replace its defaults
  std::vector<std::string> curves{"X25519", "P-256", "P-384"};  ///< the dearest first
  Mark ciphers_mark, curves_mark;
};

struct ServiceTls : TlsRules {
  bool verify = true;
  std::string sni;        ///< whom to ask for and to verify; "" for the target's own name or address
  std::string ca;         ///< "" for the system's authorities
  std::string cert, key;  ///< "" for none
  Mark ca_mark, cert_mark, key_mark;
  std::size_t contents = 0;  ///< a hash of what the files held
};
inline bool is_http2(Protocol protocol) {
  return protocol == Protocol::h2c || protocol == Protocol::h2;
}

struct Service {
  std::string name;
  Mark mark;
  std::string url;              ///< as written, "" if targets or discovery are
  std::string authority;        ///< the url's host[:port], which Host becomes; "" for targets and discovery
  std::string base_path;        ///< the url's path without a final slash, "" if it has none
  std::vector<Target> targets;  ///< at least one
  Protocol protocol = Protocol::http;
  ServiceTls tls;  ///< counts where the protocol has TLS
  Mark tls_mark;   ///< of the key, or of the service
  Timeouts timeouts;
  Pool pool;
  std::optional<Authentication> auth;
  std::vector<PluginUse> plugins;
};

/// A Redis that sentinels watch.
struct RedisSentinel {
  std::string master;  ///< what they call it
  std::vector<Address> addresses;
  std::string username;
  Secret password;
};
/// The Redis of whatever wants one. One of `address`, `sentinel` and `cluster` is set.
struct Redis {
  std::optional<Address> address;
  std::optional<RedisSentinel> sentinel;
  std::vector<Address> cluster;
  std::string username;  ///< "" for none
  Secret password;
  std::uint32_t database = 0;
  std::optional<ServiceTls> tls;
  Duration timeout = std::chrono::milliseconds(100);
  Mark mark, tls_mark;
};

/// A condition on one header or query parameter.
struct ValueMatch {
  enum class Kind : std::uint8_t { one_of, regex, present, absent };
  Kind kind = Kind::one_of;
  std::vector<std::string> values;  ///< of one_of: one for plain equality
  std::string regex;                ///< RE2 over the whole value
  friend bool operator==(const ValueMatch&, const ValueMatch&) = default;
};
struct NamedMatch {
  std::string name;  ///< header names in lower case
  ValueMatch match;
  Mark mark;
  friend bool operator==(const NamedMatch& a, const NamedMatch& b) { return a.name == b.name && a.match == b.match; }
};

/// One pattern for the normalised path: "/users" exact, "/users/*" prefix, "/orders/{id}/details" with captures
/// (and maybe a final "/*"), "~/re(?P<x>…)" RE2 over the whole path.
struct PathPattern {
  std::string text;
  Mark mark;
};

struct Rewrite {
  std::string path;     ///< a template with {capture}; "" if regex is used
  std::string regex;    ///< RE2, every match on the path is replaced …
  std::string replace;  ///< … by this, \1 for groups
  bool set() const { return !path.empty() || !regex.empty(); }
  Mark mark;
};

struct ForwardAction {
  std::string service;
  Mark mark;
};
struct SplitAction {
  struct Part {
    std::string service;
    std::uint32_t weight = 0;
    Mark mark;
  };
  std::vector<Part> parts;
  std::string sticky_cookie, sticky_header;  ///< at most one is set
};
struct RedirectAction {
  std::string location;  ///< a template with {capture}
  int status = 302;
};
struct RespondAction {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};
using Action = std::variant<ForwardAction, SplitAction, RedirectAction, RespondAction>;

enum class SchemeMatch : std::uint8_t { any, http, https };

struct Route {
  std::string name;  ///< as given, or made from the conditions
  bool name_given = false;
  Mark mark;
  std::string config_path;  ///< "routes[3]"
  int priority = 0;
  std::vector<std::string> hosts;    ///< lower case, exact or "*.x"; empty: any
  std::vector<PathPattern> paths;    ///< empty: any
  std::vector<std::string> methods;  ///< upper case; empty: any
  std::vector<NamedMatch> headers, query;
  std::vector<Cidr> clients;
  std::vector<NamedMatch> client_cert;  ///< "subject", "san", "fingerprint" of PeerCertificate
  std::vector<std::string> listeners;   ///< empty: all
  SchemeMatch scheme = SchemeMatch::any;
  bool strip_path = false;
  bool websocket = true;              ///< WebSocket passes
  std::vector<std::string> upgrades;  ///< other protocols that a client may change to, in lower case
  bool preserve_host = false;
  Rewrite rewrite;
  Action action;
  Timeouts timeouts;
  RouteLimits limits;
  std::optional<Authentication> auth;  ///< instead of the service's
  std::vector<PluginUse> plugins;
};

/// A certificate and its key: PEM files. Relative names have become relative to the file that wrote them.
struct TlsCertificate {
  std::string cert, key;
  Mark cert_mark, key_mark;
  std::string ocsp;  ///< "" for none
  Mark ocsp_mark;
  std::size_t contents = 0;  ///< a hash of what the files held, 0 where they could not be read
};

enum class ClientAuth : std::uint8_t { none, optional, required };

struct CertificateHeaders {
  std::string subject, san, fingerprint;  ///< names of fields; "" for none
};
struct ClientAuthentication {
  ClientAuth mode = ClientAuth::none;
  std::string ca;   ///< a PEM file
  std::string crl;  ///< another, "" for none
  int depth = 4;    ///< authorities between the certificate and one of the ca's
  CertificateHeaders headers;
  Mark ca_mark, crl_mark;
  std::size_t contents = 0;  ///< a hash of what the files held
};

/// How a listener speaks TLS.
struct ListenerTls : TlsRules {
  std::vector<TlsCertificate> certificates;  ///< at least one
  ClientAuthentication client_auth;
  std::vector<std::string> alpn{"h2", "http/1.1"};  ///< what is spoken, the dearest first
  bool tickets = true;                              ///< sessions are resumed
};

struct Listener {
  std::string name;
  Mark mark;
  Address address;  ///< ip or unix_path
  bool proxy_protocol = false;
  bool http2 = true;
  std::optional<ListenerTls> tls;
  Limits limits;  ///< the gateway's, with the listener's own laid over
};

struct Admin {
  Address address;
  Secret token;  ///< "" for none
  std::optional<Address> probes;
  Mark mark;
};

struct AccessLog {
  bool enabled = true;
  std::string path = "stdout";      ///< a file, "stdout" or "stderr"
  std::string format = "json";      ///< "json" or a template with $field
  std::vector<std::string> claims;  ///< of verified tokens, each a name or names with "." between
  Mark mark;
};

struct Logging {
  std::string level = "info";  ///< trace debug info warn error
  AccessLog access;
};

struct Drain {
  Duration delay = Duration::zero();
  Duration timeout = std::chrono::seconds(30);
};

enum class ErrorFormat : std::uint8_t { json, problem, kong };

/// A whole gateway.
struct Model {
  std::uint32_t workers = 0;  ///< 0: auto
  std::vector<Listener> listeners;
  std::vector<Cidr> trusted_proxies;
  std::optional<Admin> admin;
  Logging logging;
  Limits limits;
  Drain drain;
  ErrorFormat error_format = ErrorFormat::json;
  bool underscores_in_headers = false;
  std::string default_service;  ///< "" for none
  std::vector<Service> services;
  std::vector<Route> routes;
  std::vector<PluginUse> plugins;  ///< for every route
  std::vector<Consumer> consumers;
  std::vector<Tier> tiers;
  std::optional<Redis> redis;
};

}  // namespace gatehouse::config
