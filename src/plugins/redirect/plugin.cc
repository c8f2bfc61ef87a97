#include <algorithm>

#include "config/options.h"
#include "plugin/build_context.h"

namespace gatehouse::plugins::redirect {
namespace {

using plugin::Exchange;
using plugin::Verdict;

struct Config {
  int status_code = 301;
  std::string location;
  bool keep_incoming_path = false;
};

/// "https://shop.example.com:8443" of a URL; "" of what is none.
std::string_view origin_of(std::string_view location) {
  const std::size_t scheme = location.find("://");
  if (scheme == std::string_view::npos || scheme == 0) return {};
  const std::size_t end = std::min(location.find_first_of("/?#", scheme + 3), location.size());
  return end == scheme + 3 ? std::string_view() : location.substr(0, end);
}

std::string check_location(std::string_view text) {
  if (text.empty()) return "must not be empty";
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
  return plain ? "" : "must be a URL: visible ASCII, the rest percent-encoded";
}

const config::Options<Config>& options() {
  static const auto table =
      config::Options<Config>()
          .require("location", &Config::location, config::string(check_location),
                   "Where to: a URL, or a path of the gateway's own host.")
          .add("status_code", &Config::status_code, config::integer(300, 399), "The status: 301, 302, 303, 307 or 308.")
          .add("keep_incoming_path", &Config::keep_incoming_path, config::boolean(),
               "Takes the request's path and query instead of `location`'s.")
          .check_node([](const Config& config, const config::Node& node, const config::Where& at) {
            constexpr int kRedirects[] = {301, 302, 303, 307, 308};
            if (std::find(std::begin(kRedirects), std::end(kRedirects), config.status_code) == std::end(kRedirects)) {
              const config::Node& written = *node.find("status_code");
              at.key("status_code", written.mark()).expected("301, 302, 303, 307 or 308", written);
            }
            if (config.keep_incoming_path && origin_of(config.location).empty()) {
              const config::Node& written = *node.find("location");
              at.key("location", written.mark())
                  .expected("a URL with scheme and host, for \"keep_incoming_path\"", written);
            }
          });
  return table;
}

class Redirect : public plugin::Plugin {
 public:
  explicit Redirect(Config config) : config_(std::move(config)), origin_(origin_of(config_.location)) {}

  Verdict on_request(Exchange& exchange) const noexcept override {
    const http::RequestHead& request = exchange.request;
    std::string_view location = config_.location;
    if (config_.keep_incoming_path) {
      location = exchange.arena.concat(origin_, request.path, request.has_query ? "?" : "", request.query);
    }
    const Verdict verdict = exchange.reply(config_.status_code, {}, {});
    exchange.response.fields.append(http::FieldId::location, "Location", location);
    return verdict;
  }

 private:
  Config config_;
  std::string origin_;
};

config::PluginInfo info() {
  return config::plugin_info("redirect", "Sends the client to another place; no service is asked.", 779, options());
}

std::shared_ptr<const plugin::Plugin> make(const config::Node* node, plugin::BuildContext&) {
  return std::make_shared<Redirect>(options().read(node));
}

}  // namespace

extern const plugin::PluginType kType;
const plugin::PluginType kType = {.name = "redirect",
                                  .posture = plugin::Posture::fail_closed,
                                  .hooks = plugin::hooks_of<Redirect>(),
                                  .info = info,
                                  .make = make};

}  // namespace gatehouse::plugins::redirect
