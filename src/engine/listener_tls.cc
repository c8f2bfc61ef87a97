#include "engine/listener_tls.h"

#include <functional>

#include "engine/service_tls.h"

namespace gatehouse::engine {

std::shared_ptr<const io::TlsServer> make_tls(const config::Listener& listener, std::size_t index,
                                              config::Diagnostics& out) {
  if (!listener.tls) return nullptr;
  const config::ListenerTls& tls = *listener.tls;
  io::TlsServerSettings settings;
  for (const config::TlsCertificate& each : tls.certificates) settings.certificates.push_back({each.cert, each.key});
  settings.only_1_3 = tls.min_version == "1.3";
  settings.client_auth = static_cast<io::TlsServerSettings::ClientAuth>(tls.client_auth.mode);
  settings.client_ca = tls.client_auth.ca;
  settings.alpn = tls.alpn;
  settings.tickets = tls.tickets;
  // A session stays good as long as clients have to prove the same, on this listener.
  const std::string proof = listener.name + '\n' + std::to_string(static_cast<int>(tls.client_auth.mode)) + '\n' +
                            std::to_string(tls.client_auth.contents) + '\n' + tls.min_version;
  settings.session_context = std::to_string(std::hash<std::string>()(proof));

  std::vector<io::TlsFault> faults;
  auto made = io::TlsServer::make(settings, faults);
  for (const io::TlsFault& fault : faults) {
    using Where = io::TlsFault::Where;
    const config::TlsCertificate& certificate = tls.certificates[fault.certificate];
    const bool in_cert = fault.where == Where::cert, in_ca = fault.where == Where::client_ca;
    const config::Mark& mark = in_cert ? certificate.cert_mark : in_ca ? tls.client_auth.ca_mark : certificate.key_mark;
    const std::string& file = in_cert ? certificate.cert : in_ca ? tls.client_auth.ca : certificate.key;
    std::string path = "listeners[" + std::to_string(index) + "].tls.";
    if (in_ca) {
      path += "client_auth.ca";
    } else {
      path += "certificates[" + std::to_string(fault.certificate) + (in_cert ? "].cert" : "].key");
    }
    const std::string message = "\"" + file + "\": " + fault.message;
    fault.warning ? out.warning(mark, path, message) : out.error(mark, path, message);
  }
  return made;
}

void check_tls(const config::Model& model, config::Diagnostics& out) {
  for (std::size_t i = 0; i < model.listeners.size(); ++i) make_tls(model.listeners[i], i, out);
  for (std::size_t i = 0; i < model.services.size(); ++i) make_tls(model.services[i], i, out);
}

}  // namespace gatehouse::engine
