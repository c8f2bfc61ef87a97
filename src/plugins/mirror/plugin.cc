#include <algorithm>
#include <bit>

#include "base/random.h"
#include "config/options.h"
#include "plugin/build_context.h"
#include "plugins/common/per_worker.h"

namespace gatehouse::plugins::mirror {
namespace {

using plugin::BodyChunk;
using plugin::Direction;
using plugin::Exchange;
using plugin::Verdict;

/// Behind every plugin that may refuse or change the request: what on_request sees is what is forwarded.
constexpr int kRank = -2000;

struct Config {
  std::string service;
  double percent = 100;
  std::uint64_t max_body = 64 * 1024;
};

const config::Options<Config>& options() {
  static const auto table =
      config::Options<Config>()
          .require("service", &Config::service, config::service_name(),
                   "The service that gets the copies; its answers are dropped.")
          .add("percent", &Config::percent, config::percentage(),
               "How many of the requests are copied, chosen at random.")
          .add("max_body", &Config::max_body, config::bytes(),
               "A request with a larger body is not copied. It goes on to its own service as ever.");
  return table;
}

class Mirror : public plugin::Plugin {
 public:
  Mirror(const Config& config, plugin::BuildContext& context)
      : percent_(config.percent),
        max_body_(config.max_body),
        caller_(context.http(config.service)),
        random_(context.workers()) {}

  /// The last request hook: nobody has refused the request, so it is sent, whatever its own service makes of it.
  Verdict on_request(Exchange& exchange) const noexcept override {
    const http::Framing& framing = exchange.request.framing;
    if (exchange.replied || !is_chosen(exchange)) return Verdict::proceed;
    if (!framing.has_body()) {
      caller_->send_copy(exchange, {});
    } else if (framing.kind != http::Framing::Kind::length || framing.length <= max_body_) {
      exchange.state<State>(*this).copy = exchange.arena.make<Copy>();
      exchange.observe_body(Direction::request);
    }
    return Verdict::proceed;
  }

  void on_body(Exchange& exchange, const BodyChunk& chunk) const noexcept override {
    if (chunk.direction != Direction::request) return;
    const State* const state = exchange.find_state<State>(*this);
    if (state == nullptr || state->copy->done) return;
    Copy& copy = *state->copy;
    if (copy.size + chunk.bytes.size() > max_body_) {
      copy.done = true;
      return;
    }
    if (!chunk.last) {
      append(copy, exchange, chunk.bytes);
      return;
    }
    copy.done = true;
    if (copy.size == 0) {
      caller_->send_copy(exchange, chunk.bytes);
      return;
    }
    append(copy, exchange, chunk.bytes);
    caller_->send_copy(exchange, {copy.bytes, copy.size});
  }

 private:
  /// The body as far as it has come.
  struct Copy {
    char* bytes = nullptr;
    std::size_t size = 0;
    std::size_t capacity = 0;
    bool done = false;  ///< sent, or given up
  };
  struct State {
    Copy* copy = nullptr;
  };

  bool is_chosen(const Exchange& exchange) const {
    if (percent_ >= 100) return true;
    const double at = static_cast<double>(random_.of(exchange).next() >> 11) * 0x1p-53;  // in [0, 1)
    return at * 100 < percent_;
  }

  void append(Copy& copy, Exchange& exchange, std::string_view bytes) const {
    if (copy.size + bytes.size() > copy.capacity) grow(copy, exchange, copy.size + bytes.size());
    std::copy(bytes.begin(), bytes.end(), copy.bytes + copy.size);
    copy.size += bytes.size();
  }

  /// To the declared length at once, if it is no more than an arena holds without trouble; else by doubling.
  static void grow(Copy& copy, Exchange& exchange, std::size_t needed) {
    const http::Framing& framing = exchange.request.framing;
    const bool declared =
        framing.kind == http::Framing::Kind::length && framing.length <= 64 * 1024 && framing.length >= needed;
    copy.capacity =
        declared ? static_cast<std::size_t>(framing.length) : std::bit_ceil(std::max<std::size_t>(needed, 1024));
    char* const bytes = exchange.arena.array<char>(copy.capacity);
    std::copy_n(copy.bytes, copy.size, bytes);
    copy.bytes = bytes;
  }

  double percent_;
  std::uint64_t max_body_;
  std::shared_ptr<const plugin::HttpCaller> caller_;
  PerWorker<Random> random_;
};

config::PluginInfo info() {
  return config::plugin_info("mirror", "Sends a copy of requests to another service and drops its answers.", kRank,
                             options());
}

std::shared_ptr<const plugin::Plugin> make(const config::Node* node, plugin::BuildContext& context) {
  return std::make_shared<Mirror>(options().read(node), context);
}

}  // namespace

extern const plugin::PluginType kType;
const plugin::PluginType kType = {.name = "mirror",
                                  .posture = plugin::Posture::fail_open,
                                  .hooks = plugin::hooks_of<Mirror>(),
                                  .info = info,
                                  .make = make};

}  // namespace gatehouse::plugins::mirror
