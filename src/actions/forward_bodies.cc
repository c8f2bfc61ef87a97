#include <algorithm>

#include "actions/forward.h"
#include "base/clock.h"
#include "base/number.h"
#include "http/date.h"
#include "http/reserved_names.h"

namespace gatehouse::actions {

using http::Io;
using plugin::Direction;
using plugin::Verdict;

namespace {

/// How much of a body has passed in this turn of the loop: where service and client are both faster than the gateway,
/// nothing would ever make it wait, and every other connection would.
class TurnShare {
 public:
  explicit TurnShare(Scope& scope) : scheduler_(scope.scheduler()), turn_(scheduler_.now()) {}
  bool used_up(std::size_t bytes) {
    constexpr std::size_t kMost = 1024 * 1024;
    if (scheduler_.now() != turn_) {
      turn_ = scheduler_.now();
      bytes_ = 0;
    }
    bytes_ += bytes;
    return bytes_ >= kMost;
  }

 private:
  Scheduler& scheduler_;
  TimePoint turn_;
  std::size_t bytes_ = 0;
};

bool starts_with_ignoring_case(std::string_view text, std::string_view lower) {
  return text.size() >= lower.size() && http::equal_names(text.substr(0, lower.size()), lower);
}

/// Responses that flow for as long as both sides want (semantics.md, "Defaults").
bool is_endless(const http::ResponseHead& head) {
  const std::string_view type = head.fields.get(http::FieldId::content_type);
  return starts_with_ignoring_case(type, "text/event-stream") || starts_with_ignoring_case(type, "application/grpc");
}

}  // namespace

void Forward::observe(Direction direction, const http::BodyPiece& piece, const http::Fields& trailers) {
  if (!x_.observes(direction)) return;
  const plugin::BodyChunk chunk{direction, piece.data, piece.last, piece.last ? &trailers : nullptr};
  for (const plugin::Plugin* plugin : chain_.body()) {
    plugin->on_body(x_, chunk);
    if (x_.replied) return;
  }
}

/// Until the service has taken what was written. False: there is nothing more to do.
Task<bool> Forward::taken(http::ClientStream& service, Io io) {
  while (io == Io::blocked) {
    const Outcome outcome = co_await until(service.writable(), scope_, until_after(timeouts_.send));
    if (outcome == Outcome::cancelled) co_return false;
    if (outcome == Outcome::timeout) {
      fail_upload(service, Error{Reason::upstream_timeout, Source::upstream, RetrySafety::no, 0,
                                 "the service did not take the request in time"});
      co_return false;
    }
    io = service.flush();
  }
  // Where it failed the service stopped reading; it may have answered: the other direction finds out.
  co_return io == Io::done;
}

Task<bool> Forward::collect_request() {
  const std::uint64_t limit = std::min(x_.request_buffer(), x_.max_request_body);
  const http::Framing& framing = x_.request.framing;
  const bool declared = framing.kind == http::Framing::Kind::length;
  if (declared && framing.length > limit) {
    x_.refuse(Reason::body_too_large);
    co_return false;
  }
  const auto lost = [this](Outcome outcome) {
    Error error{Reason::client_timeout, Source::downstream, RetrySafety::no, 0,
                "the request's body did not arrive in time"};
    if (outcome == Outcome::cancelled) error = {scope_.reason(), Source::downstream};
    give_up(error);
    return false;
  };
  if (client_.expects_continue()) {
    // No service will be asked before the body is here: it is for the gateway to say so.
    http::ResponseHead head(x_.arena);
    head.status = 100;
    Io io = client_.write_informational(head);
    while (io == Io::blocked) {
      const Outcome outcome = co_await until(client_.writable(), scope_, until_after(client_patience()));
      if (outcome != Outcome::ready) co_return lost(outcome);
      io = client_.flush();
    }
    x_.request.fields.remove(http::FieldId::expect);
  }
  char* buffer = nullptr;
  std::uint64_t size = 0, room = 0;
  TurnShare share(scope_);
  do {
    Io io = client_.read_body(first_);
    while (io == Io::blocked) {
      const Outcome outcome = co_await until(client_.readable(), scope_, until_after(client_patience()));
      if (outcome != Outcome::ready) co_return lost(outcome);
      io = client_.read_body(first_);
    }
    if (io == Io::failed) {
      give_up(client_.error());
      co_return false;
    }
    const std::string_view data = first_.data;
    if (data.size() > limit - size) {
      x_.refuse(Reason::body_too_large);
      co_return false;
    }
    if (size + data.size() > room) {
      // Twice as much each time, but not for what was only promised.
      constexpr std::uint64_t kLeast = 4096;
      room = std::max({kLeast, room * 2, size + data.size()});
      if (declared) room = std::min(room, framing.length);
      char* const larger = x_.arena.reserve(room);
      std::copy_n(buffer, size, larger);
      buffer = larger;
    }
    std::ranges::copy(data, buffer + size);
    size += data.size();
    if (share.used_up(data.size())) co_await next_turn(scope_);
  } while (!first_.last);
  first_.data = {buffer, size};
  has_first_ = true;
  request_bytes_ = size;
  observe(Direction::request, first_, client_.trailers());
  co_return !x_.replied;
}

Task<void> Forward::pump_request(http::ClientStream& service, Io begun) {
  if (!co_await taken(service, begun)) co_return;
  http::BodyPiece piece = first_;
  piece.data = {};
  // The next read may give up the buffer that it lies in.
  if (!first_.data.empty()) first_used_up_ = true;
  TurnShare share(scope_);
  while (!piece.last) {
    if (share.used_up(piece.data.size())) co_await next_turn(scope_);
    Io io = client_.read_body(piece);
    while (io == Io::blocked) {
      // A client that waits for 100 (Continue) is not the one to blame.
      const bool held_back = client_.expects_continue();
      const Outcome outcome =
          co_await until(client_.readable(), scope_, until_after(held_back ? read_patience() : client_patience()));
      if (outcome == Outcome::cancelled) co_return;
      if (outcome == Outcome::timeout && (held_back || scope_.scheduler().now() >= total_)) {
        fail_upload(service, Error{Reason::upstream_timeout, Source::upstream, RetrySafety::no, 0,
                                   held_back ? "the service did not answer in time" : "the total time is over"});
        co_return;
      }
      if (outcome == Outcome::timeout) {
        fail_upload(service, Error{Reason::client_timeout, Source::downstream, RetrySafety::no, 0,
                                   "the request's body did not arrive in time"});
        co_return;
      }
      io = client_.read_body(piece);
    }
    first_used_up_ = true;
    if (io == Io::failed) {
      fail_upload(service, client_.error());
      co_return;
    }
    request_bytes_ += piece.data.size();
    if (request_bytes_ > x_.max_request_body) {
      fail_upload(service, {Reason::body_too_large, Source::downstream});
      co_return;
    }
    observe(Direction::request, piece, client_.trailers());
    const bool with_trailers = piece.last && client_.trailers().size() != 0;
    if (piece.data.empty() && with_trailers) break;
    if (!co_await taken(service, service.write_body(piece.data, piece.last && !with_trailers))) co_return;
    progress_ = scope_.scheduler().now();
  }
  if (client_.trailers().size() == 0) co_return;
  http::Fields trailers(x_.arena);
  for (const http::Field& field : client_.trailers()) {
    if (field.removed || http::reads_as_one_of(field.name, x_.identity_names)) continue;
    trailers.append(field.id, field.name, field.value);
  }
  co_await taken(service, service.finish(trailers));
}

void Forward::fail_upload(http::ClientStream& service, const Error& error) {
  upload_failed_ = true;
  upload_error_ = error;
  service.readable().notify();  // whoever waits for the answer looks again
}

void Forward::prepare_response_head(const http::ClientStream& service) {
  http::ResponseHead& head = x_.response;
  if (x_.request.method == http::Method::head || head.status == 304) {
    // The length describes the body that is not sent (RFC 9110 section 8.6).
    if (const auto length = parse_number<std::uint64_t>(head.fields.get(http::FieldId::content_length))) {
      head.framing = {http::Framing::Kind::length, *length};
    } else if (head.fields.has(http::FieldId::transfer_encoding)) {
      head.framing = {http::Framing::Kind::chunked, 0};
    }
  }
  http::remove_hop_by_hop(head.fields);
  http::Field* via = head.fields.find(http::FieldId::via);
  const std::string_view self = http::via_text(head.major, head.minor);
  if (via != nullptr) {
    via->value = x_.arena.concat(via->value, ", ", self);
  } else {
    head.fields.append(http::FieldId::via, "Via", self);
  }
  if (!head.fields.may_have(http::FieldId::date)) {
    // RFC 9110 section 6.6.1: who forwards an answer without one says when it came.
    head.fields.append(http::FieldId::date, "Date", x_.arena.copy(http::http_date(wall_clock_us())));
  }
  if (!head.fields.may_have(http::FieldId::x_request_id)) {
    head.fields.append(http::FieldId::x_request_id, "X-Request-ID", x_.request_id);
  }
}

Task<void> Forward::pump_response(http::ClientStream& service) {
  const bool has_body = x_.response.framing.has_body();
  if (!cookie_.empty()) x_.response.fields.append(http::FieldId::set_cookie, "Set-Cookie", cookie_);
  if (!streaming_ && is_endless(x_.response)) {
    streaming_ = true;
    total_ = kNever;
  }
  prepare_response_head(service);
  if (x_.grpc) x_.grpc_status = x_.arena.copy(x_.response.fields.get("grpc-status"));  // where nothing follows
  for (const plugin::Plugin* plugin : chain_.response()) {
    Verdict verdict = plugin->on_response(x_);
    if (verdict == Verdict::suspend) verdict = co_await plugin->on_response_async(x_);
    if (verdict == Verdict::reply) co_return;
  }
  const bool head_only = x_.request.method == http::Method::head || x_.response.status == 304;

  http::BodyPiece piece;
  piece.last = !has_body;
  if (has_body) {
    if (x_.response.framing.kind == http::Framing::Kind::length && x_.response.framing.length > x_.max_response_body) {
      give_up({Reason::upstream_protocol, Source::upstream, RetrySafety::no, 0,
               "the service's body is larger than max_body"});
      co_return;
    }
    const Io io = service.read_body(piece);  // what came with the head leaves with the head
    if (io == Io::failed) {
      give_up(service.error());
      co_return;
    }
    if (piece.data.size() > x_.max_response_body) {
      give_up({Reason::upstream_protocol, Source::upstream, RetrySafety::no, 0,
               "the service's body is larger than max_body"});
      co_return;
    }
    if (io == Io::done) observe(Direction::response, piece, service.trailers());
  }
  std::uint64_t bytes = piece.data.size();
  if (upload_.running()) {
    client_.close_after();  // what is left of the request is not read as the next one
  } else {
    client_.settle_request();
  }
  bool with_trailers = piece.last && service.trailers().size() != 0;
  TurnShare share(scope_);
  Io out = client_.write_head(x_.response, piece.data, piece.last && !with_trailers, head_only);
  for (;;) {
    while (out == Io::blocked) {
      const Outcome outcome = co_await until(client_.writable(), scope_, until_after(client_patience()));
      if (outcome != Outcome::ready) {
        const bool late = outcome == Outcome::timeout;
        const bool in_total = late && scope_.scheduler().now() >= total_;
        break_off(
            in_total ? Error{Reason::upstream_timeout, Source::upstream, RetrySafety::no, 0, "the total time is over"}
            : late   ? Error{Reason::client_closed, Source::downstream, RetrySafety::no, 0, "the client does not read"}
                     : Error{scope_.reason(), Source::downstream});
        co_return;
      }
      out = client_.flush();
    }
    if (out == Io::failed) {
      break_off(client_.error());
      co_return;
    }
    if (piece.last) break;
    if (share.used_up(piece.data.size())) co_await next_turn(scope_);
    Io io = service.read_body(piece);
    while (io == Io::blocked) {
      if (upload_failed_) {
        break_off(upload_error_);
        co_return;
      }
      const Outcome outcome = co_await until(service.readable(), scope_, until_after(read_patience()));
      if (outcome == Outcome::cancelled) {
        break_off({scope_.reason(), Source::downstream});
        co_return;
      }
      if (upload_failed_) {
        break_off(upload_error_);
        co_return;
      }
      if (outcome == Outcome::timeout) {
        break_off(Error{Reason::upstream_timeout, Source::upstream, RetrySafety::no, 0,
                        "the service's body did not arrive in time"});
        co_return;
      }
      io = service.read_body(piece);
    }
    if (io == Io::failed) {
      break_off(service.error());
      co_return;
    }
    bytes += piece.data.size();
    if (bytes > x_.max_response_body) {
      break_off({Reason::upstream_protocol, Source::upstream, RetrySafety::no, 0,
                 "the service's body is larger than max_body"});
      co_return;
    }
    observe(Direction::response, piece, service.trailers());
    with_trailers = piece.last && service.trailers().size() != 0;
    if (!with_trailers || !piece.data.empty()) {
      out = client_.write_body(piece.data, piece.last && !with_trailers);
    } else {
      out = Io::done;
    }
  }
  if (with_trailers) {
    if (x_.grpc && x_.grpc_status.empty()) x_.grpc_status = service.trailers().get("grpc-status");
    out = client_.finish(service.trailers());
    while (out == Io::blocked) {
      if (co_await until(client_.writable(), scope_, until_after(client_patience())) != Outcome::ready) {
        break_off({Reason::client_closed, Source::downstream});
        co_return;
      }
      out = client_.flush();
    }
  }
}

}  // namespace gatehouse::actions
