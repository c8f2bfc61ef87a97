#include "support/echo_service.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>

namespace gatehouse::test {

namespace json = boost::json;

namespace {

json::array to_json(const Fields& fields) {
  json::array list;
  for (const auto& [key, value] : fields.items()) list.push_back(json::array{json::string(key), json::string(value)});
  return list;
}

std::uint64_t query_number(std::string_view target, std::string_view key) {
  return std::strtoull(query_value(target, key).c_str(), nullptr, 10);
}

void answer_stream(ServiceExchange& exchange) {
  exchange.write("HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n");
  std::string piece;
  while (exchange.read_body(piece)) {
    if (!exchange.write(chunk(piece))) return;
    piece.clear();
  }
  exchange.write("0\r\n\r\n");
}

void answer_sized(ServiceExchange& exchange, std::uint64_t size, std::string_view fields, int status) {
  const std::string& target = exchange.head().target;
  bool chunked = query_number(target, "chunked") != 0;
  std::string head = "HTTP/1.1 " + std::to_string(status) + " Fine\r\n" + std::string(fields);
  head += chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "Content-Length: " + std::to_string(size) + "\r\n\r\n";
  if (!exchange.write(head) || exchange.head().method == "HEAD") return;
  constexpr std::uint64_t kPiece = 23 * 4096;
  std::uint64_t sum = kSumStart;
  for (std::uint64_t at = 0; at < size; at += kPiece) {
    std::string piece = pattern(static_cast<std::size_t>(std::min(kPiece, size - at)), at);
    sum = checksum(piece, sum);
    if (!exchange.write(chunked ? chunk(piece) : piece)) return;
  }
  if (!chunked) return;
  bool trailer = query_number(target, "trailer") != 0;
  exchange.write(trailer ? "0\r\nX-Sum: " + hex(sum) + "\r\n\r\n" : "0\r\n\r\n");
}

std::string describe(ServiceExchange& exchange, const std::string& service) {
  std::uint64_t length = 0, sum = kSumStart;
  std::string kept, piece;
  while (exchange.read_body(piece)) {
    length += piece.size();
    sum = checksum(piece, sum);
    if (kept.size() < 4096) kept += piece.substr(0, 4096 - kept.size());
    piece.clear();
  }
  const RequestHead& head = exchange.head();
  json::object result{{"service", service},
                      {"connection", exchange.connection()},
                      {"method", head.method},
                      {"target", head.target},
                      {"version", head.version},
                      {"headers", to_json(head.fields)},
                      {"length", length},
                      {"sum", hex(sum)},
                      {"trailers", to_json(exchange.trailers())}};
  if (length <= 4096) result["body"] = kept;
  return json::serialize(result);
}

void answer(ServiceExchange& exchange, const std::string& service) {
  const std::string& target = exchange.head().target;
  if (query_number(target, "interim") != 0) {
    exchange.write("HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n");
  }
  if (query_number(target, "stream") != 0) return answer_stream(exchange);
  bool early = query_number(target, "early") != 0;
  std::string text = early ? "early" : describe(exchange, service);
  if (std::uint64_t delay = query_number(target, "delay")) exchange.pause(Millis(delay));
  std::string fields = "Content-Type: application/json\r\nX-Service: " + service + "\r\n";
  if (std::string extra = query_value(target, "header"); !extra.empty()) fields += extra + "\r\n";
  if (early || query_number(target, "close") != 0) {
    exchange.close_after();
    fields += "Connection: close\r\n";
  }
  int status = static_cast<int>(query_number(target, "status"));
  if (status == 0) status = 200;
  if (query_value(target, "version") == "1.0") {
    exchange.close_after();
    exchange.write("HTTP/1.0 " + std::to_string(status) + " Fine\r\nX-Service: " + service + "\r\n\r\n" + text);
  } else if (std::uint64_t size = query_number(target, "size")) {
    answer_sized(exchange, size, fields, status);
  } else {
    exchange.respond(status, text, fields);
  }
}

Fields from_json(const json::value& list) {
  Fields fields;
  for (const json::value& pair : list.as_array()) {
    fields.add(std::string(pair.as_array()[0].as_string()), std::string(pair.as_array()[1].as_string()));
  }
  return fields;
}

}  // namespace

EchoService::EchoService(std::string name, Loopback family)
    : HttpService([name](ServiceExchange& exchange) { answer(exchange, name); }, family) {}

EchoService::EchoService(std::string name, std::string unix_path)
    : HttpService([name](ServiceExchange& exchange) { answer(exchange, name); }, std::move(unix_path)) {}

std::string query_value(std::string_view target, std::string_view key) {
  std::size_t mark = target.find('?');
  std::string_view rest = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  while (!rest.empty()) {
    std::size_t end = std::min(rest.find('&'), rest.size());
    std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (pair.starts_with(key) && pair.size() > key.size() && pair[key.size()] == '=') {
      return std::string(pair.substr(key.size() + 1));
    }
  }
  return {};
}

Echo::Echo(std::string_view text) {
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (error || !value.is_object() || !value.as_object().contains("headers")) return;
  const json::object& object = value.as_object();
  auto string = [&](std::string_view key) {
    const json::value* item = object.if_contains(key);
    return item != nullptr && item->is_string() ? std::string(item->as_string()) : std::string();
  };
  auto number = [&](std::string_view key) { return object.at(key).to_number<std::uint64_t>(); };
  service = string("service");
  method = string("method");
  target = string("target");
  version = string("version");
  body = string("body");
  sum = string("sum");
  length = number("length");
  connection = number("connection");
  fields = from_json(object.at("headers"));
  trailers = from_json(object.at("trailers"));
  parsed = true;
}

}  // namespace gatehouse::test
