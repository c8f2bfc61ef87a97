#include "support/scripted_peer.h"

#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>

namespace gatehouse::test {

namespace {
const Deadline forever() {
  return Deadline(std::chrono::hours(1));
}
}  // namespace

Gate::Gate() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
void Gate::open() {
  eventfd_write(fd_.get(), 1);
}

bool PeerConnection::read_until(const std::function<bool(std::string_view)>& enough) {
  while (!enough(unread())) {
    std::size_t before = input_.size();
    End end = read_some(fd.get(), input_, forever(), stop);
    record_(std::string_view(input_).substr(before));
    if (end != End::open) {
      if (end != End::timeout) ended_(end);
      return false;
    }
  }
  return true;
}

bool PeerConnection::write(std::string_view bytes) {
  return write_all(fd.get(), bytes, forever(), stop);
}

namespace step {

Step expect(std::string text) {
  return [text = std::move(text)](PeerConnection& peer) {
    if (!peer.read_until([&](std::string_view bytes) { return bytes.find(text) != std::string_view::npos; }))
      return false;
    peer.consume(peer.unread().find(text) + text.size());
    return true;
  };
}

Step expect_bytes(std::size_t count) {
  return [count](PeerConnection& peer) {
    if (!peer.read_until([&](std::string_view bytes) { return bytes.size() >= count; })) return false;
    peer.consume(count);
    return true;
  };
}

Step expect_head() {
  return expect("\r\n\r\n");
}

Step expect_request() {
  return [](PeerConnection& peer) {
    std::size_t length = 0;
    auto whole = [&length](std::string_view bytes) {
      std::size_t head = head_length(bytes);
      RequestHead parsed;
      if (head == std::string_view::npos || !parse_request_head(bytes.substr(0, head), parsed)) return false;
      BodyDecoder decoder = BodyDecoder::for_request(parsed.fields);
      std::string body;
      length = head + decoder.decode(bytes.substr(head), body);
      return decoder.done();
    };
    if (!peer.read_until(whole)) return false;
    peer.consume(length);
    return true;
  };
}

Step send(std::string bytes) {
  return [bytes = std::move(bytes)](PeerConnection& peer) { return peer.write(bytes); };
}

Step send_slowly(std::string bytes, std::size_t piece, Millis pause) {
  return [bytes = std::move(bytes), piece, pause](PeerConnection& peer) {
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      if (at > 0 && wait_readable(peer.stop, Deadline(pause)) == Ready::yes) return false;
      if (!peer.write(std::string_view(bytes).substr(at, piece))) return false;
    }
    return true;
  };
}

Step send_forever(std::string bytes) {
  return [bytes = std::move(bytes)](PeerConnection& peer) {
    while (peer.write(bytes)) {
    }
    return false;
  };
}

Step wait(Gate& gate) {
  return [fd = gate.fd()](PeerConnection& peer) { return wait_readable(fd, forever(), peer.stop) == Ready::yes; };
}

Step hang() {
  return [](PeerConnection& peer) { return peer.read_until([](std::string_view) { return false; }); };
}

Step stall() {
  return [](PeerConnection& peer) { return wait_readable(peer.stop, forever()) != Ready::yes; };
}

Step close() {
  return [](PeerConnection&) { return false; };
}

Step reset() {
  return [](PeerConnection& peer) {
    reset_connection(peer.fd);
    return false;
  };
}

Step half_close() {
  return [](PeerConnection& peer) { return ::shutdown(peer.fd.get(), SHUT_WR) == 0; };
}

Step respond(int status, std::string body, std::string fields) {
  return send("HTTP/1.1 " + std::to_string(status) + " Scripted\r\n" + fields +
              "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
}

}  // namespace step

ScriptedPeer::ScriptedPeer(std::vector<Script> scripts, Loopback family)
    : scripts_(std::move(scripts)), family_(family), port_(free_port()) {
  listen();
}

ScriptedPeer::ScriptedPeer(std::vector<Script> scripts, std::string unix_path)
    : scripts_(std::move(scripts)), unix_path_(std::move(unix_path)) {
  listen();
}

std::string ScriptedPeer::address() const {
  if (!unix_path_.empty()) return "unix:" + unix_path_;
  return (family_ == Loopback::v4 ? "127.0.0.1:" : "[::1]:") + std::to_string(port_);
}

std::string ScriptedPeer::url() const {
  return unix_path_.empty() ? "http://" + address() : address();
}

void ScriptedPeer::listen() {
  server_ = std::make_unique<TcpServer>();
  Fd listener = unix_path_.empty() ? listen_tcp(port_, family_) : listen_unix(unix_path_);
  server_->start(std::move(listener),
                 [this](Fd fd, int stop, std::size_t index) { serve(std::move(fd), stop, index); });
}

void ScriptedPeer::serve(Fd fd, int stop, std::size_t index) {
  PeerConnection peer;
  peer.fd = std::move(fd);
  peer.stop = stop;
  auto change = [this, index](auto&& edit) {
    std::lock_guard lock(mutex_);
    if (logs_.size() <= index) logs_.resize(index + 1);
    edit(logs_[index]);
    changed_.notify_all();
  };
  peer.record_ = [&](std::string_view bytes) { change([&](Log& log) { log.bytes += bytes; }); };
  peer.ended_ = [&](End end) { change([&](Log& log) { log.end = end; }); };
  if (scripts_.empty()) return;
  for (const Step& next : scripts_[std::min(index, scripts_.size() - 1)]) {
    if (!next(peer)) return;
  }
}

std::string ScriptedPeer::received(std::size_t index) {
  std::lock_guard lock(mutex_);
  return index < logs_.size() ? logs_[index].bytes : std::string();
}

End ScriptedPeer::ended(std::size_t index) {
  std::lock_guard lock(mutex_);
  return index < logs_.size() ? logs_[index].end : End::open;
}

bool ScriptedPeer::wait_received(std::size_t index, std::string_view text, const Deadline& deadline) {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(
      lock, deadline.at(), [&] { return index < logs_.size() && logs_[index].bytes.find(text) != std::string::npos; });
}

bool ScriptedPeer::wait_ended(std::size_t index, const Deadline& deadline) {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, deadline.at(),
                             [&] { return index < logs_.size() && logs_[index].end != End::open; });
}

void ScriptedPeer::stop() {
  server_->stop();
}

void ScriptedPeer::restart(std::vector<Script> scripts) {
  stop();
  if (!scripts.empty()) scripts_ = std::move(scripts);
  {
    std::lock_guard lock(mutex_);
    logs_.clear();
  }
  listen();
}

}  // namespace gatehouse::test
