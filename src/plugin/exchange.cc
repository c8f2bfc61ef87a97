#include "plugin/exchange.h"

namespace gatehouse::plugin {

Verdict Exchange::reply(int status, std::string_view body, std::string_view content_type) {
  response.status = status;
  response.reason = http::reason_phrase(status);
  response.fields.clear();
  response.framing = {http::Framing::Kind::length, body.size()};
  if (!content_type.empty()) response.fields.append(http::FieldId::content_type, "Content-Type", content_type);
  reply_body = body;
  replied = true;
  refused_ = false;
  return Verdict::reply;
}

Verdict Exchange::refuse(Reason why, std::string_view message, int status) {
  reply(status != 0 ? status : status_of(why), {}, {});
  reason = why;
  refusal_message_ = message;
  refusal_json_ = {};
  refused_ = true;
  return Verdict::reply;
}

Verdict Exchange::refuse_with(Reason why, std::string_view json, int status) {
  refuse(why, {}, status);
  refusal_json_ = json;
  return Verdict::reply;
}

void Exchange::clear_reply() {
  replied = refused_ = false;
  reason = Reason::none;
  reply_body = {};
  response.fields.clear();
}

}  // namespace gatehouse::plugin
