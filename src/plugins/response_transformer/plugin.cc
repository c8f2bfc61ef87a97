#include "config/options.h"
#include "plugin/build_context.h"
#include "plugins/common/header_changes.h"

namespace gatehouse::plugins::response_transformer {
namespace {

using config::NameValues;
using plugin::Exchange;
using plugin::Verdict;

struct Names {
  std::vector<std::string> headers;
};
struct Pairs {
  NameValues headers;
};
struct Config {
  Names remove;
  Pairs rename, replace, set, add, append;
};

config::Value<Pairs> pairs(config::Value<NameValues> headers, std::string text) {
  return config::Options<Pairs>()
      .add("headers", &Pairs::headers, std::move(headers), std::move(text))
      .later({"body", "json", "json_types"})
      .nested();
}

const config::Options<Config>& options() {
  static const auto names = config::Options<Names>()
                                .add("headers", &Names::headers, header_list(), "Headers to drop.")
                                .later({"body", "json"});
  static const auto table =
      config::Options<Config>()
          .add("remove", &Config::remove, names.nested(), "First: what is dropped.")
          .add("rename", &Config::rename, pairs(header_renames(), "`old:new`; what the new name had is dropped."),
               "Second: what gets another name, if it is there.")
          .add("replace", &Config::replace, pairs(header_values(), "Instead of all of the name."),
               "Third: what gets another value, if it is there.")
          .add("set", &Config::set, pairs(header_values(), "Instead of all of the name."),
               "Fourth: what is written, there or not.")
          .add("add", &Config::add, pairs(header_values(), "If the name is absent."),
               "Fifth: what is written only if it is absent.")
          .add("append", &Config::append, pairs(header_values(), "One more line."),
               "Last: what is written besides what is there.")
          .later({"allow"});
  return table;
}

class ResponseTransformer : public plugin::Plugin {
 public:
  explicit ResponseTransformer(const Config& config)
      : headers_{config.remove.headers, config.rename.headers, config.replace.headers,
                 config.set.headers,    config.add.headers,    config.append.headers} {}

  Verdict on_response(Exchange& exchange) const noexcept override {
    headers_.apply(exchange.response.fields);
    return Verdict::proceed;
  }

 private:
  HeaderChanges headers_;
};

config::PluginInfo info() {
  return config::plugin_info("response-transformer", "Changes headers on the way to the client.", 800, options());
}

std::shared_ptr<const plugin::Plugin> make(const config::Node* node, plugin::BuildContext&) {
  return std::make_shared<ResponseTransformer>(options().read(node));
}

}  // namespace

extern const plugin::PluginType kType;
const plugin::PluginType kType = {.name = "response-transformer",
                                  .posture = plugin::Posture::fail_closed,
                                  .hooks = plugin::hooks_of<ResponseTransformer>(),
                                  .info = info,
                                  .make = make};

}  // namespace gatehouse::plugins::response_transformer
