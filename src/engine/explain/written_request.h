#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/control.h"
#include "engine/snapshot.h"

namespace gatehouse::engine::explaining {

/// An ExplainRequest as a client would have sent it.
struct WrittenRequest {
  std::string head;  ///< request line and fields, for http::RequestParser
  std::uint16_t listener = 0;
  IpAddress peer;
  std::unique_ptr<const PeerCertificate> certificate;  ///< of the client; null for none
  std::vector<std::string> notes;                      ///< what was understood in a way that may surprise
};

/// `error` is set, "" otherwise, where there is no such request: a bad method, header, address or listener.
WrittenRequest write_request(const config::Model& model, const ExplainRequest& request, std::string& error);

}  // namespace gatehouse::engine::explaining
