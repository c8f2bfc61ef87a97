#include "redis/node.h"

#include <fmt/format.h>

#include "base/log.h"
#include "redis/finder.h"

namespace gatehouse::redis {
namespace {

Duration patience(const Options& options) {
  return options.timeout >= kOff / Node::kPatience ? kOff : options.timeout * Node::kPatience;
}

/// The server takes no writes any more: another is the master now. Scripts say it in their own way in older versions.
bool lost_mastership(const RedisResult& result) {
  return !result && (result.error().says("READONLY") ||
                     (result.error().fault == RedisError::Fault::server && result.error().text.contains("-READONLY ")));
}

}  // namespace

Node::Node(Finder& finder, Counters& counters, Address address)
    : finder_(finder),
      counters_(counters),
      address_(std::move(address)),
      connection_(finder.reactor(), *this, patience(finder.options())),
      scope_(finder.reactor().scheduler()) {}

Node::~Node() {
  close();
}

void Node::close() {
  attempt_.stop();
  retry_.detach();
  if (state_ == State::ready) counters_.connected.store(counters_.connected.load(std::memory_order_relaxed) - 1);
  state_ = State::closed;
  fault_ = "the client is closed";
  connection_.close(fault_);
  connection_.give_up_held(fault_);
}

std::string Node::name() const {
  const std::string& master = finder_.options().master;
  return master.empty() ? address_.text() : address_.port == 0 ? master : master + " at " + address_.text();
}

RedisError Node::down_error(Arena& arena) const {
  return {RedisError::Fault::unavailable, arena.copy(fault_)};
}

Task<RedisResult> Node::command(Scope& scope, Arena& arena, Arguments arguments, bool asking) {
  if (connection_.pending() >= finder_.options().max_pending) {
    co_return std::unexpected(RedisError{RedisError::Fault::overloaded, "too many commands are under way"});
  }
  if (state_ == State::idle) connect();
  const bool usable = state_ == State::ready || (state_ == State::connecting && failures_ == 0);
  if (!usable) co_return std::unexpected(down_error(arena));
  const TimePoint deadline = deadline_after(finder_.reactor().now(), finder_.options().timeout);
  const User user(*this);
  const RedisResult result = co_await connection_.command(scope, arena, arguments, deadline, asking);
  if (state_ == State::ready && lost_mastership(result)) {
    connection_.close("the server is no master any more");
    connection_lost("it is no master any more", true);
  }
  co_return result;
}

// ---- connecting ----

void Node::connect() {
  state_ = State::connecting;
  attempt_.start(attempt());
}

Task<void> Node::attempt() {
  std::string fault = co_await establish();
  if (!fault.empty()) {
    Counters::add(counters_.failed);
    failed(std::move(fault));
    co_return;
  }
  if (failures_ != 0) GH_LOG_LIMITED(info, 1, "redis {}: connected", name());
  state_ = State::ready;
  since_ = finder_.reactor().now();
  Counters::add(counters_.opened);
  Counters::add(counters_.connected);
  connection_.release();
}

/// "" or why there is no connection.
Task<std::string> Node::establish() {
  if (!finder_.options().master.empty()) {
    auto master = co_await finder_.master(scope_);
    if (!master) co_return master.error();
    if (address_ != *master) session_.forget();
    address_ = std::move(*master);
  }
  const auto found = co_await finder_.resolve(scope_, address_);
  if (!found) co_return found.error();
  std::string fault;
  for (const io::Endpoint& endpoint : *found) {
    const TimePoint deadline = deadline_after(finder_.reactor().now(), finder_.options().timeout);
    fault = co_await connection_.open(scope_, endpoint, finder_.peer(address_), session_, deadline);
    if (fault.empty()) fault = co_await greet();
    if (fault.empty()) co_return "";
    connection_.close(fault);
  }
  co_return fault;
}

Task<std::string> Node::greet() {
  const Options& options = finder_.options();
  const TimePoint deadline = deadline_after(finder_.reactor().now(), options.timeout);
  const std::string database = std::to_string(options.database);
  std::string_view words[3];
  const Arguments auth = auth_command(words, options.username, options.password);
  const std::string_view select[] = {"SELECT", database};
  const bool must_be_master = !options.master.empty();  // whom sentinels name may not know of it yet, or no longer
  const std::string_view question[] = {must_be_master ? "ROLE" : "PING"};
  Arguments commands[3];
  std::size_t count = 0;
  if (!auth.empty()) commands[count++] = auth;
  if (options.database != 0) commands[count++] = select;
  commands[count++] = question;
  Arena arena;
  const RedisResult result = co_await connection_.greet(scope_, arena, {commands, count}, deadline);
  if (result) {
    const bool replica = must_be_master && (result->count == 0 || result->first->text != "master");
    co_return replica ? "the sentinels name it, but it is no master" : "";
  }
  // Who may not ask may still be of use.
  if (options.database == 0 && result.error().says("NOPERM")) co_return "";
  co_return std::string(result.error().text);
}

// ---- the end of a connection ----

void Node::connection_lost(const char* why, bool broken) {
  counters_.connected.store(counters_.connected.load(std::memory_order_relaxed) - 1);
  // One that breaks sooner than the longest pause is over is no end of the failures.
  const bool lasted = !broken || finder_.reactor().now() - since_ >= kLastPause;
  if (connection_.has_answered() && lasted) failures_ = 0;
  if (broken || !connection_.has_answered()) return failed(why);
  state_ = State::idle;  // the next command makes another
}

void Node::failed(std::string why) {
  if (fault_ != why || failures_ == 0) GH_LOG_LIMITED(warn, 1, "redis {}: {}", name(), why);
  fault_ = std::move(why);
  state_ = State::down;
  connection_.give_up_held(fault_);
  const TimePoint due = deadline_after(finder_.reactor().now(), pause(++failures_, finder_.random()));
  retry_.attach(finder_.reactor().scheduler(), nullptr, nullptr, due);
}

Duration Node::pause(unsigned failures, Random& random) {
  constexpr unsigned kMostDoublings = 5;
  const Duration whole = std::min<Duration>(kLastPause, kFirstPause * (1U << std::min(failures - 1, kMostDoublings)));
  const auto half_us = static_cast<std::uint32_t>(whole / std::chrono::microseconds(2));
  return whole - std::chrono::microseconds(random.below(half_us));
}

}  // namespace gatehouse::redis
