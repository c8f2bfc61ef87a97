#pragma once
#include <map>
#include <string>
#include <string_view>

#include "support/http_service.h"

namespace gatehouse::test {

/// A service that answers with what it was sent, as JSON:
///
///     {"service": "a", "connection": 0, "method": "GET", "target": "/x", "version": "HTTP/1.1",
///      "headers": [["Host", "test"], …], "length": 5, "sum": "<checksum() in hex>", "body": "hello", "trailers": []}
///
/// ("body" only up to 4 KiB). The query of the target changes the answer:
/// `status=N`, `delay=MS`, `size=N` (a body of pattern() instead), `chunked=1`, `trailer=1` (X-Sum after a chunked
/// body), `close=1`, `early=1` (answers without reading the body, then closes), `interim=103`, `stream=1` (sends each
/// piece of the body back as it comes), `header=Name:Value`, `version=1.0` (answers as HTTP/1.0 until the end of the
/// connection).
class EchoService : public HttpService {
 public:
  explicit EchoService(std::string name = "echo", Loopback family = Loopback::v4);
  EchoService(std::string name, std::string unix_path);
};

/// The value of `key` in the query of `target`, "" if it is not there. Nothing is decoded.
std::string query_value(std::string_view target, std::string_view key);

/// What an EchoService said of a request.
struct Echo {
  explicit Echo(std::string_view json);
  bool parsed = false;
  std::string service, method, target, version, body, sum;
  std::uint64_t length = 0, connection = 0;
  Fields fields, trailers;
};

}  // namespace gatehouse::test
