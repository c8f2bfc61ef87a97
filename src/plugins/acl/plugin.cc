#include <algorithm>

#include "config/conditions.h"
#include "config/options.h"
#include "plugin/build_context.h"
#include "plugins/common/json_text.h"

namespace gatehouse::plugins::acl {
namespace {

using plugin::Exchange;
using plugin::Verdict;

struct Config {
  std::vector<std::string> allow, deny;
  std::vector<std::pair<std::string, std::vector<std::string>>> methods;
  bool hide_groups_header = false;
  int status = 403;
  std::string message = "you are not allowed to do this";
  std::string response;  ///< JSON; "" for the gateway's own document
};

const config::Options<Config>& options() {
  static const auto table =
      config::Options<Config>()
          .add("allow", &Config::allow, config::list_or_one(config::group_name(), 1),
               "Only consumers in one of these groups may pass.")
          .add("deny", &Config::deny, config::list_or_one(config::group_name(), 1),
               "Those in one of these may not, and all others may.")
          .add("methods", &Config::methods, config::map_of(config::list_or_one(config::method(), 1)),
               "What a group may do: of the groups by which a consumer passes, one must allow the request's method. A "
               "group that is not named here allows all; GET includes HEAD.")
          .add("hide_groups_header", &Config::hide_groups_header, config::boolean(),
               "Does not tell services the groups.")
          .add("status", &Config::status, config::integer(400, 599), "The status for those who may not pass.")
          .add("message", &Config::message, config::non_empty(), "What they read.")
          .add("response", &Config::response, json_text(), "The body for them, as JSON, instead of the gateway's own.")
          .check([](const Config& config, const config::Where& at) {
            if (config.allow.empty() == config.deny.empty()) at.error("needs one of \"allow\" and \"deny\"");
            for (const auto& [group, methods] : config.methods) {
              if (!config.allow.empty() && std::ranges::find(config.allow, group) == config.allow.end())
                at.error("says in \"methods\" what the group \"" + group + "\" may do, which \"allow\" does not name");
            }
          });
  return table;
}

class Acl : public plugin::Plugin {
 public:
  explicit Acl(Config config) : config_(std::move(config)) {}

  Verdict on_request(Exchange& x) const noexcept override {
    if (!may_pass(x)) return refuse(x);
    if (config_.hide_groups_header) x.request.fields.remove("X-Consumer-Groups");
    return Verdict::proceed;
  }

 private:
  Verdict refuse(Exchange& x) const {
    if (!config_.response.empty()) return x.refuse_with(Reason::forbidden, config_.response, config_.status);
    return x.refuse(Reason::forbidden, config_.message, config_.status);
  }

  /// Who is not known is in no group: that is refused by a list of those who may not as well.
  bool may_pass(const Exchange& x) const {
    if (x.consumer == nullptr) return false;
    const auto is_in = [&x](const std::string& group) { return x.consumer->is_in(group); };
    if (std::ranges::any_of(config_.deny, is_in)) return false;
    if (!config_.allow.empty()) {
      return std::ranges::any_of(config_.allow,
                                 [&](const std::string& group) { return is_in(group) && allows(group, x); });
    }
    if (config_.methods.empty() || x.consumer->groups.empty()) return true;
    return std::ranges::any_of(x.consumer->groups, [&](const std::string& group) { return allows(group, x); });
  }

  bool allows(const std::string& group, const Exchange& x) const {
    const auto found =
        std::ranges::find(config_.methods, group, &std::pair<std::string, std::vector<std::string>>::first);
    if (found == config_.methods.end()) return true;
    return std::ranges::any_of(found->second, [&x](const std::string& name) {
      return name == x.method || (name == "GET" && x.method == "HEAD");
    });
  }

  const Config config_;
};

config::PluginInfo info() {
  return config::plugin_info("acl", "Lets consumers pass or refuses them by their groups.", 950, options());
}

std::shared_ptr<const plugin::Plugin> make(const config::Node* node, plugin::BuildContext&) {
  return std::make_shared<Acl>(options().read(node));
}

}  // namespace

extern const plugin::PluginType kType;
const plugin::PluginType kType = {.name = "acl",
                                  .posture = plugin::Posture::fail_closed,
                                  .hooks = plugin::hooks_of<Acl>(),
                                  .info = info,
                                  .make = make};

}  // namespace gatehouse::plugins::acl
