#include <algorithm>

#include "config/options.h"
#include "plugin/build_context.h"
#include "plugins/cors/origins.h"

namespace gatehouse::plugins::cors {
namespace {

using http::FieldId;
using http::Fields;
using plugin::Exchange;
using plugin::Verdict;

constexpr std::string_view kAllowOrigin = "Access-Control-Allow-Origin";
constexpr std::string_view kAllowCredentials = "Access-Control-Allow-Credentials";
constexpr std::string_view kExposeHeaders = "Access-Control-Expose-Headers";

struct Config {
  std::vector<std::string> origins = {"*"};
  std::vector<std::string> methods = {"GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "OPTIONS"};
  std::vector<std::string> headers;
  std::vector<std::string> exposed_headers;
  bool credentials = false;
  std::optional<Duration> max_age;
  bool preflight_continue = false;
  bool private_network = false;
  bool allow_origin_absent = true;
};

std::string check_method(std::string_view text) {
  return http::is_token(text) ? "" : "must be a method";
}

bool has_star(const std::vector<std::string>& list) {
  return std::find(list.begin(), list.end(), "*") != list.end();
}

void check(const Config& config, const config::Where& at) {
  if (!config.credentials) return;
  for (const auto& [name, list] : {std::pair("methods", &config.methods),
                                   {"headers", &config.headers},
                                   {"exposed_headers", &config.exposed_headers}}) {
    if (has_star(*list))
      at.error("has \"*\" in \"" + std::string(name) + "\", which is no wildcard where \"credentials\" is true");
  }
  if (has_star(config.origins))
    at.warning("every site may read answers with its visitors' credentials: name the origins");
}

const config::Options<Config>& options() {
  static const auto table =
      config::Options<Config>()
          .add("origins", &Config::origins, config::list_or_one(config::string(check_origin), 1),
               "Who may read answers: `*`, `https://shop.example.com`, `https://*.example.com`, or `~` and an RE2 for "
               "the whole "
               "origin. As with Kong, an entry with characters that no origin has is a regex without `~` too.")
          .add("methods", &Config::methods, config::list_or_one(config::string(check_method), 1),
               "What a preflight allows.")
          .add("headers", &Config::headers, config::list_or_one(config::header_name(false)),
               "Request headers that a preflight allows; without it those that it asks for.")
          .add("exposed_headers", &Config::exposed_headers, config::list_or_one(config::header_name(false)),
               "Response headers that scripts may read.")
          .add("credentials", &Config::credentials, config::boolean(), "Allows cookies and other credentials.")
          .add("max_age", &Config::max_age, config::duration(), "How long browsers may keep the answer to a preflight.")
          .add("preflight_continue", &Config::preflight_continue, config::boolean(),
               "Leaves preflights to the service.")
          .add("private_network", &Config::private_network, config::boolean(),
               "Allows public sites to call a private network, where a preflight asks for it.")
          .add("allow_origin_absent", &Config::allow_origin_absent, config::boolean(),
               "Where every origin is allowed without credentials, says so to requests without `Origin` too: caches "
               "then need "
               "not tell them apart.")
          .check(check);
  return table;
}

std::string joined(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& each : list) text.append(text.empty() ? "" : ",").append(each);
  return text;
}

std::string upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return text;
}

/// Adds `name` to Vary unless it, or `*`, is there (RFC 9110 section 12.5.5).
void add_vary(Fields& fields, std::string_view name) {
  http::Field* first = fields.find(FieldId::vary);
  if (first == nullptr) {
    fields.append(FieldId::vary, "Vary", name);
    return;
  }
  for (const http::Field& field : fields) {
    if (field.removed || field.id != FieldId::vary) continue;
    bool covered = false;
    http::each_list_member(
        field.value, [&](std::string_view member) { covered |= member == "*" || http::equal_names(member, name); });
    if (covered) return;
  }
  first->value = first->value.empty() ? name : fields.arena().concat(first->value, ", ", name);
}

class Cors : public plugin::Plugin {
 public:
  explicit Cors(const Config& config)
      : origins_(config.origins),
        methods_(upper(joined(config.methods))),
        headers_(joined(config.headers)),
        exposed_headers_(joined(config.exposed_headers)),
        max_age_(config.max_age
                     ? std::to_string(std::chrono::duration_cast<std::chrono::seconds>(*config.max_age).count())
                     : ""),
        credentials_(config.credentials),
        preflight_continue_(config.preflight_continue),
        private_network_(config.private_network),
        allow_origin_absent_(config.allow_origin_absent),
        constant_(origins_.any() && !config.credentials && config.allow_origin_absent) {}

  Verdict on_request(Exchange& exchange) const noexcept override {
    if (!exchange.preflight || preflight_continue_) return Verdict::proceed;
    const Verdict verdict = exchange.reply(200, {}, {});
    exchange.state<State>(*this).answered = true;
    answer_preflight(exchange.request.fields, exchange.response.fields);
    return verdict;
  }

  Verdict on_response(Exchange& exchange) const noexcept override {
    const State* const state = exchange.find_state<State>(*this);
    if (state != nullptr && state->answered) return Verdict::proceed;
    if (exchange.preflight && !exchange.replied) return Verdict::proceed;  // the service's own answer
    decorate(exchange.request.fields, exchange.response.fields);
    return Verdict::proceed;
  }

 private:
  struct State {
    bool answered = false;  ///< the response is our answer to a preflight
  };

  /// The value of Access-Control-Allow-Origin, "" for none. Never `*` with credentials (Fetch, section 3.3.5).
  std::string_view allowed_origin(std::string_view origin) const {
    if (origins_.any() && !credentials_) return origin.empty() && !allow_origin_absent_ ? "" : "*";
    return origins_.matches(origin) ? origin : "";
  }

  /// What answers of both kinds carry; false if the origin may read nothing.
  bool allow_origin(const Fields& request, Fields& response) const {
    const std::string_view origin = request.get(FieldId::origin);
    const std::string_view allowed = allowed_origin(origin);
    if (!constant_) add_vary(response, "Origin");
    if (!allowed.empty()) {
      response.set(kAllowOrigin, allowed);
    } else if (!origin.empty()) {
      response.remove(kAllowOrigin);
    }
    if (!allowed.empty() && credentials_) {
      response.set(kAllowCredentials, "true");
    } else if (!origin.empty()) {
      response.remove(kAllowCredentials);
    }
    return !allowed.empty();
  }

  void answer_preflight(const Fields& request, Fields& response) const {
    if (!allow_origin(request, response)) return;
    response.append("Access-Control-Allow-Methods", methods_);
    if (!headers_.empty()) {
      response.append("Access-Control-Allow-Headers", headers_);
    } else if (const std::string_view asked = request.get(FieldId::access_control_request_headers); !asked.empty()) {
      response.append("Access-Control-Allow-Headers", asked);
      add_vary(response, "Access-Control-Request-Headers");
    }
    if (!max_age_.empty()) response.append("Access-Control-Max-Age", max_age_);
    if (private_network_ && request.get("Access-Control-Request-Private-Network") == "true") {
      response.append("Access-Control-Allow-Private-Network", "true");
    }
  }

  void decorate(const Fields& request, Fields& response) const {
    if (allow_origin(request, response) && !exposed_headers_.empty()) response.set(kExposeHeaders, exposed_headers_);
  }

  OriginList origins_;
  std::string methods_, headers_, exposed_headers_, max_age_;
  bool credentials_, preflight_continue_, private_network_, allow_origin_absent_;
  bool constant_;  ///< the answer is the same for every origin
};

config::PluginInfo info() {
  return config::plugin_info("cors", "Lets scripts of other sites call the gateway; answers preflights.", 2000,
                             options());
}

std::shared_ptr<const plugin::Plugin> make(const config::Node* node, plugin::BuildContext&) {
  return std::make_shared<Cors>(options().read(node));
}

}  // namespace

extern const plugin::PluginType kType;
const plugin::PluginType kType = {.name = "cors",
                                  .posture = plugin::Posture::fail_closed,
                                  .hooks = plugin::hooks_of<Cors>(),
                                  .info = info,
                                  .make = make};

}  // namespace gatehouse::plugins::cors
