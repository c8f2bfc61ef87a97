#pragma once
#include <cstdint>
#include <string_view>

#include "base/ip_address.h"
#include "http/h1_parser.h"

namespace gatehouse::http {

/// What a PROXY protocol header says (HAProxy's proxy-protocol.txt, versions 1 and 2).
struct ProxyHeader {
  bool local = false;  ///< LOCAL or UNKNOWN: the connection's own addresses hold
  IpAddress source;
  std::uint16_t source_port = 0;
  IpAddress destination;
  std::uint16_t destination_port = 0;
  std::size_t size = 0;  ///< bytes that the header took
};

/// Parses the header at the start of `bytes`; `incomplete` asks for more (at most 107 bytes for version 1, 16 + 4096
/// for 2). TLVs of version 2 are skipped. A Unix-socket address family counts as local.
Parse parse_proxy_header(std::string_view bytes, ProxyHeader& header);

}  // namespace gatehouse::http
