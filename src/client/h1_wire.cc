#include "client/h1_wire.h"

#include <algorithm>
#include <cstring>

namespace gatehouse::client {

using http::Io;
using io::Transfer;

Transfer H1Wire::read_head_bytes() {
  if (!socket.can_read()) return {};  // before a buffer is taken: who waits holds none
  if (!head_) {
    head_ = PooledBuffer(BlockPool::kBuffer);
    begin_ = end_ = 0;
  }
  if (end_ == head_.size() && begin_ >= head_.size() / 2) {
    std::memmove(head_.data(), head_.data() + begin_, end_ - begin_);  // what heads before this one took
    end_ -= begin_;
    begin_ = 0;
  } else if (end_ == head_.size()) {
    // The parser's limits end a head before this grows without bound.
    PooledBuffer larger(std::max(head_.size() * 2, BlockPool::kLarge));
    std::memcpy(larger.data(), head_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    head_ = std::move(larger);
  }
  const Transfer got = socket.read(head_.data() + end_, head_.size() - end_);
  if (got.kind == Transfer::Kind::done) end_ += got.bytes;
  if (begin_ == end_) head_.reset();
  return got;
}

Io H1Wire::read_body(http::BodyPiece& piece) {
  piece = {};
  for (;;) {
    if (decoder_.complete()) {
      piece.last = true;
      return Io::done;
    }
    const bool in_head = begin_ < end_;
    char* const at = in_head ? head_.data() + begin_ : body_.data() + body_begin_;
    const std::size_t size = in_head ? end_ - begin_ : body_end_ - body_begin_;
    if (size != 0) {
      const http::BodyDecoder::Step step = decoder_.decode(at, size);
      if (step.failed) {
        framing_error_ = decoder_.error();
        return Io::failed;
      }
      (in_head ? begin_ : body_begin_) += step.consumed;
      piece.data = step.data;
      piece.last = step.last;
      if (!piece.data.empty() || piece.last) return Io::done;
      continue;
    }
    if (!socket.can_read()) {
      body_.reset();  // a slow sender holds no memory
      body_begin_ = body_end_ = 0;
      return Io::blocked;
    }
    if (!body_) {
      const std::uint64_t rest = decoder_.remaining();
      body_ = PooledBuffer(rest != 0 && rest <= BlockPool::kBuffer ? BlockPool::kBuffer : BlockPool::kLarge);
    }
    const Transfer got = socket.read(body_.data(), body_.size());
    body_begin_ = 0;
    body_end_ = got.kind == Transfer::Kind::done ? got.bytes : 0;
    if (got.kind == Transfer::Kind::end) {
      if (!socket.cut_off() && decoder_.finish()) continue;
      ended_early_ = true;
      return Io::failed;
    }
    if (got.kind == Transfer::Kind::failed) {
      error_number_ = got.error;
      return Io::failed;
    }
  }
}

void H1Wire::end_message() {
  if (body_begin_ < body_end_) {
    PooledBuffer next(BlockPool::kLarge);
    std::memcpy(next.data(), body_.data() + body_begin_, body_end_ - body_begin_);
    end_ = body_end_ - body_begin_;
    begin_ = 0;
    head_ = std::move(next);
  } else if (begin_ < end_) {
    PooledBuffer next(head_.size());
    std::memcpy(next.data(), head_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    head_ = std::move(next);
  } else {
    head_.reset();
    begin_ = end_ = 0;
  }
  body_.reset();
  body_begin_ = body_end_ = 0;
}

void H1Wire::drop_buffers() {
  head_.reset();
  body_.reset();
  begin_ = end_ = body_begin_ = body_end_ = 0;
}

void H1Wire::queue_body(std::string_view data, bool last, bool chunked) {
  if (!chunked) {
    queue(data);
    return;
  }
  if (data.empty()) {
    if (last) queue("0\r\n\r\n");
    return;
  }
  char* const end = http::put_chunk_head(chunk_head_, data.size());
  queue({chunk_head_, static_cast<std::size_t>(end - chunk_head_)});
  queue(data);
  queue(last ? "\r\n0\r\n\r\n" : "\r\n");
}

Io H1Wire::flush() {
  int first = 0;
  while (first < count_) {
    const Transfer sent = socket.write(parts_ + first, count_ - first);
    if (sent.kind == Transfer::Kind::failed) {
      error_number_ = sent.error;
      count_ = 0;
      return Io::failed;
    }
    std::size_t bytes = sent.bytes;
    written_ += bytes;
    while (first < count_ && bytes >= parts_[first].iov_len) bytes -= parts_[first++].iov_len;
    if (first < count_) {
      parts_[first].iov_base = static_cast<char*>(parts_[first].iov_base) + bytes;
      parts_[first].iov_len -= bytes;
      if (sent.kind == Transfer::Kind::blocked || !socket.can_write()) {
        std::move(parts_ + first, parts_ + count_, parts_);
        count_ -= first;
        return Io::blocked;
      }
    }
  }
  count_ = 0;
  return Io::done;
}

}  // namespace gatehouse::client
