#include "engine/explain/facts.h"
#include "http/field.h"
#include "telemetry/secret_names.h"

namespace gatehouse::engine::explaining {
namespace {

class Hiding {
 public:
  explicit Hiding(const Snapshot& snapshot) : names_(snapshot.secret_parameters) {}

  void lines(Lines& lines) const {
    for (auto& [name, value] : lines) {
      if (http::equal_names(name, "authorization") || http::equal_names(name, "proxy-authorization")) {
        const std::size_t space = value.find(' ');
        value = (space != std::string::npos ? value.substr(0, space + 1) : "") + "***";
      } else if (http::equal_names(name, "cookie") || names_.secret(name)) {
        value = "***";
      }
    }
  }
  void target(std::string& text) const {
    for (std::size_t at = 0;;) {
      const auto range = names_.next(text, at);
      if (!range.found()) return;
      text.replace(range.begin, range.end - range.begin, "***");
      at = range.begin + 3;
    }
  }
  void changes(Changes& changes) const {
    lines(changes.added);
    lines(changes.removed);
    for (Changes::Value& value : changes.values) {
      if (value.name != "query") continue;
      query(value.from);
      query(value.to);
    }
  }
  void plugins(std::vector<PluginFact>& facts) const {
    for (PluginFact& fact : facts) changes(fact.changes);
  }

 private:
  void query(std::string& text) const {
    text.insert(0, "?");
    target(text);
    text.erase(0, 1);
  }
  telemetry::SecretNames names_;
};

}  // namespace

void hide_credentials(Facts& facts, const Snapshot& snapshot) {
  const Hiding hiding(snapshot);
  hiding.target(facts.request_line);
  hiding.lines(facts.fields);
  hiding.changes(facts.taken_in);
  hiding.plugins(facts.request_plugins);
  hiding.plugins(facts.attempt_plugins);
  hiding.plugins(facts.response_plugins);
  if (facts.identity) hiding.changes(facts.identity->changes);
  if (facts.forward) {
    hiding.target(facts.forward->request_line);
    hiding.lines(facts.forward->fields);
  }
}

}  // namespace gatehouse::engine::explaining
