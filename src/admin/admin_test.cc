#include "admin/admin.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>

#include "admin/access.h"
#include "admin/query.h"
#include "admin/reply.h"

namespace gatehouse::admin {
namespace {

using engine::LocalRequest;
using engine::LocalResponse;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;
using testing::StartsWith;

class FakeControl final : public engine::Control {
 public:
  bool ready() const override { return is_ready; }
  std::string metrics() const override { return "gatehouse_config_version 7\n"; }
  std::string effective_config(bool json) const override { return json ? "{\"workers\": 2}\n" : "workers: 2\n"; }
  std::uint64_t config_version() const override { return 7; }
  std::string routes_json() const override { return "[{\"name\": \"users\"}]"; }
  std::string explain(const engine::ExplainRequest& request, bool json, std::string& error) const override {
    asked = request;
    if (request.url == "nonsense") error = "url must be absolute or start with /";
    return error.empty() ? json ? "{\"route\": \"users\"}" : "route users wins\n" : "";
  }
  engine::ReloadReport submit(std::string text, bool dry_run) override {
    submitted = std::move(text);
    was_dry_run = dry_run;
    return report;
  }
  const std::string& admin_token() const override { return token; }

  bool is_ready = true;
  std::string token;
  engine::ReloadReport report;
  std::string submitted;
  bool was_dry_run = false;
  mutable engine::ExplainRequest asked;
};

class AdminTest : public testing::Test {
 protected:
  using Headers = std::map<std::string, std::string>;

  static LocalResponse send(const engine::LocalServer::Answer& to, std::string_view method, std::string_view target,
                            const Headers& headers, std::string_view body = "") {
    LocalRequest request;
    request.method = method;
    request.path = target.substr(0, target.find('?'));
    if (request.path.size() < target.size()) request.query = target.substr(request.path.size() + 1);
    request.body = body;
    request.header = [&headers](std::string_view name) {
      const auto found = headers.find(std::string(name));
      return found == headers.end() ? std::string_view() : std::string_view(found->second);
    };
    request.from_loopback = true;
    return to(request);
  }
  LocalResponse get(std::string_view target, Headers headers = {}) {
    headers.emplace("Host", "127.0.0.1:9901");
    return send(admin_, "GET", target, headers);
  }
  LocalResponse post(std::string_view target, std::string_view body, Headers headers = {}) {
    headers.emplace("Host", "127.0.0.1:9901");
    return send(admin_, "POST", target, headers, body);
  }
  static std::string header(const LocalResponse& response, std::string_view name) {
    const auto found = std::ranges::find(response.headers, name, [](const auto& each) { return each.first; });
    return found == response.headers.end() ? "" : found->second;
  }
  /// The text under "error"; fails where the body is not such a document.
  static std::string error(const LocalResponse& response) {
    EXPECT_EQ(response.content_type, "application/json");
    return std::string(boost::json::parse(response.body).at("error").as_string());
  }

  FakeControl control_;
  engine::LocalServer::Answer admin_ = make_admin(control_).answer;
  engine::LocalServer::Answer probes_ = make_probes(control_).answer;
};

TEST_F(AdminTest, says_that_it_lives_and_whether_it_is_ready) {
  EXPECT_EQ(get("/health").body, "{\"status\": \"ok\"}\n");
  EXPECT_EQ(get("/ready").status, 200);
  control_.is_ready = false;
  EXPECT_EQ(get("/ready").status, 503);
  EXPECT_EQ(get("/ready").body, "{\"status\": \"draining\"}\n");
  EXPECT_EQ(get("/health").status, 200) << "a gateway that drains is alive";
}

TEST_F(AdminTest, serves_metrics_in_the_prometheus_text_format) {
  const LocalResponse response = get("/metrics");
  EXPECT_EQ(response.body, "gatehouse_config_version 7\n");
  EXPECT_THAT(response.content_type, StartsWith("text/plain; version=0.0.4"));
}

TEST_F(AdminTest, shows_the_configuration_as_yaml_or_json) {
  EXPECT_EQ(get("/config").body, "workers: 2\n");
  EXPECT_EQ(get("/config").content_type, "application/yaml");
  EXPECT_EQ(header(get("/config"), "X-Gatehouse-Config-Version"), "7");
  EXPECT_EQ(get("/config?format=json").body, "{\"workers\": 2}\n");
  EXPECT_EQ(get("/config", {{"Accept", "text/html, application/json;q=0.9"}}).content_type, "application/json");
  EXPECT_EQ(get("/config?format=yaml", {{"Accept", "application/json"}}).body, "workers: 2\n");
  EXPECT_EQ(get("/config", {{"Accept", "application/jsonl"}}).body, "workers: 2\n");
  EXPECT_EQ(error(get("/config?format=toml")), "format must be json or yaml, got \"toml\"");
}

TEST_F(AdminTest, takes_a_configuration_and_says_what_changed) {
  control_.report.accepted = true;
  control_.report.version = 8;
  control_.report.changes = {"route users: added", "route \"old\": removed"};
  control_.report.diagnostics.warning({}, "routes[1]", "can never win");
  const LocalResponse response = post("/config", "workers: 3\n");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(control_.submitted, "workers: 3\n");
  EXPECT_FALSE(control_.was_dry_run);
  const boost::json::value document = boost::json::parse(response.body);
  EXPECT_EQ(document.at("version").as_int64(), 8);
  EXPECT_EQ(document.at("dry_run").as_bool(), false);
  EXPECT_EQ(document.at("changes"), (boost::json::array{"route users: added", "route \"old\": removed"}));
  EXPECT_EQ(document.at("warnings").at(0).at("message").as_string(), "can never win");
}

TEST_F(AdminTest, only_asks_what_would_change_in_a_dry_run) {
  control_.report.accepted = true;
  for (const char* target : {"/config?dry_run", "/config?dry_run=true", "/config?dry_run=1"}) {
    control_.was_dry_run = false;
    EXPECT_THAT(post(target, "x: 1").body, HasSubstr("\"dry_run\": true")) << target;
    EXPECT_TRUE(control_.was_dry_run) << target;
  }
  EXPECT_EQ(post("/config?dry_run=false", "x: 1").status, 200);
  EXPECT_FALSE(control_.was_dry_run);
  control_.submitted.clear();
  EXPECT_EQ(error(post("/config?dry_run=maybe", "x: 1")), "dry_run must be true or false, got \"maybe\"");
  EXPECT_EQ(error(post("/config?dryrun", "x: 1")), "unknown parameter \"dryrun\"; there are dry_run");
  EXPECT_EQ(control_.submitted, "") << "what was misunderstood was put in force";
}

TEST_F(AdminTest, refuses_a_configuration_with_every_error_as_data_and_as_text) {
  const auto file = std::make_shared<const std::string>("POST /config");
  control_.report.diagnostics.error({file, 3, 5}, "routes[0].path", "must start with /", "did you mean \"/x\"?");
  control_.report.diagnostics.error({file, 9, 1}, "workers", "must be a number");
  const LocalResponse response = post("/config", "workers: many");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(error(response), "the configuration was not taken: 2 errors");
  const boost::json::value document = boost::json::parse(response.body);
  EXPECT_EQ(document.at("diagnostics").at(1).at("line").as_int64(), 9);
  EXPECT_THAT(std::string(document.at("text").as_string()),
              HasSubstr("POST /config:3:5: routes[0].path: must start with /; did you mean \"/x\"?\n"));
}

TEST_F(AdminTest, refuses_an_empty_configuration_unasked) {
  EXPECT_EQ(post("/config", "").status, 400);
}

TEST_F(AdminTest, lists_the_routes) {
  EXPECT_EQ(get("/routes").body, "[{\"name\": \"users\"}]\n");
}

TEST_F(AdminTest, explains_a_request_given_in_the_query) {
  const LocalResponse response =
      get("/explain?method=POST&url=http%3A%2F%2Fapi.example.com%2Fusers%3Fx%3D1%262&header=Name:%20value&header=X-B:c"
          "&client_ip=10.0.0.1&listener=public");
  EXPECT_EQ(response.body, "route users wins\n");
  EXPECT_THAT(response.content_type, StartsWith("text/plain"));
  EXPECT_EQ(control_.asked.method, "POST");
  EXPECT_EQ(control_.asked.url, "http://api.example.com/users?x=1&2");
  EXPECT_THAT(control_.asked.headers, ElementsAre(Pair("Name", "value"), Pair("X-B", "c")));
  EXPECT_EQ(control_.asked.client_ip, "10.0.0.1");
  EXPECT_EQ(control_.asked.listener, "public");
}

TEST_F(AdminTest, explains_in_json_where_that_is_asked_for) {
  EXPECT_EQ(get("/explain?url=/x&format=json").body, "{\"route\": \"users\"}\n");
  EXPECT_EQ(get("/explain?url=/x", {{"Accept", "application/json"}}).content_type, "application/json");
  EXPECT_EQ(control_.asked.method, "GET");
}

TEST_F(AdminTest, says_what_is_wrong_with_a_question) {
  EXPECT_THAT(error(get("/explain")), StartsWith("url is missing"));
  EXPECT_EQ(error(get("/explain?url=nonsense")), "url must be absolute or start with /");
  EXPECT_EQ(error(get("/explain?url=/x&header=novalue")), "header must read \"Name: value\", got \"novalue\"");
  EXPECT_EQ(error(get("/explain?url=/x&format=xml")), "format must be text or json, got \"xml\"");
  EXPECT_THAT(error(get("/explain?uri=/x")), StartsWith("unknown parameter \"uri\"; there are method, url"));
  EXPECT_EQ(get("/explain?uri=/x").status, 400);
}

TEST_F(AdminTest, explains_a_request_given_as_a_document) {
  const LocalResponse response =
      post("/explain?format=json", R"({"method": "PUT", "url": "/users/1", "client_ip": "::1",
      "headers": {"X-A": "1", "X-B": ["2", "3"]}, "body": {"total": 5}})");
  EXPECT_EQ(response.body, "{\"route\": \"users\"}\n");
  EXPECT_EQ(control_.asked.method, "PUT");
  EXPECT_EQ(control_.asked.url, "/users/1");
  EXPECT_EQ(control_.asked.client_ip, "::1");
  EXPECT_THAT(control_.asked.headers, ElementsAre(Pair("X-A", "1"), Pair("X-B", "2"), Pair("X-B", "3")));
  EXPECT_EQ(control_.asked.body, "{\"total\":5}");
  post("/explain", R"({"url": "/", "headers": ["X-C: d"], "body": "as is"})");
  EXPECT_THAT(control_.asked.headers, ElementsAre(Pair("X-C", "d")));
  EXPECT_EQ(control_.asked.body, "as is");
}

TEST_F(AdminTest, says_what_is_wrong_with_a_document) {
  EXPECT_THAT(error(post("/explain", "{")), StartsWith("the body is not JSON"));
  EXPECT_THAT(error(post("/explain", "[]")), StartsWith("the body must be an object"));
  EXPECT_EQ(error(post("/explain", R"({"url": 1})")), "url must be a string");
  EXPECT_THAT(error(post("/explain", R"({"url": "/", "header": {}})")), StartsWith("unknown key \"header\""));
  EXPECT_THAT(error(post("/explain", R"({"url": "/", "headers": {"A": 1}})")), StartsWith("headers must be"));
  EXPECT_THAT(error(post("/explain", R"({"url": "/", "headers": ["A"]})")), StartsWith("headers must be"));
  EXPECT_EQ(post("/explain", "{").status, 400);
}

TEST_F(AdminTest, knows_no_other_pages_and_methods) {
  EXPECT_EQ(get("/nothing").status, 404);
  EXPECT_THAT(error(get("/")), HasSubstr("/health, /ready, /metrics, /config, /routes, /explain"));
  EXPECT_EQ(get("/config/").status, 404);
  const LocalResponse deleted = send(admin_, "DELETE", "/config", {{"Host", "localhost"}});
  EXPECT_EQ(deleted.status, 405);
  EXPECT_EQ(header(deleted, "Allow"), "GET, HEAD, POST");
  EXPECT_EQ(header(post("/routes", ""), "Allow"), "GET, HEAD");
}

TEST_F(AdminTest, probes_serve_only_what_needs_no_token_to_anyone) {
  control_.token = "secret";
  const Headers from_outside = {{"Host", "10.1.2.3:9902"}};
  EXPECT_EQ(send(probes_, "GET", "/health", from_outside).status, 200);
  EXPECT_EQ(send(probes_, "GET", "/ready", from_outside).status, 200);
  EXPECT_EQ(send(probes_, "GET", "/metrics", from_outside).status, 200);
  const Headers with_token = {{"Host", "10.1.2.3:9902"}, {"Authorization", "Bearer secret"}};
  for (const char* path : {"/config", "/routes", "/explain?url=/"}) {
    EXPECT_EQ(send(probes_, "GET", path, with_token).status, 404) << path;
  }
  EXPECT_EQ(send(probes_, "POST", "/config", with_token, "workers: 1").status, 404);
  EXPECT_EQ(control_.submitted, "");
  EXPECT_THAT(send(probes_, "GET", "/x", from_outside).body, Not(HasSubstr("/config")));
}

TEST_F(AdminTest, asks_for_the_token) {
  control_.token = "secret";
  for (const char* credentials : {"", "Bearer", "Bearer ", "Bearer secre", "Bearer secrets", "Bearer secretsecret",
                                  "Bearer Secret", "Basic secret", "secret"}) {
    const LocalResponse response = get("/config", {{"Authorization", credentials}});
    EXPECT_EQ(response.status, 401) << credentials;
    EXPECT_THAT(header(response, "WWW-Authenticate"), StartsWith("Bearer"));
  }
  EXPECT_EQ(get("/config", {{"Authorization", "Bearer secret"}}).status, 200);
  EXPECT_EQ(get("/config", {{"Authorization", "bearer  secret"}}).status, 200);
  EXPECT_EQ(get("/nothing").status, 401) << "tells what is there before it knows who asks";
  for (const char* open : {"/health", "/ready", "/metrics"}) EXPECT_EQ(get(open).status, 200) << open;
  control_.report.accepted = true;
  EXPECT_EQ(post("/config", "x: 1").status, 401);
  EXPECT_EQ(control_.submitted, "");
}

TEST_F(AdminTest, takes_any_host_and_origin_with_the_token) {
  control_.token = "secret";
  control_.report.accepted = true;
  EXPECT_EQ(
      post("/config", "x: 1",
           {{"Authorization", "Bearer secret"}, {"Host", "admin.example.com"}, {"Origin", "https://ops.example.com"}})
          .status,
      200);
}

TEST_F(AdminTest, refuses_a_foreign_host_where_there_is_no_token) {
  for (const char* host : {"evil.example.com", "evil.example.com:9901", "localhost.example.com",
                           "127.0.0.1.example.com", "10.0.0.1", "[2001:db8::1]:9901", "[::1", ""}) {
    EXPECT_EQ(get("/config", {{"Host", host}}).status, 403) << host;
    EXPECT_EQ(get("/metrics", {{"Host", host}}).status, 200)
        << host << ": probes and scrapers use whatever name they know";
  }
  for (const char* host : {"localhost", "LocalHost:9901", "127.0.0.1", "127.8.9.1:80", "[::1]", "[::1]:9901"}) {
    EXPECT_EQ(get("/config", {{"Host", host}}).status, 200) << host;
  }
}

TEST_F(AdminTest, refuses_a_post_from_a_foreign_page_where_there_is_no_token) {
  control_.report.accepted = true;
  for (const char* origin :
       {"https://evil.example.com", "null", "http://127.0.0.1:3000", "http://127.0.0.1", "127.0.0.1:9901"}) {
    EXPECT_EQ(post("/config", "x: 1", {{"Origin", origin}}).status, 403) << origin;
  }
  EXPECT_EQ(control_.submitted, "");
  EXPECT_EQ(post("/config", "x: 1", {{"Origin", "http://127.0.0.1:9901"}}).status, 200);
  EXPECT_EQ(post("/config", "x: 1").status, 200) << "curl sends no Origin";
}

TEST_F(AdminTest, keeps_answers_out_of_caches) {
  for (const char* path : {"/config", "/health", "/nothing"}) EXPECT_EQ(header(get(path), "Cache-Control"), "no-store");
}

TEST(EqualSecrets, tell_any_difference) {
  EXPECT_TRUE(equal_secrets("abc", "abc"));
  for (const char* other : {"", "a", "ab", "abd", "xbc", "abcabc", "abcd"})
    EXPECT_FALSE(equal_secrets(other, "abc")) << other;
  EXPECT_FALSE(equal_secrets("", "a"));
  EXPECT_FALSE(equal_secrets("a", ""));
}

TEST(AdminQuery, decodes_names_and_values_in_their_order) {
  const Query query("a=1&b%20c=x%3Dy+z&flag&bad=%zz%4&&a=2");
  EXPECT_THAT(query.all(), ElementsAre(Pair("a", "1"), Pair("b c", "x=y z"), Pair("flag", ""), Pair("bad", "%zz%4"),
                                       Pair("a", "2")));
  EXPECT_EQ(*query.find("a"), "1");
  EXPECT_EQ(query.find("c"), nullptr);
  EXPECT_TRUE(query.flag("flag"));
  EXPECT_FALSE(query.flag("other"));
}

}  // namespace
}  // namespace gatehouse::admin
