#include <algorithm>

#include "config/custom_kind.h"
#include "config/decode.h"
#include "config/load_values.h"

namespace gatehouse::config {
namespace {

Value<Address> local_address() {
  return custom<Address>(
      {.decode =
           [](const Node& node, const Where& at, Address& to) {
             const auto address = node.is_scalar() ? parse_address(node.text(), false) : std::nullopt;
             if (!address) {
               at.expected("an address such as 0.0.0.0:8080, [::1]:8080 or unix:/run/gatehouse.sock", node);
               return false;
             }
             to = *address;
             return true;
           },
       .type = "address",
       .schema = schema_of_type("string")});
}

Value<const Node*> listener_limits() {
  return custom<const Node*>({.decode =
                                  [](const Node& node, const Where& at, const Node*& to) {
                                    Limits ignored;
                                    to = &node;
                                    if (const Node* count = node.find("max_connections")) {
                                      at.key("max_connections", count->mark())
                                          .error("holds for the whole gateway; write it under the top-level limits");
                                    }
                                    return limits_options().decode(node, at, ignored);
                                  },
                              .type = "mapping",
                              .schema = limits_options().table()->schema(),
                              .allows_null = true});
}

const Options<AccessLog>& access_options() {
  static const auto table =
      Options<AccessLog>()
          .add("path", &AccessLog::path, non_empty(), "A file, `stdout` or `stderr`.")
          .add("format", &AccessLog::format, non_empty(),
               "`json`, or a text with `$field` for each field of the access log.")
          .add("claims", &AccessLog::claims, list_or_one(non_empty(), 1),
               "Claims of verified tokens that the field `claims` has: their names, or names with "
               "`.` between for one within another.");
  return table;
}

Value<AccessLog> access_log() {
  Node schema = Node::mapping();
  Node& forms = schema.set("anyOf", Node::sequence());
  forms.push(schema_of_type("boolean"));
  forms.push(access_options().table()->schema());
  return custom<AccessLog>({.decode =
                                [](const Node& node, const Where& at, AccessLog& to) {
                                  to.mark = node.mark();
                                  if (node.is_mapping()) return access_options().decode(node, at, to);
                                  if (node.is_scalar() && (node.text() == "false" || node.text() == "true")) {
                                    to.enabled = node.text() == "true";
                                    return true;
                                  }
                                  at.expected("false or a mapping", node);
                                  return false;
                                },
                            .type = "mapping or false",
                            .schema = schema,
                            .effective =
                                [](const Node& written) {
                                  return written.is_mapping() ? access_options().table()->effective(&written) : written;
                                },
                            .absent = [] { return access_options().table()->effective(nullptr); },
                            .allows_null = true,
                            .rows = access_options().table()});
}

const Options<Logging>& logging_options() {
  static const auto table =
      Options<Logging>()
          .add("level", &Logging::level, one_of({"trace", "debug", "info", "warn", "error"}),
               "What the diagnostic log shows.")
          .add("access", &Logging::access, access_log(), "The access log; `false` switches it off.");
  return table;
}

const Options<Drain>& drain_options() {
  static const auto table =
      Options<Drain>()
          .add("delay", &Drain::delay, duration(), "How long `/ready` fails before new connections are refused.")
          .add("timeout", &Drain::timeout, duration(), "After this, what is still under way is cut.");
  return table;
}

Value<std::uint32_t> worker_count() {
  return custom<std::uint32_t>(
      {.decode =
           [](const Node& node, const Where& at, std::uint32_t& to) {
             if (node.is_scalar() && node.text() == "auto") {
               to = 0;
               return true;
             }
             static const Value<std::uint32_t> kCount = integer(1, 1024);
             Diagnostics ignored;
             if (kCount.impl->decode(node, Where(ignored, "", node.mark()), &to)) return true;
             at.expected("auto or an integer between 1 and 1024", node);
             return false;
           },
       .type = "integer or auto",
       .print = [](const std::uint32_t& n) { return n ? Node::integer(n) : Node::word("auto"); }});
}

}  // namespace

const Options<Http2Limits>& http2_limits_options() {
  static const auto table =
      Options<Http2Limits>()
          .add("max_concurrent_streams", &Http2Limits::max_concurrent_streams, integer(1, 10'000),
               "Requests at a time on a connection; a further one is refused (REFUSED_STREAM).")
          .add("stream_window", &Http2Limits::stream_window, bytes32(16 << 10, 16 << 20),
               "Of a request's body, what may lie in the gateway; of a connection eight times as much.")
          .add("control_frames", &Http2Limits::control_frames, integer(10, 1'000'000),
               "Frames that ask for work and bring none, at once; more end the connection (ENHANCE_YOUR_CALM).")
          .add("control_frames_per_second", &Http2Limits::control_frames_per_second, integer(1, 1'000'000),
               "The same as time goes by.");
  return table;
}

const Options<Limits>& limits_options() {
  constexpr auto kTick = std::chrono::milliseconds(1);
  static const auto table =
      Options<Limits>()
          .add("request_line", &Limits::request_line, bytes32(64, 1 << 20),
               "Longest request line; a longer one is 414.")
          .add("max_header_bytes", &Limits::max_header_bytes, bytes32(256, 16 << 20),
               "All fields together; more is 431.")
          .add("max_headers", &Limits::max_headers, integer(1, 10'000), "Number of fields; more is 431.")
          .add("header_timeout", &Limits::header_timeout, duration(true, kTick), "Until a head is complete; then 408.")
          .add("idle_timeout", &Limits::idle_timeout, duration(true, kTick), "Between two requests on a connection.")
          .add("max_body", &Limits::max_body, bytes(true), "Largest request body; a larger one is 413.")
          .add("body_timeout", &Limits::body_timeout, duration(true, kTick),
               "Between two reads of a body, either side.")
          .add("max_connections", &Limits::max_connections, integer(0),
               "Connections at a time; 0 takes what the limit of open files allows.")
          .add("http2", &Limits::http2, http2_limits_options().nested(), "Of an HTTP/2 connection.");
  return table;
}

const Options<TlsCertificate>& certificate_options() {
  static const auto table =
      Options<TlsCertificate>()
          .require("cert", &TlsCertificate::cert, file_name(), "PEM file: the certificate, the chain behind it.")
          .require("key", &TlsCertificate::key, file_name(), "PEM file: its private key, without a passphrase.")
          .add("ocsp", &TlsCertificate::ocsp, file_name(),
               "DER file: what an OCSP responder said of it, to be shown to clients.");
  return table;
}

Value<std::string> field_name() {
  return string([](std::string_view text) {
    const bool token = !text.empty() && std::ranges::all_of(text, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    });
    return token ? "" : "must be the name of a header";
  });
}

const Options<CertificateHeaders>& certificate_headers_options() {
  static const auto table =
      Options<CertificateHeaders>()
          .add("subject", &CertificateHeaders::subject, field_name(), "Gets the subject, as RFC 2253 writes it.")
          .add("san", &CertificateHeaders::san, field_name(), "Gets the alternative names: `DNS:…,URI:…,email:…`.")
          .add("fingerprint", &CertificateHeaders::fingerprint, field_name(), "Gets the SHA-256 in lower-case hex.");
  return table;
}

const Options<ClientAuthentication>& client_auth_options() {
  static const auto table =
      Options<ClientAuthentication>()
          .add("mode", &ClientAuthentication::mode, choice<ClientAuth>({"none", "optional", "required"}),
               "Whether clients must show a certificate; one that is shown must be valid.")
          .add("ca", &ClientAuthentication::ca, file_name(), "PEM file: who signs clients' certificates.")
          .add("crl", &ClientAuthentication::crl, file_name(),
               "PEM file: lists of revoked certificates, one of each authority on the way.")
          .add("depth", &ClientAuthentication::depth, integer(0, 100),
               "How many authorities may stand between a certificate and one of `ca`.")
          .add("headers", &ClientAuthentication::headers, certificate_headers_options().nested(),
               "Header fields for services that say who the client is; taken out of what clients send.")
          .check([](const ClientAuthentication& auth, const Where& at) {
            if (auth.mode == ClientAuth::none && !auth.crl.empty())
              at.error("has a \"crl\", but asks for no certificates");
            if (auth.mode != ClientAuth::none && auth.ca.empty()) at.error("needs \"ca\": who signs the certificates");
          });
  return table;
}

const Options<ListenerTls>& tls_options() {
  static const auto table =
      with_tls_rules(Options<ListenerTls>())
          .require("certificates", &ListenerTls::certificates,
                   list(mapping_of<TlsCertificate>(certificate_options(),
                                                   [](const Node& node, const Where&, TlsCertificate& to) {
                                                     to.cert_mark = mark_of(node, "cert");
                                                     to.key_mark = mark_of(node, "key");
                                                     to.ocsp_mark = mark_of(node, "ocsp");
                                                   }),
                        1),
                   "Chosen by the name that the client asks for; the first where none fits.")
          .add("client_auth", &ListenerTls::client_auth,
               mapping_of<ClientAuthentication>(client_auth_options(),
                                                [](const Node& node, const Where&, ClientAuthentication& to) {
                                                  to.ca_mark = mark_of(node, "ca");
                                                  to.crl_mark = mark_of(node, "crl");
                                                }),
               "Certificates of clients.")
          .add("alpn", &ListenerTls::alpn, list(one_of({"h2", "http/1.1"}), 1),
               "What is spoken, the dearest first; clients choose among it by ALPN.")
          .add("tickets", &ListenerTls::tickets, boolean(), "Sessions are resumed by tickets.")
          .check([](const ListenerTls& tls, const Where& at) { check_tls_rules(tls, at); });
  return table;
}

const Options<WrittenListener>& listener_options() {
  static const auto table =
      Options<WrittenListener>()
          .add("name", &Listener::name, name(), "What routes and metrics call it; its address without one.")
          .require("address", &Listener::address, local_address(), "IP address and port, or `unix:` and a path.")
          .add("proxy_protocol", &Listener::proxy_protocol, boolean(),
               "Expects PROXY protocol v1 or v2 from trusted peers.")
          .add("tls", &Listener::tls,
               mapping_of<ListenerTls>(
                   tls_options(), [](const Node& node, const Where&, ListenerTls& to) { mark_tls_rules(node, to); }),
               "Speaks TLS; plain without it.")
          .add("http2", &Listener::http2, boolean(), "Speaks HTTP/2 besides HTTP/1.1, to clients that ask for it.")
          .add("limits", &WrittenListener::limits_node, listener_limits(),
               "Replaces the gateway's `limits`, key by key.")
          .later({"protocols", "protocol"})
          .check([](const WrittenListener& listener, const Where& at) {
            if (!listener.http2 && listener.tls && listener.tls->alpn == std::vector<std::string>{"h2"})
              at.error("offers only h2 by \"alpn\" and says http2: false");
          });
  return table;
}

Value<std::vector<WrittenListener>> listener_list() {
  return list(mapping_of<WrittenListener>(
      listener_options(), [](const Node& node, const Where&, WrittenListener& to) { to.mark = node.mark(); }));
}

const Options<Admin>& admin_options() {
  static const auto table =
      Options<Admin>()
          .require("address", &Admin::address, local_address(), "Where the admin API listens.")
          .add("token", &Admin::token, secret(), "Bearer token; needed unless the address is loopback.")
          .add("probes", &Admin::probes, local_address(),
               "An address that serves only `/health`, `/ready` and `/metrics`.")
          .later({"tls", "dashboard"})
          .check_node([](const Admin& admin, const Node& node, const Where& at) {
            const bool local = admin.address.kind == Address::Kind::unix_path || admin.address.ip.is_loopback();
            if (!local && admin.token.value.empty()) {
              const Node* address = node.find("address");
              at.key("address", address->mark())
                  .error("must be a loopback address without a token, got " + address->described());
            }
            if (admin.probes && *admin.probes == admin.address) {
              at.key("probes", node.find("probes")->mark()).error("is the admin address itself");
            }
          });
  return table;
}

Value<Reference> reference(std::string type) {
  return custom<Reference>({.decode =
                                [type](const Node& node, const Where& at, Reference& to) {
                                  if (!node.is_scalar() || node.text().empty()) {
                                    at.expected("the " + type, node);
                                    return false;
                                  }
                                  to = {node.text(), node.mark()};
                                  return true;
                                },
                            .type = type,
                            .schema = schema_of_type("string")});
}

const Options<WrittenModel>& root_options() {
  static const auto table =
      Options<WrittenModel>()
          .add("include", &WrittenModel::include, list_or_one(string()),
               "Further files with the same keys; `*` as in a shell. Lists are joined.")
          .add("workers", &Model::workers, worker_count(),
               "Threads; `auto` is one for each CPU that the process may use.")
          .add("listeners", &WrittenModel::written_listeners, listener_list(), "Where clients connect.")
          .add("trusted_proxies", &Model::trusted_proxies, list_or_one(cidr()), "Peers whose forwarding headers count.")
          .add("admin", &Model::admin,
               mapping_of<Admin>(admin_options(),
                                 [](const Node& node, const Where&, Admin& to) { to.mark = node.mark(); }),
               "The admin API; none without it.")
          .add("logging", &Model::logging, logging_options().nested(), "Diagnostics and access log.")
          .add("limits", &Model::limits, limits_options().nested(), "What a client may use up.")
          .add("drain", &Model::drain, drain_options().nested(), "How a shutdown goes.")
          .add("error_format", &Model::error_format, choice<ErrorFormat>({"json", "problem", "kong"}),
               "Form of the answers that the gateway makes itself.")
          .add("underscores_in_headers", &Model::underscores_in_headers, boolean(), "Keeps header names with `_`.")
          .add("default_service", &WrittenModel::default_service_reference, reference("name of a service"),
               "Where a route without an action goes.")
          .add("services", &WrittenModel::written_services, service_list(), "What stands behind the gateway.")
          .add("routes", &WrittenModel::written_routes, route_list(), "Which request goes where.")
          .add("plugins", &Model::plugins, plugin_list(), "Plugins for every route.")
          .add("consumers", &Model::consumers, consumer_list(), "Who calls, and what they prove themselves with.")
          .add("tiers", &WrittenModel::written_tiers, tier_map(),
               "Limits by name, for consumers and keys. `free`, `standard`, `premium` and `enterprise` (100, 1,000, "
               "10,000 and 100,000 an hour) are there until redefined.")
          .add("api_keys", &WrittenModel::api_keys, api_key_list(),
               "Keys that are consumers of their own; puts `key-auth` on every route.")
          .add("validation", &WrittenModel::validation, api_key_validation(),
               "Of `api_keys`: the options of `key-auth`, and `header_name` for its `key_names`.")
          .add("redis", &Model::redis, redis(), "The Redis of what keeps its state there.")
          .later({"import", "consul", "auth", "oauth", "env", "tls", "consumer_groups", "tracing", "retry", "health",
                  "circuit_breaker", "discovery", "tests"});
  return table;
}

}  // namespace gatehouse::config
