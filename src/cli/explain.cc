#include "engine/explain.h"

#include <CLI/CLI.hpp>
#include <fstream>
#include <iterator>
#include <memory>

#include "cli/support.h"
#include "engine/offline.h"
#include "plugins/registry.h"

namespace gatehouse::cli {
namespace {

struct ExplainOptions {
  std::string file, request, url, format, client_cert;
  std::vector<std::string> headers;
  engine::ExplainRequest asked;
};

/// "GET http://host/path" as one word or two, or a URL alone. "" or what is wrong.
std::string read_request(const ExplainOptions& options, engine::ExplainRequest& to) {
  std::string text = options.url.empty() ? options.request : options.request + " " + options.url;
  constexpr std::string_view kVersion = " HTTP/1.1";
  if (text.ends_with(kVersion)) text.resize(text.size() - kVersion.size());
  const std::size_t space = text.find(' ');
  if (space != std::string::npos) to.method = text.substr(0, space);
  if (space == std::string::npos && !to.body.empty()) to.method = "POST";  // as curl does
  to.url = space == std::string::npos ? text : text.substr(space + 1);
  for (const std::string& header : options.headers) {
    const std::size_t colon = header.find(':');
    if (colon == std::string::npos) return "-H needs \"Name: value\", got \"" + header + "\"";
    std::string value = header.substr(colon + 1);
    CLI::detail::trim(value);
    to.headers.emplace_back(header.substr(0, colon), std::move(value));
  }
  if (!options.client_cert.empty()) {
    std::ifstream file(options.client_cert, std::ios::binary);
    to.client_cert.assign(std::istreambuf_iterator<char>(file), {});
    if (to.client_cert.empty()) return "cannot read \"" + options.client_cert + "\"";
  }
  return "";
}

int explain(ExplainOptions& options) {
  std::string error = read_request(options, options.asked);
  if (!error.empty()) {
    complain("gatehouse explain: " + error + "\n");
    return 2;
  }
  std::optional<config::Loaded> loaded = load_good(options.file);
  if (!loaded) return 1;
  config::Diagnostics faults;
  const auto snapshot = engine::build_offline(std::move(*loaded), plugins::all(), faults);
  complain(faults.text());
  if (snapshot == nullptr) return 1;
  const std::string text = engine::explain_offline(*snapshot, options.asked, options.format == "json", error);
  if (!error.empty()) {
    complain("gatehouse explain: " + error + "\n");
    return 1;
  }
  say(text);
  return 0;
}

}  // namespace

void add_explain(CLI::App& app, Context& context) {
  const auto options = std::make_shared<ExplainOptions>();
  CLI::App* command = app.add_subcommand("explain", "Tells what would become of a request, and why");
  command->add_option("FILE", options->file, "The configuration")->required();
  command->add_option("REQUEST", options->request, "\"METHOD URL\", or a URL alone, which is a GET")->required();
  command->add_option("URL", options->url, "The URL, where REQUEST is the method alone");
  command->add_option("-H,--header", options->headers, "A header field, \"Name: value\"; as often as needed")
      ->allow_extra_args(false);
  command->add_option("-d,--data", options->asked.body, "The request's body; a URL alone is then a POST");
  command->add_option("--client-ip", options->asked.client_ip, "Who connects; 127.0.0.1 without it");
  command->add_option("--client-cert", options->client_cert, "PEM file: the certificate that the client shows");
  command->add_option("--listener", options->asked.listener, "Name of the listener; the first without it");
  add_format(*command, options->format, {"text", "json"});
  command->footer(
      "Nothing is sent and no gateway needs to run. Every candidate route is listed in order with the first test that "
      "it\n"
      "failed, then what each plugin changed, and what would go to which service. The exit code is 0 whatever the "
      "answer is,\n"
      "1 if the configuration or the request is not valid.\n\n"
      "Examples:\n"
      "  gatehouse explain shop.yaml \"GET http://api.example.com/users/1\"\n"
      "  gatehouse explain shop.yaml \"POST /payments/7\" -H \"X-API-Version: v2\" -d '{\"amount\": 5}'\n"
      "  gatehouse explain shop.yaml http://api.example.com/ --client-ip 203.0.113.9 --format json");
  command->callback([options, &context] { context.exit_code = explain(*options); });
}

}  // namespace gatehouse::cli
