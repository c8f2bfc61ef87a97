#include "config/options.h"
#include "plugin/build_context.h"
#include "plugins/common/query_string.h"
#include "plugins/request_termination/echo.h"

namespace gatehouse::plugins::request_termination {
namespace {

using plugin::Exchange;
using plugin::Verdict;

struct Config {
  int status_code = 503;
  std::optional<std::string> message;
  std::optional<std::string> body;
  std::optional<std::string> content_type;
  std::optional<std::string> trigger;
  bool echo = false;
};

std::string check_content_type(std::string_view text) {
  return text.empty() ? "must not be empty" : config::check_header_value(text);
}

void check(const Config& config, const config::Where& at) {
  if (config.message && (config.body || config.content_type)) {
    at.error("has \"message\" and \"body\" or \"content_type\": only one kind of answer can be sent");
  }
  if (config.content_type && !config.body) at.error("has \"content_type\" without \"body\"");
  const bool bodiless = config.status_code == 204 || config.status_code == 304;
  if (bodiless && (config.message || config.body || config.echo)) {
    at.error("has a body, which an answer with status " + std::to_string(config.status_code) + " cannot have");
  }
  if (config.echo && config.body) at.error("has \"echo\" and \"body\": only one of them can be sent");
}

const config::Options<Config>& options() {
  static const auto table =
      config::Options<Config>()
          .add("status_code", &Config::status_code, config::integer(200, 599), "The status of the answer.")
          .add("message", &Config::message, config::string(),
               "What the client reads, in the gateway's own error document. Without it, and without `body`, the status "
               "in words.")
          .add("body", &Config::body, config::string(), "The body as it is, instead of a document with `message`.")
          .add("content_type", &Config::content_type, config::string(check_content_type),
               "Of `body`; `text/plain; charset=utf-8` where it is not written.")
          .add("trigger", &Config::trigger, config::header_name(false),
               "Answers only requests that have a header or a query parameter of this name.")
          .add("echo", &Config::echo, config::boolean(), "Answers with a copy of the request's head, as JSON.")
          .check(check);
  return table;
}

class RequestTermination : public plugin::Plugin {
 public:
  explicit RequestTermination(Config config)
      : config_(std::move(config)),
        message_(config_.message.value_or(std::string(http::reason_phrase(config_.status_code)))),
        content_type_(config_.content_type.value_or("text/plain; charset=utf-8")) {}

  Verdict on_request(Exchange& exchange) const noexcept override {
    if (config_.trigger && !exchange.request.fields.has(*config_.trigger) &&
        !query_has(exchange.request.query, *config_.trigger)) {
      return Verdict::proceed;
    }
    if (config_.echo) return exchange.reply(config_.status_code, echo_of(exchange, message_), "application/json");
    if (config_.body) return exchange.reply(config_.status_code, *config_.body, content_type_);
    if (config_.status_code == 204 || config_.status_code == 304) {
      const Verdict verdict = exchange.reply(config_.status_code, {}, {});
      exchange.response.framing = {};
      return verdict;
    }
    return exchange.refuse(Reason::none, message_, config_.status_code);
  }

 private:
  Config config_;
  std::string message_;
  std::string content_type_;
};

config::PluginInfo info() {
  return config::plugin_info("request-termination", "Answers with a fixed status and text; no service is asked.", 2,
                             options());
}

std::shared_ptr<const plugin::Plugin> make(const config::Node* node, plugin::BuildContext&) {
  return std::make_shared<RequestTermination>(options().read(node));
}

}  // namespace

extern const plugin::PluginType kType;
const plugin::PluginType kType = {.name = "request-termination",
                                  .posture = plugin::Posture::fail_closed,
                                  .hooks = plugin::hooks_of<RequestTermination>(),
                                  .info = info,
                                  .make = make};

}  // namespace gatehouse::plugins::request_termination
