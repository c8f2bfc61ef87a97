#include "client/h2_client.h"

#include <algorithm>
#include <cerrno>

#include "client/handshake.h"

namespace gatehouse::client {

using http::Io;

namespace {

constexpr std::size_t kMostInTurn = 1024 * 1024;  ///< bytes read in a turn of the loop
constexpr std::uint32_t kMostStreams = 100;       ///< at a time, whatever the service allows

http::H2Settings client_settings() {
  http::H2Settings settings;
  settings.head = http::kUpstreamHeadLimits;
  settings.stream_window = 64 * 1024;  // times the streams is what clients that do not read can make lie here
  settings.connection_window = 1024 * 1024;
  return settings;
}

}  // namespace

struct H2Client::Stream final : http::H2ClientStream {
  using http::H2ClientStream::H2ClientStream;
  static void* operator new(std::size_t size) { return BlockPool::take(size); }
  static void operator delete(void* block, std::size_t size) noexcept { BlockPool::give(block, size); }
  ListHook hook;
  bool released = false;
  TimePoint since{};  ///< when it was opened
};

struct H2Client::Lists {
  List<Stream, &Stream::hook> streams;  ///< those that an exchange uses, and those that HTTP/2 has not done with
  List<Stream, &Stream::hook> dead;
};

H2Client::H2Client(io::Reactor& reactor, Watcher& watcher)
    : reactor_(reactor),
      watcher_(watcher),
      wire_(reactor, socket_, http::H2Session::Role::client, client_settings(), *this),
      reader_(*this),
      reaper_(*this),
      lists_(std::make_unique<Lists>()) {}

H2Client::~H2Client() {
  reap();
  while (!lists_->streams.empty()) delete &lists_->streams.front();
}

Io H2Client::connect(io::Reactor&, const io::Endpoint& endpoint) {
  const auto failed = [this](const char* detail) {
    error_ = {Reason::upstream_connect, Source::upstream, RetrySafety::yes, errno, detail};
    return Io::failed;
  };
  const int fd = io::start_connect(endpoint);
  if (fd < 0) return failed("cannot connect");
  if (!socket_.open(reactor_, fd)) return failed("cannot watch the connection");
  return Io::blocked;
}

Io H2Client::connected() {
  if (const int error = io::connect_error(socket_.fd()); error != 0) {
    error_ = {Reason::upstream_connect, Source::upstream, RetrySafety::yes, error, "cannot connect"};
    return Io::failed;
  }
  return Io::done;
}

Io H2Client::start_tls(const io::TlsPeer& peer, io::TlsSession& session) {
  const std::optional<Error> error = client::start_tls(socket_, peer, session);
  if (!error) return Io::blocked;
  error_ = *error;
  return Io::failed;
}

Io H2Client::shake_hands() {
  const Result<bool> done = client::shake_hands(socket_);
  if (done && !*done) return Io::blocked;
  if (done && socket_.tls()->protocol() == "h2") return Io::done;
  error_ =
      done ? Error{Reason::upstream_tls, Source::upstream, RetrySafety::yes, 0, "it does not agree to HTTP/2 (ALPN)"}
           : done.error();
  return Io::failed;
}

void H2Client::begin() {
  reader_.attach(reactor_.scheduler(), &socket_.readable, nullptr, kNever);
  if (socket_.can_read()) socket_.readable.notify();  // what came with the end of the handshake
  wire_.write_soon();                                 // the preface leaves with the first request
}

// ---- slots and streams ----

bool H2Client::over() const {
  return ended_ || silent_ || wire_.failed() || wire_.session.streams_allowed() == 0;
}

std::uint32_t H2Client::slots() const {
  return std::min(greeted() ? kMostStreams : 1, wire_.session.streams_allowed());
}

http::ClientStream& H2Client::open(Arena& arena, http::Method method) {
  const std::string_view scheme = socket_.tls() != nullptr ? "https" : "http";
  auto* stream = new Stream(wire_.session, arena, method, scheme, opened_++ != 0);
  stream->since = reactor_.now();
  lists_->streams.push_back(*stream);
  if (ended_) stream->fail_connection(wire_.error_number());
  return *stream;
}

void H2Client::release(http::ClientStream* client_stream) {
  --taken_;
  if (client_stream != nullptr) {
    auto& stream = static_cast<Stream&>(*client_stream);
    stream.released = true;
    // Nobody answers on a connection that has broken where no one could tell: the next request gets another.
    if (stream.silent() && heard_ < stream.since && !stream.closed()) silent_ = true;
    stream.finish_exchange();
    if (stream.detached()) delete &stream;
  }
  watcher_.connection_changed();
}

void H2Client::stream_closed(http::H2Stream& closed) {
  auto& stream = static_cast<Stream&>(static_cast<http::H2ClientStream&>(closed));
  if (!stream.released) return;
  if (lists_->dead.empty()) reactor_.scheduler().complete(reaper_, Outcome::ready);
  stream.hook.unlink();  // not now: nghttp2 is at work
  lists_->dead.push_back(stream);
}

void H2Client::reap() {
  while (!lists_->dead.empty()) delete &lists_->dead.front();
}

// ---- the connection ----

void H2Client::read() {
  std::size_t in_turn = 0;
  const std::uint32_t had = slots();
  const bool was_greeted = greeted();
  while (socket_.can_read() && !wire_.failed()) {
    const std::size_t bytes = wire_.read_some();
    if (bytes != 0) heard_ = reactor_.now();
    in_turn += bytes;
    if (in_turn < kMostInTurn) continue;
    wire_.write_soon();
    tell_changes(had, was_greeted);
    reactor_.scheduler().complete_next_turn(reader_, Outcome::ready);
    return;
  }
  if (wire_.failed() || wire_.session.over()) return end();
  reader_.attach(reactor_.scheduler(), &socket_.readable, nullptr, kNever);
  wire_.write_soon();
  tell_changes(had, was_greeted);
}

void H2Client::tell_changes(std::uint32_t had_slots, bool was_greeted) {
  const bool greets = greeted() && !was_greeted;
  if (greets) lists_->streams.each([](Stream& stream) { stream.readable().notify(); });
  if (greets || slots() != had_slots) watcher_.connection_changed();
}

/// The connection is of no use any more: streams that are not complete have failed.
void H2Client::end() {
  if (ended_) return;
  ended_ = true;
  wire_.stop_writing();
  lists_->streams.each([this](Stream& stream) { stream.fail_connection(wire_.error_number()); });
  watcher_.connection_changed();
}

void H2Client::say_goodbye() {
  wire_.session.terminate(http::H2Error::no_error);
  wire_.write_all();
  wire_.stop_writing();
  reader_.detach();
  ended_ = true;
}

}  // namespace gatehouse::client
