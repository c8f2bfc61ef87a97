#pragma once
#include <cstdint>
#include <string>
#include <vector>

struct ssl_ctx_st;

namespace gatehouse::io {

/// What one side of TLS may choose from, as a server or as a client.
struct TlsRules {
  bool tls12 = true, tls13 = true;   ///< versions; at least one
  std::vector<std::string> ciphers;  ///< OpenSSL's or IANA's names; those of a version replace its defaults
  std::vector<std::string> curves;   ///< the dearest first; empty: X25519, P-256, P-384
};

/// What is wrong with a name in them.
struct TlsRulesFault {
  enum class List : std::uint8_t { ciphers, curves };
  List list = List::ciphers;
  bool warning = false;  ///< it can be used all the same
  std::string message;
};
std::vector<TlsRulesFault> check_rules(const TlsRules& rules);

/// Holds `context` to rules without faults, and to what both sides of the gateway always do: no renegotiation, no
/// compression, records read as they come, no passphrase asked for.
void apply_rules(ssl_ctx_st* context, const TlsRules& rules);

}  // namespace gatehouse::io
