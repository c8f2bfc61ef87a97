#pragma once
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "support/http_message.h"
#include "support/tcp_server.h"

namespace gatehouse::test {

/// A door that the test opens: a script that stands before it waits.
class Gate {
 public:
  Gate();
  void open();
  int fd() const { return fd_.get(); }

 private:
  Fd fd_;
};

/// One connection of a ScriptedPeer, as its steps see it.
class PeerConnection {
 public:
  /// Reads until `enough` holds for the bytes not yet consumed. False on end, stop or deadline.
  bool read_until(const std::function<bool(std::string_view)>& enough);
  bool write(std::string_view bytes);
  void consume(std::size_t count) { consumed_ += count; }
  std::string_view unread() const { return std::string_view(input_).substr(consumed_); }

  Fd fd;
  int stop = -1;

 private:
  friend class ScriptedPeer;
  std::function<void(std::string_view)> record_;
  std::function<void(End)> ended_;
  std::string input_;
  std::size_t consumed_ = 0;
};

/// What a peer does next. False ends the script and closes the connection.
using Step = std::function<bool(PeerConnection&)>;
using Script = std::vector<Step>;

namespace step {
Step expect(std::string text);  ///< reads up to and with `text`
Step expect_bytes(std::size_t count);
Step expect_head();     ///< a whole request head
Step expect_request();  ///< a head and its body, by Content-Length or chunked
Step send(std::string bytes);
/// One write for each `piece` bytes, with `pause` between them: for a peer that is slow on purpose.
Step send_slowly(std::string bytes, std::size_t piece, Millis pause);
Step send_forever(std::string bytes);  ///< until the other side goes away
Step wait(Gate& gate);
Step hang();   ///< reads and answers nothing until the other side or the test ends it
Step stall();  ///< does not even read, until the other side resets or the test ends it
Step close();
Step reset();
Step half_close();
Step respond(int status, std::string body = "", std::string fields = "");  ///< a whole answer with Content-Length
}  // namespace step

/// A service that follows a script and remembers what it was sent. Connection n runs script n; the last one serves all
/// later connections. Listens on 127.0.0.1, ::1 or a Unix socket.
class ScriptedPeer {
 public:
  explicit ScriptedPeer(std::vector<Script> scripts, Loopback family = Loopback::v4);
  ScriptedPeer(std::vector<Script> scripts, std::string unix_path);
  ~ScriptedPeer() { stop(); }

  std::uint16_t port() const { return port_; }
  std::string address() const;  ///< "127.0.0.1:4711"
  std::string url() const;      ///< "http://127.0.0.1:4711"

  std::size_t connections() const { return server_->connections(); }
  bool wait_connections(std::size_t count) { return server_->wait_connections(count); }
  /// All bytes that connection `index` has received.
  std::string received(std::size_t index = 0);
  /// How connection `index` was ended by the other side, `open` if it was not.
  End ended(std::size_t index = 0);
  bool wait_received(std::size_t index, std::string_view text, const Deadline& deadline = Deadline());
  bool wait_ended(std::size_t index, const Deadline& deadline = Deadline());

  /// Nothing listens any more and all connections are closed.
  void stop();
  /// Listens on the same address again, perhaps with other scripts; counts go on from 0.
  void restart(std::vector<Script> scripts = {});

 private:
  struct Log {
    std::string bytes;
    End end = End::open;
  };
  void listen();
  void serve(Fd fd, int stop, std::size_t index);

  std::vector<Script> scripts_;
  Loopback family_ = Loopback::v4;
  std::string unix_path_;
  std::uint16_t port_ = 0;
  std::unique_ptr<TcpServer> server_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Log> logs_;
};

}  // namespace gatehouse::test
