#include "admin/admin.h"

#include <algorithm>

#include "admin/access.h"
#include "admin/pages.h"
#include "admin/reply.h"

namespace gatehouse::admin {

using engine::Control;
using engine::LocalRequest;
using engine::LocalResponse;

namespace {

LocalResponse health(Control&, const LocalRequest&) {
  return json_reply(R"({"status": "ok"})");
}

LocalResponse ready(Control& control, const LocalRequest&) {
  return control.ready() ? json_reply(R"({"status": "ready"})") : json_reply(R"({"status": "draining"})", 503);
}

LocalResponse metrics(Control& control, const LocalRequest&) {
  return text_reply(control.metrics(), "text/plain; version=0.0.4; charset=utf-8");
}

LocalResponse routes(Control& control, const LocalRequest&) {
  return json_reply(control.routes_json());
}

constexpr Page kPages[] = {
    {"/health", true, health},   {"/ready", true, ready},
    {"/metrics", true, metrics}, {"/config", false, show_config, submit_config},
    {"/routes", false, routes},  {"/explain", false, explain_from_query, explain_from_body},
};

const Page* page_at(std::string_view path, bool only_open) {
  const auto found = std::ranges::find(kPages, path, &Page::path);
  return found == std::end(kPages) || (only_open && !found->open) ? nullptr : &*found;
}

LocalResponse answer(Control& control, const LocalRequest& request, const Page* page, bool only_open) {
  if (page == nullptr) {
    std::string there;
    for (const Page& each : kPages) {
      if (each.open || !only_open) there += (there.empty() ? "" : ", ") + std::string(each.path);
    }
    return error_reply(404, "there is no such page; there are " + there);
  }
  if (request.method == "GET") return page->get(control, request);
  if (request.method == "POST" && page->post != nullptr) return page->post(control, request);
  LocalResponse response = error_reply(405, "this method is not allowed here");
  response.headers.emplace_back("Allow", page->post != nullptr ? "GET, HEAD, POST" : "GET, HEAD");
  return response;
}

}  // namespace

engine::LocalServer::Pages make_admin(Control& control) {
  const auto refused = [&control](const LocalRequest& request) {
    const Page* const page = page_at(request.path, false);
    return refuse_access(request, control.admin_token(), page != nullptr && page->open);
  };
  return {.answer =
              [&control, refused](const LocalRequest& request) {
                if (auto refusal = refused(request)) return *refusal;
                return answer(control, request, page_at(request.path, false), false);
              },
          .refusal = [&control, refused](const LocalRequest& request) -> std::optional<LocalResponse> {
            if (auto refusal = refused(request)) return refusal;
            const Page* const page = page_at(request.path, false);
            if (page != nullptr && page->post != nullptr && request.method == "POST") return std::nullopt;
            return answer(control, request, page, false);  // nobody reads it
          }};
}

engine::LocalServer::Pages make_probes(Control& control) {
  const auto reply = [&control](const LocalRequest& request) {
    return answer(control, request, page_at(request.path, true), true);
  };
  return {.answer = reply, .refusal = reply};
}

}  // namespace gatehouse::admin
