#include <algorithm>

#include "config/options.h"
#include "plugin/build_context.h"
#include "plugin/claims.h"
#include "plugins/common/header_names.h"

namespace gatehouse::plugins::jwt_claims {
namespace {

using plugin::Exchange;
using plugin::Verdict;

struct Config {
  std::vector<std::string> claims, header_names;
};

const config::Options<Config>& options() {
  static const auto table =
      config::Options<Config>()
          .require("claims", &Config::claims, config::list_or_one(config::non_empty(), 1),
                   "Which claims; names with `.` between are one within another.")
          .require("header_names", &Config::header_names, config::list_or_one(settable_header(), 1),
                   "The header of each, in the same order.")
          .check([](const Config& config, const config::Where& at) {
            if (config.claims.size() != config.header_names.size()) {
              at.error("needs as many header_names as claims: there are " + std::to_string(config.header_names.size()) +
                       " and " + std::to_string(config.claims.size()));
            }
            for (std::size_t i = 0; i < config.header_names.size(); ++i) {
              for (const char* name : {"Authorization", "Proxy-Authorization", "Cookie", "X-API-Key", "apikey",
                                       "Signature", "Signature-Input"}) {
                // They are taken out of what clients send, before anybody could read them.
                if (http::equal_names(config.header_names[i], name))
                  at.error(std::string("must not fill ") + name + ", in which clients send credentials");
              }
              for (std::size_t j = 0; j < i; ++j) {
                if (http::equal_names(config.header_names[i], config.header_names[j]))
                  at.error("names the header \"" + config.header_names[i] + "\" twice");
              }
            }
          });
  return table;
}

class JwtClaims : public plugin::Plugin {
 public:
  explicit JwtClaims(Config config) : config_(std::move(config)) {}

  Verdict on_request(Exchange& x) const noexcept override {
    for (std::size_t i = 0; i < config_.claims.size(); ++i) {
      const std::string& header = config_.header_names[i];
      x.request.fields.remove(header);  // what a plugin before it may have set
      if (x.claims == nullptr) continue;
      const std::optional<std::string_view> text = x.claims->text(config_.claims[i], x.arena);
      if (!text) continue;
      if (std::ranges::any_of(*text, [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; })) {
        return x.refuse(Reason::bad_request,
                        x.arena.concat("the claim \"", config_.claims[i], "\" cannot be sent in a header"));
      }
      x.request.fields.append(std::string_view(header), *text);
    }
    return Verdict::proceed;
  }

 private:
  const Config config_;
};

config::PluginInfo info() {
  config::PluginInfo info =
      config::plugin_info("jwt-claims", "Tells services what the verified token says, in headers.", 999, options());
  info.identity_headers = [](const config::Node* node) { return options().read(node).header_names; };
  return info;
}

std::shared_ptr<const plugin::Plugin> make(const config::Node* node, plugin::BuildContext&) {
  return std::make_shared<JwtClaims>(options().read(node));
}

}  // namespace

extern const plugin::PluginType kType;
const plugin::PluginType kType = {.name = "jwt-claims",
                                  .posture = plugin::Posture::fail_closed,
                                  .hooks = plugin::hooks_of<JwtClaims>(),
                                  .info = info,
                                  .make = make};

}  // namespace gatehouse::plugins::jwt_claims
