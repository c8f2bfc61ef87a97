#include <re2/re2.h>

#include <algorithm>

#include "config/options.h"
#include "plugin/build_context.h"

namespace gatehouse::plugins::bot_detection {
namespace {

using plugin::Exchange;
using plugin::Verdict;

struct Config {
  std::vector<std::string> allow, deny;
  bool known_bots = true;
  bool require = false;
  int status = 403;
  std::string message = "automated clients are not allowed";
};

const config::Options<Config>& options() {
  static const auto table =
      config::Options<Config>()
          .add("allow", &Config::allow, config::list_or_one(config::regex()),
               "RE2 patterns found somewhere in the User-Agent: these may pass whatever else says.")
          .add("deny", &Config::deny, config::list_or_one(config::regex()), "These may not.")
          .add("known_bots", &Config::known_bots, config::boolean(), "Those that are known may not either.")
          .add("require", &Config::require, config::boolean(), "Nor may who sends no User-Agent.")
          .add("status", &Config::status, config::integer(400, 599), "The status for those who may not pass.")
          .add("message", &Config::message, config::non_empty(), "What they read.")
          .check_node([](const Config& config, const config::Node& node, const config::Where& at) {
            for (const auto& [key, patterns] : {std::pair("allow", &config.allow), std::pair("deny", &config.deny)}) {
              if (std::ranges::find(*patterns, "") != patterns->end())
                at.key(key, node.find(key)->mark()).error("has an empty pattern, which every User-Agent has in it");
            }
            if (config.deny.empty() && !config.known_bots && !config.require)
              at.error("refuses nobody: needs \"deny\", \"known_bots\" or \"require\"");
          });
  return table;
}

/// Clients that say themselves that nobody sits before them: by the words in which nearly all do, then by name.
constexpr const char* kKnownBots =
    "(?i)(?:bot|crawler|spider|scraper|archiver|indexer)(?:[^a-z]|$)|"
    "\\b(?:slurp|facebookexternalhit|mediapartners-google|feedfetcher-google|google-read-aloud|bingpreview|"
    "ia_archiver|archive\\.org|ahrefs|semrush|screaming frog|nutch|heritrix|httrack|scrapy|colly|headlesschrome|"
    "phantomjs|electron-fetch|zgrab|masscan|nikto|sqlmap|nuclei|wpscan|censysinspect|internetmeasurement|"
    "dataprovider|pingdom|uptimerobot|statuscake|w3c_validator|embedly|quora link preview|whatsapp|skypeuripreview)\\b";

/// A maker of telephones.
constexpr const char* kNoBots = "(?i)\\bcubot\\b";

using Patterns = std::vector<std::unique_ptr<re2::RE2>>;

void add(Patterns& to, const std::string& pattern) {
  to.push_back(std::make_unique<re2::RE2>(pattern, re2::RE2::Quiet));
}

bool any_found(const Patterns& patterns, std::string_view text) {
  return std::ranges::any_of(patterns, [&](const auto& pattern) {
    return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *pattern);
  });
}

class BotDetection : public plugin::Plugin {
 public:
  explicit BotDetection(Config config) : config_(std::move(config)) {
    for (const std::string& pattern : config_.allow) add(allow_, pattern);
    for (const std::string& pattern : config_.deny) add(deny_, pattern);
    if (config_.known_bots) {
      add(known_, kKnownBots);
      add(no_bots_, kNoBots);
    }
  }

  Verdict on_request(Exchange& x) const noexcept override {
    return may_pass(x) ? Verdict::proceed : x.refuse(Reason::forbidden, config_.message, config_.status);
  }

 private:
  /// Each line counts: a service may look at any of them.
  bool may_pass(const Exchange& x) const {
    bool named = false;
    for (const http::Field& field : x.request.fields) {
      if (field.removed || field.id != http::FieldId::user_agent || field.value.empty()) continue;
      named = true;
      if (any_found(allow_, field.value)) continue;
      if (any_found(deny_, field.value)) return false;
      if (any_found(known_, field.value) && !any_found(no_bots_, field.value)) return false;
    }
    return named || !config_.require;
  }

  const Config config_;
  Patterns allow_, deny_, known_, no_bots_;
};

config::PluginInfo info() {
  return config::plugin_info("bot-detection", "Refuses automated clients by their User-Agent.", 2500, options());
}

std::shared_ptr<const plugin::Plugin> make(const config::Node* node, plugin::BuildContext&) {
  return std::make_shared<BotDetection>(options().read(node));
}

}  // namespace

extern const plugin::PluginType kType;
const plugin::PluginType kType = {.name = "bot-detection",
                                  .posture = plugin::Posture::fail_closed,
                                  .hooks = plugin::hooks_of<BotDetection>(),
                                  .info = info,
                                  .make = make};

}  // namespace gatehouse::plugins::bot_detection
