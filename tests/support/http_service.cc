#include "support/http_service.h"

namespace gatehouse::test {

namespace {
const Deadline patient() {
  return Deadline(std::chrono::hours(1));
}
}  // namespace

bool ServiceExchange::read_body(std::string& piece) {
  while (!decoder_.done() && !decoder_.bad()) {
    std::size_t before = piece.size();
    buffer_.erase(0, decoder_.decode(buffer_, piece));
    if (piece.size() > before) return true;
    if (decoder_.done()) break;
    if (read_some(fd_, buffer_, patient(), stop_, 256 * 1024) != End::open) {
      close_ = true;
      return false;
    }
  }
  return false;
}

std::string ServiceExchange::read_whole_body() {
  std::string body;
  while (read_body(body)) {
  }
  return body;
}

bool ServiceExchange::respond(int status, std::string_view body, std::string_view fields) {
  std::string answer = "HTTP/1.1 " + std::to_string(status) + " Fine\r\n" + std::string(fields);
  bool bodiless = status == 204 || status == 304;
  if (!bodiless) answer += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  answer += "\r\n";
  if (!bodiless && head_.method != "HEAD") answer += body;
  return write(answer);
}

HttpService::HttpService(Handler handler, Loopback family)
    : handler_(std::move(handler)), family_(family), port_(free_port()) {
  restart();
}

HttpService::HttpService(Handler handler, std::string unix_path)
    : handler_(std::move(handler)), unix_path_(std::move(unix_path)) {
  restart();
}

std::string HttpService::address() const {
  if (!unix_path_.empty()) return "unix:" + unix_path_;
  return (family_ == Loopback::v4 ? "127.0.0.1:" : "[::1]:") + std::to_string(port_);
}

std::string HttpService::url() const {
  return unix_path_.empty() ? "http://" + address() : address();
}

void HttpService::restart() {
  if (server_) server_->stop();
  server_ = std::make_unique<TcpServer>();
  server_->start(unix_path_.empty() ? listen_tcp(port_, family_) : listen_unix(unix_path_),
                 [this](Fd fd, int stop, std::size_t index) { serve(std::move(fd), stop, index); });
}

void HttpService::serve(Fd fd, int stop, std::size_t index) {
  std::string buffer;
  for (;;) {
    ServiceExchange exchange(fd.get(), stop, index, buffer);
    std::size_t length = 0;
    while ((length = head_length(buffer)) == std::string_view::npos) {
      if (read_some(fd.get(), buffer, patient(), stop) != End::open) return;
    }
    if (!parse_request_head(std::string_view(buffer).substr(0, length), exchange.head_)) return;
    buffer.erase(0, length);
    ++requests_;
    exchange.decoder_ = BodyDecoder::for_request(exchange.head_.fields);
    handler_(exchange);
    if (exchange.reset_) reset_connection(fd);
    if (exchange.close_ || !exchange.body_complete() || has_token(exchange.head_.fields, "connection", "close") ||
        wait_readable(stop, Deadline(Millis(0))) == Ready::yes) {
      return;
    }
  }
}

}  // namespace gatehouse::test
