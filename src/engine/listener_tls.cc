#include "engine/listener_tls.h"

#include <functional>

#include "engine/service_tls.h"
#include "engine/tls_rules.h"

namespace gatehouse::engine {

std::shared_ptr<const io::TlsServer> make_tls(const config::Listener& listener, std::size_t index,
                                              config::Diagnostics& out) {
  if (!listener.tls) return nullptr;
  const config::ListenerTls& tls = *listener.tls;
  const std::string path = "listeners[" + std::to_string(index) + "].tls";
  const std::optional<io::TlsRules> rules = make_tls_rules(tls, path, out);
  if (!rules) return nullptr;
  io::TlsServerSettings settings;
  for (const config::TlsCertificate& each : tls.certificates)
    settings.certificates.push_back({each.cert, each.key, each.ocsp});
  settings.rules = *rules;
  settings.client_auth = static_cast<io::TlsServerSettings::ClientAuth>(tls.client_auth.mode);
  settings.client_ca = tls.client_auth.ca;
  settings.client_crl = tls.client_auth.crl;
  settings.client_depth = tls.client_auth.depth;
  settings.alpn = tls.alpn;
  if (!listener.http2) std::erase(settings.alpn, "h2");
  settings.tickets = tls.tickets;
  // A session stays good as long as clients have to prove the same, on this listener.
  const std::string proof = listener.name + '\n' + std::to_string(static_cast<int>(tls.client_auth.mode)) + '\n' +
                            std::to_string(tls.client_auth.contents) + '\n' + std::to_string(tls.client_auth.depth) +
                            '\n' + tls.min_version + tls.max_version;
  settings.session_context = std::to_string(std::hash<std::string>()(proof));

  std::vector<io::TlsFault> faults;
  auto made = io::TlsServer::make(settings, faults);
  for (const io::TlsFault& fault : faults) {
    using Where = io::TlsFault::Where;
    const config::TlsCertificate& certificate = tls.certificates[fault.certificate];
    const config::ClientAuthentication& auth = tls.client_auth;
    const std::string of_certificate = "certificates[" + std::to_string(fault.certificate) + "].";
    struct Place {
      const config::Mark& mark;
      const std::string& file;
      std::string key;
    };
    const Place place =
        fault.where == Where::cert        ? Place{certificate.cert_mark, certificate.cert, of_certificate + "cert"}
        : fault.where == Where::key       ? Place{certificate.key_mark, certificate.key, of_certificate + "key"}
        : fault.where == Where::ocsp      ? Place{certificate.ocsp_mark, certificate.ocsp, of_certificate + "ocsp"}
        : fault.where == Where::client_ca ? Place{auth.ca_mark, auth.ca, "client_auth.ca"}
                                          : Place{auth.crl_mark, auth.crl, "client_auth.crl"};
    const config::Mark& mark = place.mark;
    const std::string& file = place.file;
    const std::string message = "\"" + file + "\": " + fault.message;
    const std::string key = path + "." + place.key;
    fault.warning ? out.warning(mark, key, message) : out.error(mark, key, message);
  }
  return made;
}

void check_tls(const config::Model& model, config::Diagnostics& out) {
  for (std::size_t i = 0; i < model.listeners.size(); ++i) make_tls(model.listeners[i], i, out);
  for (std::size_t i = 0; i < model.services.size(); ++i) make_tls(model.services[i], i, out);
  if (model.redis) make_tls(*model.redis, out);
}

}  // namespace gatehouse::engine
