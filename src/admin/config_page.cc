#include "admin/pages.h"
#include "admin/query.h"
#include "admin/reply.h"
#include "base/json_string.h"

namespace gatehouse::admin {

using engine::Control;
using engine::LocalRequest;
using engine::LocalResponse;

LocalResponse show_config(Control& control, const LocalRequest& request) {
  const Query query(request.query);
  if (const std::string trouble = query.trouble({"format"}); !trouble.empty()) return error_reply(400, trouble);
  const std::string* const format = query.find("format");
  if (format != nullptr && *format != "json" && *format != "yaml") {
    return error_reply(400, "format must be json or yaml, got \"" + *format + "\"");
  }
  const bool json = wants_json(request, query);
  std::string text = control.effective_config(json);
  LocalResponse response = json ? json_reply(std::move(text)) : text_reply(std::move(text), "application/yaml");
  response.headers.emplace_back("X-Gatehouse-Config-Version", std::to_string(control.config_version()));
  return response;
}

namespace {

LocalResponse refusal(const config::Diagnostics& diagnostics) {
  const std::size_t count = diagnostics.error_count();
  const std::string errors = std::to_string(count) + (count == 1 ? " error" : " errors");
  return json_reply("{\"error\": " + json_string("the configuration was not taken: " + errors) + ",\n \"text\": " +
                        json_string(diagnostics.text()) + ",\n \"diagnostics\": " + diagnostics.json() + "}",
                    400);
}

}  // namespace

LocalResponse submit_config(Control& control, const LocalRequest& request) {
  const Query query(request.query);
  if (const std::string trouble = query.trouble({}, {"dry_run"}); !trouble.empty()) return error_reply(400, trouble);
  if (request.body.empty()) return error_reply(400, "the request's body must be the new configuration");
  const bool dry_run = query.flag("dry_run");
  const engine::ReloadReport report = control.submit(std::string(request.body), dry_run);
  if (!report.accepted) return refusal(report.diagnostics);
  std::string changes;
  for (const std::string& change : report.changes) changes += (changes.empty() ? "" : ", ") + json_string(change);
  return json_reply("{\"version\": " + std::to_string(report.version) +
                    ",\n \"dry_run\": " + (dry_run ? "true" : "false") + ",\n \"changes\": [" + changes +
                    "],\n \"warnings\": " + report.diagnostics.json() + "}");
}

}  // namespace gatehouse::admin
