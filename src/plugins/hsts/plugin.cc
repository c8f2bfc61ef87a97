#include <string>

#include "config/options.h"
#include "plugin/build_context.h"

namespace gatehouse::plugins::hsts {
namespace {

using plugin::Exchange;
using plugin::Verdict;

struct Config {
  Duration max_age = std::chrono::hours(365 * 24);
  bool include_subdomains = false;
  bool preload = false;
};

const config::Options<Config>& options() {
  static const auto table =
      config::Options<Config>()
          .add("max_age", &Config::max_age, config::duration(false, std::chrono::seconds(1)),
               "How long a browser keeps to HTTPS after each answer.")
          .add("include_subdomains", &Config::include_subdomains, config::boolean(), "All names below the host's, too.")
          .add("preload", &Config::preload, config::boolean(),
               "Asks to be put on the list that browsers come with. Not to be taken back for months.")
          .check([](const Config& config, const config::Where& at) {
            const bool long_enough = config.max_age >= std::chrono::hours(365 * 24);
            if (config.preload && !(config.include_subdomains && long_enough)) {
              at.error("\"preload\" needs \"include_subdomains\" and a \"max_age\" of a year");
            }
          });
  return table;
}

class Hsts : public plugin::Plugin {
 public:
  explicit Hsts(const Config& config) {
    value_ = "max-age=" + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(config.max_age).count());
    if (config.include_subdomains) value_ += "; includeSubDomains";
    if (config.preload) value_ += "; preload";
  }

  Verdict on_response(Exchange& exchange) const noexcept override {
    // RFC 6797 section 7.2: never on an answer that came without TLS.
    if (exchange.https) exchange.response.fields.set("Strict-Transport-Security", value_);
    return Verdict::proceed;
  }

 private:
  std::string value_;
};

config::PluginInfo info() {
  return config::plugin_info("hsts", "Tells browsers to come by HTTPS only.", 798, options());
}

std::shared_ptr<const plugin::Plugin> make(const config::Node* node, plugin::BuildContext&) {
  return std::make_shared<Hsts>(options().read(node));
}

}  // namespace

extern const plugin::PluginType kType;
const plugin::PluginType kType = {.name = "hsts",
                                  .posture = plugin::Posture::fail_open,
                                  .hooks = plugin::hooks_of<Hsts>(),
                                  .info = info,
                                  .make = make};

}  // namespace gatehouse::plugins::hsts
