#include "engine/local_server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <optional>

#include "base/clock.h"
#include "base/log.h"
#include "engine/error_document.h"
#include "http/date.h"

namespace gatehouse::engine {

using http::FieldId;
using http::Io;

namespace {

LocalResponse failure(Reason reason, std::string_view detail = {}) {
  LocalResponse response;
  response.status = status_of(reason);
  response.body = fmt::format("{{\"error\":\"{}\"}}\n", detail.empty() ? sentence_of(reason) : detail);
  return response;
}

bool is_sendable(const LocalResponse& response) {
  if (response.status < 200 || response.status > 599) return false;
  if (!response.content_type.empty() && !http::is_field_value(response.content_type)) return false;
  return std::ranges::all_of(response.headers, [](const auto& header) {
    const FieldId id = http::field_id(header.first);
    const bool own = id == FieldId::content_length || id == FieldId::transfer_encoding || id == FieldId::connection;
    return !own && http::is_token(header.first) && http::is_field_value(header.second);
  });
}

/// Requests that concern no resource: nothing an Answer could say anything about.
std::optional<LocalResponse> answer_without_resource(const http::RequestHead& head) {
  if (head.method == http::Method::connect) {
    LocalResponse response = failure(Reason::method_not_allowed);
    response.headers.emplace_back("Allow", "GET, HEAD, POST");
    return response;
  }
  if (head.form == http::TargetForm::asterisk) return LocalResponse{.status = 204, .body = {}};
  return std::nullopt;
}

}  // namespace

class LocalServer::Impl final : public Handler, public SessionGauges {
 public:
  Impl(io::Reactor& reactor, int fd, Pages pages, const LocalLimits& limits);
  ~Impl() override;

  Task<void> serve(const Call& call, http::RequestHead& head, Arena& arena) override;
  Task<void> refuse(const Call& call, Arena& arena, const Error& error) override;
  void ended(Session& session) override;
  void became_active() override {}
  void became_idle() override {}

 private:
  struct Acceptor : Wait {
    explicit Acceptor(Impl& owner)
        : Wait([](Wait& wait) { static_cast<Acceptor&>(wait).server.accept(); }), server(owner) {}
    Impl& server;
  };

  void accept();
  void take_connection(int fd, const io::Endpoint& peer);
  bool make_room();
  static LocalRequest request_of(const Call& call, const http::RequestHead& head, std::string_view body);
  std::optional<LocalResponse> refuse_unread(const Call& call, const http::RequestHead& head) const;
  LocalResponse ask(const Call& call, const http::RequestHead& head, std::string_view body) const;
  Task<Reason> read_body(const Call& call, Arena& arena, const http::RequestHead& head, std::string& body);
  Task<void> send(const Call& call, Arena& arena, const LocalResponse& response, bool head_only);
  Task<bool> flushed(const Call& call, Io io);

  io::Reactor& reactor_;
  const Pages pages_;
  const LocalLimits limits_;
  std::shared_ptr<const SessionSettings> settings_;
  io::Descriptor socket_;
  Acceptor acceptor_;
  List<Session, &Session::hook> sessions_, leaving_;
  std::size_t connections_ = 0;
};

LocalServer::Impl::Impl(io::Reactor& reactor, int fd, Pages pages, const LocalLimits& limits)
    : reactor_(reactor), pages_(std::move(pages)), limits_(limits), acceptor_(*this) {
  auto settings = std::make_shared<SessionSettings>();
  settings->header_timeout = limits.header_timeout;
  settings->idle_timeout = limits.idle_timeout;
  settings->port = io::local_endpoint(fd).port();
  settings_ = std::move(settings);
  if (!socket_.open(reactor_, fd)) {
    GH_LOG_ERROR("cannot watch a listening socket: {}", std::strerror(errno));
    return;
  }
  acceptor_.attach(reactor_.scheduler(), &socket_.readable, nullptr, kNever);
}

LocalServer::Impl::~Impl() {
  for (auto* list : {&sessions_, &leaving_}) {
    while (!list->empty()) delete &list->front();
  }
}

// ---- connections ----

void LocalServer::Impl::accept() {
  constexpr int kMostPerTurn = 32;
  constexpr Duration kNextTurn = std::chrono::milliseconds(1);
  constexpr Duration kPause = std::chrono::milliseconds(100);  // for a descriptor or memory to become free
  for (int i = 0; i < kMostPerTurn;) {
    io::Endpoint peer;
    const int fd = io::accept_from(socket_.fd(), peer);
    if (fd >= 0) {
      take_connection(fd, peer);
      ++i;
    } else if (errno == EAGAIN) {
      acceptor_.attach(reactor_.scheduler(), &socket_.readable, nullptr, kNever);
      return;
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      GH_LOG_LIMITED(error, 1, "a connection to a local server waits: {}", std::strerror(errno));
      acceptor_.attach(reactor_.scheduler(), nullptr, nullptr, deadline_after(reactor_.now(), kPause));
      return;
    } else {
      ++i;  // that connection has failed already; the next may be good
    }
  }
  acceptor_.attach(reactor_.scheduler(), nullptr, nullptr, deadline_after(reactor_.now(), kNextTurn));
}

/// Who only holds a connection, without having asked for anything, makes way for who comes: the oldest first.
bool LocalServer::Impl::make_room() {
  Session* oldest = nullptr;
  sessions_.each([&](Session& session) {
    if (oldest == nullptr && !session.serving()) oldest = &session;
  });
  if (oldest == nullptr) return false;
  oldest->hook.unlink();
  leaving_.push_back(*oldest);
  oldest->abort(Reason::overloaded);  // it ends in this turn of the loop
  return true;
}

void LocalServer::Impl::take_connection(int fd, const io::Endpoint& peer) {
  if (connections_ >= limits_.max_connections && !make_room()) {
    constexpr std::string_view kBody = "{\"error\":\"too many connections\"}\n";
    const std::string answer = fmt::format(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: {}\r\n"
        "Connection: close\r\n\r\n{}",
        kBody.size(), kBody);
    [[maybe_unused]] const ssize_t sent = ::write(fd, answer.data(), answer.size());
    ::close(fd);
    return;
  }
  auto* session = new Session(reactor_, *this, settings_, *this, 0);
  sessions_.push_back(*session);
  ++connections_;
  if (!session->start(fd, peer)) ended(*session);
}

void LocalServer::Impl::ended(Session& session) {
  --connections_;
  delete &session;
}

// ---- exchanges ----

Task<void> LocalServer::Impl::serve(const Call& call, http::RequestHead& head, Arena& arena) {
  const bool head_only = head.method == http::Method::head;
  std::string body;
  LocalResponse response;
  std::optional<LocalResponse> refusal;
  if (head.framing.has_body() && pages_.refusal) refusal = refuse_unread(call, head);
  if (refusal) {
    response = *std::move(refusal);
    call.stream.close_after();  // the body is not read as the next request
  } else if (const Reason trouble = co_await read_body(call, arena, head, body); trouble != Reason::none) {
    if (trouble == Reason::client_closed) co_return;
    response = failure(trouble, trouble == Reason::bad_request ? call.stream.error().detail : "");
  } else {
    response = ask(call, head, body);
  }
  if (response.delay > Duration::zero()) {
    const TimePoint due = deadline_after(reactor_.now(), response.delay);
    if (co_await until(call.scope, due) == Outcome::cancelled) co_return;
  }
  co_await send(call, arena, response, head_only);
}

Task<void> LocalServer::Impl::refuse(const Call& call, Arena& arena, const Error& error) {
  const LocalResponse response = failure(error.reason, error.detail);
  co_await send(call, arena, response, false);
}

LocalRequest LocalServer::Impl::request_of(const Call& call, const http::RequestHead& head, std::string_view body) {
  LocalRequest request;
  request.method = head.method == http::Method::head ? "GET" : head.method_text;
  request.path = head.path;
  request.query = head.query;
  request.body = body;
  request.header = [&head](std::string_view name) {
    return http::field_id(name) == FieldId::host ? head.authority : head.fields.get(name);
  };
  request.from_loopback = call.arrival.peer.is_loopback();
  return request;
}

std::optional<LocalResponse> LocalServer::Impl::refuse_unread(const Call& call, const http::RequestHead& head) const {
  try {
    std::optional<LocalResponse> refusal = pages_.refusal(request_of(call, head, {}));
    if (!refusal || is_sendable(*refusal)) return refusal;
  } catch (const std::exception& error) {
    GH_LOG_LIMITED(error, 5, "a local answer to {} {} failed: {}", head.method_text, head.path, error.what());
  } catch (...) {
    GH_LOG_LIMITED(error, 5, "a local answer to {} {} failed", head.method_text, head.path);
  }
  return failure(Reason::internal);
}

LocalResponse LocalServer::Impl::ask(const Call& call, const http::RequestHead& head, std::string_view body) const {
  if (std::optional<LocalResponse> response = answer_without_resource(head)) return *std::move(response);
  try {
    LocalResponse response = pages_.answer(request_of(call, head, body));
    if (is_sendable(response)) return response;
    GH_LOG_LIMITED(error, 5, "a local answer to {} {} cannot be sent: its status or a header is not valid",
                   head.method_text, head.path);
  } catch (const std::exception& error) {
    GH_LOG_LIMITED(error, 5, "a local answer to {} {} failed: {}", head.method_text, head.path, error.what());
  } catch (...) {
    GH_LOG_LIMITED(error, 5, "a local answer to {} {} failed", head.method_text, head.path);
  }
  return failure(Reason::internal);
}

/// The whole body, or why there is none: body_too_large, client_timeout, bad_request (see the session's error) or
/// client_closed, to which nobody listens any more.
Task<Reason> LocalServer::Impl::read_body(const Call& call, Arena& arena, const http::RequestHead& head,
                                          std::string& body) {
  const bool sized = head.framing.kind == http::Framing::Kind::length;
  if (sized && head.framing.length > limits_.max_body) co_return Reason::body_too_large;
  if (call.stream.expects_continue()) {
    http::ResponseHead go_on(arena);
    go_on.status = 100;
    go_on.reason = http::reason_phrase(100);
    const Io io = call.stream.write_informational(go_on);
    if (!co_await flushed(call, io)) co_return Reason::client_closed;
  }
  for (;;) {
    http::BodyPiece piece;
    const Io io = call.stream.read_body(piece);
    if (io == Io::failed) co_return call.stream.error().reason;
    if (io == Io::blocked) {
      const TimePoint deadline = deadline_after(reactor_.now(), limits_.body_timeout);
      const Outcome outcome = co_await until(call.stream.readable(), call.scope, deadline);
      if (outcome == Outcome::cancelled) co_return Reason::client_closed;
      if (outcome == Outcome::timeout) co_return Reason::client_timeout;
      continue;
    }
    if (piece.data.size() > limits_.max_body - body.size()) co_return Reason::body_too_large;
    body.append(piece.data);
    if (piece.last) co_return Reason::none;
  }
}

Task<void> LocalServer::Impl::send(const Call& call, Arena& arena, const LocalResponse& response, bool head_only) {
  const bool bodiless = response.status == 204 || response.status == 304;
  http::ResponseHead head(arena);
  head.status = response.status;
  head.reason = http::reason_phrase(response.status);
  if (!bodiless) {
    head.framing = {http::Framing::Kind::length, response.body.size()};
    if (!response.content_type.empty())
      head.fields.append(FieldId::content_type, "Content-Type", response.content_type);
  }
  for (const auto& [name, value] : response.headers) head.fields.append(name, value);
  head.fields.set(FieldId::date, "Date", arena.copy(http::http_date(wall_clock_us())));
  call.stream.settle_request();
  const std::string_view body = bodiless ? std::string_view() : std::string_view(response.body);
  const Io io = call.stream.write_head(head, body, true, head_only);
  if (!co_await flushed(call, io)) call.stream.reset();
}

/// Waits until what was written is with the kernel; false if the client does not take it.
Task<bool> LocalServer::Impl::flushed(const Call& call, Io io) {
  while (io == Io::blocked) {
    const TimePoint deadline = deadline_after(reactor_.now(), limits_.body_timeout);
    if (co_await until(call.stream.writable(), call.scope, deadline) != Outcome::ready) co_return false;
    io = call.stream.flush();
  }
  co_return io == Io::done;
}

LocalServer::LocalServer(io::Reactor& reactor, int fd, Pages pages, const LocalLimits& limits)
    : impl_(std::make_unique<Impl>(reactor, fd, std::move(pages), limits)) {}

LocalServer::~LocalServer() = default;

}  // namespace gatehouse::engine
