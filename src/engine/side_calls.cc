#include "engine/side_calls.h"

namespace gatehouse::engine {

using http::Io;

namespace {

constexpr int kMostHeads = 32;  ///< of one response, interim ones included

/// `from` as it would go to a service, with every text copied to `arena`.
void copy_head(const plugin::Exchange& from, std::string_view authority, Arena& arena, http::RequestHead& to) {
  to.method = from.request.method;
  to.method_text = arena.copy(from.request.method_text);
  for (const http::Field& field : from.request.fields) {
    if (field.removed || field.id == http::FieldId::host || field.id == http::FieldId::expect) continue;
    to.fields.append(field.id, arena.copy(field.name), arena.copy(field.value));
  }
  to.fields.append(http::FieldId::host, "Host", arena.copy(authority.empty() ? from.forward_host : authority));
}

}  // namespace

SideCalls::Call::Call(SideCalls& of, const Destination& to)
    : owner(of),
      cluster(to.cluster),
      timeouts(to.timeouts),
      deadline(deadline_after(of.reactor_.now(), to.timeouts.total == kOff ? kTotal : to.timeouts.total)),
      scope(of.reactor_.scheduler()) {
  ++owner.count_;
}

bool SideCalls::send_copy(const Destination& to, const plugin::Exchange& exchange, std::string_view body) {
  if (count_ >= kMost) return false;
  auto* call = new Call(*this, to);
  calls_.push_back(*call);
  copy_head(exchange, to.authority, call->arena, call->head);
  call->body = call->arena.copy(body);
  if (exchange.request.framing.kind != http::Framing::Kind::none) {
    call->head.framing = {http::Framing::Kind::length, body.size()};
  }
  const std::string_view query = exchange.forward_query;
  call->target = call->arena.concat(to.base_path, exchange.forward_path, query.empty() ? "" : "?", query);
  call->task = call->run();
  call->task.start();
  return true;
}

void SideCalls::stop() {
  while (!calls_.empty()) delete &calls_.front();
}

Task<void> SideCalls::Call::run() {
  {
    upstream::Cluster::Choice choice;
    upstream::Lease lease = cluster->try_reuse(owner.worker_, choice);
    if (!lease) {
      Result<upstream::Lease> acquired =
          co_await cluster->acquire(owner.worker_, choice, {timeouts.connect, deadline}, scope, false);
      if (acquired) lease = std::move(*acquired);
    }
    if (lease) {
      http::ClientStream& service = lease.begin(arena, head.method);
      if (co_await send(service)) co_await drop_response(service);
    }
  }
  owner.reactor_.scheduler().complete(end, Outcome::ready);
}

Task<bool> SideCalls::Call::ready(Signal& signal, Duration patience) {
  const TimePoint until_then = std::min(deadline, deadline_after(owner.reactor_.now(), patience));
  co_return co_await until(signal, scope, until_then) == Outcome::ready;
}

Task<bool> SideCalls::Call::send(http::ClientStream& service) {
  Io io = service.write_head(head, target, body, true);
  while (io == Io::blocked) {
    if (!co_await ready(service.writable(), timeouts.send)) co_return false;
    io = service.flush();
  }
  co_return io == Io::done;
}

Task<void> SideCalls::Call::drop_response(http::ClientStream& service) {
  http::ResponseHead response(arena);
  int heads = 0;
  do {
    if (++heads > kMostHeads) co_return;
    Io io = service.read_head(response);
    while (io == Io::blocked) {
      if (!co_await ready(service.readable(), timeouts.read)) co_return;
      io = service.read_head(response);
    }
    if (io == Io::failed) co_return;
  } while (response.status < 200);
  if (!response.framing.has_body()) co_return;
  http::BodyPiece piece;
  for (std::uint64_t dropped = 0; !piece.last && dropped <= kMostResponse; dropped += piece.data.size()) {
    Io io = service.read_body(piece);
    while (io == Io::blocked) {
      if (!co_await ready(service.readable(), timeouts.read)) co_return;
      io = service.read_body(piece);
    }
    if (io == Io::failed) co_return;
  }
}

}  // namespace gatehouse::engine
