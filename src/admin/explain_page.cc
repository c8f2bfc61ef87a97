#include <algorithm>
#include <boost/json.hpp>

#include "admin/pages.h"
#include "admin/query.h"
#include "admin/reply.h"

namespace gatehouse::admin {

namespace json = boost::json;
using engine::Control;
using engine::ExplainRequest;
using engine::LocalRequest;
using engine::LocalResponse;

namespace {

/// Adds "Name: value" to the headers; false if there is no colon or no name.
bool add_header(std::string_view line, ExplainRequest& asked) {
  const std::size_t colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos) return false;
  std::string_view value = line.substr(colon + 1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  asked.headers.emplace_back(line.substr(0, colon), value);
  return true;
}

/// "" or what is wrong with `format`.
std::string format_trouble(const Query& query) {
  const std::string* const format = query.find("format");
  if (format == nullptr || *format == "json" || *format == "text") return "";
  return "format must be text or json, got \"" + *format + "\"";
}

LocalResponse explain(Control& control, const LocalRequest& request, const Query& query, const ExplainRequest& asked) {
  if (asked.url.empty()) return error_reply(400, "url is missing, for example url=http://api.example.com/users/1");
  const bool as_json = wants_json(request, query);
  std::string error;
  std::string text = control.explain(asked, as_json, error);
  if (!error.empty()) return error_reply(400, error);
  return as_json ? json_reply(std::move(text)) : text_reply(std::move(text));
}

bool read_text(const json::value& value, std::string& to) {
  const json::string* const text = value.if_string();
  if (text != nullptr) to.assign(text->data(), text->size());
  return text != nullptr;
}

bool read_headers(const json::value& value, ExplainRequest& asked) {
  if (const json::array* const lines = value.if_array()) {
    return std::ranges::all_of(*lines, [&](const json::value& line) {
      return line.is_string() && add_header(std::string_view(line.get_string()), asked);
    });
  }
  if (!value.is_object()) return false;
  for (const auto& [name, content] : value.get_object()) {
    if (content.is_string()) {
      asked.headers.emplace_back(std::string_view(name), std::string_view(content.get_string()));
    } else if (content.is_array()) {
      for (const json::value& each : content.get_array()) {
        if (!each.is_string()) return false;
        asked.headers.emplace_back(std::string_view(name), std::string_view(each.get_string()));
      }
    } else {
      return false;
    }
  }
  return true;
}

/// Fills `asked` from a JSON document; a sentence where that cannot be done, else "".
std::string read_document(std::string_view text, ExplainRequest& asked) {
  json::error_code error;
  const json::value document = json::parse(json::string_view(text.data(), text.size()), error);
  if (error) return "the body is not JSON: " + error.message();
  if (!document.is_object())
    return "the body must be an object with url, and maybe method, headers, body, client_ip, client_cert, listener";
  for (const auto& [key, value] : document.get_object()) {
    const std::string_view name = key;
    if (name == "headers") {
      if (!read_headers(value, asked)) return "headers must be an object of strings or a list of \"Name: value\"";
      continue;
    }
    if (name == "body") {
      // A structured body means its JSON, so that nobody has to escape it.
      if (!read_text(value, asked.body)) asked.body = json::serialize(value);
      continue;
    }
    std::string* const to = name == "method"        ? &asked.method
                            : name == "url"         ? &asked.url
                            : name == "client_ip"   ? &asked.client_ip
                            : name == "client_cert" ? &asked.client_cert
                            : name == "listener"    ? &asked.listener
                                                    : nullptr;
    if (to == nullptr) {
      return "unknown key \"" + std::string(name) +
             "\"; there are method, url, headers, body, client_ip, client_cert, listener";
    }
    if (!read_text(value, *to)) return std::string(name) + " must be a string";
  }
  return "";
}

}  // namespace

LocalResponse explain_from_query(Control& control, const LocalRequest& request) {
  const Query query(request.query);
  std::string trouble = query.trouble({"method", "url", "header", "client_ip", "client_cert", "listener", "format"});
  if (trouble.empty()) trouble = format_trouble(query);
  if (!trouble.empty()) return error_reply(400, trouble);
  ExplainRequest asked;
  for (const auto& [name, value] : query.all()) {
    if (name == "method") asked.method = value;
    if (name == "url") asked.url = value;
    if (name == "client_ip") asked.client_ip = value;
    if (name == "client_cert") asked.client_cert = value;
    if (name == "listener") asked.listener = value;
    if (name == "header" && !add_header(value, asked)) {
      return error_reply(400, "header must read \"Name: value\", got \"" + value + "\"");
    }
  }
  return explain(control, request, query, asked);
}

LocalResponse explain_from_body(Control& control, const LocalRequest& request) {
  const Query query(request.query);
  std::string trouble = query.trouble({"format"});
  if (trouble.empty()) trouble = format_trouble(query);
  ExplainRequest asked;
  if (trouble.empty()) trouble = read_document(request.body, asked);
  if (!trouble.empty()) return error_reply(400, trouble);
  return explain(control, request, query, asked);
}

}  // namespace gatehouse::admin
