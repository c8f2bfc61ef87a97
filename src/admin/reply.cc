#include "admin/reply.h"

#include "base/json_string.h"

namespace gatehouse::admin {
engine::LocalResponse json_reply(std::string body, int status) {
  if (!body.ends_with('\n')) body += '\n';
  engine::LocalResponse response = text_reply(std::move(body), "application/json");
  response.status = status;
  return response;
}

engine::LocalResponse text_reply(std::string body, std::string content_type) {
  return {.content_type = std::move(content_type),
          .body = std::move(body),
          .headers = {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}}};
}

engine::LocalResponse error_reply(int status, std::string_view message) {
  return json_reply("{\"error\": " + json_string(message) + "}", status);
}

}  // namespace gatehouse::admin
