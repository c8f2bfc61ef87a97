#pragma once
#include <string>

namespace gatehouse {

/// What a client's verified certificate says, ready to be written into a header or a log: visible ASCII.
struct PeerCertificate {
  std::string subject;      ///< RFC 2253: "CN=ada,O=Shop"
  std::string fingerprint;  ///< SHA-256 of the certificate, in lower-case hex
  std::string names;        ///< subject alternative names: "DNS:ada.test,URI:spiffe://shop/ada,email:ada@shop.test"
};

}  // namespace gatehouse
