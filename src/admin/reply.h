#pragma once
#include <string>
#include <string_view>

#include "engine/local_server.h"

namespace gatehouse::admin {

/// `{"error": "…"}`.
engine::LocalResponse error_reply(int status, std::string_view message);
/// `body` is JSON.
engine::LocalResponse json_reply(std::string body, int status = 200);
engine::LocalResponse text_reply(std::string body, std::string content_type = "text/plain; charset=utf-8");

}  // namespace gatehouse::admin
