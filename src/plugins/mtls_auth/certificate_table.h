#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/arena.h"
#include "base/peer_certificate.h"
#include "plugin/consumer.h"

namespace gatehouse::plugins::mtls_auth {

/// What a certificate can be known by; what comes first counts before what comes behind.
enum class Mark : std::uint8_t { fingerprint, san_dns, san_email, san_uri, subject };

/// `text` in the one form in which marks are compared: a fingerprint without colons and in lower case, names of hosts
/// in lower case, a subject as RFC 4514 writes it, without spaces between its parts. In the arena.
std::string_view normal_form(Mark mark, std::string_view text, Arena& arena);

/// "" or why no certificate has such a mark.
std::string check_mark(Mark mark, std::string_view text);

/// Credentials by the marks of certificates. Immutable, any thread.
class CertificateTable {
 public:
  /// `text` need not be in normal form.
  void add(Mark mark, std::string_view text, const plugin::Credential& credential);

  struct Match {
    const plugin::Credential* credential = nullptr;  ///< null for none
    bool ambiguous = false;                          ///< its names are of several consumers
  };
  /// By its fingerprint, or else by its names, or else by its subject.
  Match find(const PeerCertificate& certificate, Arena& arena) const;

 private:
  const plugin::Credential* look(Mark mark, std::string_view text, Arena& arena) const;

  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, const plugin::Credential*, Hash, std::equal_to<>> by_mark_;
};

}  // namespace gatehouse::plugins::mtls_auth
