#include <algorithm>

#include "config/options.h"
#include "plugin/build_context.h"

namespace gatehouse::plugins::ip_restriction {
namespace {

using plugin::Exchange;
using plugin::Verdict;

struct Config {
  std::vector<Cidr> allow;
  std::vector<Cidr> deny;
  int status = 403;
  std::string message = "your IP address is not allowed";
};

const config::Options<Config>& options() {
  static const auto table =
      config::Options<Config>()
          .add("allow", &Config::allow, config::list_or_one(config::cidr(), 1),
               "Only these addresses and blocks may pass.")
          .add("deny", &Config::deny, config::list_or_one(config::cidr(), 1),
               "These may not pass, even if `allow` names them.")
          .add("status", &Config::status, config::integer(400, 599), "The status for those who may not pass.")
          .add("message", &Config::message, config::non_empty(), "What they read.")
          .check([](const Config& config, const config::Where& at) {
            if (config.allow.empty() && config.deny.empty()) at.error("needs \"allow\" or \"deny\"");
          });
  return table;
}

bool any_contains(const std::vector<Cidr>& blocks, const IpAddress& address) {
  return std::any_of(blocks.begin(), blocks.end(), [&](const Cidr& block) { return block.contains(address); });
}

class IpRestriction : public plugin::Plugin {
 public:
  explicit IpRestriction(Config config) : config_(std::move(config)) {}

  Verdict on_request(Exchange& exchange) const noexcept override {
    return may_pass(exchange.client_ip) ? Verdict::proceed
                                        : exchange.refuse(Reason::forbidden, config_.message, config_.status);
  }

 private:
  bool may_pass(const IpAddress& client) const {
    if (client.unspecified()) return false;  // a Unix socket's peer: nothing is known of it
    if (any_contains(config_.deny, client)) return false;
    return config_.allow.empty() || any_contains(config_.allow, client);
  }

  Config config_;
};

config::PluginInfo info() {
  return config::plugin_info("ip-restriction", "Lets pass or refuses by the client's address.", 990, options());
}

std::shared_ptr<const plugin::Plugin> make(const config::Node* node, plugin::BuildContext&) {
  return std::make_shared<IpRestriction>(options().read(node));
}

}  // namespace

extern const plugin::PluginType kType;
const plugin::PluginType kType = {.name = "ip-restriction",
                                  .posture = plugin::Posture::fail_closed,
                                  .hooks = plugin::hooks_of<IpRestriction>(),
                                  .info = info,
                                  .make = make};

}  // namespace gatehouse::plugins::ip_restriction
