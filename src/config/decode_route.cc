#include <algorithm>

#include "config/conditions.h"
#include "config/custom_kind.h"
#include "config/decode.h"

namespace gatehouse::config {
namespace {

const Options<RouteLimits>& route_limits() {
  static const auto table =
      Options<RouteLimits>()
          .add("max_body", &RouteLimits::max_body, bytes(true), "Largest request body; a larger one is 413.")
          .add("body_timeout", &RouteLimits::body_timeout, duration(true, std::chrono::milliseconds(1)),
               "Between two reads of a body, either side.");
  return table;
}

const Options<Rewrite>& rewrite_options() {
  static const auto table =
      Options<Rewrite>()
          .add("path", &Rewrite::path,
               string([](std::string_view text) { return text.starts_with('/') ? "" : "must start with /"; }),
               "The new path; `{name}` is a capture.")
          .add("regex", &Rewrite::regex, non_empty(), "RE2: every match on the path is replaced …")
          .add("replace", &Rewrite::replace, string(), "… by this; `\\1` is a group.")
          .check_node([](const Rewrite& rewrite, const Node& node, const Where& at) {
            if (rewrite.path.empty() == rewrite.regex.empty()) at.error("needs one of \"path\" and \"regex\"");
            if (rewrite.path.empty() && !rewrite.regex.empty() && !node.find("replace")) at.error("needs \"replace\"");
            if (!rewrite.path.empty() && node.find("replace")) at.error("must not have \"replace\" without \"regex\"");
          });
  return table;
}

const Options<RedirectAction>& redirect_options() {
  static const Value<int> kStatus =
      custom<int>({.decode =
                       [](const Node& node, const Where& at, int& to) {
                         for (const int status : {301, 302, 303, 307, 308}) {
                           if (node.is_scalar() && node.text() == std::to_string(status)) {
                             to = status;
                             return true;
                           }
                         }
                         at.expected("301, 302, 303, 307 or 308", node);
                         return false;
                       },
                   .type = "301, 302, 303, 307 or 308",
                   .schema = schema_of_type("integer"),
                   .print = [](const int& status) { return Node::integer(status); }});
  static const auto table =
      Options<RedirectAction>()
          .require("location", &RedirectAction::location, string([](std::string_view text) -> std::string {
                     return text.empty() ? "must not be empty" : check_header_value(text);
                   }),
                   "Where to; `{name}` is a capture.")
          .add("status", &RedirectAction::status, kStatus, "Status of the answer.");
  return table;
}

const Options<RespondAction>& respond_options() {
  static const auto table = Options<RespondAction>()
                                .add("status", &RespondAction::status, integer(200, 599), "Status of the answer.")
                                .add("headers", &RespondAction::headers, name_values(), "Its fields.")
                                .add("body", &RespondAction::body, string(), "Its body.")
                                .check([](const RespondAction& respond, const Where& at) {
                                  const bool none = respond.status == 204 || respond.status == 304;
                                  if (none && !respond.body.empty()) at.error("has a body, which its status excludes");
                                });
  return table;
}

Value<std::vector<SplitAction::Part>> split_parts() {
  Node schema = schema_of_type("object");
  schema.set("additionalProperties", schema_of_type("integer"));
  return custom<std::vector<SplitAction::Part>>(
      {.decode =
           [](const Node& node, const Where& at, std::vector<SplitAction::Part>& to) {
             if (!node.is_mapping()) {
               at.expected("a mapping of services to weights", node);
               return false;
             }
             if (node.entries().empty()) {
               at.error("must name a service and its weight");
               return false;
             }
             static const Value<std::uint32_t> kWeight = integer(0, 1'000'000);
             bool good = true;
             std::uint64_t sum = 0;
             for (const Node::Entry& entry : node.entries()) {
               SplitAction::Part part{.service = entry.key, .weight = 0, .mark = entry.key_mark};
               good = kWeight.impl->decode(entry.value, at.key(entry.key, entry.value.mark()), &part.weight) && good;
               sum += part.weight;
               to.push_back(std::move(part));
             }
             if (good && sum == 0) {
               at.error("must have a weight above 0");
               good = false;
             }
             return good;
           },
       .type = "mapping of services to weights",
       .schema = schema});
}

struct Sticky {
  std::string cookie, header;
};
struct WrittenSplit {
  std::vector<SplitAction::Part> parts;
  Sticky sticky;
};
const Options<Sticky>& sticky_options() {
  static const auto table =
      Options<Sticky>()
          .add("cookie", &Sticky::cookie, header_name(false),
               "A cookie, set where it is missing, keeps a client's choice.")
          .add("header", &Sticky::header, header_name(false), "The same value of this header gets the same service.")
          .check([](const Sticky& sticky, const Where& at) {
            if (!sticky.cookie.empty() && !sticky.header.empty())
              at.error("must have only one of \"cookie\" and \"header\"");
            if (sticky.cookie.empty() && sticky.header.empty()) at.error("needs \"cookie\" or \"header\"");
          });
  return table;
}
const Options<WrittenSplit>& split_options() {
  static const auto table =
      Options<WrittenSplit>()
          .require("services", &WrittenSplit::parts, split_parts(), "Services and their shares.")
          .add("sticky", &WrittenSplit::sticky, sticky_options().nested(), "Keeps a client with one service.");
  return table;
}
Value<SplitAction> split_action() {
  return custom<SplitAction>(
      {.decode =
           [](const Node& node, const Where& at, SplitAction& to) {
             WrittenSplit split;
             const bool good = split_options().decode(node, at, split);
             to = {split.parts, split.sticky.cookie, split.sticky.header};
             return good;
           },
       .type = "mapping",
       .schema = split_options().table()->schema(),
       .effective = [](const Node& written) { return split_options().table()->effective(&written); },
       .rows = split_options().table()});
}

Value<Rewrite> rewrite() {
  return custom<Rewrite>({.decode =
                              [](const Node& node, const Where& at, Rewrite& to) {
                                to.mark = node.mark();
                                return rewrite_options().decode(node, at, to);
                              },
                          .type = "mapping",
                          .schema = rewrite_options().table()->schema(),
                          .rows = rewrite_options().table()});
}

constexpr std::string_view kLaterActions[] = {"compose", "graphql", "lambda"};

Value<std::string> upgrade_name() {
  return string([](std::string_view text) {
    const bool token = !text.empty() && std::ranges::all_of(text, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '/' || c == '_' ||
             c == '+';
    });
    return token ? "" : "must be the name of a protocol in lower case, such as h2c or tcp";
  });
}

/// What says how to forward, on a route that forwards nothing.
void without_effect(const Node& node, const Where& at, const WrittenRoute& route) {
  const Timeouts& times = route.timeouts;
  const std::pair<const char*, bool> said[] = {
      {"strip_path", route.strip_path},
      {"rewrite", route.rewrite.set()},
      {"preserve_host", route.preserve_host},
      {"websocket", !route.websocket},
      {"upgrade", !route.upgrades.empty()},
      {"timeouts", times.connect || times.send || times.read || times.total || times.stream_idle},
  };
  for (const auto& [key, set] : said) {
    const Node* written = node.find(key);
    if (set && written != nullptr) at.key(key, written->mark()).warning("has no effect: this route forwards nothing");
  }
}

bool finish_route(const Node& node, const Where& at, WrittenRoute& route, bool good) {
  const int actions =
      route.forward.has_value() + route.split.has_value() + route.redirect.has_value() + route.respond.has_value();
  if (actions > 1) {
    at.error("must have only one of \"service\", \"split\", \"redirect\" and \"respond\"");
    good = false;
  }
  if (route.split) route.action = std::move(*route.split);
  if (route.redirect) route.action = std::move(*route.redirect);
  if (route.respond) route.action = std::move(*route.respond);
  if (route.forward) route.action = ForwardAction{route.forward->name, route.forward->mark};
  // What was written but could not be read is no missing action.
  for (const std::string_view key : {"service", "split", "redirect", "respond"}) {
    if (const Node* written = node.find(key)) route.action_mark = written->mark();
  }
  for (const std::string_view key : kLaterActions) {
    if (const Node* written = node.find(key)) route.action_mark = written->mark();
  }
  if (route.strip_path) {
    const Where place = at.key("strip_path", node.find("strip_path")->mark());
    const auto prefix = [](const PathPattern& path) {
      return path.text.ends_with("/*") && !path.text.starts_with('~');
    };
    if (route.paths.empty() || !std::ranges::all_of(route.paths, prefix)) {
      if (!node.find("path") || !route.paths.empty()) place.error("needs a path that ends with /*");
      good = false;
    }
    if (route.rewrite.set()) {
      place.error("cannot stand beside \"rewrite\"");
      good = false;
    }
  }
  if (route.redirect || route.respond) without_effect(node, at, route);
  route.name_given = !route.name.empty();
  return good;
}

}  // namespace

const Options<WrittenRoute>& route_options() {
  static const auto table =
      Options<WrittenRoute>()
          .add("name", &Route::name, name(), "What logs and metrics call it; made from its conditions without one.")
          .add("priority", &Route::priority, integer(-1'000'000, 1'000'000), "Higher goes first.")
          .add("listeners", &WrittenRoute::listener_references, list_or_one(reference("name of a listener"), 1),
               "Where it can be reached; everywhere without it.")
          .add("hosts", &Route::hosts, list_or_one(host_pattern(), 1), "`api.example.com` or `*.example.com`.")
          .add("path", &Route::paths, list_or_one(path_pattern(), 1),
               "`/users` exact, `/users/*` and below, `/orders/{id}` with a capture, `~` and an RE2.")
          .add("methods", &Route::methods, list_or_one(method(), 1), "GET includes HEAD.")
          .add("headers", &Route::headers, named_matches(true), "Conditions on fields.")
          .add("query", &Route::query, named_matches(false), "Conditions on query parameters.")
          .add("clients", &Route::clients, list_or_one(cidr(), 1), "Addresses of clients.")
          .add("client_cert", &Route::client_cert, certificate_matches(),
               "Conditions on the certificate that the client showed.")
          .add("scheme", &Route::scheme, choice<SchemeMatch>({"any", "http", "https"}), "How the client came.")
          .add("service", &WrittenRoute::forward, reference("name of a service"), "Forwards to this service.")
          .add("split", &WrittenRoute::split, split_action(), "Forwards to one of several services by weight.")
          .add("redirect", &WrittenRoute::redirect, redirect_options().nested(), "Answers with a redirect.")
          .add("respond", &WrittenRoute::respond, respond_options().nested(), "Answers by itself.")
          .add("strip_path", &Route::strip_path, boolean(), "Forwards what `/*` stands for.")
          .add("rewrite", &Route::rewrite, rewrite(), "Forwards another path.")
          .add("preserve_host", &Route::preserve_host, boolean(), "Forwards the client's Host.")
          .add("websocket", &Route::websocket, boolean(), "WebSocket passes.")
          .add("upgrade", &Route::upgrades, list_or_one(upgrade_name(), 1),
               "Other protocols that a client may change to (`Upgrade`): the connection becomes a tunnel.")
          .add("timeouts", &Route::timeouts, route_timeouts().nested(), "Replaces the service's, key by key.")
          .add("limits", &Route::limits, route_limits().nested(), "Replaces the gateway's, key by key.")
          .add("auth", &Route::auth, authentication(),
               "`none`, `{any: [jwt, key-auth]}` or `{all: […]}`: which authentication plugins must pass; `anonymous`: "
               "the consumer that stands in.")
          .add("plugins", &Route::plugins, plugin_list(), "Plugins for this route.")
          .later({"compose", "graphql", "lambda", "retry", "oauth_scopes", "when", "consumers", "validation",
                  "circuit_breaker", "tests", "api_keys", "cookies", "buffering"});
  return table;
}

Value<std::vector<WrittenRoute>> route_list() {
  return list(mapping_of<WrittenRoute>(
      route_options(),
      [](const Node& node, const Where& at, WrittenRoute& to) {
        to.mark = node.mark();
        to.config_path = at.path();
      },
      finish_route));
}

}  // namespace gatehouse::config
