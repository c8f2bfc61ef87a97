#include <algorithm>

#include "config/custom_kind.h"
#include "config/decode.h"

namespace gatehouse::config {
namespace {

constexpr auto kTick = std::chrono::milliseconds(1);

const Options<Target>& target_options() {
  static const auto table =
      Options<Target>()
          .require("address", &Target::address, target_address(),
                   "IP address or name with port, or `unix:` and a path.")
          .add("weight", &Target::weight, integer(0, 1'000'000), "Its share of the requests; 0 takes it out of turn.")
          .later({"tls", "zone", "priority"});
  return table;
}

struct Dns {
  std::string name;
  std::uint16_t port = 0;
};
const Options<Dns>& dns_options() {
  static const auto table =
      Options<Dns>()
          .require("name", &Dns::name,
                   string([](std::string_view text) { return is_host_name(text) ? "" : "must be a DNS name"; }),
                   "A DNS name.")
          .require("port", &Dns::port, integer(1, 65535), "The port of every address.")
          .later({"type", "refresh", "resolver"});
  return table;
}

struct Discovery {
  std::optional<Dns> dns;
};
const Options<Discovery>& discovery_options() {
  static const auto table = Options<Discovery>()
                                .add("dns", &Discovery::dns, dns_options().nested(), "Addresses of a DNS name.")
                                .later({"consul", "kubernetes", "etcd", "eureka", "nacos", "file"})
                                .check([](const Discovery& discovery, const Where& at) {
                                  if (!discovery.dns) at.error("needs \"dns\"");
                                });
  return table;
}

Value<Target> discovered() {
  return custom<Target>(
      {.decode =
           [](const Node& node, const Where& at, Target& to) {
             Discovery discovery;
             if (!discovery_options().decode(node, at, discovery)) return false;
             to.mark = node.mark();
             to.address.kind = Address::Kind::name;
             to.address.host = lower(discovery.dns->name);
             to.address.port = discovery.dns->port;
             return true;
           },
       .type = "mapping",
       .schema = discovery_options().table()->schema(),
       .effective = [](const Node& written) { return discovery_options().table()->effective(&written); },
       .rows = discovery_options().table()});
}

/// One of the words that are built; `later` are the known ones that are not.
Value<std::string> word_with_later(std::vector<std::string> now, std::vector<std::string> later) {
  Node schema = Node::mapping();
  Node& words = schema.set("enum", Node::sequence());
  std::string type;
  for (const std::string& word : now) {
    words.push(Node::string(word));
    type += (type.empty() ? "" : " \\| ") + word;
  }
  return custom<std::string>({.decode =
                                  [now, later, type](const Node& node, const Where& at, std::string& to) {
                                    to = node.text();
                                    if (node.is_scalar() && std::ranges::find(now, to) != now.end()) return true;
                                    if (node.is_scalar() && std::ranges::find(later, to) != later.end()) {
                                      at.error("\"" + to + "\" is not supported yet");
                                    } else {
                                      at.expected(type, node);
                                    }
                                    return false;
                                  },
                              .type = type,
                              .schema = schema,
                              .print = [](const std::string& v) { return Node::word(v); }});
}

struct Balancing {
  std::string algorithm = "round-robin";
};
const Options<Balancing>& balancing_options() {
  static const auto table =
      Options<Balancing>()
          .add("algorithm", &Balancing::algorithm,
               word_with_later({"round-robin"},
                               {"least-connections", "random", "ip-hash", "consistent-hashing", "ewma", "least-latency",
                                "maglev", "hash", "peak-ewma", "power-of-two", "weighted-round-robin"}),
               "How a target is chosen.")
          .later({"hash_on", "hash", "slow_start", "sticky", "zone"});
  return table;
}
Value<std::string> balancing() {
  return custom<std::string>({.decode =
                                  [](const Node& node, const Where& at, std::string& to) {
                                    Balancing decoded;
                                    const bool good = balancing_options().decode(node, at, decoded);
                                    to = decoded.algorithm;
                                    return good;
                                  },
                              .type = "mapping",
                              .schema = balancing_options().table()->schema(),
                              .absent = [] { return balancing_options().table()->effective(nullptr); },
                              .allows_null = true,
                              .rows = balancing_options().table()});
}

const Options<Pool>& pool_options() {
  static const auto table =
      Options<Pool>()
          .add("max_connections", &Pool::max_connections, integer(1), "Connections to a target, all workers together.")
          .add("max_idle", &Pool::max_idle, integer(0), "Idle connections that are kept.")
          .add("idle_timeout", &Pool::idle_timeout, duration(true), "How long an idle connection is kept.")
          .add("queue", &Pool::queue, integer(0), "Requests that may wait for a connection; more are 503.")
          .add("queue_timeout", &Pool::queue_timeout, duration(true), "How long one may wait.");
  return table;
}

Options<Timeouts> timeouts_table(bool with_defaults) {
  Options<Timeouts> table;
  const auto shown = [&](const char* text) {
    if (with_defaults) table.shown_default(Node::word(text));
  };
  table.add("connect", &Timeouts::connect, duration(false, kTick), "Until a connection to an address stands.");
  shown("5s");
  table.add("send", &Timeouts::send, duration(true, kTick), "Between two writes to the service.");
  shown("30s");
  table.add("read", &Timeouts::read, duration(true, kTick), "Between two reads from the service.");
  shown("30s");
  table.add("total", &Timeouts::total, duration(true, kTick), "From the request to the end of the response.");
  shown("off");
  table.add("stream_idle", &Timeouts::stream_idle, duration(true, kTick),
            "Instead of `read` and `total` for event streams, gRPC and upgraded connections.");
  shown("1h");
  return table;
}
const Options<Timeouts>& service_timeouts() {
  static const auto table = timeouts_table(true);
  return table;
}

const Options<ServiceTls>& service_tls_options() {
  static const auto table =
      with_tls_rules(Options<ServiceTls>())
          .add("verify", &ServiceTls::verify, boolean(),
               "Whether the service must show a certificate that is believed.")
          .add("sni", &ServiceTls::sni,
               string([](std::string_view text) { return is_host_name(text) ? "" : "must be a DNS name"; }),
               "The name that is asked for and verified, instead of the target's.")
          .add("ca", &ServiceTls::ca, file_name(),
               "PEM file: who signs the certificates, instead of the system's authorities.")
          .add("cert", &ServiceTls::cert, file_name(),
               "PEM file: the certificate that the gateway shows, and its chain.")
          .add("key", &ServiceTls::key, file_name(), "PEM file: its private key, without a passphrase.")
          .later({"alpn", "crl", "depth"})
          .check([](const ServiceTls& tls, const Where& at) {
            check_tls_rules(tls, at);
            if (tls.cert.empty() != tls.key.empty()) at.error("needs both \"cert\" and \"key\", or neither");
            if (!tls.verify && !tls.ca.empty()) at.error("cannot have \"ca\" where nothing is verified");
          });
  return table;
}

/// What a URL's scheme or `protocol` says is spoken.
std::optional<Protocol> protocol_named(std::string_view word) {
  if (word == "http") return Protocol::http;
  if (word == "https") return Protocol::https;
  if (word == "h2c" || word == "grpc") return Protocol::h2c;
  if (word == "h2" || word == "grpcs") return Protocol::h2;
  return std::nullopt;
}

/// Sets targets, authority, protocol and base path from `url`; a fault is reported at its place.
bool take_url(WrittenService& service, const Where& at) {
  const std::string& url = service.written_url.name;
  const auto refuse = [&](const std::string& what) {
    // A password has no place in a log.
    const std::size_t slashes = url.find("://"), sign = url.rfind('@');
    const bool hidden = slashes != std::string::npos && sign != std::string::npos;
    at.error(what + ", got \"" + (hidden ? url.substr(0, slashes + 3) + "***" + url.substr(sign) : url) + "\"");
    return false;
  };
  service.url = url;
  Target target;
  target.mark = service.written_url.mark;
  if (url.starts_with("unix:")) {
    const auto address = parse_address(url, false);
    if (!address) return refuse("must be unix: and a path of at most 107 bytes");
    target.address = *address;
    service.authority = "localhost";
    service.targets.push_back(std::move(target));
    return true;
  }
  const std::size_t scheme_end = url.find("://");
  const std::string scheme = lower(url.substr(0, scheme_end == std::string::npos ? 0 : scheme_end));
  const std::optional<Protocol> spoken = protocol_named(scheme);
  if (!spoken) return refuse("must be a URL such as http://127.0.0.1:9001, or unix: and a path");
  const std::string rest = url.substr(scheme_end + 3);
  const std::size_t slash = rest.find('/');
  const std::string authority = rest.substr(0, slash);
  std::string path = slash == std::string::npos ? "" : rest.substr(slash);
  if (rest.find_first_of("?#") != std::string::npos) return refuse("must not have a query or fragment");
  if (authority.contains('@')) return refuse("must not have a user name or password");
  if (std::ranges::any_of(path, [](unsigned char c) { return c <= 0x20 || c >= 0x7f; })) {
    return refuse("must have a path without spaces and control characters");
  }
  const bool has_port = authority.rfind(':') != std::string::npos && !authority.ends_with(']');
  const auto address = parse_address(has_port ? authority : authority + (is_tls(*spoken) ? ":443" : ":80"), true);
  if (!address || address->kind == Address::Kind::unix_path || address->port == 0) {
    return refuse("must be a URL with a host and a port from 1 to 65535");
  }
  while (path.ends_with('/')) path.pop_back();
  service.protocol = *spoken;
  service.authority = authority;
  service.base_path = std::move(path);
  target.address = *address;
  service.targets.push_back(std::move(target));
  return true;
}

bool finish_service(const Node& node, const Where& at, WrittenService& service, bool good) {
  int sources = 0;
  for (const char* key : {"url", "targets", "discovery"}) {
    if (node.find(key)) ++sources;
  }
  if (sources != 1) {
    at.error(sources == 0 ? "needs one of \"url\", \"targets\" and \"discovery\""
                          : "must have only one of \"url\", \"targets\" and \"discovery\"");
    good = false;
  } else if (!service.written_url.name.empty()) {
    good = take_url(service, at.key("url", service.written_url.mark)) && good;
  } else if (service.dns) {
    service.targets = {*service.dns};
  }
  if (node.find("protocol")) {
    service.protocol = protocol_named(service.written_protocol).value_or(Protocol::http);
  }
  service.tls_mark = mark_of(node, "tls");
  if (node.find("tls") && !is_tls(service.protocol)) {
    at.key("tls", service.tls_mark).error("needs a service that speaks TLS: https, h2 or grpcs");
    good = false;
  }
  if (is_tls(service.protocol) && service.tls.verify && service.tls.sni.empty()) {
    for (const Target& target : service.targets) {
      if (target.address.kind != Address::Kind::unix_path) continue;
      at.error("needs \"tls: {sni: …}\": a Unix socket has no name that could be verified");
      good = false;
      break;
    }
  }
  const bool out_of_turn =
      std::ranges::all_of(service.targets, [](const Target& target) { return target.weight == 0; });
  if (!service.targets.empty() && out_of_turn) {
    at.key("targets", node.mark()).error("needs a target with a weight above 0");
    good = false;
  }
  Timeouts& times = service.timeouts;
  times.connect = times.connect.value_or(std::chrono::seconds(5));
  times.send = times.send.value_or(std::chrono::seconds(30));
  times.read = times.read.value_or(std::chrono::seconds(30));
  times.total = times.total.value_or(kOff);
  times.stream_idle = times.stream_idle.value_or(std::chrono::hours(1));
  return good;
}

}  // namespace

Value<Address> target_address() {
  return custom<Address>(
      {.decode =
           [](const Node& node, const Where& at, Address& to) {
             const auto address = node.is_scalar() ? parse_address(node.text(), true) : std::nullopt;
             if (!address || (address->kind == Address::Kind::ip && address->port == 0)) {
               at.expected("an address such as 10.0.0.1:9002, items.internal:9003 or unix:/run/x.sock", node);
               return false;
             }
             to = *address;
             return true;
           },
       .type = "address",
       .schema = schema_of_type("string")});
}

Value<ServiceTls> service_tls() {
  return mapping_of<ServiceTls>(service_tls_options(), [](const Node& written, const Where&, ServiceTls& to) {
    mark_tls_rules(written, to);
    to.ca_mark = mark_of(written, "ca");
    to.cert_mark = mark_of(written, "cert");
    to.key_mark = mark_of(written, "key");
  });
}

const Options<Timeouts>& route_timeouts() {
  static const auto table = timeouts_table(false);
  return table;
}

const Options<WrittenService>& service_options() {
  static const auto table =
      Options<WrittenService>()
          .require("name", &Service::name, name(), "What routes call it.")
          .add("url", &WrittenService::written_url, reference("URL"),
               "`http://host:port/base` or `unix:/path`; a host name is resolved and watched.")
          .add("targets", &Service::targets,
               list(mapping_of<Target>(target_options(),
                                       [](const Node& node, const Where&, Target& to) { to.mark = node.mark(); }),
                    1),
               "Several addresses instead of a URL.")
          .add("discovery", &WrittenService::dns, discovered(), "Where addresses come from, instead of a URL.")
          .add("protocol", &WrittenService::written_protocol, one_of({"http", "https", "h2c", "h2", "grpc", "grpcs"}),
               "What is spoken to the targets: HTTP/1.1 or HTTP/2 (`h2c`, `h2`, `grpc`, `grpcs`), with TLS (`https`, "
               "`h2`, `grpcs`) or without. Overrides the URL's "
               "scheme.")
          .add("tls", &Service::tls, service_tls(), "How TLS is spoken to the targets.")
          .add("load_balancing", &WrittenService::algorithm, balancing(), "How a target is chosen.")
          .add("timeouts", &Service::timeouts, service_timeouts().nested(), "How long each step may take.")
          .add("pool", &Service::pool, pool_options().nested(), "Connections to the targets.")
          .add("auth", &Service::auth, authentication(), "As a route's, for those that have none.")
          .add("plugins", &Service::plugins, plugin_list(), "Plugins for the routes that lead here.")
          .later({"health", "circuit_breaker", "retry", "websocket", "upgrade", "resolve", "zone", "limits",
                  "proxy_protocol", "validation"});
  return table;
}

Value<std::vector<WrittenService>> service_list() {
  return list(mapping_of<WrittenService>(
      service_options(), [](const Node& node, const Where&, WrittenService& to) { to.mark = node.mark(); },
      finish_service));
}

}  // namespace gatehouse::config
