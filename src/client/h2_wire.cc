#include "client/h2_wire.h"

namespace gatehouse::client {

using io::Transfer;

H2Wire::Flush::Flush(H2Wire& owner) : Wait([](Wait& wait) { static_cast<Flush&>(wait).wire.flush(); }), wire(owner) {}

void H2Wire::fail(int error) {
  failed_ = true;
  error_number_ = error;
  socket_.readable.notify();
}

void H2Wire::receive(std::string_view bytes) {
  if (!session.receive(bytes, reactor_.now())) fail(0);
}

std::size_t H2Wire::read_some() {
  PooledBuffer buffer(BlockPool::kBuffer);
  const Transfer got = socket_.read(buffer.data(), buffer.size());
  switch (got.kind) {
    case Transfer::Kind::done:
      receive({buffer.data(), got.bytes});
      return got.bytes;
    case Transfer::Kind::blocked:
      return 0;
    default:
      // Without a peer that opens windows no message comes to its end: this is no half-close.
      fail(got.error);
      return 0;
  }
}

void H2Wire::write_soon() {
  if (writing_ != Writing::idle) return;
  writing_ = Writing::soon;
  reactor_.scheduler().complete(flush_, Outcome::ready);
}

bool H2Wire::write_now() {
  while (!session.output().empty()) {
    const Transfer put = socket_.write(session.output().data(), session.output().size());
    if (put.kind == Transfer::Kind::done) {
      session.written(put.bytes);
      wrote_at_ = reactor_.now();
      continue;
    }
    if (put.kind == Transfer::Kind::blocked) {
      writing_ = Writing::blocked;
      flush_.attach(reactor_.scheduler(), &socket_.writable, nullptr, kNever);
    } else {
      fail(put.error);
    }
    return false;
  }
  return true;
}

bool H2Wire::write_all() {
  bool written = true;
  do {
    session.fill();
    written = write_now();
  } while (written && session.output_full());
  return written;
}

void H2Wire::flush() {
  const bool was_blocked = writing_ == Writing::blocked;
  writing_ = Writing::idle;
  if (write_all() && (was_blocked || session.over())) socket_.readable.notify();
}

}  // namespace gatehouse::client
