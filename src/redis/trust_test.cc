#include "redis/client_test.h"
#include "support/certificates.h"

// Who is let in, and who is believed.

namespace gatehouse::redis {
namespace {

using namespace test;
using gatehouse::test::TempDir;
using gatehouse::test::TestCa;
using testing::HasSubstr;

class RedisTrust : public ClientTest {
 protected:
  Options options(const RedisServer& server) {
    Options made;
    made.address = address_of(server);
    made.timeout = kLong;
    return made;
  }
};

TEST_F(RedisTrust, a_password_opens_the_door) {
  const RedisServer server({"requirepass sesame"});
  Options made = options(server);
  use(made);
  EXPECT_THAT(ask({"PING"}), HasSubstr("NOAUTH"));
  client_->close();
  made.password = "wrong";
  use(made);
  EXPECT_THAT(ask({"PING"}), HasSubstr("unavailable: WRONGPASS"));
  client_->close();
  made.password = "sesame";
  use(made);
  EXPECT_EQ(ask({"PING"}), "PONG");
}

TEST_F(RedisTrust, a_user_may_do_what_the_server_allows) {
  const RedisServer server({"user default off", "user limiter on >secret ~rate:* +get +set +select"});
  Options made = options(server);
  made.username = "limiter";
  made.password = "secret";
  made.database = 1;
  use(made);
  EXPECT_THAT(ask({"GET", "rate:1"}), HasSubstr("unavailable: NOPERM"))
      << "who chooses a database must be able to PING";
  client_->close();
  made.database = 0;
  use(made);
  EXPECT_EQ(ask({"SET", "rate:1", "x"}), "OK");
  EXPECT_EQ(ask({"GET", "rate:1"}), "x");
  EXPECT_THAT(ask({"GET", "other"}), HasSubstr("server: NOPERM"));
  EXPECT_EQ(client_->counters().opened, 1U);
}

/// A server that speaks TLS on its port, with a certificate for redis.test.
struct TlsServer {
  explicit TlsServer(bool clients_show_theirs) : ca(dir.path()) {
    ca.issue("server", {"redis.test"});
    ca.issue("client", {"gateway.test"});
    const std::uint16_t port = gatehouse::test::free_port();
    server.emplace(std::vector<std::string>{"tls-port " + std::to_string(port),
                                            "tls-cert-file " + dir.file("server.pem"),
                                            "tls-key-file " + dir.file("server.key"), "tls-ca-cert-file " + ca.file(),
                                            std::string("tls-auth-clients ") + (clients_show_theirs ? "yes" : "no")});
    options.address = {"127.0.0.1", port};
    options.timeout = kLong;
    options.sni = "redis.test";
  }
  struct Trust {
    std::string authority = {};  ///< "" where nobody is verified
    std::string own = {};        ///< the name of the gateway's certificate
  };
  const Options& trusting(const Trust& trust) {
    std::vector<io::TlsFileFault> faults;
    io::TlsClientSettings settings;
    settings.verify = !trust.authority.empty();
    settings.ca = trust.authority;
    if (!trust.own.empty()) {
      settings.cert = dir.file(trust.own + ".pem");
      settings.key = dir.file(trust.own + ".key");
    }
    options.tls = io::TlsClient::make(settings, faults);
    EXPECT_NE(options.tls, nullptr);
    return options;
  }
  TempDir dir;
  TestCa ca;
  std::optional<RedisServer> server;
  Options options;
};

TEST_F(RedisTrust, speaks_tls_with_a_server_that_is_believed) {
  TlsServer peer(false);
  use(peer.trusting({.authority = peer.ca.file()}));
  EXPECT_EQ(ask({"SET", "a", std::string(300'000, 'x')}), "OK");
  EXPECT_EQ(ask({"GET", "a"}), std::string(300'000, 'x'));
  std::vector<std::unique_ptr<Call>> calls;
  std::vector<const Call*> all;
  for (int i = 0; i < 200; ++i) {
    calls.push_back(call({"ECHO", std::to_string(i)}));
    all.push_back(calls.back().get());
  }
  ASSERT_TRUE(finish(all));
  for (int i = 0; i < 200; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)]->text(), std::to_string(i));
}

TEST_F(RedisTrust, believes_no_other) {
  TlsServer peer(false);
  const TestCa other(peer.dir.path(), "other");
  use(peer.trusting({.authority = other.file()}));
  EXPECT_THAT(ask({"PING"}), HasSubstr("unavailable: "));
  EXPECT_EQ(client_->counters().opened, 0U);
  client_->close();
  peer.options.sni = "elsewhere.test";
  use(peer.trusting({.authority = peer.ca.file()}));
  EXPECT_THAT(ask({"PING"}), HasSubstr("unavailable: "));
  EXPECT_EQ(client_->counters().opened, 0U);
  client_->close();
  use(peer.trusting({}));
  EXPECT_EQ(ask({"PING"}), "PONG");
}

TEST_F(RedisTrust, shows_its_certificate) {
  TlsServer peer(true);
  use(peer.trusting({.authority = peer.ca.file()}));
  EXPECT_THAT(ask({"PING"}), HasSubstr("unavailable: "));
  client_->close();
  use(peer.trusting({.authority = peer.ca.file(), .own = "client"}));
  EXPECT_EQ(ask({"PING"}), "PONG");
}

TEST_F(RedisTrust, a_server_without_tls_is_no_peer_for_it) {
  const RedisServer server;
  TlsServer peer(false);
  Options made = peer.trusting({.authority = peer.ca.file()});
  made.address = address_of(server);
  use(made);
  EXPECT_THAT(ask({"PING"}), HasSubstr("unavailable: "));
  EXPECT_EQ(client_->counters().opened, 0U);
}

}  // namespace
}  // namespace gatehouse::redis
