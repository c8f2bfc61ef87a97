#include "support/raw_client.h"

#include <sys/socket.h>

#include <algorithm>

namespace gatehouse::test {

bool RawClient::send(std::string_view bytes, const Deadline& deadline) {
  return write_all(fd_.get(), bytes, deadline);
}

std::uint64_t RawClient::send_pattern(std::uint64_t total, const Deadline& deadline, std::uint64_t offset) {
  constexpr std::uint64_t kPiece = 23 * 4096;
  std::uint64_t sent = 0;
  while (sent < total) {
    std::uint64_t size = std::min(kPiece, total - sent);
    if (!send(pattern(static_cast<std::size_t>(size), offset + sent), deadline)) break;
    sent += size;
  }
  return sent;
}

void RawClient::half_close() {
  ::shutdown(fd_.get(), SHUT_WR);
}

bool RawClient::more(const Deadline& deadline) {
  if (end_ == End::eof || end_ == End::reset) return false;
  end_ = fd_ ? read_some(fd_.get(), buffer_, deadline) : End::reset;
  return end_ == End::open;
}

Response RawClient::read_head(const Deadline& deadline) {
  Response response;
  std::size_t length = 0;
  while ((length = head_length(buffer_)) == std::string_view::npos) {
    if (!more(deadline)) {
      response.end = end_;
      response.problem = "no whole head came, only: " + buffer_.substr(0, 200);
      return response;
    }
  }
  if (!parse_response_head(std::string_view(buffer_).substr(0, length), response)) {
    response.problem = "no response head: " + buffer_.substr(0, 200);
    response.status = 0;
    return response;
  }
  take(length);
  return response;
}

Response RawClient::read_response(bool to_head_request, const Deadline& deadline) {
  std::vector<Response> interim;
  Response response = read_head(deadline);
  while (response.status >= 100 && response.status < 200 && response.status != 101) {
    interim.push_back(std::move(response));
    response = read_head(deadline);
  }
  response.interim = std::move(interim);
  if (response.status == 0) return response;
  BodyDecoder decoder = BodyDecoder::for_response(response, to_head_request);
  for (;;) {
    take(decoder.decode(buffer_, response.body));
    if (decoder.done() || decoder.bad() || !more(deadline)) break;
  }
  response.complete = decoder.done() || (decoder.framing() == BodyDecoder::Framing::until_close && end_ == End::eof);
  if (decoder.bad()) response.problem = "bad chunked framing";
  response.trailers = decoder.trailers();
  response.end = end_;
  return response;
}

RawClient::BodySum RawClient::read_body_sum(const Response& head, const Deadline& deadline) {
  BodySum result;
  BodyDecoder decoder = BodyDecoder::for_response(head, false);
  std::string piece;
  for (;;) {
    piece.clear();
    take(decoder.decode(buffer_, piece));
    result.length += piece.size();
    result.sum = checksum(piece, result.sum);
    if (decoder.done() || decoder.bad() || !more(deadline)) break;
  }
  result.complete = decoder.done() || (decoder.framing() == BodyDecoder::Framing::until_close && end_ == End::eof);
  result.end = end_;
  return result;
}

std::string RawClient::read_exactly(std::size_t count, const Deadline& deadline) {
  while (buffer_.size() < count && more(deadline)) {
  }
  std::string bytes = buffer_.substr(0, count);
  take(bytes.size());
  return bytes;
}

std::string RawClient::read_until_end(const Deadline& deadline) {
  wait_end(deadline);
  return std::exchange(buffer_, {});
}

End RawClient::wait_end(const Deadline& deadline) {
  while (more(deadline)) {
  }
  return end_;
}

bool RawClient::wait_for(std::string_view text, const Deadline& deadline) {
  while (buffer_.find(text) == std::string::npos) {
    if (!more(deadline)) return false;
  }
  return true;
}

bool RawClient::silent() {
  return buffer_.empty() && wait_readable(fd_.get(), Deadline(Millis(0))) == Ready::timeout;
}

std::string request(std::string_view method, std::string_view target, std::string_view fields, std::string_view body,
                    std::string_view host) {
  std::string text = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: " + std::string(host) +
                     "\r\n" + std::string(fields);
  if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + std::string(body);
}

Response ask(std::uint16_t port, std::string_view bytes, bool to_head_request, const Deadline& deadline) {
  RawClient client(port);
  client.send(bytes, deadline);
  return client.read_response(to_head_request, deadline);
}

Response get(std::uint16_t port, std::string_view target, std::string_view fields) {
  return ask(port, request("GET", target, fields));
}

}  // namespace gatehouse::test
