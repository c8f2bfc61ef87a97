#include "redis/connection.h"

#include <cerrno>
#include <cstring>

namespace gatehouse::redis {

using io::Transfer;

namespace {

constexpr std::size_t kMostInTurn = 1024 * 1024;  ///< bytes read in a turn of the loop
constexpr std::size_t kKept = 256 * 1024;         ///< a buffer that has grown larger is not kept

}  // namespace

// ---- those who wait ----

Connection::Pending::~Pending() {
  if (waiter != nullptr) waiter->pending = nullptr;
}

Connection::Waiter::~Waiter() {
  if (pending != nullptr) pending->waiter = nullptr;
}

/// Copies `with` to where the waiter keeps it.
void Connection::Waiter::end(const RedisResult& with) {
  if (!with) {
    result = std::unexpected(RedisError{with.error().fault, arena.copy(with.error().text), with.error().sent});
  } else if (with->kind == RedisReply::Kind::error) {
    result = std::unexpected(RedisError{RedisError::Fault::server, arena.copy(with->text)});
  } else {
    result = copy(*with, arena);
  }
  done.notify();
}

Connection::Connection(io::Reactor& reactor, Watcher& watcher, Duration patience)
    : reactor_(reactor), watcher_(watcher), patience_(patience) {}

Connection::~Connection() {
  while (!awaited_.empty()) delete &awaited_.front();
  while (!held_.empty()) delete &held_.front();
}

void Connection::add(Queue& queue, std::string& bytes, Arguments arguments, Waiter& waiter, bool asking) {
  constexpr std::string_view kAsking[] = {"ASKING"};
  auto* const pending = new Pending;
  pending->waiter = &waiter;
  waiter.pending = pending;
  if (awaited_.empty() && &queue == &awaited_) heard_ = reactor_.now();
  queue.push_back(*pending);
  ++pending_;
  const std::size_t before = bytes.size();
  if (asking) append_command(bytes, kAsking);
  append_command(bytes, arguments);
  pending->size = bytes.size() - before;
  pending->replies = asking ? 2 : 1;
  if (&queue == &awaited_) pending->leaves = writes_ + 1;
}

void Connection::fail(Queue& queue, std::string_view why) {
  while (!queue.empty()) {
    Pending& pending = queue.front();
    if (pending.waiter != nullptr) pending.waiter->end(unavailable(why, pending.leaves <= writes_));
    delete &pending;
    --pending_;
  }
}

Task<RedisResult> Connection::answer(Scope& scope, Waiter& waiter, TimePoint deadline) {
  if (waiter.result) co_return *waiter.result;
  const Outcome outcome = co_await until(waiter.done, scope, deadline);
  if (waiter.result) co_return *waiter.result;
  const bool sent =
      waiter.pending != nullptr && waiter.pending->leaves != kHeld;  // it keeps its place in the order, and will leave
  if (outcome == Outcome::timeout) {
    co_return std::unexpected(RedisError{RedisError::Fault::timeout, "no answer in time", sent});
  }
  co_return std::unexpected(RedisError{RedisError::Fault::cancelled, "nobody waits any more", sent});
}

Task<RedisResult> Connection::command(Scope& scope, Arena& arena, Arguments arguments, TimePoint deadline,
                                      bool asking) {
  std::string& bytes = released_ ? queued_ : held_bytes_;
  Queue& queue = released_ ? awaited_ : held_;
  std::size_t size = bytes.size();
  for (const std::string_view argument : arguments) size += argument.size();
  if (size > kMostUnsent) {
    co_return std::unexpected(RedisError{RedisError::Fault::overloaded, "too much waits to be sent"});
  }
  Waiter waiter(arena);
  add(queue, bytes, arguments, waiter, asking);
  if (released_) write_soon();
  co_return co_await answer(scope, waiter, deadline);
}

// ---- the beginning ----

Task<std::string_view> Connection::open(Scope& scope, const io::Endpoint& endpoint, const io::TlsPeer& peer,
                                        io::TlsSession& session, TimePoint deadline) {
  close("");
  answered_ = false;
  const int fd = io::start_connect(endpoint);
  if (fd < 0) co_return std::strerror(errno);
  if (!socket_.open(reactor_, fd)) co_return "the connection cannot be watched";
  Outcome outcome = co_await until(socket_.writable, scope, deadline);
  if (outcome == Outcome::ready) {
    if (const int error = io::connect_error(fd); error != 0) {
      socket_.close();
      co_return std::strerror(error);
    }
  }
  if (outcome == Outcome::ready && peer.client != nullptr) {
    if (!socket_.start_tls(peer, session)) {
      socket_.close();
      co_return "TLS cannot be begun";
    }
    Transfer step;
    while (outcome == Outcome::ready && (step = socket_.tls()->handshake()).kind == Transfer::Kind::blocked) {
      outcome = co_await until(socket_.handshake_signal(), scope, deadline);
    }
    if (outcome == Outcome::ready && step.kind != Transfer::Kind::done) {
      const char* const said = socket_.tls()->failure();
      socket_.close();
      co_return *said != '\0' ? said : "it closed the connection during the TLS handshake";
    }
  }
  if (outcome != Outcome::ready) {
    socket_.close();
    co_return outcome == Outcome::timeout ? "no connection in time" : "given up";
  }
  reader_.attach(reactor_.scheduler(), &socket_.readable, nullptr, kNever);
  if (socket_.can_read()) socket_.readable.notify();  // what came with the end of the handshake
  co_return "";
}

Task<RedisResult> Connection::greet(Scope& scope, Arena& arena, std::span<const Arguments> commands,
                                    TimePoint deadline) {
  constexpr std::size_t kMost = 4;
  std::optional<Waiter> waiters[kMost];
  for (std::size_t i = 0; i < commands.size() && i < kMost; ++i) {
    waiters[i].emplace(arena);
    add(awaited_, queued_, commands[i], *waiters[i]);
  }
  write_soon();
  RedisResult result;
  for (std::optional<Waiter>& waiter : waiters) {
    if (waiter && result) result = co_await answer(scope, *waiter, deadline);
  }
  co_return result;
}

void Connection::release() {
  if (awaited_.empty()) heard_ = reactor_.now();
  released_ = true;
  std::size_t at = 0;
  while (!held_.empty()) {
    Pending& pending = held_.pop_front();
    const std::size_t size = pending.size;
    if (pending.waiter != nullptr) {
      queued_.append(held_bytes_, at, size);
      awaited_.push_back(pending);
      pending.leaves = writes_ + 1;
    } else {
      delete &pending;
      --pending_;
    }
    at += size;
  }
  held_bytes_.clear();
  if (!queued_.empty()) write_soon();
}

// ---- the end ----

void Connection::close(std::string_view why) {
  reader_.detach();
  writer_.detach();
  silence_.detach();
  socket_.close();
  released_ = writing_ = false;
  queued_.clear();
  sending_.clear();
  sent_ = 0;
  replies_.reset();
  fail(awaited_, why);
}

void Connection::give_up_held(std::string_view why) {
  held_bytes_.clear();
  fail(held_, why);
}

void Connection::lost(const char* why, bool broken) {
  const bool was_released = released_;
  close(why);
  if (was_released) watcher_.connection_lost(why, broken);
}

// ---- bytes ----

const char* Connection::words(const Transfer& failure) const {
  // With TLS 1.3 a server says after the handshake only that it does not take the gateway's certificate.
  const char* const said = socket_.tls() != nullptr ? socket_.tls()->failure() : "";
  if (*said != '\0') return said;
  return failure.error != 0 ? std::strerror(failure.error) : "the server closed the connection";
}

void Connection::read() {
  std::size_t in_turn = 0;
  while (socket_.can_read()) {
    PooledBuffer buffer(BlockPool::kBuffer);
    const Transfer got = socket_.read(buffer.data(), buffer.size());
    if (got.kind == Transfer::Kind::blocked) break;
    if (got.kind != Transfer::Kind::done) return lost(words(got), false);
    heard_ = reactor_.now();
    replies_.feed({buffer.data(), got.bytes});
    if (!take_replies()) return;
    in_turn += got.bytes;
    if (in_turn >= kMostInTurn) return reactor_.scheduler().complete_next_turn(reader_, Outcome::ready);
  }
  reader_.attach(reactor_.scheduler(), &socket_.readable, nullptr, kNever);
}

/// Gives each reply to the one whose turn it is. False: the connection has ended.
bool Connection::take_replies() {
  RedisReply reply;
  ReplyReader::Step step;
  while ((step = replies_.next(reply)) == ReplyReader::Step::reply) {
    if (awaited_.empty()) {
      lost("it answered what it was not asked", true);
      return false;
    }
    Pending& pending = awaited_.front();
    if (--pending.replies != 0) continue;
    if (pending.waiter != nullptr) pending.waiter->end(reply);
    delete &pending;
    --pending_;
    answered_ = answered_ || released_;
  }
  if (step == ReplyReader::Step::more) return true;
  lost(replies_.error(), true);
  return false;
}

void Connection::write_soon() {
  if (writing_) return;
  writing_ = true;
  reactor_.scheduler().complete(writer_, Outcome::ready);
  watch_silence();
}

void Connection::write() {
  writing_ = false;
  for (;;) {
    if (sent_ == sending_.size()) {
      sending_.clear();
      sent_ = 0;
      if (sending_.capacity() > kKept) sending_.shrink_to_fit();
      std::swap(sending_, queued_);
      if (sending_.empty()) return;
      ++writes_;
    }
    const Transfer put = socket_.write(sending_.data() + sent_, sending_.size() - sent_);
    if (put.kind == Transfer::Kind::done) {
      sent_ += put.bytes;
      continue;
    }
    if (put.kind != Transfer::Kind::blocked) return lost(words(put), false);
    writing_ = true;
    writer_.attach(reactor_.scheduler(), &socket_.writable, nullptr, kNever);
    return;
  }
}

void Connection::watch_silence() {
  silence_.attach(reactor_.scheduler(), nullptr, nullptr, deadline_after(heard_, patience_));
}

void Connection::look_at_silence() {
  if (awaited_.empty()) return;
  if (reactor_.now() - heard_ < patience_) return watch_silence();
  lost("the server does not answer", true);
}

}  // namespace gatehouse::redis
