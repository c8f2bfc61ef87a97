#include "config/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/node.h"

namespace gatehouse::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Loaded load(const std::string& text) {
  return load_text({.name = "t.yaml", .text = text}, {});
}

constexpr const char* kBase = R"(listeners: [{address: "127.0.0.1:8080"}]
services:
  - {name: user-service, url: "http://127.0.0.1:9001"}
  - {name: order-service, url: "http://orders.internal:9002/v1/"}
)";

TEST(Loader, the_smallest_useful_file_loads) {
  const Loaded loaded =
      load(std::string(kBase) + "routes: [{path: /users/*, service: user-service, strip_path: true}]\n");
  EXPECT_EQ(loaded.diagnostics.text(), "");
  ASSERT_EQ(loaded.model.routes.size(), 1u);
  EXPECT_EQ(loaded.model.routes[0].name, "/users/*");
  EXPECT_TRUE(loaded.model.routes[0].strip_path);
  EXPECT_EQ(std::get<ForwardAction>(loaded.model.routes[0].action).service, "user-service");
  ASSERT_EQ(loaded.model.services.size(), 2u);
  EXPECT_EQ(loaded.model.services[1].base_path, "/v1");
  EXPECT_EQ(loaded.model.services[1].authority, "orders.internal:9002");
  EXPECT_EQ(loaded.model.services[1].targets[0].address.text(), "orders.internal:9002");
  EXPECT_EQ(loaded.model.services[0].timeouts.total, kOff);
  EXPECT_EQ(loaded.model.listeners[0].name, "127.0.0.1:8080");
}

TEST(Loader, routes_without_a_name_are_called_after_their_conditions) {
  const Loaded loaded = load(std::string(kBase) + R"(routes:
  - {path: /orders/*, methods: [GET, post], service: order-service}
  - {headers: {X-API-Version: v2}, service: user-service}
  - {hosts: ["*.Partner.example.com"], service: user-service}
  - {hosts: ["*.Partner.example.com"], priority: 2, service: user-service}
)");
  EXPECT_EQ(loaded.diagnostics.text(), "");
  std::vector<std::string> names;
  for (const Route& route : loaded.model.routes) names.push_back(route.name);
  EXPECT_THAT(names, ElementsAre("GET,POST /orders/*", "x-api-version=v2", "*.partner.example.com",
                                 "*.partner.example.com (2)"));
}

TEST(Loader, a_route_without_an_action_goes_to_the_default_service) {
  const Loaded loaded = load(std::string(kBase) + "default_service: order-service\nroutes: [{path: /a}]\n");
  EXPECT_EQ(loaded.diagnostics.text(), "");
  EXPECT_EQ(std::get<ForwardAction>(loaded.model.routes.at(0).action).service, "order-service");
}

TEST(Loader, what_would_be_ignored_or_widen_a_route_is_refused) {
  const auto said = [](const std::string& route) {
    return load(std::string(kBase) + "routes: [" + route + "]\n").diagnostics.text();
  };
  for (const char* key : {"path", "hosts", "methods", "clients", "listeners", "headers", "query"}) {
    const std::string name(key);
    EXPECT_THAT(said("{path: /a, service: user-service}, {" + name + ": null, service: user-service}"),
                HasSubstr("routes[1]." + name))
        << key;
  }
  for (const char* key : {"path", "hosts", "methods", "clients", "listeners"})
    EXPECT_THAT(said("{" + std::string(key) + ": [], service: user-service}"), HasSubstr("must not be an empty list"));
  EXPECT_THAT(said("{headers: {}, service: user-service}"), HasSubstr("routes[0].headers: must not be empty"));
  for (const char* action : {"redirect", "split", "service"}) {
    EXPECT_THAT(said("{path: /a, " + std::string(action) + ": null}"), HasSubstr("routes[0]." + std::string(action)))
        << action;
  }
  EXPECT_THAT(said("{path: /a, service: user-service, respond: null}"), HasSubstr("must have only one of"));
  EXPECT_EQ(said("{path: /a, respond: null}"), "") << "the same as {}";
  EXPECT_THAT(said("{path: /a, split: {services: {user-service: 1}, sticky: {}}}"),
              HasSubstr("routes[0].split.sticky: needs \"cookie\" or \"header\""));
  EXPECT_THAT(said("{path: /a, respond: {status: 204, body: x}}"), HasSubstr("has a body, which its status excludes"));
  EXPECT_THAT(said("{path: /a, respond: {}, preserve_host: true, timeouts: {read: 1s}}"),
              ::testing::AllOf(HasSubstr("warning: routes[0].preserve_host: has no effect"),
                               HasSubstr("warning: routes[0].timeouts: has no effect")));
  EXPECT_THAT(said("{path: /a, methods: [GET, TRACE], respond: {}}"), HasSubstr("is always answered with 405"));
  EXPECT_THAT(said("{path: /a, headers: {Connection: x}, respond: {}}"), HasSubstr("routes never see it"));
  EXPECT_THAT(said("{path: /a, headers: {X_A: x}, respond: {}}"), HasSubstr("underscores_in_headers"));
  EXPECT_THAT(said("{path: /a, headers: {Via: {present: false}}, respond: {}}"), HasSubstr("is never absent"));
  EXPECT_EQ(said("{path: /a, headers: {Upgrade: websocket, X-Forwarded-Proto: https}, respond: {}}"), "");
}

TEST(Loader, merges_and_load_time_values_stand_where_they_mean_something) {
  const auto said = [](const std::string& text) { return load(std::string(kBase) + text).diagnostics.text(); };
  EXPECT_THAT(said("x-r: &r {respond: {}}\nroutes: [{path: /a, <<: *r, <<: *r}]\n"), HasSubstr("duplicate key \"<<\""));
  EXPECT_EQ(said("x-r: &r {respond: {}}\nx-q: &q {methods: [GET]}\nroutes: [{path: /a, <<: [*r, *q]}]\n"), "");
  EXPECT_THAT(said("routes: [{path: /a, respond: {body: \"${env:GH_NONE:-${env:HOME}}\"}}]\n"),
              HasSubstr("a default cannot hold another \"${\""));
  EXPECT_THAT(said("routes: [{path: /a, query: {\"${env:HOME}\": x}, respond: {}}]\n"), HasSubstr("not in keys"));
  ::setenv("GATEHOUSE_TEST_BYTES", "k\xffz", 1);
  EXPECT_THAT(said("routes: [{path: /a, respond: {body: \"${env:GATEHOUSE_TEST_BYTES}\"}}]\n"),
              HasSubstr("routes[0].respond.body: \"${env:GATEHOUSE_TEST_BYTES}\" holds bytes that are not UTF-8"));
  const std::string url =
      load(
          "listeners: [{address: \"127.0.0.1:1\"}]\nservices: [{name: a, url: \"http://u:pa55@h/\"}]\n"
          "routes: [{path: /a, service: a}]\n")
          .diagnostics.text();
  EXPECT_THAT(url, HasSubstr("must not have a user name or password, got \"http://***@h/\""));
}

TEST(Loader, every_error_is_reported_at_once_with_its_place) {
  const Loaded loaded = load(std::string(kBase) + R"(routes:
  - {path: /a, method: GET, service: user-service}
  - path: /b
    priority: ten
    service: user-servce
)");
  EXPECT_EQ(loaded.diagnostics.text(),
            "t.yaml:6:16: routes[0].method: unknown key; did you mean \"methods\"?\n"
            "t.yaml:8:15: routes[1].priority: must be an integer between -1000000 and 1000000, got \"ten\"\n"
            "t.yaml:9:14: routes[1].service: no service \"user-servce\"; did you mean \"user-service\"?\n");
}

TEST(Loader, listener_limits_lie_over_the_gateways) {
  const Loaded loaded = load(R"(limits: {max_headers: 50, idle_timeout: 1m}
listeners: [{address: "127.0.0.1:1", limits: {max_headers: 7}}]
)");
  EXPECT_EQ(loaded.diagnostics.text(), "");
  EXPECT_EQ(loaded.model.listeners[0].limits.max_headers, 7u);
  EXPECT_EQ(loaded.model.listeners[0].limits.idle_timeout, std::chrono::minutes(1));
}

TEST(Loader, merge_keys_and_aliases_keep_what_is_written) {
  const Loaded loaded = load(std::string(kBase) + R"(x-common: &common {service: user-service, priority: 4}
routes:
  - {<<: *common, path: /a}
  - {<<: *common, path: /b, priority: 5}
)");
  EXPECT_EQ(loaded.diagnostics.text(), "");
  EXPECT_EQ(loaded.model.routes.at(0).priority, 4);
  EXPECT_EQ(loaded.model.routes.at(1).priority, 5);
}

TEST(Loader, a_bomb_of_aliases_is_refused) {
  std::string text = "x-a: &a0 [1,1,1,1,1,1,1,1,1,1]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    text += "x-" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int k = 0; k < 9; ++k) text += ", " + last;
    text += "]\n";
  }
  EXPECT_THAT(load(text).diagnostics.text(), HasSubstr("expanded more than 10,000 times"));
}

TEST(Loader, values_of_the_environment_are_never_yaml) {
  ::setenv("GATEHOUSE_TEST_BODY", "a: [b", 1);
  const Loaded loaded = load(R"(listeners: [{address: "127.0.0.1:${env:GATEHOUSE_TEST_UNSET:-8081}"}]
routes: [{path: /a, respond: {status: 200, body: "${env:GATEHOUSE_TEST_BODY} $${x}"}}]
)");
  EXPECT_EQ(loaded.diagnostics.text(), "");
  EXPECT_EQ(loaded.model.listeners.at(0).address.port, 8081);
  EXPECT_EQ(std::get<RespondAction>(loaded.model.routes.at(0).action).body, "a: [b ${x}");
}

TEST(Loader, json_with_tabs_loads_with_places) {
  const Loaded loaded = load("{\n\t\"listeners\": [{\"address\": \"127.0.0.1:1\"}],\n\t\"rotes\": []\n}\n");
  EXPECT_EQ(loaded.diagnostics.text(), "t.yaml:3:2: rotes: unknown key; did you mean \"routes\"?\n");
}

TEST(Loader, the_effective_configuration_loads_to_the_same_and_hides_secrets) {
  const Loaded first = load(std::string(kBase) + R"(admin: {address: "127.0.0.1:9901", token: sesame}
routes:
  - {path: /a, headers: {X-A: [x, "2"], X-B: {present: false}}, service: user-service, timeouts: {read: 5m}}
  - {path: /t, respond: {status: 418, headers: {X-Pot: short}, body: "a $${x}"}}
  - {path: /s, split: {services: {user-service: 95, order-service: 5}, sticky: {cookie: canary}}}
)");
  ASSERT_EQ(first.diagnostics.text(), "");
  const std::string printed = print_effective(first, {});
  EXPECT_THAT(printed, Not(HasSubstr("sesame")));
  EXPECT_THAT(printed, HasSubstr("token: \"***\""));
  EXPECT_THAT(printed, HasSubstr("connect: 5s"));
  EXPECT_THAT(load(printed).diagnostics.text(), HasSubstr("admin.token: must be a string that is neither empty"));
  const auto with_secret = [](std::string text) { return text.replace(text.find("***"), 3, "sesame"); };
  const Loaded second = load(with_secret(printed));
  EXPECT_EQ(second.diagnostics.text(), "");
  EXPECT_EQ(print_effective(second, {}), printed);
  const Loaded third = load(with_secret(print_effective_json(first, {})));
  EXPECT_EQ(third.model.routes.size(), 3u);
  ASSERT_EQ(second.model.routes.size(), 3u);
  EXPECT_EQ(second.model.routes[0].headers, first.model.routes[0].headers);
  EXPECT_EQ(second.model.routes[0].timeouts.read, std::chrono::minutes(5));
  EXPECT_EQ(second.model.routes[0].timeouts.connect, std::nullopt);
  EXPECT_EQ(std::get<RespondAction>(second.model.routes[1].action).body, "a ${x}");
  EXPECT_EQ(std::get<SplitAction>(second.model.routes[2].action).sticky_cookie, "canary");
}

TEST(Loader, a_plugin_without_options_prints_in_the_same_order_when_it_is_printed_again) {
  Catalogue catalogue;
  PluginInfo info;
  info.name = "tap";
  info.effective = [](const Node* written) {
    Node config = written ? *written : Node::mapping();
    if (!config.find("rate")) config.set("rate", Node::integer(1));
    return std::make_shared<const Node>(std::move(config));
  };
  catalogue.plugins.push_back(std::move(info));
  const Loaded first =
      load_text({.name = "t.yaml", .text = std::string(kBase) + "plugins: [{name: tap}]\n"}, catalogue);
  ASSERT_EQ(first.diagnostics.text(), "");
  const std::string printed = print_effective(first, catalogue);
  const Loaded second = load_text({.name = "t.yaml", .text = printed}, catalogue);
  EXPECT_EQ(second.diagnostics.text(), "");
  EXPECT_EQ(print_effective(second, catalogue), printed);
}

TEST(Loader, what_is_printed_as_json_keeps_its_literal_dollar_braces) {
  const Loaded first = load(std::string(kBase) + "routes: [{path: /a, respond: {body: \"$${x} $${{ y }}\"}}]\n");
  ASSERT_EQ(first.diagnostics.text(), "");
  const Loaded second = load(print_effective_json(first, {}));
  EXPECT_EQ(second.diagnostics.text(), "");
  ASSERT_EQ(second.model.routes.size(), 1u);
  EXPECT_EQ(std::get<RespondAction>(second.model.routes[0].action).body, "${x} ${{ y }}");
}

TEST(Loader, a_path_that_cannot_be_read_is_reported_once_and_where_it_stands) {
  const Loaded loaded = load(std::string(kBase) + "routes: [{path: a, service: user-service}]\n");
  EXPECT_EQ(loaded.diagnostics.text(),
            "t.yaml:5:17: routes[0].path: must be a path that starts with / or ~, got \"a\"\n");
}

TEST(Loader, a_foreign_file_is_called_what_it_is) {
  EXPECT_EQ(load("_format_version: \"3.0\"\nservices: []\n").diagnostics.text(),
            "t.yaml:1:1: Kong files are not supported yet\n");
  EXPECT_THAT(
      load("services:\n- {name: a, url: \"http://a\", routes: []}\nroutes: [{paths: [/a]}]\n").diagnostics.text(),
      HasSubstr("Kong files are not supported yet"));
  EXPECT_THAT(load("static_resources: {listeners: []}\n").diagnostics.text(), HasSubstr("Envoy files"));
  EXPECT_THAT(load("{\"openapi\": \"3.0.1\", \"paths\": {}}").diagnostics.text(), HasSubstr("OpenAPI files"));
  EXPECT_THAT(load("events {\n}\nhttp {\n  server {\n    listen 80;\n  }\n}\n").diagnostics.text(),
              HasSubstr("nginx files"));
}

TEST(Loader, a_native_file_with_a_word_of_kongs_is_still_native) {
  EXPECT_EQ(load(std::string(kBase) + "routes: [{paths: [/a], service: user-service}]\n").diagnostics.text(),
            "t.yaml:5:11: routes[0].paths: unknown key; did you mean \"path\"?\n");
}

TEST(Loader, what_is_no_name_at_all_is_reported_once) {
  EXPECT_EQ(load(std::string(kBase) + "routes: [{path: /a, listeners: [{a: b}], service: user-service}]\n")
                .diagnostics.text(),
            "t.yaml:5:33: routes[0].listeners[0]: must be the name of a listener, got a mapping\n");
}

TEST(Loader, a_line_break_in_what_is_quoted_breaks_no_finding) {
  const Loaded loaded = load(std::string(kBase) + "routes: [{path: /a, service: \"no\\nbo\\edy\", \"k\\ney\": 1}]\n");
  EXPECT_EQ(loaded.diagnostics.text(),
            "t.yaml:5:30: routes[0].service: no service \"no\\nbo?dy\"\n"
            "t.yaml:5:44: routes[0].k\\ney: unknown key\n");
}

TEST(Loader, the_schema_is_json_and_knows_the_keys) {
  Diagnostics faults;
  const Node tree = parse_document(schema({}), "schema", faults);
  EXPECT_EQ(faults.text(), "");
  ASSERT_NE(tree.find("properties"), nullptr);
  EXPECT_NE(tree.find("properties")->find("routes"), nullptr);
}

}  // namespace
}  // namespace gatehouse::config
