#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <boost/json.hpp>
#include <csignal>
#include <filesystem>
#include <thread>

#include "e2e/fixtures.h"

namespace gatehouse::test {
namespace {

std::string answers(std::string_view body) {
  return "routes: [{name: only, path: \"/*\", respond: {status: 200, body: \"" + std::string(body) + "\"}}]\n";
}

TEST(Reload, takes_a_good_configuration_and_keeps_the_old_one_over_a_bad_one) {
  Gateway gateway(answers("one"));
  EXPECT_EQ(gateway.get("/").body, "one");
  EXPECT_TRUE(gateway.reload(answers("two")));
  EXPECT_EQ(gateway.get("/").body, "two");
  std::size_t said = gateway.process().err().size();
  EXPECT_FALSE(gateway.reload("routes: [{path: /x, servise: nowhere}]\n"));
  EXPECT_EQ(gateway.get("/").body, "two");
  EXPECT_EQ(gateway.metric("gatehouse_config_last_reload_successful"), 0);
  EXPECT_TRUE(gateway.process().wait_err("servise", Deadline(), said)) << gateway.process().err();
  EXPECT_NE(gateway.process().err().find("gatehouse.yaml:", said), std::string::npos) << "the place of the mistake";
  EXPECT_TRUE(gateway.reload(answers("three")));
  EXPECT_EQ(gateway.get("/").body, "three");
  EXPECT_EQ(gateway.metric("gatehouse_config_last_reload_successful"), 1);
}

TEST(Reload, keeps_the_connections_of_clients_and_to_services) {
  EchoGateway peer;
  RawClient client = peer.gateway.connect();
  client.send(request("GET", "/1"));
  EXPECT_EQ(client.read_response().status, 200);
  ASSERT_TRUE(
      peer.gateway.reload(forward_all(peer.echo.url()) + "  - {path: /new, respond: {status: 200, body: new}}\n"));
  client.send(request("GET", "/new") + request("GET", "/2"));
  EXPECT_EQ(client.read_response().body, "new");
  EXPECT_EQ(client.read_response().status, 200);
  EXPECT_EQ(peer.echo.connections(), 1U);
}

TEST(Reload, lets_a_request_end_under_the_configuration_that_it_began_with) {
  Gate gate;
  HttpService service([&](ServiceExchange& exchange) {
    exchange.wait(gate.fd());
    exchange.respond(200, "old");
  });
  Gateway gateway(forward_all(service.url()));
  RawClient client = gateway.connect();
  client.send(request("GET", "/"));
  for (Deadline deadline; service.requests() == 0 && !deadline.passed();) gateway.process().pause(Millis(2));
  ASSERT_TRUE(gateway.reload(answers("new")));
  EXPECT_EQ(gateway.get("/").body, "new");
  gate.open();
  EXPECT_EQ(client.read_response().body, "old");
}

TEST(Reload, opens_and_closes_listeners) {
  std::string second = std::to_string(free_port());
  std::string both =
      "listeners: [{name: public, address: \"@listen@\"}, {name: second, address: \"127.0.0.1:" + second + "\"}]\n";
  Gateway gateway(answers("x"));
  auto port = static_cast<std::uint16_t>(std::stoi(second));
  EXPECT_FALSE(RawClient(port).connected());
  ASSERT_TRUE(gateway.reload(both + answers("x")));
  EXPECT_EQ(get(port, "/").status, 200);
  ASSERT_TRUE(gateway.reload(answers("y")));
  bool open = true;
  for (Deadline deadline; open && !deadline.passed();) open = RawClient(port).connected();
  EXPECT_FALSE(open);
}

TEST(Reload, is_refused_when_a_new_port_is_taken) {
  ScriptedPeer other({{step::hang()}});
  Gateway gateway(answers("one"));
  EXPECT_FALSE(gateway.reload("listeners: [{name: public, address: \"@listen@\"}, {name: b, address: \"" +
                              other.address() + "\"}]\n" + answers("two")));
  EXPECT_EQ(gateway.get("/").body, "one");
}

TEST(Reload, comes_from_the_admin_api_and_a_dry_run_changes_nothing) {
  Gateway gateway(answers("one"));
  std::string next = read_file(gateway.config_file());
  next.replace(next.find("one"), 3, "two");
  Response dry = gateway.admin("POST", "/config?dry_run", next);
  EXPECT_EQ(dry.status, 200) << dry.describe();
  EXPECT_EQ(gateway.get("/").body, "one");
  Response posted = gateway.admin("POST", "/config", next);
  EXPECT_EQ(posted.status / 100, 2) << posted.describe();
  EXPECT_EQ(gateway.get("/").body, "two");
  Response bad = gateway.admin("POST", "/config", "routes: [{path: 7x, nonsense: 1}]\n");
  EXPECT_EQ(bad.status, 400) << bad.describe();
  EXPECT_NE(bad.body.find("nonsense"), std::string::npos) << bad.body;
  EXPECT_EQ(gateway.get("/").body, "two");
  EXPECT_EQ(gateway.admin("POST", "/config", "include: [other.yaml]\n").status, 400);
  EXPECT_TRUE(gateway.reload(answers("three"))) << "SIGHUP brings the file back";
  EXPECT_EQ(gateway.get("/").body, "three");
}

TEST(Reload, happens_by_itself_with_watch) {
  Gateway gateway(answers("one"), {.arguments = {"--watch"}});
  EXPECT_EQ(gateway.get("/").body, "one");
  double version = gateway.metric("gatehouse_config_version");
  gateway.write_config(answers("two"));
  for (Deadline deadline; gateway.metric("gatehouse_config_version") == version && !deadline.passed();) {
    gateway.process().pause(Millis(10));
  }
  EXPECT_EQ(gateway.get("/").body, "two");
}

TEST(Reload, keeps_the_admin_token_where_the_admin_address_needs_a_restart) {
  const std::string routes = "routes: [{path: /, respond: {status: 200}}]\n";
  Gateway gateway("admin: {address: \"@admin@\", token: s3cret}\n" + routes);
  EXPECT_EQ(gateway.admin("GET", "/config").status, 401);
  ASSERT_TRUE(gateway.reload("admin: {address: \"127.0.0.1:" + std::to_string(free_port()) + "\"}\n" + routes));
  EXPECT_EQ(gateway.admin("GET", "/config").status, 401) << "the old listener lost its token";
  const Response shown = gateway.admin("GET", "/config", "", "Authorization: Bearer s3cret\r\n");
  EXPECT_NE(shown.body.find(std::to_string(gateway.admin_port())), std::string::npos) << "what is in force is shown";
}

TEST(Reload, is_refused_when_the_address_of_probes_is_taken) {
  const std::string routes = "routes: [{path: /, respond: {status: 200}}]\n";
  Gateway gateway("admin: {address: \"@admin@\"}\n" + routes);
  const std::uint16_t taken = free_port();
  const Fd holder = listen_tcp(taken);
  EXPECT_FALSE(
      gateway.reload("admin: {address: \"@admin@\", probes: \"127.0.0.1:" + std::to_string(taken) + "\"}\n" + routes));
}

TEST(Reload, a_listener_that_is_taken_away_closes_its_connections_in_order) {
  const std::string both = "listeners: [{name: one, address: \"@listen@\"}, {name: two, address: \"127.0.0.1:" +
                           std::to_string(free_port()) + "\"}]\n";
  const std::string port = both.substr(both.rfind(':') + 1, both.rfind('"') - both.rfind(':') - 1);
  Gateway gateway(both + answers("hello"));
  RawClient kept(connect_tcp(static_cast<std::uint16_t>(std::stoi(port))));
  kept.send(request("GET", "/"));
  EXPECT_EQ(kept.read_response().status, 200);
  RawClient other = gateway.connect();
  other.send(request("GET", "/"));
  EXPECT_EQ(other.read_response().status, 200);
  ASSERT_TRUE(gateway.reload("listeners: [{name: one, address: \"@listen@\"}]\n" + answers("hello")));
  EXPECT_EQ(kept.wait_end(), End::eof);
  other.send(request("GET", "/"));
  EXPECT_EQ(other.read_response().status, 200) << "the listener that stays keeps its own";
}

TEST(Reload, says_that_it_holds_a_port_itself) {
  const std::uint16_t port = free_port();
  const auto at = [&](std::string_view host) {
    return "listeners: [{name: one, address: \"@listen@\"}, {name: two, address: \"" + std::string(host) + ":" +
           std::to_string(port) + "\"}]\n" + answers("hello");
  };
  Gateway gateway(at("127.0.0.1"));
  EXPECT_FALSE(gateway.reload(at("0.0.0.0")));
  EXPECT_TRUE(gateway.process().wait_err("by this gateway, which listens on 127.0.0.1"));
}

TEST(Reload, of_a_blocked_log_holds_up_no_request) {
  const TempDir dir;
  ASSERT_EQ(::mkfifo(dir.file("log").c_str(), 0600), 0);
  const Fd reader(::open(dir.file("log").c_str(), O_RDONLY | O_NONBLOCK));  // and reads nothing
  const std::string first = "workers: 1\nlogging: {access: {path: \"" + dir.file("log") + "\"}}\n" + answers("hello");
  Gateway gateway(first);
  const std::string long_target = "/" + std::string(4000, 'a');
  for (int i = 0; i < 60; ++i) EXPECT_EQ(gateway.get(long_target).status, 200);
  gateway.process().pause(Millis(700));
  gateway.write_config("workers: 1\nlogging: {access: {path: \"" + dir.file("other") + "\"}}\n" + answers("hello"));
  gateway.process().signal(SIGHUP);
  Millis longest{0};
  const Deadline deadline(Millis(2000));
  while (!deadline.passed()) {
    Stopwatch watch;
    EXPECT_EQ(gateway.get("/").status, 200);
    longest = std::max(longest, watch.elapsed());
  }
  EXPECT_LT(longest, Millis(500 * kSlowness));
}

TEST(Admin, reads_no_body_that_it_would_not_use) {
  const std::string admin =
      "admin: {address: \"@admin@\", token: s3cret, probes: \"127.0.0.1:" + std::to_string(free_port()) + "\"}\n";
  const std::string port = admin.substr(admin.rfind(':') + 1, admin.rfind('"') - admin.rfind(':') - 1);
  Gateway gateway(admin + answers("hello"));
  const auto status = [&](std::uint16_t at, std::string_view method, std::string_view path, std::string_view fields) {
    RawClient client(connect_tcp(at));
    client.send(std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" +
                std::string(fields) + "Content-Length: 16000000\r\n\r\nx");
    return client.read_response().status;
  };
  EXPECT_EQ(status(gateway.admin_port(), "POST", "/config", ""), 401);
  EXPECT_EQ(status(gateway.admin_port(), "POST", "/health", "Authorization: Bearer s3cret\r\n"), 405);
  EXPECT_EQ(status(gateway.admin_port(), "POST", "/nowhere", "Authorization: Bearer s3cret\r\n"), 404);
  const auto probes = static_cast<std::uint16_t>(std::stoi(port));
  EXPECT_EQ(status(probes, "POST", "/health", ""), 405);
  EXPECT_EQ(status(probes, "POST", "/config", ""), 404);
  const Response read = gateway.admin("POST", "/config?dry_run", answers("bye"), "Authorization: Bearer s3cret\r\n");
  EXPECT_NE(read.body.find("needs at least one listener"), std::string::npos) << read.describe();
}

TEST(Reload, with_watch_takes_in_the_first_file_of_a_folder_that_was_empty) {
  const TempDir dir;
  std::filesystem::create_directory(dir.file("conf.d"));
  Gateway gateway(answers("one") + "include: [\"" + dir.file("conf.d") + "/*.yaml\"]\n", {.arguments = {"--watch"}});
  EXPECT_EQ(gateway.get("/more").body, "one");
  dir.write("conf.d/a.yaml", "routes: [{name: more, path: /more, respond: {status: 203}}]\n");
  const Deadline deadline(Millis(5000 * kSlowness));
  while (gateway.get("/more").status != 203 && !deadline.passed()) gateway.process().pause(Millis(20));
  EXPECT_EQ(gateway.get("/more").status, 203);
}

TEST(Reload, with_watch_notices_that_a_broken_file_is_whole_again) {
  const std::string good = "routes: [{path: /, respond: {status: 200}}]\n";
  Gateway gateway(good, {.arguments = {"--watch"}});
  gateway.write_config("routes: [{path: /, respond: nonsense}]\n");
  EXPECT_EQ(gateway.wait_metric("gatehouse_config_last_reload_successful", 0), 0);
  gateway.write_config(good);
  EXPECT_EQ(gateway.wait_metric("gatehouse_config_last_reload_successful", 1), 1);
}

TEST(Stop, finishes_what_is_under_way_and_says_close) {
  Gate gate;
  HttpService service([&](ServiceExchange& exchange) {
    exchange.wait(gate.fd());
    exchange.respond(200, "finished");
  });
  Gateway gateway(forward_all(service.url()));
  RawClient idle = gateway.connect(), busy = gateway.connect();
  busy.send(request("GET", "/"));
  for (Deadline deadline; service.requests() == 0 && !deadline.passed();) gateway.process().pause(Millis(2));
  gateway.process().signal(SIGTERM);
  EXPECT_EQ(idle.wait_end(), End::eof);
  EXPECT_TRUE(gateway.process().running());
  gate.open();
  Response response = busy.read_response();
  EXPECT_EQ(response.body, "finished");
  EXPECT_TRUE(has_token(response.fields, "connection", "close")) << response.describe();
  EXPECT_EQ(busy.wait_end(), End::eof);
  EXPECT_EQ(gateway.process().wait_exit(), 0);
}

TEST(Stop, is_not_ready_during_the_delay_and_still_takes_connections) {
  Gateway gateway("drain: {delay: 1s}\n" + answers("still here"));
  EXPECT_EQ(gateway.admin("GET", "/ready").status, 200);
  gateway.process().signal(SIGTERM);
  int ready = 200;
  for (Deadline deadline; ready == 200 && !deadline.passed();) ready = gateway.admin("GET", "/ready").status;
  EXPECT_EQ(ready, 503);
  EXPECT_EQ(gateway.get("/").body, "still here");
  EXPECT_EQ(gateway.admin("POST", "/config", read_file(gateway.config_file())).status, 400)
      << "it would open listeners again";
  EXPECT_EQ(gateway.process().wait_exit(), 0);
}

TEST(Stop, cuts_what_is_left_at_the_timeout_and_says_how_much) {
  ScriptedPeer service({{step::expect_head(), step::hang()}});
  Gateway gateway("drain: {timeout: 300ms}\n" + forward_all(service.url()));
  RawClient client = gateway.connect();
  client.send(request("GET", "/"));
  ASSERT_TRUE(service.wait_received(0, "\r\n\r\n"));
  Stopwatch watch;
  gateway.process().signal(SIGTERM);
  EXPECT_EQ(gateway.process().wait_exit(), 0);
  EXPECT_GE(watch.elapsed(), Millis(250));
  EXPECT_LT(watch.elapsed(), Millis(3000 * kSlowness));
  EXPECT_NE(gateway.process().err().find('1'), std::string::npos) << gateway.process().err();
}

TEST(Stop, comes_at_once_with_a_second_signal) {
  ScriptedPeer service({{step::expect_head(), step::hang()}});
  Gateway gateway(forward_all(service.url()));
  RawClient client = gateway.connect();
  client.send(request("GET", "/"));
  ASSERT_TRUE(service.wait_received(0, "\r\n\r\n"));
  gateway.process().signal(SIGTERM);
  for (Deadline deadline; gateway.admin("GET", "/ready").status == 200 && !deadline.passed();) {
  }
  Stopwatch watch;
  gateway.process().signal(SIGTERM);
  EXPECT_TRUE(gateway.process().wait_exit().has_value());
  EXPECT_LT(watch.elapsed(), Millis(2000 * kSlowness));
}

TEST(Start, names_the_port_that_is_in_use) {
  ScriptedPeer other({{step::hang()}});
  Gateway gateway("listeners: [{name: public, address: \"" + other.address() + "\"}]\n" + answers("x"),
                  {.wait_ready = false});
  EXPECT_EQ(gateway.process().wait_exit(), 1);
  EXPECT_NE(gateway.process().err().find(other.address()), std::string::npos) << gateway.process().err();
}

TEST(Start, names_the_port_that_another_gatehouse_holds) {
  Gateway first(answers("x"));
  std::string address = "127.0.0.1:" + std::to_string(first.port());
  Gateway second("listeners: [{name: public, address: \"" + address + "\"}]\n" + answers("y"), {.wait_ready = false});
  EXPECT_EQ(second.process().wait_exit(), 1);
  EXPECT_NE(second.process().err().find(address), std::string::npos) << second.process().err();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(first.get("/").body, "x");
}

TEST(Start, refuses_a_wrong_file_with_every_error_and_its_place) {
  TempDir dir;
  std::string file =
      dir.write("wrong.yaml",
                "listeners: [{name: public, address: \"127.0.0.1:1\"}]\nservices:\n  - {name: a, url: \"ftp://x\"}\n"
                "routes:\n  - {path: /x, service: b}\n  - {path: /y, servce: a}\nlimts: {}\n");
  for (const char* command : {"check", "run"}) {
    Finished result = run_gatehouse({command, file});
    EXPECT_EQ(result.exit_code, 1) << command;
    std::string said = result.out + result.err;
    for (const char* expected : {"wrong.yaml:3:", "wrong.yaml:5:", "wrong.yaml:6:", "wrong.yaml:7:", "did you mean"}) {
      EXPECT_NE(said.find(expected), std::string::npos) << command << " lacks " << expected << " in\n" << said;
    }
  }
  Finished machine = run_gatehouse({"check", "--format", "json", file});
  EXPECT_EQ(machine.exit_code, 1);
  boost::system::error_code error;
  boost::json::value value = boost::json::parse(machine.out, error);
  EXPECT_FALSE(error) << machine.out;
}

TEST(Start, takes_a_worker_for_each_cpu_that_the_process_may_use) {
  ProcessOptions process;
  process.in_child = [] {
    cpu_set_t one;
    CPU_ZERO(&one);
    ::sched_getaffinity(0, sizeof one, &one);
    for (int cpu = CPU_SETSIZE - 1, kept = 0; cpu >= 0; --cpu) {
      if (CPU_ISSET(cpu, &one) && kept++ > 0) CPU_CLR(cpu, &one);
    }
    ::sched_setaffinity(0, sizeof one, &one);
  };
  Gateway gateway("workers: auto\n" + answers("x"), {.process = std::move(process)});
  EXPECT_GE(gateway.metric("gatehouse_worker_connections_accepted_total", {"worker=\"0\""}), 0);
  EXPECT_EQ(gateway.metric("gatehouse_worker_connections_accepted_total", {"worker=\"1\""}), -1);
}

TEST(Commands, check_print_schema_and_version_end_well) {
  TempDir dir;
  std::string file = dir.write("good.yaml",
                               "listeners: [{name: public, address: \"127.0.0.1:8080\"}]\n"
                               "admin: {address: \"127.0.0.1:9901\", token: hidden-secret}\n" +
                                   answers("x"));
  EXPECT_EQ(run_gatehouse({"check", file}).exit_code, 0);
  Finished printed = run_gatehouse({"print", "--effective", file});
  EXPECT_EQ(printed.exit_code, 0) << printed.err;
  EXPECT_EQ(printed.out.find("hidden-secret"), std::string::npos) << printed.out;
  EXPECT_NE(printed.out.find("127.0.0.1:8080"), std::string::npos);
  Finished schema = run_gatehouse({"schema"});
  EXPECT_EQ(schema.exit_code, 0);
  boost::system::error_code error;
  boost::json::value value = boost::json::parse(schema.out, error);
  EXPECT_FALSE(error);
  EXPECT_EQ(run_gatehouse({"version"}).exit_code, 0);
  EXPECT_NE(run_gatehouse({"no-such-command"}).exit_code, 0);
  EXPECT_EQ(run_gatehouse({"check", dir.file("absent.yaml")}).exit_code, 1);
}

TEST(Admin, tells_health_metrics_routes_and_configuration) {
  EchoGateway peer;
  EXPECT_EQ(peer.gateway.admin("GET", "/health").status, 200);
  EXPECT_EQ(peer.gateway.admin("GET", "/ready").status, 200);
  for (int i = 0; i < 5; ++i) peer.gateway.get("/");
  EXPECT_EQ(peer.gateway.wait_metric("gatehouse_requests_total", 5,
                                     {"route=\"all\"", "service=\"main\"", "method=\"GET\"", "code=\"200\""}),
            5);
  EXPECT_EQ(peer.gateway.metric("gatehouse_request_duration_seconds_count", {"route=\"all\""}), 5);
  EXPECT_EQ(peer.gateway.metric("gatehouse_upstream_duration_seconds_count", {"service=\"main\""}), 5);
  EXPECT_GE(peer.gateway.metric("gatehouse_connections", {"listener=\"public\""}), 0);
  EXPECT_EQ(peer.gateway.metric("gatehouse_config_last_reload_successful"), 1);
  EXPECT_GE(peer.gateway.metric("gatehouse_config_version"), 0);
  EXPECT_NE(peer.gateway.admin("GET", "/routes").body.find("all"), std::string::npos);
  EXPECT_EQ(peer.gateway.admin("GET", "/config").status, 200);
  EXPECT_EQ(peer.gateway.admin("GET", "/no-such-thing").status, 404);
}

TEST(Admin, asks_for_its_token_except_for_probes) {
  Gateway gateway("admin: {address: \"@admin@\", token: open-sesame}\n" + answers("x"));
  for (const char* path : {"/config", "/routes", "/explain?method=GET&url=http://test/"}) {
    EXPECT_EQ(gateway.admin("GET", path).status, 401) << path;
    EXPECT_EQ(gateway.admin("GET", path, "", "Authorization: Bearer wrong\r\n").status, 401) << path;
    EXPECT_EQ(gateway.admin("GET", path, "", "Authorization: Bearer open-sesame\r\n").status, 200) << path;
  }
  for (const char* path : {"/health", "/ready", "/metrics"}) EXPECT_EQ(gateway.admin("GET", path).status, 200) << path;
  EXPECT_EQ(gateway.admin("GET", "/config", "", "Authorization: Bearer open-sesame\r\n").body.find("open-sesame"),
            std::string::npos);
}

TEST(Admin, explains_the_plugins_that_only_auth_and_tiers_and_consumers_bring) {
  Gateway gateway(
      "admin: {address: \"@admin@\"}\nlisteners: [{name: public, address: \"@listen@\"}]\n"
      "consumers: [{username: ada, tier: free, credentials: [{type: key-auth, key: key-of-ada}],\n"
      "  plugins: [{name: request-termination, config: {status_code: 418}}]}]\n"
      "routes: [{name: all, path: \"/*\", respond: {status: 200}, auth: {all: [key-auth]}}]\n");
  EXPECT_EQ(gateway.get("/").status, 401);
  EXPECT_THAT(gateway.admin("GET", "/explain?method=GET&url=http://test/").body, ::testing::HasSubstr("401"));
  EXPECT_EQ(gateway.get("/", "X-API-Key: key-of-ada\r\n").status, 418);
  EXPECT_THAT(gateway.admin("GET", "/explain?method=GET&url=http://test/&header=X-API-Key:%20key-of-ada").body,
              ::testing::HasSubstr("418"));
}

TEST(Admin, must_be_on_loopback_without_a_token) {
  TempDir dir;
  std::string file = dir.write(
      "open.yaml",
      "listeners: [{name: public, address: \"127.0.0.1:8080\"}]\nadmin: {address: \"0.0.0.0:9901\"}\n" + answers("x"));
  EXPECT_EQ(run_gatehouse({"check", file}).exit_code, 1);
}

TEST(AccessLog, has_one_json_object_per_request_with_all_fields) {
  EchoGateway peer("workers: 1\n");  // lines in the order of the requests
  peer.gateway.send(
      request("POST", "/a?token=abc&access_token=very-secret", "User-Agent: \"quoted\\ \xc3\xa4\r\n", "hello"));
  peer.gateway.send(request("GET", "/%22%0a", "", "", "he\"re"));
  std::vector<std::string> lines = peer.gateway.access_log(2);
  ASSERT_EQ(lines.size(), 2U);
  for (const std::string& line : lines) {
    boost::system::error_code error;
    EXPECT_TRUE(boost::json::parse(line, error).is_object()) << line;
    EXPECT_FALSE(error) << line;
  }
  boost::json::object record = boost::json::parse(lines[0]).as_object();
  for (const char* key :
       {"ts", "request_id", "trace_id", "client_ip", "method", "host", "path", "protocol", "status", "route", "service",
        "target", "bytes_in", "bytes_out", "duration_ms", "upstream_ms", "tries"}) {
    EXPECT_TRUE(record.contains(key)) << key << " in " << lines[0];
  }
  EXPECT_EQ(record.at("method").as_string(), "POST");
  EXPECT_EQ(record.at("status").to_number<int>(), 200);
  EXPECT_EQ(record.at("bytes_in").to_number<int>(), 5);
  EXPECT_EQ(record.at("tries").to_number<int>(), 1);
  EXPECT_EQ(lines[0].find("very-secret"), std::string::npos) << lines[0];
}

TEST(AccessLog, has_the_claims_of_the_token_also_behind_a_tunnel) {
  constexpr const char* kToken =
      "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJzaG9wIiwic3ViIjoiYWRhIn0."
      "4ue78Rs0WtmvJk3DWPchOP5zTBvXlYIZAMV9I3l4nXI\r\n";
  ScriptedPeer service({{step::expect_head(),
                         step::send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"),
                         step::close()}});
  Gateway gateway(
      "workers: 1\nlogging: {access: {path: \"@dir@/access.log\", claims: [sub, tenant, iss]}}\n"
      "consumers: [{username: ada, credentials: [{type: jwt, key: shop, secret: "
      "a-secret-of-at-least-thirty-two-bytes}]}]\n"
      "services: [{name: main, url: \"http://" +
      service.address() +
      "\"}]\nplugins: [{name: jwt}]\n"
      "routes: [{path: /, respond: {status: 200}}, {path: /tunnel, service: main, upgrade: [echo]}]\n");
  EXPECT_EQ(gateway.get("/", kToken).status, 200);
  EXPECT_EQ(gateway.get("/").status, 401);
  RawClient client = gateway.connect();
  client.send(request("GET", "/tunnel", std::string(kToken) + "Connection: upgrade\r\nUpgrade: echo\r\n"));
  EXPECT_EQ(client.wait_end(), End::eof);
  client.close();
  const std::vector<std::string> lines = gateway.access_log(3);
  ASSERT_EQ(lines.size(), 3U);
  constexpr const char* kClaims = R"("claims":{"sub":"ada","iss":"shop"}})";
  EXPECT_THAT(lines[0], ::testing::HasSubstr(kClaims));
  EXPECT_THAT(lines[1], ::testing::Not(::testing::HasSubstr("claims")));
  EXPECT_THAT(lines[2], ::testing::HasSubstr(kClaims));
}

TEST(AccessLog, is_reopened_by_usr1) {
  Gateway gateway(answers("x"));
  gateway.get("/first");
  ASSERT_EQ(gateway.access_log(1).size(), 1U);
  std::string log = gateway.dir().file("access.log");
  std::filesystem::rename(log, log + ".1");
  gateway.process().signal(SIGUSR1);
  for (Deadline deadline; !std::filesystem::exists(log) && !deadline.passed();) gateway.process().pause(Millis(10));
  gateway.get("/second");
  std::vector<std::string> lines = gateway.access_log(1);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("/second"), std::string::npos);
  EXPECT_EQ(read_file(log + ".1").find("/second"), std::string::npos);
}

TEST(AccessLog, is_whole_after_a_stop) {
  Gateway gateway(answers("x"));
  for (int i = 0; i < 50; ++i) gateway.get("/" + std::to_string(i));
  gateway.stop();
  EXPECT_EQ(gateway.access_log(50).size(), 50U);
}

TEST(Systemd, sockets_are_taken_over_and_not_closed_to_clients_in_between) {
  std::uint16_t port = free_port();
  Fd listener = listen_tcp(port);
  RawClient early(port);  // in the queue before the gateway lives
  early.send(request("GET", "/"));
  ProcessOptions process;
  process.keep_descriptors = {listener.get()};
  Gateway gateway(
      "listeners: [{name: public, address: \"127.0.0.1:" + std::to_string(port) + "\"}]\n" + answers("handed over"),
      {.process = std::move(process)});
  EXPECT_EQ(early.read_response().body, "handed over");
}

TEST(Systemd, is_told_about_ready_reloading_and_stopping) {
  TempDir dir;
  std::string path = dir.file("notify");
  Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  std::string told;
  auto wait_told = [&](std::string_view word) {
    for (Deadline deadline; told.find(word) == std::string::npos && !deadline.passed();) {
      if (wait_readable(socket.get(), deadline) != Ready::yes) break;
      char buffer[1024];
      ssize_t got = ::recv(socket.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (got > 0) told.append(buffer, static_cast<std::size_t>(got)).append("\n");
    }
    return told.find(word) != std::string::npos;
  };
  ProcessOptions process;
  process.environment = {{"NOTIFY_SOCKET", path}};
  Gateway gateway(answers("one"), {.process = std::move(process)});
  EXPECT_TRUE(wait_told("READY=1")) << told;
  told.clear();
  ASSERT_TRUE(gateway.reload(answers("two")));
  EXPECT_TRUE(wait_told("RELOADING=1")) << told;
  EXPECT_TRUE(wait_told("READY=1")) << told;
  gateway.stop();
  EXPECT_TRUE(wait_told("STOPPING=1")) << told;
}

}  // namespace
}  // namespace gatehouse::test
