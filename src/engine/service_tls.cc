#include "engine/service_tls.h"

#include "engine/tls_rules.h"

namespace gatehouse::engine {

namespace {

/// `what` it is that is spoken to, `mark` where nothing nearer is known.
std::shared_ptr<const io::TlsClient> make(const config::ServiceTls& tls, const std::string& path,
                                          const config::Mark& tls_mark, bool http2, const char* what,
                                          config::Diagnostics& out) {
  const std::optional<io::TlsRules> rules = make_tls_rules(tls, path, out);
  if (!rules) return nullptr;
  std::vector<io::TlsFileFault> faults;
  auto made = io::TlsClient::make({tls.verify, tls.ca, tls.cert, tls.key, http2, *rules}, faults);
  for (const io::TlsFileFault& fault : faults) {
    using File = io::TlsFileFault::File;
    const bool ca = fault.file == File::ca, cert = fault.file == File::cert;
    const std::string& file = ca ? tls.ca : cert ? tls.cert : tls.key;
    if (file.empty()) {
      out.warning(tls_mark, path, fault.message);  // the system's
      continue;
    }
    const config::Mark& mark = ca ? tls.ca_mark : cert ? tls.cert_mark : tls.key_mark;
    const std::string place = path + (ca ? ".ca" : cert ? ".cert" : ".key");
    const std::string message = "\"" + file + "\": " + fault.message;
    fault.warning ? out.warning(mark, place, message) : out.error(mark, place, message);
  }
  if (!tls.verify) {
    out.warning(tls_mark, path + ".verify",
                std::string("anyone can pass for this ") + what + ": its certificate is not verified");
  }
  return made;
}

}  // namespace

std::shared_ptr<const io::TlsClient> make_tls(const config::Service& service, std::size_t index,
                                              config::Diagnostics& out) {
  if (!config::is_tls(service.protocol)) return nullptr;
  return make(service.tls, "services[" + std::to_string(index) + "].tls", service.tls_mark,
              config::is_http2(service.protocol), "service", out);
}

std::shared_ptr<const io::TlsClient> make_tls(const config::Redis& redis, config::Diagnostics& out) {
  if (!redis.tls) return nullptr;
  return make(*redis.tls, "redis.tls", redis.tls_mark, false, "server", out);
}

std::string tls_key(const config::ServiceTls& tls, bool http2) {
  const std::string trust = tls.ca.empty() ? std::to_string(io::system_authorities_version()) : tls.ca;
  std::string rules = tls.min_version + tls.max_version;
  for (const std::string& name : tls.ciphers) rules += ' ' + name;
  for (const std::string& name : tls.curves) rules += ' ' + name;
  return rules + '\n' + std::to_string(tls.verify) + ' ' + std::to_string(http2) + '\n' + trust + '\n' + tls.cert +
         '\n' + tls.key + '\n' + std::to_string(tls.contents);
}

std::string tls_host(const config::Service& service, const config::Target& target) {
  using Kind = config::Address::Kind;
  if (!service.tls.sni.empty()) return service.tls.sni;
  switch (target.address.kind) {
    case Kind::name:
      return target.address.host;
    case Kind::ip:
      return target.address.ip.text();
    default:
      return "";
  }
}

}  // namespace gatehouse::engine
