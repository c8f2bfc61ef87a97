#include "engine/explain/observe.h"

#include <algorithm>

#include "config/value_kinds.h"
#include "http/h1_writer.h"

namespace gatehouse::engine::explaining {
namespace {

/// Lines of `from` that are not in `others`, each as often as it is missing.
Lines without(const Lines& from, Lines others) {
  Lines left;
  for (const auto& line : from) {
    const auto same = std::ranges::find(others, line);
    if (same != others.end()) {
      others.erase(same);
    } else {
      left.push_back(line);
    }
  }
  return left;
}

}  // namespace

Lines lines_of(const http::Fields& fields) {
  Lines lines;
  for (const http::Field& field : fields) {
    if (!field.removed) lines.emplace_back(field.name, field.value);
  }
  return lines;
}

Lines sent_lines(const http::Fields& fields, const http::Framing& framing) {
  std::string text(http::fields_size(fields), '\0');
  text.resize(static_cast<std::size_t>(http::write_fields(text.data(), fields) - text.data()));
  Lines lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find("\r\n", at);
    const std::size_t colon = text.find(": ", at);
    lines.emplace_back(text.substr(at, colon - at), text.substr(colon + 2, end - colon - 2));
    at = end + 2;
  }
  if (framing.kind == http::Framing::Kind::length) lines.emplace_back("Content-Length", std::to_string(framing.length));
  if (framing.kind == http::Framing::Kind::chunked) lines.emplace_back("Transfer-Encoding", "chunked");
  return lines;
}

Moment::Moment(const plugin::Exchange& x) : request(lines_of(x.request.fields)), response(lines_of(x.response.fields)) {
  values = {{"path", std::string(x.forward_path)},
            {"query", std::string(x.forward_query)},
            {"host", std::string(x.forward_host)},
            {"max_body", config::bytes_text(x.max_request_body)},
            {"max_response_body", config::bytes_text(x.max_response_body)}};
}

Changes changes_between(const Moment& before, const Moment& after, bool response) {
  Changes changes;
  const Lines& from = response ? before.response : before.request;
  const Lines& to = response ? after.response : after.request;
  changes.added = without(to, from);
  changes.removed = without(from, to);
  for (std::size_t i = 0; i < before.values.size(); ++i) {
    const auto& [name, value] = before.values[i];
    if (after.values[i].second != value) changes.values.push_back({name, value, after.values[i].second});
  }
  return changes;
}

}  // namespace gatehouse::engine::explaining
