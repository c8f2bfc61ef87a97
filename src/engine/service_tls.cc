#include "engine/service_tls.h"

#include "engine/tls_rules.h"

namespace gatehouse::engine {

std::shared_ptr<const io::TlsClient> make_tls(const config::Service& service, std::size_t index,
                                              config::Diagnostics& out) {
  if (!config::is_tls(service.protocol)) return nullptr;
  const config::ServiceTls& tls = service.tls;
  const std::string path = "services[" + std::to_string(index) + "].tls";
  const std::optional<io::TlsRules> rules = make_tls_rules(tls, path, out);
  if (!rules) return nullptr;
  std::vector<io::TlsFileFault> faults;
  auto made =
      io::TlsClient::make({tls.verify, tls.ca, tls.cert, tls.key, config::is_http2(service.protocol), *rules}, faults);
  for (const io::TlsFileFault& fault : faults) {
    using File = io::TlsFileFault::File;
    const bool ca = fault.file == File::ca, cert = fault.file == File::cert;
    const std::string& file = ca ? tls.ca : cert ? tls.cert : tls.key;
    if (file.empty()) {
      out.warning(service.tls_mark, path, fault.message);  // the system's
      continue;
    }
    const config::Mark& mark = ca ? tls.ca_mark : cert ? tls.cert_mark : tls.key_mark;
    const std::string place = path + (ca ? ".ca" : cert ? ".cert" : ".key");
    const std::string message = "\"" + file + "\": " + fault.message;
    fault.warning ? out.warning(mark, place, message) : out.error(mark, place, message);
  }
  if (!tls.verify) {
    out.warning(service.tls_mark, path + ".verify",
                "anyone can pass for this service: its certificate is not verified");
  }
  return made;
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
