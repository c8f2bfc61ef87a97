#include "engine/h2_connection.h"

#include <algorithm>

#include "engine/session.h"

namespace gatehouse::engine {

namespace {

/// Bytes read in a turn of the loop: hundreds of small requests already.
constexpr std::size_t kMostInTurn = 64 * 1024;
/// Between the announcement of the end and the line: what the client sent before it heard of it is still served.
constexpr Duration kLastCall = std::chrono::milliseconds(200);
constexpr Duration kLastWrite = std::chrono::seconds(1);

/// What is there before the stream that uses it, and after.
struct ExchangeMemory {
  ExchangeMemory() : head(arena) {}
  Arena arena;
  http::RequestHead head;
};

}  // namespace

/// One request: HTTP/2's stream and the exchange that answers on it.
struct H2Connection::Exchange final : ExchangeMemory, http::H2ServerStream, Wait {
  explicit Exchange(H2Connection& owner)
      : http::H2ServerStream(owner.wire_.session, arena, head),
        Wait([](Wait& wait) {
          auto& self = static_cast<Exchange&>(wait);
          self.connection.let_go(self);
        }),
        connection(owner),
        scope(owner.reactor_.scheduler()) {}

  static void* operator new(std::size_t size) { return BlockPool::take(size); }
  static void operator delete(void* block, std::size_t size) noexcept { BlockPool::give(block, size); }

  H2Connection& connection;
  Scope scope;
  Task<void> task;
  ListHook hook, arrived_hook;
  bool started = false;
  bool over = false;  ///< nobody serves it (any more)
};

struct H2Connection::Lists {
  List<Exchange, &Exchange::hook> exchanges;
  List<Exchange, &Exchange::arrived_hook> arrived;
};

H2Connection::H2Connection(io::Reactor& reactor, io::Channel& socket, Handler& handler, const Arrival& arrival,
                           const Settings& settings, Watcher& watcher)
    : reactor_(reactor),
      socket_(socket),
      handler_(handler),
      arrival_(arrival),
      settings_(settings),
      watcher_(watcher),
      wire_(reactor, socket, http::H2Session::Role::server, settings_.http2, *this),
      idle_since_(reactor.now()),
      lists_(std::make_unique<Lists>()) {}

H2Connection::~H2Connection() {
  while (!lists_->exchanges.empty()) delete &lists_->exchanges.front();
}

// ---- streams and exchanges ----

http::H2Stream* H2Connection::open_stream() {
  auto* exchange = new Exchange(*this);
  lists_->exchanges.push_back(*exchange);
  if (open_++ == 0) watcher_.became_idle(false);
  return exchange;
}

void H2Connection::head_complete(http::H2Stream& stream) {
  lists_->arrived.push_back(static_cast<Exchange&>(stream));
}

void H2Connection::stream_closed(http::H2Stream& stream) {
  auto& exchange = static_cast<Exchange&>(stream);
  if (!exchange.started) {
    exchange.arrived_hook.unlink();
    exchange.over = true;
  }
  if (exchange.over) {
    reactor_.scheduler().complete(exchange, Outcome::ready);  // not now: nghttp2 is at work
  } else if (exchange.cut()) {
    exchange.scope.cancel(Reason::client_closed);
  }
}

void H2Connection::start_arrived() {
  while (!lists_->arrived.empty()) {
    Exchange& exchange = lists_->arrived.pop_front();
    exchange.started = true;
    ++running_;
    exchange.task = serve(exchange);
    exchange.task.start();
  }
}

Task<void> H2Connection::serve(Exchange& exchange) {
  const Call call{exchange, exchange.scope, arrival_};
  if (exchange.refusal().reason == Reason::none) {
    co_await handler_.serve(call, exchange.head, exchange.arena);
  } else {
    co_await handler_.refuse(call, exchange.arena, exchange.refusal());
  }
  exchange.finish_exchange();
  wire_.write_soon();
  reactor_.scheduler().complete(exchange, Outcome::ready);  // this frame cannot destroy itself
}

/// The exchange has ended or the stream has: destroys what both used once neither is left.
void H2Connection::let_go(Exchange& exchange) {
  if (exchange.started && !exchange.over) {
    exchange.over = true;
    exchange.task = {};
    if (--running_ == 0) {
      idle_since_ = reactor_.now();
      none_running_.notify();
    }
  }
  if (!exchange.closed()) {
    if (running_ == 0) socket_.readable.notify();  // another deadline holds now
    return;
  }
  delete &exchange;
  if (--open_ == 0) {
    idle_since_ = reactor_.now();
    watcher_.became_idle(true);
    socket_.readable.notify();
  }
}

void H2Connection::cancel_exchanges(Reason reason) {
  lists_->exchanges.each([&](Exchange& exchange) {
    if (!exchange.over) exchange.scope.cancel(reason);
  });
}

// ---- bytes ----

void H2Connection::begin(std::string_view received) {
  if (!received.empty()) wire_.receive(received);
  look_at_received();
}

/// After bytes have come: requests are served, and whatever HTTP/2 itself has to say goes out.
void H2Connection::look_at_received() {
  if (!wire_.session.in_header_block()) {
    block_since_ = {};
  } else if (block_since_ == TimePoint{}) {
    block_since_ = reactor_.now();
  }
  start_arrived();
  wire_.write_soon();
}

// ---- the connection's life ----

bool H2Connection::done() const {
  if (given_up_ || wire_.failed() || wire_.session.over()) return true;
  return draining_ == Draining::line_drawn && open_ == 0 && !wire_.blocked();
}

TimePoint H2Connection::deadline() const {
  // What a client is still taking is not cut, however slowly it does.
  if (ending_by_ != kNever)
    return wire_.blocked() ? std::max(ending_by_, deadline_after(wire_.wrote_at(), kLastWrite)) : ending_by_;
  TimePoint due = kNever;
  if (!wire_.session.greeted()) {
    due = deadline_after(idle_since_, settings_.header_timeout);
  } else if (running_ == 0 && (open_ != 0 || wire_.blocked())) {
    due = deadline_after(std::max(idle_since_, wire_.wrote_at()), settings_.body_timeout);
  } else if (open_ == 0) {
    due = deadline_after(idle_since_, settings_.idle_timeout);
  }
  if (block_since_ != TimePoint{}) due = std::min(due, deadline_after(block_since_, settings_.header_timeout));
  if (draining_ == Draining::announced) due = std::min(due, deadline_after(drain_since_, kLastCall));
  return due;
}

void H2Connection::on_deadline() {
  const TimePoint now = reactor_.now();
  if (now < deadline()) return;  // something was written meanwhile
  if (ending_by_ != kNever) {
    given_up_ = true;
    return;
  }
  if (draining_ == Draining::announced && now >= deadline_after(drain_since_, kLastCall)) {
    draining_ = Draining::line_drawn;
    wire_.session.end_with_streams();
  } else if (client_is_taking(now)) {
    idle_since_ = now;
  } else {
    ending_by_ = deadline_after(now, kLastWrite);
    wire_.session.terminate(http::H2Error::no_error);
    cancel_exchanges(Reason::client_timeout);
  }
  wire_.write_soon();
}

/// What lies in the kernel is lost with the connection: a frame of the client's that comes after the end is answered by
/// a reset.
bool H2Connection::client_is_taking(TimePoint now) {
  if (open_ != 0 || wire_.blocked() || !wire_.session.greeted()) return false;
  const std::size_t unsent = socket_.unsent();
  if (unsent != unsent_ || unsent_since_ == TimePoint{}) {
    unsent_ = unsent;
    unsent_since_ = now;
  }
  return unsent != 0 && now < deadline_after(unsent_since_, settings_.body_timeout);
}

void H2Connection::drain() {
  if (draining_ != Draining::no) return;
  draining_ = Draining::announced;
  drain_since_ = reactor_.now();
  wire_.session.announce_end();
  lists_->exchanges.each([](Exchange& exchange) { exchange.readable().notify(); });
  wire_.write_soon();
  socket_.readable.notify();
}

Task<void> H2Connection::run(Scope& scope) {
  std::size_t in_turn = 0;
  while (!done() && !scope.cancelled()) {
    if (socket_.can_read()) {
      in_turn += wire_.read_some();
      look_at_received();
      if (in_turn < kMostInTurn) continue;
      in_turn = 0;
      co_await next_turn(scope);
      continue;
    }
    in_turn = 0;
    if (open_ == 0) socket_.rest();
    if (co_await until(socket_.readable, scope, deadline()) == Outcome::timeout) on_deadline();
  }
  cancel_exchanges(scope.cancelled() ? scope.reason() : Reason::client_closed);
  co_await end_exchanges();
  if (!scope.cancelled()) co_await write_rest(scope);
}

Task<void> H2Connection::end_exchanges() {
  Scope undisturbed(reactor_.scheduler());
  while (running_ != 0) co_await until(none_running_, undisturbed, kNever);
}

Task<void> H2Connection::write_rest(Scope& scope) {
  const TimePoint due = deadline_after(reactor_.now(), kLastWrite);
  for (;;) {
    const bool written = wire_.write_all();
    wire_.stop_writing();
    if (written || wire_.error_number() != 0) co_return;
    if (co_await until(socket_.writable, scope, due) != Outcome::ready) co_return;
  }
}

}  // namespace gatehouse::engine
