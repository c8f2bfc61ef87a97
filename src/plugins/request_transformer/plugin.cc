#include <algorithm>

#include "config/options.h"
#include "plugin/build_context.h"
#include "plugins/common/header_changes.h"
#include "plugins/common/pairs.h"
#include "plugins/request_transformer/query_changes.h"

namespace gatehouse::plugins::request_transformer {
namespace {

using config::NameValues;
using plugin::Exchange;
using plugin::Verdict;

struct Names {
  std::vector<std::string> headers, querystring;
};
struct Pairs {
  NameValues headers, querystring;
};
struct Config {
  Names remove;
  Pairs rename, replace, set, add, append;
};

config::Value<std::vector<std::string>> parameter_list() {
  return config::list_or_one(config::non_empty());
}

config::Value<NameValues> parameters() {
  return text_pairs(config::name_values(false),
                    [](const std::string& name, const std::string&) { return check_fixed_text(name); });
}

config::Value<NameValues> parameter_renames() {
  return checked_pairs(config::name_values(false), [](const std::string& from, const std::string& to) -> std::string {
    if (to.empty() || from == to) return "must name two different parameters";
    return check_fixed_text(to);
  });
}

config::Value<Pairs> pairs(config::Value<NameValues> headers, std::string header_text,
                           config::Value<NameValues> querystring, std::string query_text,
                           std::vector<std::string> later = {"body"}) {
  return config::Options<Pairs>()
      .add("headers", &Pairs::headers, std::move(headers), std::move(header_text))
      .add("querystring", &Pairs::querystring, std::move(querystring), std::move(query_text))
      .later(std::move(later))
      .nested();
}

const config::Options<Config>& options() {
  static const auto names = config::Options<Names>()
                                .add("headers", &Names::headers, header_list(), "Headers to drop.")
                                .add("querystring", &Names::querystring, parameter_list(), "Parameters to drop.")
                                .later({"body"});
  static const auto table =
      config::Options<Config>()
          .add("remove", &Config::remove, names.nested(), "First: what is dropped.")
          .add("rename", &Config::rename,
               pairs(header_renames(), "`old:new`; what the new name had is dropped.", parameter_renames(),
                     "`old:new`."),
               "Second: what gets another name, if it is there.")
          .add("replace", &Config::replace,
               pairs(header_values(true), "`Host` sets the one that the service gets.", parameters(),
                     "Instead of all of the name.", {"body", "uri"}),
               "Third: what gets another value, if it is there.")
          .add("set", &Config::set,
               pairs(header_values(), "Instead of all of the name.", parameters(), "Instead of all of the name."),
               "Fourth: what is written, there or not.")
          .add("add", &Config::add,
               pairs(header_values(), "If the name is absent.", parameters(), "If the name is absent."),
               "Fifth: what is written only if it is absent.")
          .add("append", &Config::append,
               pairs(header_values(), "One more line.", parameters(), "One more of the name."),
               "Last: what is written besides what is there.")
          .later({"http_method"});
  return table;
}

/// Takes Host out of `replace`: the action writes it, from Exchange::forward_host.
std::string take_host(NameValues& replace) {
  std::string host;
  std::erase_if(replace, [&](const auto& pair) {
    if (http::field_id(pair.first) != http::FieldId::host) return false;
    host = pair.second;
    return true;
  });
  return host;
}

class RequestTransformer : public plugin::Plugin {
 public:
  explicit RequestTransformer(Config config)
      : host_(take_host(config.replace.headers)),
        headers_{config.remove.headers, config.rename.headers, config.replace.headers,
                 config.set.headers,    config.add.headers,    config.append.headers},
        query_({config.remove.querystring, config.rename.querystring, config.replace.querystring,
                config.set.querystring, config.add.querystring, config.append.querystring}) {}

  Verdict on_request(Exchange& exchange) const noexcept override {
    headers_.apply(exchange.request.fields);
    if (!host_.empty()) exchange.forward_host = host_;
    if (!query_.empty()) exchange.forward_query = query_.apply(exchange.forward_query, exchange.arena);
    return Verdict::proceed;
  }

 private:
  std::string host_;
  HeaderChanges headers_;
  QueryChanges query_;
};

config::PluginInfo info() {
  return config::plugin_info("request-transformer", "Changes headers and query parameters on the way to the service.",
                             801, options());
}

std::shared_ptr<const plugin::Plugin> make(const config::Node* node, plugin::BuildContext&) {
  return std::make_shared<RequestTransformer>(options().read(node));
}

}  // namespace

extern const plugin::PluginType kType;
const plugin::PluginType kType = {.name = "request-transformer",
                                  .posture = plugin::Posture::fail_closed,
                                  .hooks = plugin::hooks_of<RequestTransformer>(),
                                  .info = info,
                                  .make = make};

}  // namespace gatehouse::plugins::request_transformer
