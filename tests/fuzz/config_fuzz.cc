// A configuration as text: what POST /config takes. With the plugins of this build and the router's checks.
#include "config/loader.h"
#include "fuzz/fuzz.h"
#include "fuzz/model_text.h"
#include "plugins/registry.h"
#include "routing/router.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::fuzz;

const config::Catalogue& catalogue() {
  static const config::Catalogue made = [] {
    config::Catalogue lent;
    for (const plugin::PluginType* type : plugins::all()) lent.plugins.push_back(type->info());
    lent.check_regex = routing::check_regex;
    lent.check_path = routing::check_path;
    lent.check_routes = routing::check_routes;
    return lent;
  }();
  return made;
}

config::Loaded load(std::string_view text) {
  return config::load_text({.name = "input", .text = std::string(text), .allow_files = false}, catalogue());
}

void check_diagnostics(const config::Diagnostics& diagnostics) {
  const config::Diagnostic* before = nullptr;
  for (const config::Diagnostic& found : diagnostics.items()) {
    require(!found.message.empty(), "a finding says something");
    require(found.mark.file != nullptr, "and where");
    require(found.text().find('\n') == std::string::npos, "in one line");
    if (before != nullptr && before->mark.file == found.mark.file && found.mark.file != nullptr) {
      require(std::pair(before->mark.line, before->mark.column) <= std::pair(found.mark.line, found.mark.column),
              "findings are sorted by place");
    }
    before = &found;
  }
  require(diagnostics.has_errors() == (diagnostics.error_count() != 0), "errors are counted");
  (void)diagnostics.json();
}

void check_router(const config::Model& model) {
  const auto router = routing::compile(model);
  require(router->order().size() == model.routes.size(), "every route has its place");
  Arena arena;
  http::Fields fields(arena);
  fields.append("Host", "shop.test");
  fields.append("X-Version", "2");
  for (const char* path : {"/", "/users", "/users/7", "/users/7/orders", "/a/b/c/d"}) {
    routing::Request request;
    request.host = "shop.test";
    request.path = path;
    request.method_text = "GET";
    request.fields = &fields;
    request.query = "a=b";
    routing::Captures one, two;
    routing::Explanation explanation;
    const routing::Match match = router->match(request, one);
    const routing::Match explained = router->explain(request, two, explanation);
    require(match.route == explained.route && match.path == explained.path, "explain tells what match does");
    require(match.allowed_methods == explained.allowed_methods && one.count == two.count, "in all its parts");
    require(!match.found() || match.route < model.routes.size(), "a route that is there");
  }
}

/// Every secret that print hides behind *** is the same one afterwards.
std::string with_secrets(std::string text) {
  constexpr std::string_view kHidden = "\"***\"";
  for (std::size_t at = 0; (at = text.find(kHidden, at)) != std::string::npos;)
    text.replace(at, kHidden.size(), "sesame");
  return text;
}

/// What is printed loads to the same model once secrets are put back, and then prints the same.
void check_printed(const config::Loaded& loaded) {
  const std::string yaml = with_secrets(config::print_effective(loaded, catalogue()));
  const bool secrets = yaml != config::print_effective(loaded, catalogue());
  const config::Loaded again = load(yaml);
  if (again.diagnostics.has_errors()) require_equal(yaml, again.diagnostics.text(), "what is printed is valid");
  require_equal(yaml, with_secrets(config::print_effective(again, catalogue())), "what is printed loads to the same");
  if (secrets) return;
  const std::string model = ModelText(loaded.model).text();
  require_equal(model, ModelText(again.model).text(), "the same model");

  const std::string json = config::print_effective_json(loaded, catalogue());
  const config::Loaded from_json = load(json);
  if (from_json.diagnostics.has_errors()) require_equal(json, from_json.diagnostics.text(), "JSON is valid too");
  require_equal(model, ModelText(from_json.model).text(), "and the same model");
  require_equal(json, config::print_effective_json(from_json, catalogue()), "and prints the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const config::Loaded loaded = load(as_text(data, size));
  check_diagnostics(loaded.diagnostics);
  require(loaded.files.empty(), "no file is read");
  const std::string yaml = config::print_effective(loaded, catalogue());
  require(!yaml.empty() || loaded.tree == nullptr, "even a wrong configuration can be printed");
  if (loaded.diagnostics.has_errors()) return 0;
  check_router(loaded.model);
  check_printed(loaded);
  return 0;
}
