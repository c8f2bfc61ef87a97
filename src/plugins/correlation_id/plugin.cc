#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/random.h"
#include "config/options.h"
#include "plugin/build_context.h"
#include "plugins/common/header_names.h"
#include "plugins/common/per_worker.h"

namespace gatehouse::plugins::correlation_id {
namespace {

using plugin::Exchange;
using plugin::Verdict;

enum class Generator : std::uint8_t { uuid, uuid_counter, tracker };

struct Config {
  std::string header_name = "X-Correlation-ID";
  Generator generator = Generator::uuid;
  bool echo_downstream = true;
};

const config::Options<Config>& options() {
  static const auto table =
      config::Options<Config>()
          .add("header_name", &Config::header_name, settable_header(), "The field that carries the id.")
          .add("generator", &Config::generator, config::choice<Generator>({"uuid", "uuid#counter", "tracker"}),
               "How an id is made: a random UUID for each request; one for each worker and a count; or "
               "`host-process-worker-count-milliseconds`.")
          .add("echo_downstream", &Config::echo_downstream, config::boolean(), "Sends the id back to the client.");
  return table;
}

/// Ids come from outside and go into logs and to services.
bool is_usable(std::string_view id) {
  return !id.empty() && id.size() <= 128 &&
         std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; });
}

/// "host-4711-", with of the host's name only what may stand in an id.
std::string process_text() {
  char host[64] = {};
  if (::gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
  std::string text;
  for (const char* at = host; *at != '\0'; ++at) {
    if (std::isalnum(static_cast<unsigned char>(*at)) || *at == '.' || *at == '-') text += *at;
  }
  return text + "-" + std::to_string(::getpid()) + "-";
}

class CorrelationId : public plugin::Plugin {
 public:
  CorrelationId(Config config, unsigned workers)
      : config_(std::move(config)),
        field_(http::field_id(config_.header_name)),
        process_(process_text()),
        sources_(workers) {}

  Verdict on_request(Exchange& exchange) const noexcept override {
    identify(exchange);
    return Verdict::proceed;
  }

  Verdict on_response(Exchange& exchange) const noexcept override {
    if (config_.echo_downstream) exchange.response.fields.set(field_, config_.header_name, identify(exchange));
    return Verdict::proceed;
  }

 private:
  struct State {
    std::string_view id;
  };
  /// What one worker makes ids of.
  struct Source {
    Source() { put_uuid(uuid, random.next(), random.next()); }
    Random random;
    std::uint64_t count = 0;
    char uuid[36];
  };

  /// The request's id, made where the client sent none that is usable. Replies to requests whose request hooks did not
  /// run get one here too.
  std::string_view identify(Exchange& exchange) const {
    State& state = exchange.state<State>(*this);
    if (!state.id.empty()) return state.id;
    http::Fields& fields = exchange.request.fields;
    const std::string_view sent = fields.get(config_.header_name);
    state.id = is_usable(sent) ? sent : make(exchange);
    fields.set(field_, config_.header_name, state.id);
    return state.id;
  }

  std::string_view make(Exchange& exchange) const {
    Source& source = sources_.of(exchange);
    if (config_.generator == Generator::uuid) {
      char* const room = exchange.arena.array<char>(36);
      put_uuid(room, source.random.next(), source.random.next());
      return {room, 36};
    }
    char count[20];
    const std::string_view counted(count, number(count, ++source.count));
    if (config_.generator == Generator::uuid_counter) {
      return exchange.arena.concat(std::string_view(source.uuid, sizeof source.uuid), "#", counted);
    }
    char worker[20], time[20];
    return exchange.arena.concat(
        process_, std::string_view(worker, number(worker, exchange.worker)), "-", counted, "-",
        std::string_view(time, number(time, static_cast<std::uint64_t>(wall_clock_us() / 1000))));
  }

  static std::size_t number(char* to, std::uint64_t value) {
    return static_cast<std::size_t>(std::to_chars(to, to + 20, value).ptr - to);
  }

  Config config_;
  http::FieldId field_;
  std::string process_;
  PerWorker<Source> sources_;
};

config::PluginInfo info() {
  return config::plugin_info("correlation-id", "Gives each request an id that its logs, services and client share.",
                             100001, options());
}

std::shared_ptr<const plugin::Plugin> make(const config::Node* node, plugin::BuildContext& context) {
  return std::make_shared<CorrelationId>(options().read(node), context.workers());
}

}  // namespace

extern const plugin::PluginType kType;
const plugin::PluginType kType = {.name = "correlation-id",
                                  .posture = plugin::Posture::fail_open,
                                  .hooks = plugin::hooks_of<CorrelationId>(),
                                  .info = info,
                                  .make = make};

}  // namespace gatehouse::plugins::correlation_id
