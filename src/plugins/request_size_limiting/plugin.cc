#include <algorithm>

#include "config/options.h"
#include "plugin/build_context.h"

namespace gatehouse::plugins::request_size_limiting {
namespace {

using plugin::Exchange;
using plugin::Verdict;

struct Config {
  std::optional<std::uint64_t> max_body;
  std::optional<std::uint64_t> allowed_payload_size;
  std::string size_unit = "megabytes";
  bool require_content_length = false;

  std::uint64_t limit() const {
    if (max_body) return *max_body;
    const unsigned shift = size_unit == "megabytes" ? 20 : size_unit == "kilobytes" ? 10 : 0;
    return allowed_payload_size.value_or(128) << shift;
  }
};

const config::Options<Config>& options() {
  constexpr std::int64_t kMostMegabytes = INT64_MAX >> 20;
  static const auto table =
      config::Options<Config>()
          .add("max_body", &Config::max_body, config::bytes(),
               "The largest body that may pass: `8MiB`. Stands for the two options of Kong below.")
          .add("allowed_payload_size", &Config::allowed_payload_size, config::integer(0, kMostMegabytes),
               "The same in `size_unit`s. 128 where neither is written.")
          .add("size_unit", &Config::size_unit, config::one_of({"megabytes", "kilobytes", "bytes"}),
               "What `allowed_payload_size` counts: 1024 × 1024 bytes, 1024 bytes, or bytes.")
          .add("require_content_length", &Config::require_content_length, config::boolean(),
               "Answers 411 to a body that does not say its length first.")
          .check([](const Config& config, const config::Where& at) {
            if (config.max_body && config.allowed_payload_size) {
              at.error("has \"max_body\" and \"allowed_payload_size\": only one limit can hold");
            }
          });
  return table;
}

class RequestSizeLimiting : public plugin::Plugin {
 public:
  explicit RequestSizeLimiting(const Config& config)
      : limit_(config.limit()), require_content_length_(config.require_content_length) {}

  Verdict on_request(Exchange& exchange) const noexcept override {
    const http::Framing& framing = exchange.request.framing;
    if (framing.kind == http::Framing::Kind::length) {
      if (framing.length > limit_) return exchange.refuse(Reason::body_too_large);
    } else if (framing.kind != http::Framing::Kind::none && require_content_length_) {
      return exchange.refuse(Reason::bad_request, "Content-Length is required", 411);
    }
    exchange.max_request_body = std::min(exchange.max_request_body, limit_);
    return Verdict::proceed;
  }

 private:
  std::uint64_t limit_;
  bool require_content_length_;
};

config::PluginInfo info() {
  return config::plugin_info("request-size-limiting", "Refuses requests whose body is larger than a limit.", 951,
                             options());
}

std::shared_ptr<const plugin::Plugin> make(const config::Node* node, plugin::BuildContext&) {
  return std::make_shared<RequestSizeLimiting>(options().read(node));
}

}  // namespace

extern const plugin::PluginType kType;
const plugin::PluginType kType = {.name = "request-size-limiting",
                                  .posture = plugin::Posture::fail_closed,
                                  .hooks = plugin::hooks_of<RequestSizeLimiting>(),
                                  .info = info,
                                  .make = make};

}  // namespace gatehouse::plugins::request_size_limiting
