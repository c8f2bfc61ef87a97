#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <set>

#include "e2e/fixtures.h"

namespace gatehouse::test {
namespace {

constexpr const char* kCommands[] = {"run", "check", "explain", "print", "schema", "credential", "demo", "version"};

constexpr const char* kFront = "listeners: [{name: public, address: \"127.0.0.1:8080\"}]\n";

boost::json::value parsed(const std::string& text) {
  boost::system::error_code error;
  boost::json::value value = boost::json::parse(text, error);
  EXPECT_FALSE(error) << error.message() << " in\n" << text;
  return value;
}

TEST(Commands, print_the_help_without_arguments) {
  Finished alone = run_gatehouse({});
  EXPECT_EQ(alone.exit_code, 0);
  for (const char* command : kCommands)
    EXPECT_NE(alone.out.find("\n  " + std::string(command) + " "), std::string::npos) << command;
  for (const char* asked : {"--help", "-h", "help"}) EXPECT_EQ(run_gatehouse({asked}).out, alone.out) << asked;
}

TEST(Commands, have_help_with_an_example_and_a_text_for_every_option) {
  for (const char* command : kCommands) {
    Finished help = run_gatehouse({command, "--help"});
    EXPECT_EQ(help.exit_code, 0) << command;
    EXPECT_EQ(help.out, run_gatehouse({"help", command}).out);
    EXPECT_NE(help.out.find("gatehouse " + std::string(command), help.out.find("Example")), std::string::npos)
        << help.out;
    for (std::size_t at = 0; (at = help.out.find("\n  -", at)) != std::string::npos; ++at) {
      std::string line = help.out.substr(at + 1, help.out.find('\n', at + 1) - at - 1);
      std::string next = help.out.substr(at + 1 + line.size() + 1, 30);
      EXPECT_TRUE(line.size() > 30 || next == std::string(30, ' ')) << command << " says nothing about" << line;
    }
  }
}

TEST(Commands, of_commands_have_help_too) {
  for (const char* command : {"new", "hash"}) {
    Finished help = run_gatehouse({"credential", command, "--help"});
    EXPECT_EQ(help.exit_code, 0) << command;
    EXPECT_EQ(help.out, run_gatehouse({"help", "credential", command}).out);
    EXPECT_NE(help.out.find("gatehouse credential " + std::string(command), help.out.find("Example")),
              std::string::npos)
        << help.out;
  }
}

TEST(Commands, print_json_where_asked) {
  TempDir dir;
  std::string file = dir.write("x.yaml", std::string(kFront) + "routes: [{path: /x, respond: {status: 200}}]\n");
  for (const std::vector<std::string>& command : {std::vector<std::string>{"check", file},
                                                  {"print", "--effective", file},
                                                  {"explain", file, "/x"},
                                                  {"schema"},
                                                  {"credential", "new"},
                                                  {"version"}}) {
    std::vector<std::string> arguments = command;
    arguments.insert(arguments.end(), {"--format", "json"});
    Finished result = run_gatehouse(arguments);
    EXPECT_EQ(result.exit_code, 0) << command[0];
    EXPECT_EQ(result.err, "") << command[0];
    EXPECT_TRUE(parsed(result.out).is_object()) << command[0];
  }
}

TEST(Commands, tell_the_same_version) {
  std::string version = run_gatehouse({"--version"}).out;
  ASSERT_TRUE(version.starts_with("gatehouse ") && version.ends_with("\n")) << version;
  EXPECT_TRUE(run_gatehouse({"version"}).out.starts_with(version));
  boost::json::value machine = parsed(run_gatehouse({"version", "--format", "json"}).out);
  EXPECT_EQ("gatehouse " + std::string(machine.at("version").as_string()) + "\n", version);
}

TEST(Commands, say_so_when_the_output_cannot_be_written) {
  ProcessOptions full;
  full.in_child = [] { ::dup2(::open("/dev/full", O_WRONLY), 1); };
  Finished result = run_program({gatehouse_binary(), "schema"}, std::move(full));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("could not be written"), std::string::npos) << result.err;
}

TEST(Print, prints_what_loads_to_the_same_configuration) {
  TempDir dir;
  std::string file = dir.write(
      "x.yaml", std::string(kFront) +
                    "services: [{name: a, url: \"http://127.0.0.1:1/b\"}]\n"
                    "plugins: [{name: cors, config: {origins: [\"https://x.example\"], max_age: 1h}}]\n"
                    "routes:\n  - {path: [\"/a/*\", \"~/b/[0-9]+\"], methods: [GET], service: a}\n"
                    "  - {path: /c, respond: {status: 200, body: \"costs $${5}\", headers: {X-A: \"on\"}}}\n");
  Finished first = run_gatehouse({"print", "--effective", file});
  ASSERT_EQ(first.exit_code, 0) << first.err;
  Finished second = run_gatehouse({"print", "--effective", dir.write("y.yaml", first.out)});
  EXPECT_EQ(second.exit_code, 0) << second.err << "\n" << first.out;
  EXPECT_EQ(second.out, first.out);
}

TEST(Schema, knows_the_options_of_every_plugin) {
  std::string schema = run_gatehouse({"schema"}).out;
  boost::json::value version = parsed(run_gatehouse({"version", "--format", "json"}).out);
  ASSERT_FALSE(version.at("plugins").as_array().empty());
  for (const boost::json::value& plugin : version.at("plugins").as_array()) {
    EXPECT_NE(schema.find("\"const\": \"" + std::string(plugin.as_string()) + "\""), std::string::npos) << plugin;
  }
}

/// A field's value without what is new in each request.
std::string comparable(const std::string& name, const std::string& value) {
  static const std::set<std::string> kFresh = {"X-Request-ID", "traceparent", "X-Correlation-ID"};
  return name + ": " + (kFresh.contains(name) ? "…" : value);
}

TEST(Explain, tells_what_the_service_then_sees) {
  EchoGateway peer(
      "plugins:\n  - {name: correlation-id}\n"
      "  - {name: request-transformer, config: {add: {headers: [\"X-Added: 1\"], querystring: [\"q:2\"]}, "
      "remove: {headers: [X-Gone]}}}\n",
      "", "strip_path: true");
  Echo seen = peer.seen(
      request("PUT", "/a/../b//c?x=%20y", "X-Gone: 1\r\nX_Odd: 2\r\nConnection: X-Hop\r\nX-Hop: 3\r\n", "hello"));
  Finished told =
      run_gatehouse({"explain", peer.gateway.config_file(), "PUT http://test/a/../b//c?x=%20y", "-H", "X-Gone: 1", "-H",
                     "X_Odd: 2", "-H", "Connection: X-Hop", "-H", "X-Hop: 3", "-d", "hello", "--format", "json"});
  ASSERT_EQ(told.exit_code, 0) << told.err;
  boost::json::value forward = parsed(told.out).at("forward");
  EXPECT_EQ(std::string(forward.at("request_line").as_string()), seen.method + " " + seen.target + " HTTP/1.1");
  std::vector<std::string> said, came;
  for (const boost::json::value& field : forward.at("headers").as_array()) {
    said.push_back(comparable(std::string(field.at("name").as_string()), std::string(field.at("value").as_string())));
  }
  for (const auto& [name, value] : seen.fields.items()) came.push_back(comparable(name, value));
  std::ranges::sort(said);
  std::ranges::sort(came);
  EXPECT_EQ(said, came);
}

TEST(Explain, takes_a_request_in_one_word_or_two_and_a_url_alone) {
  TempDir dir;
  std::string file = dir.write("x.yaml", std::string(kFront) + "routes: [{path: /x, respond: {status: 200}}]\n");
  auto line = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"explain", file, "--format", "json"});
    return std::string(parsed(run_gatehouse(words).out).at("request").at("line").as_string());
  };
  EXPECT_EQ(line({"PUT http://a.example/x"}), "PUT /x HTTP/1.1");
  EXPECT_EQ(line({"PUT", "http://a.example/x"}), "PUT /x HTTP/1.1");
  EXPECT_EQ(line({"PUT /x HTTP/1.1"}), "PUT /x HTTP/1.1");
  EXPECT_EQ(line({"http://a.example"}), "GET / HTTP/1.1");
  EXPECT_EQ(line({"/x", "-d", "body"}), "POST /x HTTP/1.1");
}

void collect_keys(const boost::json::value& value, std::set<std::string>& keys) {
  if (const auto* list = value.if_array()) {
    for (const boost::json::value& item : *list) collect_keys(item, keys);
  }
  if (const auto* object = value.if_object()) {
    for (const auto& [key, inner] : *object) {
      keys.insert(std::string(key));
      if (key != "captures" && key != "settings") collect_keys(inner, keys);
    }
  }
}

TEST(Explain, has_every_json_key_on_its_page) {
  TempDir dir;
  std::string file = dir.write(
      "x.yaml", std::string(kFront) +
                    "plugins: [{name: correlation-id}, {name: mirror, config: {service: a}}]\n"
                    "services: [{name: a, url: \"http://127.0.0.1:1/b\"}, {name: b, url: \"http://127.0.0.1:1\"}]\n"
                    "routes:\n  - {path: \"/{x}\", split: {services: {a: 1, b: 1}}}\n"
                    "  - {path: /, methods: [GET, POST], respond: {status: 200}}\n");
  std::set<std::string> keys;
  for (const std::vector<std::string>& request :
       {std::vector<std::string>{"/x"},
        {"/"},
        {"/x", "-d", "body"},
        {"OPTIONS /", "-H", "Origin: http://x", "-H", "Access-Control-Request-Method: GET"}}) {
    std::vector<std::string> command{"explain", file, "--format", "json"};
    command.insert(command.end(), request.begin(), request.end());
    collect_keys(parsed(run_gatehouse(command).out), keys);
  }
  EXPECT_TRUE(keys.contains("copies_to") && keys.contains("preflight_for") && keys.contains("split") &&
              keys.contains("reply"));
  std::string page = read_file(GATEHOUSE_SOURCE_DIR "/docs/explain.md");
  for (const std::string& key : keys)
    EXPECT_NE(page.find("`" + key + "`"), std::string::npos) << key << " is not on the page";
}

/// The document's snippets, as written but for the indentation that it lost.
struct Snippet {
  const char* name;
  const char* text;
  std::vector<const char*> services;
  std::vector<std::array<const char*, 3>> expected;  ///< request, header, service
};

const Snippet kSnippets[] = {
    {"Path-Based Routing",
     "# Kong/Nginx configuration style\n"
     "routes:\n"
     "  - path: /users/*\n"
     "    service: user-service\n"
     "    strip_path: true\n"
     "  - path: /orders/*\n"
     "    service: order-service\n"
     "  - path: /payments/*\n"
     "    service: payment-service\n"
     "    methods: [POST, GET]\n",
     {"user-service", "order-service", "payment-service"},
     {{"GET /users/1", "", "user-service GET /1 HTTP/1.1"},
      {"PUT /orders/1", "", "order-service PUT /orders/1 HTTP/1.1"},
      {"POST /payments/1", "", "payment-service POST /payments/1 HTTP/1.1"},
      {"DELETE /payments/1", "", "405"}}},
    {"Header-Based Routing",
     "routes:\n"
     "  - headers:\n"
     "      X-API-Version: v2\n"
     "    service: user-service-v2\n"
     "  - headers:\n"
     "      X-Client-Type: mobile\n"
     "    service: mobile-optimized-service\n",
     {"user-service-v2", "mobile-optimized-service"},
     {{"GET /x", "X-API-Version: v2", "user-service-v2 GET /x HTTP/1.1"},
      {"GET /x", "X-Client-Type: mobile", "mobile-optimized-service GET /x HTTP/1.1"},
      {"GET /x", "X-Client-Type: desktop", "404"}}},
    {"Host-Based Routing",
     "routes:\n"
     "  - hosts: [api.example.com]\n"
     "    service: public-api\n"
     "  - hosts: [internal.example.com]\n"
     "    service: internal-api\n"
     "  - hosts: [partner.example.com]\n"
     "    service: partner-api\n",
     {"public-api", "internal-api", "partner-api"},
     {{"GET http://api.example.com/x", "", "public-api GET /x HTTP/1.1"},
      {"GET http://internal.example.com/", "", "internal-api GET / HTTP/1.1"},
      {"GET http://PARTNER.example.com:8080/", "", "partner-api GET / HTTP/1.1"},
      {"GET http://example.com/", "", "404"}}},
};

TEST(Document, snippets_load_as_written_once_listeners_and_services_are_added) {
  TempDir dir;
  for (const Snippet& snippet : kSnippets) {
    SCOPED_TRACE(snippet.name);
    std::string services = "services:\n";
    for (const char* name : snippet.services)
      services += "  - {name: " + std::string(name) + ", url: \"http://" + name + ":8080\"}\n";
    std::string file = dir.write("x.yaml", snippet.text + std::string(kFront) + services);
    Finished checked = run_gatehouse({"check", file});
    EXPECT_EQ(checked.exit_code, 0) << checked.out;
    for (const auto& [request, header, expected] : snippet.expected) {
      std::vector<std::string> command{"explain", file, request, "--format", "json"};
      if (*header != '\0') command.insert(command.end(), {"-H", header});
      boost::json::value told = parsed(run_gatehouse(command).out);
      std::string outcome;
      if (told.at("forward").is_object()) {
        outcome = std::string(told.at("forward").at("service").as_string()) + " " +
                  std::string(told.at("forward").at("request_line").as_string());
      } else {
        outcome = std::to_string(told.at("reply").at("status").to_number<int>());
      }
      EXPECT_EQ(outcome, expected) << request << " " << header;
    }
  }
}

}  // namespace
}  // namespace gatehouse::test
