#include <atomic>
#include <csignal>
#include <filesystem>
#include <thread>

#include "e2e/fixtures.h"
#include "support/certificates.h"
#include "support/h2_client.h"

namespace gatehouse::test {
namespace {

namespace fs = std::filesystem;

/// A service that speaks TLS: another gateway, which shows a certificate for shop.test and 127.0.0.1, in front of an
/// EchoService. And what is needed to talk to it.
struct TlsService {
  explicit TlsService(std::string_view name = "shop", std::string_view tls = "", std::string_view front = "")
      : ca(files.path()) {
    ca.issue("shop", {"shop.test", "127.0.0.1"});
    ca.issue("other", {"other.test"});
    ca.issue("old", {"shop.test", "127.0.0.1"}, TestCa::Key::ecdsa, -1);
    ca.issue("client", {});
    std::string keys(tls);
    if (const std::size_t at = keys.find("@ca@"); at != std::string::npos) keys.replace(at, 4, ca.file());
    inner = std::make_unique<Gateway>(inner_config(name, keys, front));
  }
  std::string inner_config(std::string_view name, std::string_view tls = "", std::string_view front = "") const {
    return "workers: 1\nadmin: {address: \"@admin@\"}\nlogging: {access: {path: \"@dir@/access.log\"}}\n" +
           std::string(front) + "listeners: [{name: secure, address: \"@listen@\", tls: {certificates: [{cert: " +
           files.file(std::string(name) + ".pem") + ", key: " + files.file(std::string(name) + ".key") + "}]" +
           std::string(tls.empty() ? "" : ", ") + std::string(tls) + "}}]\n" +
           forward_all(echo.url(), "pool: {max_connections: 300}");
  }
  std::string url(std::string_view scheme = "https", std::string_view host = "127.0.0.1") const {
    return std::string(scheme) + "://" + std::string(host) + ":" + std::to_string(inner->port());
  }
  /// The keys of a service that trusts this one.
  std::string trusting(std::string_view more = "") const {
    return "tls: {ca: " + ca.file() + std::string(more.empty() ? "" : ", ") + std::string(more) + "}";
  }

  TempDir files;
  TestCa ca;
  EchoService echo;
  std::unique_ptr<Gateway> inner;
};

/// One worker, so that what is counted is one pool's.
std::string alone(std::string_view rest) {
  return "workers: 1\nadmin: {address: \"@admin@\"}\nlisteners: [{name: public, address: \"@listen@\"}]\n"
         "logging: {access: {path: \"@dir@/access.log\"}}\n" +
         std::string(rest);
}

TEST(UpstreamTls, verifies_the_service_and_keeps_its_connection) {
  TlsService service;
  Gateway gateway(alone(forward_all(service.url(), service.trusting())));
  for (int i = 0; i < 3; ++i) {
    const Response response = gateway.get("/x");
    ASSERT_EQ(response.status, 200) << response.describe();
    EXPECT_EQ(Echo(response.body).fields.get("x-forwarded-proto"), "https") << "as the inner gateway saw it";
    gateway.process().pause(Millis(30));  // time for tickets to come on the idle connection
  }
  EXPECT_EQ(gateway.metric("gatehouse_upstream_connections_opened_total"), 1) << "a ticket is no reason to close it";
  const std::string body = pattern(1'000'000);
  RawClient client = gateway.connect();
  std::thread sender([&] { client.send(request("POST", "/?stream=1", "", body)); });
  EXPECT_TRUE(client.read_response().body == body);
  sender.join();
}

TEST(UpstreamTls, speaks_http_2_where_it_is_asked_to) {
  TlsService service;
  for (const char* scheme : {"h2", "grpcs"}) {
    Gateway gateway(alone(forward_all(service.url(scheme), service.trusting())));
    RawClient raw = gateway.connect();
    H2Client client(raw);
    std::vector<std::int32_t> ids;
    for (int i = 0; i < 50; ++i) ids.push_back(client.request("POST", "/" + std::to_string(i), {}, pattern(20'000)));
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const Echo seen(client.wait(ids[i]).response.body);
      EXPECT_EQ(seen.target, "/" + std::to_string(i));
      EXPECT_EQ(seen.length, 20'000U);
      EXPECT_TRUE(seen.fields.get("via").ends_with("2.0 gatehouse")) << seen.fields.get("via");
    }
    EXPECT_EQ(gateway.metric("gatehouse_upstream_connections_opened_total"), 1);
  }
}

TEST(UpstreamTls, refuses_services_that_it_cannot_believe) {
  TlsService service, expired("old"), foreign("other");
  const std::vector<std::pair<std::string, std::string>> cases{
      {forward_all(service.url()), "unknown to the system"},
      {forward_all(service.url(), foreign.trusting()), "signed by someone else"},
      {forward_all(expired.url(), expired.trusting()), "expired"},
      {forward_all(foreign.url(), foreign.trusting()), "another address"},
      {forward_all(service.url(), service.trusting("sni: wrong.test")), "another name"},
  };
  for (const auto& [config, what] : cases) {
    Gateway gateway(config);
    const Response response = gateway.get("/secret");
    expect_refusal(response, 502, "upstream_tls");
    EXPECT_NE(gateway.access_log(1).back().find("\"reason\":\"upstream_tls\""), std::string::npos) << what;
  }
  EXPECT_EQ(service.echo.requests() + expired.echo.requests() + foreign.echo.requests(), 0U);
}

TEST(UpstreamTls, asks_for_the_name_that_it_is_told) {
  TlsService service;
  Gateway named(forward_all(service.url("https", "localhost"), service.trusting("sni: shop.test")));
  EXPECT_EQ(named.get("/").status, 200);
  Gateway believing(forward_all(service.url("https", "localhost"), "tls: {verify: false}"));
  EXPECT_EQ(believing.get("/").status, 200);
  EXPECT_TRUE(believing.process().wait_err("anyone can pass for this service"));
}

TEST(UpstreamTls, shows_its_own_certificate) {
  TlsService service("shop", "client_auth: {mode: required, ca: @ca@}");
  const std::string dir = service.files.path();
  Gateway shown(
      forward_all(service.url(), service.trusting("cert: " + dir + "/client.pem, key: " + dir + "/client.key")));
  EXPECT_EQ(shown.get("/").status, 200);
  Gateway bare(forward_all(service.url(), service.trusting()));
  expect_refusal(bare.get("/"), 502, "upstream_tls");
  EXPECT_EQ(service.echo.requests(), 1U);
}

TEST(UpstreamTls, resumes_sessions) {
  TempDir files;
  TestCa ca(files.path());
  ca.issue("shop", {"127.0.0.1"});
  const std::uint16_t port = free_port();
  // A page that says whether the session was new, on a connection of its own each time.
  Process server({"/usr/bin/env", "openssl", "s_server", "-accept", "127.0.0.1:" + std::to_string(port), "-www",
                  "-cert", files.file("shop.pem"), "-key", files.file("shop.key")});
  const Deadline up;
  while (!connect_tcp(port) && !up.passed()) server.pause(Millis(20));
  Gateway gateway(alone(forward_all("https://127.0.0.1:" + std::to_string(port), "tls: {ca: " + ca.file() + "}")));
  EXPECT_NE(gateway.get("/").body.find("New, TLSv1.3"), std::string::npos);
  for (int i = 0; i < 3; ++i) EXPECT_NE(gateway.get("/").body.find("Reused, TLSv1.3"), std::string::npos) << i;
}

TEST(UpstreamTls, an_end_without_a_goodbye_is_no_end_of_a_body) {
  TempDir files;
  TestCa ca(files.path());
  ca.issue("shop", {"127.0.0.1"});
  const std::uint16_t port = free_port();
  const std::string script = files.write(
      "server.py",
      "import socket,ssl,sys,os\n"
      "c=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER);c.load_cert_chain(sys.argv[2],sys.argv[3])\n"
      "s=socket.create_server(('127.0.0.1',int(sys.argv[1])))\n"
      "while True:\n"
      "  raw,_=s.accept()\n"
      "  try:\n"
      "    t=c.wrap_socket(raw,server_side=True);path=t.recv(9999).split()[1]\n"
      "    t.sendall(b'HTTP/1.1 200 OK\\r\\n'+(b'Content-Length: 4\\r\\n' if path==b'/sized' else b'')+b'\\r\\nbody')\n"
      "    if path==b'/polite': t.unwrap()\n"
      "    os.close(t.detach())\n"
      "  except (OSError, IndexError): raw.close()\n");
  Process server(
      {"/usr/bin/env", "python3", script, std::to_string(port), files.file("shop.pem"), files.file("shop.key")});
  const Deadline up;
  while (!connect_tcp(port) && !up.passed()) server.pause(Millis(20));
  Gateway gateway(forward_all("https://127.0.0.1:" + std::to_string(port), "tls: {ca: " + ca.file() + "}"));
  for (const auto& [path, whole] : {std::pair("/sized", true), std::pair("/polite", true), std::pair("/rude", false)}) {
    const Response response = gateway.get(path);
    EXPECT_EQ(response.body, "body") << path;
    EXPECT_EQ(response.complete, whole) << path << ": " << response.describe();
  }
}

TEST(UpstreamTls, gives_up_on_who_does_not_shake_hands) {
  TlsService service;
  ScriptedPeer mute({{step::hang()}}),
      plain({{step::expect("\x16"), step::send("HTTP/1.1 400 Bad Request\r\n\r\n"), step::close()}}),
      closing({{step::expect("\x16"), step::close()}});
  const auto url = [](const ScriptedPeer& peer) { return "https://" + peer.address(); };
  Gateway slow(forward_all(url(mute), service.trusting() + ", timeouts: {connect: 300ms}"));
  expect_refusal(slow.get("/"), 504, "upstream_connect_timeout");
  for (const ScriptedPeer* peer : {&plain, &closing}) {
    Gateway gateway(forward_all(url(*peer), service.trusting()));
    expect_refusal(gateway.get("/"), 502, "upstream_tls");
  }
  Gateway h2(forward_all("h2://127.0.0.1:" + std::to_string(mute.port()),
                         service.trusting() + ", timeouts: {connect: 300ms}"));
  expect_refusal(h2.get("/"), 504, "upstream_connect_timeout");
}

TEST(UpstreamTls, carries_many_at_once) {
  TlsService service;
  Gateway gateway(forward_all(service.url(), service.trusting() + ", pool: {max_connections: 100}"));
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 50; ++i) {
    threads.emplace_back([&] {
      RawClient client = gateway.connect();
      for (int k = 0; k < 10; ++k) {
        client.send(request("POST", "/", "", pattern(5000)));
        const Response response = client.read_response();
        if (response.status == 200 && Echo(response.body).length == 5000) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 500);
}

TEST(UpstreamTls, takes_renewed_files_at_a_reload) {
  TlsService service, other;
  const std::string trusted = other.files.file("trusted.pem");
  fs::copy_file(other.ca.file(), trusted);
  const std::string config = alone(forward_all(service.url(), "tls: {ca: " + trusted + "}"));
  Gateway gateway(config);
  expect_refusal(gateway.get("/"), 502, "upstream_tls");
  fs::copy_file(service.ca.file(), trusted, fs::copy_options::overwrite_existing);
  ASSERT_TRUE(gateway.reload(config));
  EXPECT_EQ(gateway.get("/").status, 200);
  ASSERT_TRUE(gateway.reload(config + "# nothing else\n"));
  EXPECT_EQ(gateway.get("/").status, 200);
  EXPECT_EQ(gateway.metric("gatehouse_upstream_connections_opened_total"), 1)
      << "what is the same keeps its connections";
}

TEST(UpstreamTls, check_names_what_is_wrong_with_the_files) {
  TlsService service;
  const std::string dir = service.files.path();
  const auto check = [&](std::string_view tls, std::string_view url = "https://127.0.0.1:1") {
    TempDir folder;
    const std::string file =
        folder.write("c.yaml", "listeners: [{address: \"127.0.0.1:0\"}]\n" + forward_all(url, tls));
    return run_gatehouse({"check", file});
  };
  EXPECT_EQ(check(service.trusting()).exit_code, 0);
  for (const auto& [tls, what] : {
           std::pair(std::string("tls: {ca: /nowhere.pem}"), "services[0].tls.ca: \"/nowhere.pem\": No such file"),
           std::pair("tls: {ca: " + dir + "/shop.key}", "holds no certificate"),
           std::pair("tls: {cert: " + dir + "/shop.pem, key: " + dir + "/other.key}", "services[0].tls.key: "),
           std::pair("tls: {cert: " + dir + "/shop.pem}", "needs both \"cert\" and \"key\""),
           std::pair(std::string("tls: {verify: false, ca: x.pem}"), "where nothing is verified"),
           std::pair(std::string("tls: {sin: a}"), "did you mean \"sni\""),
       }) {
    const Finished result = check(tls);
    EXPECT_EQ(result.exit_code, 1) << tls;
    EXPECT_NE((result.out + result.err).find(what), std::string::npos) << tls << "\n" << result.out << result.err;
  }
  const Finished plain = check(service.trusting(), "http://127.0.0.1:1");
  EXPECT_NE((plain.out + plain.err).find("needs a service that speaks TLS"), std::string::npos)
      << plain.out << plain.err;
  const Finished unix_socket = check("protocol: https", "unix:/run/x.sock");
  EXPECT_NE((unix_socket.out + unix_socket.err).find("sni"), std::string::npos) << unix_socket.out << unix_socket.err;
}

}  // namespace
}  // namespace gatehouse::test
