#pragma once
#include <memory>
#include <string_view>

#include "base/peer_certificate.h"

struct x509_st;

namespace gatehouse::io {

/// What `certificate` says. Names that are no visible ASCII are left out: they could be read as something else.
std::unique_ptr<const PeerCertificate> certificate_facts(const x509_st* certificate);
/// The same of the first certificate in a PEM text; null where there is none.
std::unique_ptr<const PeerCertificate> certificate_facts(std::string_view pem);

}  // namespace gatehouse::io
