#include <atomic>
#include <mutex>
#include <thread>

#include "e2e/fixtures.h"
#include "support/certificates.h"
#include "support/jwt.h"

namespace gatehouse::test {
namespace {

/// Who issues tokens: publishes what the test says, as it says.
class IssuerService {
 public:
  IssuerService() {
    service_ = std::make_unique<HttpService>([this](ServiceExchange& exchange) { answer(exchange); });
  }

  void publish(std::string body, int status = 200, std::string fields = "") {
    const std::lock_guard lock(mutex_);
    body_ = std::move(body);
    status_ = status;
    fields_ = std::move(fields);
  }
  void describe(std::string body) {
    const std::lock_guard lock(mutex_);
    description_ = std::move(body);
  }
  void hang(bool hangs) { hangs_ = hangs; }
  /// A byte every 50 ms, for a second.
  void drip(bool drips) { drips_ = drips; }
  std::string url() const { return service_->url(); }
  /// Fetches of the keys so far.
  int fetches() const { return fetches_; }
  HttpService& service() { return *service_; }

 private:
  void answer(ServiceExchange& exchange) {
    if (hangs_) return exchange.pause(Millis(3000));
    if (drips_) {
      exchange.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n");
      for (int i = 0; i < 20 && exchange.write(" "); ++i) exchange.pause(Millis(50));
      return exchange.close_after();
    }
    std::unique_lock lock(mutex_);
    const bool description = exchange.head().target == "/.well-known/openid-configuration";
    fetches_ += !description;
    const std::string body = description ? description_ : body_, fields = description ? "" : fields_;
    const int status = description ? 200 : status_;
    lock.unlock();
    exchange.respond(status, body, "Content-Type: application/json\r\n" + fields);
  }

  std::mutex mutex_;
  std::string body_ = "{}", description_ = "{}", fields_;
  int status_ = 200;
  std::atomic<bool> hangs_ = false, drips_ = false;
  std::atomic<int> fetches_ = 0;
  std::unique_ptr<HttpService> service_;
};

struct Key {
  std::string kid;
  SigningKey key = SigningKey::ec();
  std::string jwk() const { return key.jwk("\"kid\":\"" + kid + "\""); }
  std::string token(std::string_view claims = R"({"iss":"shop","sub":"ada"})") const {
    return jwt(key, "ES256", claims, kid);
  }
};

std::string with_issuer(const std::string& issuer, const std::string& more = "") {
  return "plugins: [{name: jwt, config: {issuers: [{" + issuer + "}]" + more + "}}]\n" +
         "routes: [{name: all, path: \"/*\", respond: {status: 200}}]\n";
}

Response ask_with(const Gateway& gateway, const std::string& token) {
  return gateway.get("/", "Authorization: Bearer " + token + "\r\n");
}
int status_with(const Gateway& gateway, const std::string& token) {
  return ask_with(gateway, token).status;
}

/// Asks until the answer has `status`, for some seconds at most; gives the last one.
int wait_status(Gateway& gateway, const std::string& token, int status) {
  const Deadline deadline;
  int got = status_with(gateway, token);
  while (got != status && !deadline.passed()) {
    gateway.process().pause(Millis(20));
    got = status_with(gateway, token);
  }
  return got;
}

TEST(Jwks, a_new_key_works_at_once_and_an_old_one_no_more) {
  const Key first{"k1"}, second{"k2"};
  IssuerService issuer;
  issuer.publish(jwks({first.jwk()}));
  Gateway gateway(with_issuer("issuer: shop, jwks_url: \"" + issuer.url() + "/jwks\", min_refetch: 100ms"));
  EXPECT_EQ(status_with(gateway, first.token()), 200) << "the first request waits for the keys";
  EXPECT_EQ(issuer.fetches(), 1);
  gateway.process().pause(Millis(150));
  issuer.publish(jwks({first.jwk(), second.jwk()}));
  EXPECT_EQ(status_with(gateway, second.token()), 200) << "an unknown key is asked for";
  EXPECT_EQ(issuer.fetches(), 2);
  EXPECT_EQ(status_with(gateway, first.token()), 200);
  gateway.process().pause(Millis(150));
  issuer.publish(jwks({second.jwk()}));
  EXPECT_EQ(status_with(gateway, Key{"k3"}.token()), 401);
  EXPECT_EQ(issuer.fetches(), 3);
  gateway.process().pause(Millis(150));
  EXPECT_EQ(wait_status(gateway, first.token(), 401), 401) << "remembered, but its key was taken away";
  EXPECT_EQ(status_with(gateway, second.token()), 200);
}

TEST(Jwks, random_key_ids_are_no_flood_for_the_issuer) {
  const Key key{"k1"};
  IssuerService issuer;
  issuer.publish(jwks({key.jwk()}));
  Gateway gateway(with_issuer("issuer: shop, jwks_url: \"" + issuer.url() + "/jwks\", min_refetch: 1h"));
  EXPECT_EQ(status_with(gateway, key.token()), 200);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      RawClient client = gateway.connect();
      for (int i = 0; i < 50; ++i) {
        const Key other{"x" + std::to_string(t) + std::to_string(i), key.key};
        client.send(request("GET", "/", "Authorization: Bearer " + other.token() + "\r\n"));
        EXPECT_EQ(client.read_response().status, 401);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(issuer.fetches(), 1);
  EXPECT_EQ(status_with(gateway, key.token()), 200);
  EXPECT_EQ(gateway.metric("gatehouse_document_fetches_total", {"result=\"ok\""}), 1);
}

TEST(Jwks, many_who_wait_for_one_key_ask_once) {
  const Key key{"k1"};
  IssuerService issuer;
  issuer.publish(jwks({key.jwk()}));
  issuer.hang(true);
  Gateway gateway(with_issuer("issuer: shop, jwks_url: \"" + issuer.url() + "/jwks\", timeout: 500ms"));
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] { good += wait_status(gateway, key.token(), 200) == 200; });
  }
  issuer.hang(false);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 8);
  EXPECT_EQ(issuer.fetches(), 1);
}

TEST(Jwks, the_last_good_keys_outlive_every_trouble_of_their_issuer) {
  const Key key{"k1"}, other{"k2"};
  IssuerService issuer;
  issuer.publish(jwks({key.jwk()}));
  Gateway gateway(with_issuer(
      "issuer: shop, jwks_url: \"" + issuer.url() + "/jwks\", min_refetch: 100ms, refresh: 1s, timeout: 300ms",
      ", cache: false"));
  EXPECT_EQ(wait_status(gateway, key.token(), 200), 200);
  double failed = 0;
  const auto survives = [&](const char* what) {
    double now = failed;
    for (Deadline deadline; now <= failed && !deadline.passed(); gateway.process().pause(Millis(50))) {
      EXPECT_EQ(status_with(gateway, other.token()), 401) << what;
      EXPECT_EQ(status_with(gateway, key.token()), 200) << what;
      now = gateway.metric("gatehouse_document_fetches_total", {"result=\"failed\""});
    }
    EXPECT_GT(now, failed) << what;
    failed = now;
  };
  issuer.publish("no", 500);
  survives("status 500");
  issuer.publish("<html>");
  survives("no JSON");
  issuer.publish(R"({"keys": []})");
  survives("no key");
  issuer.publish(R"({"keys": [{"kty": "oct", "kid": "k2", "k": "AAAA"}]})");
  survives("only keys of no use");
  issuer.publish(std::string(2'000'000, ' '));
  survives("too large");
  issuer.publish("", 302, "Location: /elsewhere\r\n");
  survives("a redirection");
  issuer.hang(true);
  survives("no answer");
  issuer.hang(false);
  issuer.drip(true);
  survives("an answer that never ends");
  issuer.drip(false);
  issuer.service().stop();
  survives("nobody there");
  issuer.service().restart();
  issuer.publish(jwks({other.jwk()}));
  EXPECT_EQ(wait_status(gateway, other.token(), 200), 200);
  EXPECT_EQ(wait_status(gateway, key.token(), 401), 401) << "each worker takes what is new by itself";
}

TEST(Jwks, without_keys_the_answer_is_503_until_they_are_there) {
  const Key key{"k1"};
  IssuerService issuer;
  issuer.publish(jwks({key.jwk()}));
  issuer.service().stop();
  Gateway gateway(with_issuer("issuer: shop, jwks_url: \"" + issuer.url() + "/jwks\", min_refetch: 100ms"));
  expect_refusal(ask_with(gateway, key.token()), 503, "no_healthy_target");
  EXPECT_EQ(status_with(gateway, Key{"k1"}.token(R"({"iss":"bank"})")), 401) << "of somebody else";
  issuer.service().restart();
  EXPECT_EQ(wait_status(gateway, key.token(), 200), 200);
}

TEST(Jwks, a_reload_keeps_the_copy) {
  const Key key{"k1"};
  IssuerService issuer;
  issuer.publish(jwks({key.jwk()}));
  const std::string config = with_issuer("issuer: shop, jwks_url: \"" + issuer.url() + "/jwks\"");
  Gateway gateway(config);
  EXPECT_EQ(status_with(gateway, key.token()), 200);
  ASSERT_TRUE(gateway.reload(config + "consumers: [{username: ada}]\n"));
  issuer.service().stop();
  EXPECT_EQ(status_with(gateway, key.token()), 200);
  EXPECT_EQ(issuer.fetches(), 1);
  ASSERT_TRUE(gateway.reload("routes: [{name: all, path: \"/*\", respond: {status: 200}}]\n"));
  EXPECT_EQ(status_with(gateway, "x"), 200);
}

TEST(Jwks, discovery_tells_where_the_keys_are_and_must_be_of_the_issuer) {
  const Key key{"k1"};
  IssuerService issuer;
  issuer.publish(jwks({key.jwk()}));
  const std::string claims = R"({"iss":")" + issuer.url() + R"(","sub":"ada"})";
  const std::string config = with_issuer("issuer: \"" + issuer.url() + "\", min_refetch: 100ms");
  issuer.describe(R"({"issuer": "https://other.test", "jwks_uri": ")" + issuer.url() + R"(/jwks"})");
  Gateway gateway(config);
  EXPECT_EQ(status_with(gateway, key.token(claims)), 503);
  EXPECT_EQ(issuer.fetches(), 0);
  issuer.describe(R"({"issuer": ")" + issuer.url() + R"(", "jwks_uri": ")" + issuer.url() + R"(/jwks"})");
  EXPECT_EQ(wait_status(gateway, key.token(claims), 200), 200);
}

TEST(Jwks, their_place_is_verified_by_tls) {
  const Key key{"k1"};
  TempDir files;
  TestCa ca(files.path());
  ca.issue("id", {"127.0.0.1"});
  Gateway issuer("listeners: [{name: secure, address: \"@listen@\", tls: {certificates: [{cert: " +
                 files.file("id.pem") + ", key: " + files.file("id.key") +
                 "}]}}]\nroutes: [{path: /jwks, respond: {body: '" + jwks({key.jwk()}) + "'}}]\n");
  const std::string at = "issuer: shop, jwks_url: \"https://127.0.0.1:" + std::to_string(issuer.port()) + "/jwks\"";
  Gateway trusting(with_issuer(at + ", ca: " + ca.file()));
  EXPECT_EQ(status_with(trusting, key.token()), 200);
  Gateway strange(with_issuer(at));
  EXPECT_EQ(status_with(strange, key.token()), 503);
}

TEST(Jwks, a_place_that_is_read_over_tls_leads_to_none_that_is_not) {
  const Key key{"k1"};
  IssuerService keys;
  keys.publish(jwks({key.jwk()}));
  TempDir files;
  TestCa ca(files.path());
  ca.issue("id", {"127.0.0.1"});
  Gateway issuer("listeners: [{name: secure, address: \"@listen@\", tls: {certificates: [{cert: " +
                 files.file("id.pem") + ", key: " + files.file("id.key") +
                 "}]}}]\nroutes: [{path: /, respond: {body: '{\"issuer\": \"shop\", \"jwks_uri\": \"" + keys.url() +
                 "/jwks?secret\"}'}}]\n");
  Gateway gateway(with_issuer("issuer: shop, ca: " + ca.file() +
                              ", jwks_url: \"https://127.0.0.1:" + std::to_string(issuer.port()) + "/\""));
  EXPECT_EQ(status_with(gateway, key.token()), 503);
  EXPECT_EQ(keys.fetches(), 0);
  EXPECT_TRUE(gateway.process().wait_err("it refers from https to " + keys.url() + "/jwks"));
  EXPECT_FALSE(gateway.process().err().contains("secret"));
}

TEST(Jwks, fresh_keys_come_before_cache_control_says_they_are_old) {
  const Key key{"k1"};
  IssuerService issuer;
  issuer.publish(jwks({key.jwk()}), 200, "Cache-Control: public, max-age=1\r\n");
  Gateway gateway(with_issuer("issuer: shop, jwks_url: \"" + issuer.url() + "/jwks\", refresh: 1s"));
  EXPECT_EQ(status_with(gateway, key.token()), 200);
  EXPECT_GE(gateway.wait_metric("gatehouse_document_fetches_total", 3, {"result=\"ok\""}), 3);
}

}  // namespace
}  // namespace gatehouse::test
