#include "io/channel.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#include "io/socket.h"

namespace gatehouse::io {

bool Channel::start_tls(std::shared_ptr<const TlsServer> server, std::string_view received) {
  tls_ = TlsConnection::accept(*this, std::move(server), received);
  return tls_ != nullptr;
}

bool Channel::start_tls(const TlsPeer& peer, TlsSession& session) {
  tls_ = TlsConnection::connect(*this, peer, session);
  return tls_ != nullptr;
}

Transfer Channel::discard() {
  char sink[16 * 1024];
  return Descriptor::read(sink, sizeof sink);
}

void Channel::shut_down_writing() {
  if (tls_ != nullptr) tls_->say_end();
  ::shutdown(fd(), SHUT_WR);
}

void Channel::reset_on_close() {
  if (tls_ != nullptr) tls_->fall_silent();
  io::reset_on_close(fd());
}

void Channel::close() noexcept {
  if (tls_ != nullptr && is_open()) tls_->say_end();
  tls_.reset();
  Descriptor::close();
}

std::size_t Channel::unsent() const {
  int bytes = 0;
  return ::ioctl(fd(), TIOCOUTQ, &bytes) == 0 && bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
}

}  // namespace gatehouse::io
