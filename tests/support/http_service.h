#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "support/http_message.h"
#include "support/tcp_server.h"

namespace gatehouse::test {

/// One request at an HttpService: the head is there, the body is read on demand.
class ServiceExchange {
 public:
  const RequestHead& head() const { return head_; }
  /// The connection that it came on, from 0.
  std::size_t connection() const { return connection_; }

  /// Appends the next piece of the body. False at its end, or when it is cut off (then !body_complete()).
  bool read_body(std::string& piece);
  std::string read_whole_body();
  bool body_complete() const { return decoder_.done(); }
  const Fields& trailers() const { return decoder_.trailers(); }

  bool write(std::string_view bytes) { return write_all(fd_, bytes, Deadline(Millis(60000)), stop_); }
  /// A whole answer with Content-Length; `fields` are lines ended by \r\n.
  bool respond(int status, std::string_view body, std::string_view fields = "");
  /// Waits for `time`, shorter if the service stops.
  void pause(Millis time) { (void)wait_readable(stop_, Deadline(time)); }
  /// Waits until `gate` is readable or the service stops.
  bool wait(int gate_fd) { return wait_readable(gate_fd, Deadline(Millis(60000)), stop_) == Ready::yes; }
  void close_after() { close_ = true; }
  void reset_after() { close_ = reset_ = true; }

 private:
  friend class HttpService;
  ServiceExchange(int fd, int stop, std::size_t connection, std::string& buffer)
      : fd_(fd), stop_(stop), connection_(connection), buffer_(buffer), decoder_(BodyDecoder::Framing::none) {}

  int fd_, stop_;
  std::size_t connection_;
  std::string& buffer_;
  RequestHead head_;
  BodyDecoder decoder_;
  bool close_ = false, reset_ = false;
};

/// A plain HTTP/1.1 service with keep-alive whose answers a function makes, on a thread per connection.
class HttpService {
 public:
  using Handler = std::function<void(ServiceExchange&)>;
  explicit HttpService(Handler handler, Loopback family = Loopback::v4);
  HttpService(Handler handler, std::string unix_path);
  virtual ~HttpService() { stop(); }

  std::uint16_t port() const { return port_; }
  std::string address() const;  ///< "127.0.0.1:4711"
  std::string url() const;      ///< "http://127.0.0.1:4711"
  std::size_t connections() const { return server_->connections(); }
  std::uint64_t requests() const { return requests_; }
  void stop() { server_->stop(); }
  void restart();

 private:
  void serve(Fd fd, int stop, std::size_t index);

  Handler handler_;
  Loopback family_ = Loopback::v4;
  std::string unix_path_;
  std::uint16_t port_ = 0;
  std::atomic<std::uint64_t> requests_ = 0;
  std::unique_ptr<TcpServer> server_;
};

}  // namespace gatehouse::test
