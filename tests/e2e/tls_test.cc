#include <openssl/ssl.h>

#include <atomic>
#include <ctime>
#include <thread>

#include "e2e/fixtures.h"
#include "support/certificates.h"
#include "support/h2_client.h"
#include "support/http_service.h"
#include "support/tls_client.h"

namespace gatehouse::test {
namespace {

/// A gateway with a TLS listener on the gateway's port, in front of an EchoService. `tls` and `listener` are more keys
/// in flow form.
class TlsGateway {
 public:
  explicit TlsGateway(std::string_view tls = "", std::string_view listener = "", std::string_view more = "",
                      std::string_view service = "")
      : ca(files.path()) {
    ca.issue("shop", {"shop.test", "*.shop.test"});
    ca.issue("other", {"other.test"}, TestCa::Key::rsa);
    ca.issue("client", {});
    std::string keys(tls);
    if (const std::size_t at = keys.find("@ca@"); at != std::string::npos) keys.replace(at, 4, ca.file());
    gateway = std::make_unique<Gateway>(config(keys, listener, more, service));
  }

  std::string config(std::string_view tls = "", std::string_view listener = "", std::string_view more = "",
                     std::string_view service = "") const {
    const std::string certificate = "{cert: " + files.file("shop.pem") + ", key: " + files.file("shop.key") + "}";
    const std::string second = "{cert: " + files.file("other.pem") + ", key: " + files.file("other.key") + "}";
    return "workers: 2\nadmin: {address: \"@admin@\"}\nlogging: {access: {path: \"@dir@/access.log\"}}\n"
           "listeners:\n  - {name: secure, address: \"@listen@\", tls: {certificates: [" +
           certificate + ", " + second + "]" + std::string(tls.empty() ? "" : ", ") + std::string(tls) + "}" +
           std::string(listener.empty() ? "" : ", ") + std::string(listener) + "}\n" + std::string(more) +
           forward_all(service.empty() ? echo.url() : std::string(service));
  }

  TlsOptions options(std::string host = "shop.test") const {
    return {.ca = ca.file(), .host = std::move(host), .alpn = "http/1.1"};
  }
  std::uint16_t port() const { return gateway->port(); }
  std::string client_auth(std::string_view mode) const {
    return "client_auth: {mode: " + std::string(mode) + ", ca: " + ca.file() + "}";
  }

  TempDir files;
  TestCa ca;
  EchoService echo;
  std::unique_ptr<Gateway> gateway;
};

Response ask(TlsClient& client, std::string_view bytes) {
  client->send(bytes);
  return client->read_response();
}

TEST(Tls, serves_a_verified_client_and_says_https) {
  TlsGateway peer;
  TlsClient client(peer.port(), peer.options());
  ASSERT_TRUE(client.shaken()) << client.failure();
  EXPECT_EQ(client.protocol(), "TLSv1.3");
  EXPECT_EQ(client.alpn(), "http/1.1");
  for (int i = 0; i < 5; ++i) {
    const Response response = ask(client, request("GET", "/" + std::to_string(i), "", "", "shop.test"));
    ASSERT_EQ(response.status, 200) << response.describe();
    const Echo echo(response.body);
    EXPECT_EQ(echo.fields.get("x-forwarded-proto"), "https");
    EXPECT_NE(echo.fields.get("forwarded").find("proto=https"), std::string::npos);
  }
  EXPECT_EQ(peer.echo.connections(), 1U);
}

TEST(Tls, shows_the_certificate_of_the_name_that_is_asked_for) {
  TlsGateway peer;
  for (const auto& [host, certificate] : std::vector<std::pair<std::string, std::string>>{
           {"shop.test", "shop"}, {"SHOP.test", "shop"}, {"a.shop.test", "shop"}, {"other.test", "other"}}) {
    TlsClient client(peer.port(), peer.options(host));
    EXPECT_TRUE(client.shaken()) << host << ": " << client.failure();
    EXPECT_EQ(client.certificate(), certificate) << host;
  }
  // No name, an unknown one, a name two labels below a wildcard: the first.
  for (const char* host : {"", "unknown.test", "a.b.shop.test"}) {
    TlsOptions options = peer.options(host);
    options.ca.clear();
    TlsClient client(peer.port(), options);
    EXPECT_EQ(client.certificate(), "shop") << host;
  }
}

TEST(Tls, speaks_1_2_and_1_3_and_nothing_older) {
  TlsGateway peer;
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    TlsOptions options = peer.options();
    options.version = version;
    EXPECT_FALSE(TlsClient(peer.port(), options).shaken()) << version;
  }
  TlsOptions options = peer.options();
  options.version = TLS1_2_VERSION;
  TlsClient client(peer.port(), options);
  ASSERT_TRUE(client.shaken()) << client.failure();
  EXPECT_EQ(client.protocol(), "TLSv1.2");
  EXPECT_EQ(ask(client, request("GET", "/")).status, 200);
  options.renegotiate = true;
  EXPECT_FALSE(TlsClient(peer.port(), options).shaken()) << "renegotiation is refused";
}

TEST(Tls, min_version_leaves_only_1_3) {
  TlsGateway peer("min_version: \"1.3\"");
  TlsOptions options = peer.options();
  EXPECT_TRUE(TlsClient(peer.port(), options).shaken());
  options.version = TLS1_2_VERSION;
  EXPECT_FALSE(TlsClient(peer.port(), options).shaken());
}

TEST(Tls, max_version_leaves_only_1_2) {
  TlsGateway peer("max_version: \"1.2\"");
  TlsClient client(peer.port(), peer.options());
  ASSERT_TRUE(client.shaken()) << client.failure();
  EXPECT_EQ(client.protocol(), "TLSv1.2");
  TlsOptions options = peer.options();
  options.version = TLS1_3_VERSION;
  EXPECT_FALSE(TlsClient(peer.port(), options).shaken());
}

TEST(Tls, ciphers_and_curves_can_be_chosen) {
  TlsGateway peer(
      "ciphers: [ECDHE-ECDSA-AES256-GCM-SHA384, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384], "
      "curves: [P-384, P-256]");
  TlsOptions options = peer.options();
  EXPECT_EQ(TlsClient(peer.port(), options).cipher(), "TLS_AES_256_GCM_SHA384");
  options.suites = "TLS_CHACHA20_POLY1305_SHA256";
  options.version = TLS1_3_VERSION;
  EXPECT_FALSE(TlsClient(peer.port(), options).shaken());
  options.suites.clear();
  options.curves = "X25519";
  EXPECT_FALSE(TlsClient(peer.port(), options).shaken());
  options.curves = "P-384:X25519";
  EXPECT_TRUE(TlsClient(peer.port(), options).shaken());
  options.curves.clear();
  options.version = TLS1_2_VERSION;
  for (const auto& [cipher, good] : std::vector<std::pair<std::string, bool>>{{"ECDHE-ECDSA-AES256-GCM-SHA384", true},
                                                                              {"ECDHE-ECDSA-AES128-GCM-SHA256", true},
                                                                              {"ECDHE-ECDSA-CHACHA20-POLY1305", false},
                                                                              {"ECDHE-ECDSA-AES128-SHA", false}}) {
    options.ciphers = cipher;
    EXPECT_EQ(TlsClient(peer.port(), options).shaken(), good) << cipher;
  }
}

TEST(Tls, check_refuses_ciphers_and_curves_that_there_are_not) {
  const TempDir dir;
  TestCa ca(dir.path());
  ca.issue("shop", {"shop.test"});
  const auto check = [&](const std::string& more) {
    dir.write("t.yaml",
              "listeners: [{address: \"127.0.0.1:1\", tls: {certificates: [{cert: shop.pem, key: shop.key}], " + more +
                  "}}]\nroutes: [{path: /, respond: {status: 200}}]\n");
    const Finished done = run_gatehouse({"check", dir.file("t.yaml")});
    return std::to_string(done.exit_code) + " " + done.out + done.err;
  };
  const auto expect = [&](const std::string& more, const std::string& code, std::string_view words) {
    const std::string said = check(more);
    EXPECT_TRUE(said.starts_with(code) && said.find(words) != std::string::npos) << more << ": " << said;
  };
  expect("ciphers: [ECDHE-RSA-AES128-GCM-SHA265]", "1",
         "listeners[0].tls.ciphers: \"ECDHE-RSA-AES128-GCM-SHA265\" is no");
  for (const char* unusable : {"NULL-SHA256", "AECDH-AES128-SHA", "RC4-MD5", "\"HIGH:!aNULL\"", "PSK-AES128-CBC-SHA"})
    expect("ciphers: [" + std::string(unusable) + "]", "1", "is no cipher that can be used");
  expect("curves: [X25518]", "1", "listeners[0].tls.curves: \"X25518\" is no curve");
  expect("min_version: \"1.3\", ciphers: [ECDHE-RSA-AES128-GCM-SHA256]", "1", "is of TLS 1.2, which is not spoken");
  expect("max_version: \"1.2\", ciphers: [TLS_AES_128_GCM_SHA256]", "1", "is of TLS 1.3, which is not spoken");
  expect("min_version: \"1.3\", max_version: \"1.2\"", "1", "above its \"max_version\"");
  expect("ciphers: [ECDHE-RSA-AES128-SHA]", "0", "has no authenticated encryption");
  expect("ciphers: [AES128-GCM-SHA256]", "0", "has no forward secrecy");
  expect("ciphers: [TLS_AES_128_GCM_SHA256], curves: [P-521, X448]", "0", "");
}

TEST(Tls, routes_by_the_certificate_of_the_client) {
  TempDir files;
  TestCa ca(files.path());
  ca.issue("shop", {"shop.test"});
  ca.issue("ada", {"ada.test"});
  ca.issue("bob", {"bob.test"});
  EchoService echo;
  const std::string fingerprint =
      run_program({"openssl", "x509", "-in", files.file("bob.pem"), "-noout", "-sha256", "-fingerprint"}).out;
  const std::size_t equals = fingerprint.find('=');
  ASSERT_NE(equals, std::string::npos) << fingerprint;
  const std::string config =
      "listeners:\n  - {name: secure, address: \"@listen@\", tls: {certificates: [{cert: " + files.file("shop.pem") +
      ", key: " + files.file("shop.key") + "}], client_auth: {mode: optional, ca: " + ca.file() + "}}}\nroutes:\n" +
      "  - {name: by-san, client_cert: {san: \"DNS:ada.test\"}, respond: {status: 201}}\n"
      "  - {name: by-fingerprint, client_cert: {fingerprint: \"" +
      fingerprint.substr(equals + 1, 95) +
      "\", subject: {regex: \"CN=b.*\"}}, respond: {status: 202}}\n"
      "  - {name: by-none, client_cert: {subject: {present: false}}, respond: {status: 203}}\n"
      "  - {name: rest, respond: {status: 204}}\n";
  Gateway gateway(config);
  const auto status = [&](const std::string& name) {
    TlsOptions options{.ca = ca.file(), .host = "shop.test", .alpn = "http/1.1"};
    if (!name.empty()) options.cert = files.file(name + ".pem"), options.key = files.file(name + ".key");
    TlsClient client(gateway.port(), options);
    return ask(client, request("GET", "/")).status;
  };
  EXPECT_EQ(status("ada"), 201);
  EXPECT_EQ(status("bob"), 202);
  EXPECT_EQ(status(""), 203);
  EXPECT_EQ(status("shop"), 204);

  const auto explained = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"explain", gateway.config_file(), "https://shop.test/"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_gatehouse(arguments).out;
  };
  const std::string ada = explained({"--client-cert", files.file("ada.pem")});
  EXPECT_NE(ada.find("certificate CN=ada"), std::string::npos) << ada;
  EXPECT_NE(ada.find("by-fingerprint"), std::string::npos);
  EXPECT_NE(ada.find("client_cert fingerprint: \""), std::string::npos) << ada;
  EXPECT_NE(explained({}).find("client_cert san: the client showed no certificate"), std::string::npos);
}

TEST(Tls, agrees_on_http_1_1_only) {
  TlsGateway peer;
  TlsOptions options = peer.options();
  options.alpn = "";
  TlsClient silent(peer.port(), options);
  EXPECT_EQ(ask(silent, request("GET", "/")).status, 200);
  options.alpn = "spdy/3";
  EXPECT_FALSE(TlsClient(peer.port(), options).shaken());
}

TEST(Tls, a_session_is_resumed_after_a_reload_but_not_where_more_is_to_be_proved) {
  TlsGateway peer;
  std::vector<std::unique_ptr<TlsClient>> clients;  // OpenSSL gives up a session whose connection is not ended well
  const auto resumed = [&] {
    TlsOptions options = peer.options();
    if (!clients.empty()) options.session = clients.back()->session();
    clients.push_back(std::make_unique<TlsClient>(peer.port(), options));
    EXPECT_EQ(ask(*clients.back(), request("GET", "/")).status, 200);
    return clients.back()->resumed();
  };
  EXPECT_FALSE(resumed());
  EXPECT_TRUE(resumed());
  EXPECT_TRUE(resumed());
  ASSERT_TRUE(peer.gateway->reload(peer.config("", "", "limits: {idle_timeout: 60s}\n")));
  EXPECT_TRUE(resumed());
  ASSERT_TRUE(peer.gateway->reload(peer.config(peer.client_auth("optional"))));
  EXPECT_FALSE(resumed());
  EXPECT_EQ(peer.gateway->metric("gatehouse_tls_handshakes_total", {"result=\"resumed\""}), 3);
  EXPECT_EQ(peer.gateway->metric("gatehouse_tls_handshakes_total", {"result=\"full\""}), 2);
}

TEST(Tls, a_session_does_not_outlive_the_certificate_of_its_client) {
  TlsGateway peer("client_auth: {mode: required, ca: @ca@}");
  peer.ca.issue_briefly("brief", std::chrono::seconds(3));
  std::vector<std::unique_ptr<TlsClient>> clients;
  const auto resumed = [&](const std::string& name) {
    TlsOptions options = peer.options();
    options.cert = peer.files.file(name + ".pem");
    options.key = peer.files.file(name + ".key");
    if (!clients.empty()) options.session = clients.back()->session();
    clients.push_back(std::make_unique<TlsClient>(peer.port(), options));
    const int status = ask(*clients.back(), request("GET", "/")).status;
    return status != 200 ? "refused" : clients.back()->resumed() ? "resumed" : "full";
  };
  EXPECT_STREQ(resumed("brief"), "full");
  EXPECT_STREQ(resumed("brief"), "resumed");
  peer.gateway->process().pause(Millis(3100));
  EXPECT_STREQ(resumed("brief"), "refused");
  clients.clear();
  EXPECT_STREQ(resumed("client"), "full");
  EXPECT_STREQ(resumed("client"), "resumed");
}

TEST(Tls, a_session_is_not_resumed_where_tickets_are_off) {
  TlsGateway peer("tickets: false");
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsOptions options = peer.options();
    options.version = version;
    TlsClient first(peer.port(), options);
    EXPECT_EQ(ask(first, request("GET", "/")).status, 200);
    options.session = first.session();
    TlsClient second(peer.port(), options);
    EXPECT_FALSE(second.resumed()) << version;
  }
}

TEST(Tls, metrics_count_handshakes_and_name_the_end_of_certificates) {
  TlsGateway peer;
  EXPECT_TRUE(TlsClient(peer.port(), peer.options()).shaken());
  RawClient garbage = peer.gateway->connect();
  garbage.send("GET / HTTP/1.1\r\n\r\n");
  EXPECT_NE(garbage.wait_end(), End::timeout);
  EXPECT_EQ(peer.gateway->wait_metric("gatehouse_tls_handshakes_total", 1, {"result=\"failed\""}), 1);
  EXPECT_EQ(peer.gateway->wait_metric("gatehouse_tls_handshakes_total", 1, {"result=\"full\""}), 1);
  const double ends = peer.gateway->metric("gatehouse_tls_certificate_expiry_seconds", {"shop.pem"});
  EXPECT_NEAR(ends, static_cast<double>(std::time(nullptr)) + 30 * 86400, 86400);
}

TEST(Tls, a_revoked_client_is_refused) {
  TlsGateway peer;
  peer.ca.issue("stolen", {});
  peer.ca.revoke("crl", {"stolen"});
  const std::string crl = peer.client_auth("required").substr(0, peer.client_auth("required").size() - 1) +
                          ", crl: " + peer.files.file("crl.pem") + "}";
  ASSERT_TRUE(peer.gateway->reload(peer.config(crl)));
  const auto status = [&](const char* name) {
    TlsOptions options = peer.options();
    options.cert = peer.files.file(std::string(name) + ".pem");
    options.key = peer.files.file(std::string(name) + ".key");
    TlsClient client(peer.port(), options);
    return client.shaken() ? ask(client, request("GET", "/")).status : 0;
  };
  EXPECT_EQ(status("client"), 200);
  EXPECT_EQ(status("stolen"), 0);
  // A list whose time is over is as good as none: it fails closed, and check says so.
  peer.ca.revoke("crl", {}, -1);
  ASSERT_TRUE(peer.gateway->reload(peer.config(crl)));
  EXPECT_EQ(status("client"), 0);
  EXPECT_NE(run_gatehouse({"check", peer.gateway->config_file()}).out.find("a list whose time is over"),
            std::string::npos);
  EXPECT_EQ(peer.echo.requests(), 1U);
}

TEST(Tls, services_and_logs_are_told_who_the_client_is) {
  TlsGateway peer;
  const std::string auth =
      peer.client_auth("optional").substr(0, peer.client_auth("optional").size() - 1) +
      ", headers: {subject: X-Client-Subject, fingerprint: X-Client-Fingerprint, san: X-Client-SAN}}";
  peer.ca.issue("ada", {"ada.test"});
  ASSERT_TRUE(peer.gateway->reload(peer.config(auth)));
  const std::string forged = "X-Client-Subject: CN=root\r\nx-client-fingerprint: 00\r\nX-Client-SAN: DNS:root\r\n";
  for (const char* protocol : {"http/1.1", "h2"}) {
    TlsOptions options = peer.options();
    options.alpn = protocol;
    options.cert = peer.files.file("ada.pem");
    options.key = peer.files.file("ada.key");
    TlsClient client(peer.port(), options);
    ASSERT_TRUE(client.shaken()) << client.failure();
    std::string body;
    if (*protocol == 'h' && protocol[1] == '2') {
      H2Client h2(client.raw());
      body = h2.get("/", {{"x-client-subject", "CN=root"}}).body;
    } else {
      body = ask(client, request("GET", "/", forged)).body;
    }
    const Echo seen(body);
    EXPECT_EQ(seen.fields.all("x-client-subject"), std::vector<std::string>{"CN=ada"}) << protocol;
    EXPECT_EQ(seen.fields.all("x-client-san"), std::vector<std::string>{"DNS:ada.test"}) << protocol;
    ASSERT_EQ(seen.fields.count("x-client-fingerprint"), 1U) << protocol;
    EXPECT_EQ(seen.fields.get("x-client-fingerprint").size(), 64U) << protocol;
  }
  TlsClient nobody(peer.port(), peer.options());
  const Echo anonymous(ask(nobody, request("GET", "/", forged)).body);
  ASSERT_TRUE(anonymous.parsed);
  for (const char* name : {"x-client-subject", "x-client-fingerprint", "x-client-san"}) {
    EXPECT_FALSE(anonymous.fields.has(name)) << name;
  }
  int named = 0;
  for (const std::string& line : peer.gateway->access_log(3)) {
    named += line.find("\"client_subject\":\"CN=ada\",\"client_fingerprint\":\"") != std::string::npos;
  }
  EXPECT_EQ(named, 2);
}

TEST(Tls, an_ocsp_response_is_stapled_as_long_as_it_is_good) {
  TlsGateway peer;
  const auto config = [&](const std::string& response) {
    std::string text = peer.config();
    const std::string key = peer.files.file("shop.key");
    return text.insert(text.find(key) + key.size(), ", ocsp: " + peer.files.file(response));
  };
  TlsOptions options = peer.options();
  options.ocsp = true;
  EXPECT_EQ(TlsClient(peer.port(), options).staple(), "");
  peer.ca.attest("good", "shop");
  ASSERT_TRUE(peer.gateway->reload(config("good.der")));
  EXPECT_EQ(TlsClient(peer.port(), options).staple(), read_file(peer.files.file("good.der")));
  options.host = "other.test";
  EXPECT_EQ(TlsClient(peer.port(), options).staple(), "") << "of another certificate";
  peer.ca.attest("wrong", "other");
  EXPECT_FALSE(peer.gateway->reload(config("wrong.der")));
  EXPECT_TRUE(peer.gateway->process().wait_err("is about another certificate"));
  EXPECT_FALSE(peer.gateway->reload(config("shop.pem"))) << "no response at all";
  peer.ca.attest("late", "shop", -1);
  ASSERT_TRUE(peer.gateway->reload(config("late.der")));
  options.host = "shop.test";
  EXPECT_EQ(TlsClient(peer.port(), options).staple(), "");
}

TEST(Tls, alpn_can_leave_http_2_out) {
  TlsGateway peer("alpn: [http/1.1]");
  EXPECT_EQ(TlsClient(peer.port(), peer.options()).alpn(), "http/1.1");
  TlsOptions options = peer.options();
  options.alpn = "h2";
  EXPECT_FALSE(TlsClient(peer.port(), options).shaken()) << "RFC 7301 section 3.2";
}

TEST(Tls, a_session_is_resumed) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsGateway peer;
    TlsOptions options = peer.options();
    options.version = version;
    TlsClient first(peer.port(), options);
    EXPECT_EQ(ask(first, request("GET", "/")).status, 200);
    EXPECT_FALSE(first.resumed());
    options.session = first.session();
    TlsClient second(peer.port(), options);
    ASSERT_TRUE(second.shaken()) << second.failure();
    EXPECT_TRUE(second.resumed()) << version;
    EXPECT_EQ(ask(second, request("GET", "/")).status, 200);
  }
}

TEST(Tls, a_client_certificate_can_be_required) {
  TlsGateway peer;
  ASSERT_TRUE(peer.gateway->reload(peer.config(peer.client_auth("required"))));
  TlsOptions options = peer.options();
  options.version = TLS1_2_VERSION;  // where the refusal comes within the handshake
  EXPECT_FALSE(TlsClient(peer.port(), options).shaken());
  options.cert = peer.files.file("client.pem");
  options.key = peer.files.file("client.key");
  TlsClient known(peer.port(), options);
  ASSERT_TRUE(known.shaken()) << known.failure();
  EXPECT_EQ(ask(known, request("GET", "/")).status, 200);

  const TempDir elsewhere;
  TestCa stranger(elsewhere.path());
  stranger.issue("client", {});
  options.cert = elsewhere.file("client.pem");
  options.key = elsewhere.file("client.key");
  EXPECT_FALSE(TlsClient(peer.port(), options).shaken()) << "signed by someone else";
}

TEST(Tls, an_optional_client_certificate_must_be_good_if_it_is_shown) {
  TlsGateway peer;
  ASSERT_TRUE(peer.gateway->reload(peer.config(peer.client_auth("optional"))));
  TlsOptions options = peer.options();
  options.version = TLS1_2_VERSION;
  EXPECT_TRUE(TlsClient(peer.port(), options).shaken());
  peer.ca.issue("late", {}, TestCa::Key::ecdsa, -1);
  options.cert = peer.files.file("late.pem");
  options.key = peer.files.file("late.key");
  EXPECT_FALSE(TlsClient(peer.port(), options).shaken()) << "it has expired";
}

TEST(Tls, carries_large_bodies_both_ways) {
  TlsGateway peer;
  TlsClient client(peer.port(), peer.options());
  constexpr std::size_t kSize = 5'000'000;
  client->send(request("GET", "/?size=" + std::to_string(kSize)));
  Response head = client->read_head();
  ASSERT_EQ(head.status, 200);
  const RawClient::BodySum sum = client->read_body_sum(head);
  EXPECT_TRUE(sum.complete);
  EXPECT_EQ(sum.length, kSize);
  EXPECT_EQ(sum.sum, checksum(pattern(kSize)));

  client->send(request("GET", "/?size=300000&chunked=1&trailer=1", "TE: trailers\r\n"));
  const Response chunked = client->read_response();
  EXPECT_EQ(chunked.body, pattern(300'000));
  EXPECT_EQ(chunked.trailers.get("x-sum"), hex(checksum(chunked.body)));

  const std::string upload = pattern(1'000'000);
  client->send(request("POST", "/", "", upload));
  const Response response = client->read_response();
  ASSERT_EQ(response.status, 200) << response.describe();
  EXPECT_EQ(Echo(response.body).length, upload.size());
  EXPECT_EQ(Echo(response.body).sum, hex(checksum(upload)));
}

TEST(Tls, answers_pipelined_requests_that_came_in_one_record) {
  TlsGateway peer;
  TlsClient client(peer.port(), peer.options());
  std::string all;
  for (int i = 0; i < 50; ++i) all += request("GET", "/" + std::to_string(i));
  client->send(all);
  for (int i = 0; i < 50; ++i) ASSERT_EQ(client->read_response().status, 200) << i;
}

TEST(Tls, ends_connections_with_a_close_notify) {
  TlsGateway peer;
  TlsClient client(peer.port(), peer.options());
  client->send(request("GET", "/", "Connection: close\r\n"));
  EXPECT_TRUE(client->read_response().complete);
  EXPECT_EQ(client->wait_end(), End::eof);
  EXPECT_TRUE(client.ended_orderly());
}

TEST(Tls, a_cut_answer_ends_without_a_close_notify) {
  HttpService service([](ServiceExchange& exchange) {
    exchange.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    exchange.reset_after();
  });
  TlsGateway peer("", "", "", service.url());
  TlsClient client(peer.port(), peer.options());
  client->send("GET / HTTP/1.0\r\nHost: test\r\n\r\n");  // its body goes on until the end of the connection
  client->wait_end();
  EXPECT_FALSE(client.ended_orderly());
}

TEST(Tls, what_a_stop_cuts_ends_without_a_close_notify) {
  HttpService service([](ServiceExchange& exchange) {
    exchange.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    exchange.pause(Millis(60'000));
  });
  TlsGateway peer("", "", "drain: {timeout: 200ms}\n", service.url());
  TlsClient client(peer.port(), peer.options());
  client->send("GET / HTTP/1.0\r\nHost: test\r\n\r\n");
  EXPECT_TRUE(client->wait_for("hello"));
  EXPECT_EQ(peer.gateway->stop(), 0);
  client->wait_end();
  EXPECT_FALSE(client.ended_orderly());
}

TEST(Tls, a_client_that_does_not_speak_it_or_stands_still_is_let_go) {
  TlsGateway peer("", "limits: {header_timeout: 300ms}");
  RawClient plain(peer.port());
  plain.send(request("GET", "/"));
  plain.wait_end();
  EXPECT_NE(plain.end(), End::timeout);
  EXPECT_EQ(plain.buffered().find("HTTP/"), std::string::npos);

  RawClient still(peer.port());
  still.send("\x16\x03\x01");
  const Deadline deadline(Millis(10'000));
  EXPECT_NE(still.wait_end(deadline), End::timeout);
  TlsClient good(peer.port(), peer.options());
  EXPECT_EQ(ask(good, request("GET", "/")).status, 200);
}

TEST(Tls, the_proxy_protocol_comes_first) {
  TlsGateway peer("", "proxy_protocol: true", "trusted_proxies: [127.0.0.0/8]\n");
  TlsOptions options = peer.options();
  options.before = "PROXY TCP4 203.0.113.7 127.0.0.1 12345 443\r\n";
  TlsClient client(peer.port(), options);
  ASSERT_TRUE(client.shaken()) << client.failure();
  const Response response = ask(client, request("GET", "/"));
  EXPECT_EQ(Echo(response.body).fields.get("x-real-ip"), "203.0.113.7");
  EXPECT_EQ(Echo(response.body).fields.get("x-forwarded-port"), "443");
}

TEST(Tls, routes_by_scheme) {
  const std::uint16_t plain = free_port();
  TlsGateway peer;
  const std::string config =
      peer.config() +
      "  - {name: sure, path: /login, scheme: https, respond: {status: 200, body: safe}}\n"
      "  - {name: up, path: /login, scheme: http, redirect: {location: \"https://shop.test/login\"}}\n";
  std::string with_plain = config;
  with_plain.insert(with_plain.find("  - {name: secure"),
                    "  - {address: \"127.0.0.1:" + std::to_string(plain) + "\"}\n");
  ASSERT_TRUE(peer.gateway->reload(with_plain));
  TlsClient client(peer.port(), peer.options());
  EXPECT_EQ(ask(client, request("GET", "/login")).body, "safe");
  EXPECT_EQ(get(plain, "/login").header("location"), "https://shop.test/login");
}

TEST(Tls, a_reload_takes_renewed_files_and_touches_no_connection) {
  TlsGateway peer;
  TlsClient before(peer.port(), peer.options());
  EXPECT_EQ(ask(before, request("GET", "/")).status, 200);
  peer.ca.issue("renewed", {"shop.test"});
  for (const char* end : {".pem", ".key"}) {
    peer.files.write("shop" + std::string(end), read_file(peer.files.file("renewed" + std::string(end))));
  }
  ASSERT_TRUE(peer.gateway->reload(peer.config()));
  EXPECT_EQ(ask(before, request("GET", "/")).status, 200);
  TlsClient after(peer.port(), peer.options());
  EXPECT_EQ(after.certificate(), "renewed");
}

TEST(Tls, with_watch_a_renewed_certificate_is_taken_by_itself) {
  TlsGateway peer;
  Gateway watched(peer.config(), {.arguments = {"--watch"}});
  EXPECT_EQ(TlsClient(watched.port(), peer.options()).certificate(), "shop");
  peer.ca.issue("renewed", {"shop.test"});
  for (const char* end : {".key", ".pem"}) {
    peer.files.write("shop" + std::string(end), read_file(peer.files.file("renewed" + std::string(end))));
  }
  std::string shown;
  for (Deadline deadline; shown != "renewed" && !deadline.passed(); watched.process().pause(Millis(50))) {
    shown = TlsClient(watched.port(), peer.options()).certificate();
  }
  EXPECT_EQ(shown, "renewed");
}

TEST(Tls, a_reload_with_a_bad_file_keeps_what_is_in_force) {
  TlsGateway peer;
  peer.files.write("shop.key", "no key at all\n");
  EXPECT_FALSE(peer.gateway->reload(peer.config()));
  TlsClient client(peer.port(), peer.options());
  EXPECT_EQ(client.certificate(), "shop");
  EXPECT_EQ(ask(client, request("GET", "/")).status, 200);
}

TEST(Tls, check_names_the_file_and_the_place) {
  const TempDir dir;
  TestCa ca(dir.path());
  ca.issue("shop", {"shop.test"});
  ca.issue("rsa", {"shop.test"}, TestCa::Key::rsa);
  ca.issue("late", {"shop.test"}, TestCa::Key::ecdsa, -1);
  const auto check = [&](const std::string& cert, const std::string& key) {
    dir.write("t.yaml", "listeners: [{address: \"127.0.0.1:1\", tls: {certificates: [{cert: " + cert + ", key: " + key +
                            "}]}}]\nroutes: [{path: /, respond: {status: 200}}]\n");
    return run_gatehouse({"check", dir.file("t.yaml")});
  };
  EXPECT_EQ(check("shop.pem", "shop.key").exit_code, 0);
  const auto expect = [&](const Finished& done, std::string_view words) {
    EXPECT_NE((done.out + done.err).find(words), std::string::npos) << done.out << done.err;
  };
  expect(check("shop.pem", "rsa.key"), ":1:81: listeners[0].tls.certificates[0].key: ");
  expect(check("shop.pem", "rsa.key"), "does not fit the certificate");
  expect(check("none.pem", "shop.key"), "none.pem\": No such file or directory");
  expect(check("shop.key", "shop.key"), "shop.key\": holds no certificate");
  expect(check("shop.pem", "shop.pem"), "shop.pem\": holds no private key");
  const Finished late = check("late.pem", "late.key");
  EXPECT_EQ(late.exit_code, 0);
  expect(late, "late.pem\": has expired");
  ca.issue("soon", {"shop.test"}, TestCa::Key::ecdsa, 9);
  const Finished soon = check("soon.pem", "soon.key");
  EXPECT_EQ(soon.exit_code, 0);
  expect(soon, "soon.pem\": ends in ");
  EXPECT_EQ(check("shop.pem", "shop.key").err, "");
}

TEST(Tls, a_stop_under_traffic_ends_every_connection_in_order) {
  TlsGateway peer;
  std::vector<std::thread> threads;
  std::atomic<unsigned> answered{0}, cut{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (;;) {
        TlsClient client(peer.port(), peer.options());
        if (!client.shaken()) {
          if (client.failure() != "nobody listens") ++cut;
          return;
        }
        for (int sent = 0;; ++sent) {
          client->send(request("GET", "/"));
          const Response response = client->read_response();
          if (response.status == 200 && response.complete) {
            ++answered;
            if (response.header("connection") == "close") break;
            continue;
          }
          if (sent == 0 || !client.ended_orderly()) ++cut;
          break;
        }
      }
    });
  }
  while (answered < 300) peer.gateway->process().pause(Millis(5));
  EXPECT_EQ(peer.gateway->stop(), 0);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(cut, 0U);
}

}  // namespace
}  // namespace gatehouse::test
