#include <atomic>
#include <thread>

#include "e2e/fixtures.h"

// The plugin basic-auth with real clients: passwords are hashed beside the workers, and stay what they are, secret.
namespace gatehouse::test {
namespace {

constexpr const char* kHash =
    "$argon2id$v=19$m=19456,t=2,p=1$ZXhhbXBsZSBzYWx0IDE2Yg$E/51PXLtz14txASwtP/v90xEcnvceyEJT3UTZ6LPS9E";
constexpr const char* kRight = "Authorization: Basic YWRhOmNvcnJlY3QgaG9yc2U=\r\n";  // ada:correct horse
constexpr const char* kWrong = "Authorization: Basic YWRhOndyb25nIGhvcnNl\r\n";      // ada:wrong horse

std::string config(std::string_view url) {
  return "consumers:\n  - username: ada\n    credentials: [{type: basic-auth, username: ada, password_hash: \"" +
         std::string(kHash) +
         "\"}]\n  - username: bob\n    credentials: [{type: basic-auth, username: bob, password: \"plain horse\"}]\n" +
         forward_all(url, "", "plugins: [{name: basic-auth, config: {realm: shop}}]");
}

int curl(const Gateway& gateway, const std::string& user) {
  const Finished result = run_program({"curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}",
                                       "--user", user, "http://127.0.0.1:" + std::to_string(gateway.port()) + "/x"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return std::atoi(result.out.c_str());
}

TEST(BasicAuth, takes_what_curl_sends) {
  EchoService echo;
  Gateway gateway(config(echo.url()));
  EXPECT_EQ(curl(gateway, "ada:correct horse"), 200);
  EXPECT_EQ(curl(gateway, "bob:plain horse"), 200);
  EXPECT_EQ(curl(gateway, "ada:plain horse"), 401);
  EXPECT_EQ(curl(gateway, "eve:correct horse"), 401);
}

TEST(BasicAuth, of_many_who_come_at_once_none_is_turned_away) {
  EchoService echo;
  Gateway gateway(config(echo.url()));
  std::atomic<int> good{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 32; ++i) {
    clients.emplace_back([&] { good += gateway.get("/x", kRight).status == 200; });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(good, 32) << "who asks the same waits for one answer";
}

TEST(BasicAuth, others_are_served_while_passwords_are_guessed) {
  EchoService echo;
  Gateway gateway(config(echo.url()));
  ASSERT_EQ(gateway.get("/x", kRight).status, 200);
  std::atomic<bool> stop{false};
  std::atomic<int> refused{0}, other{0};
  std::vector<std::thread> guessers;
  for (int i = 0; i < 8; ++i) {
    guessers.emplace_back([&, i] {
      for (int n = 0; !stop; ++n) {
        // "ada:AAAA" and so on, each another password
        static constexpr char kDigits[] = "ABCDEFGHIJKLMNOP";
        const std::string four = {kDigits[i], kDigits[n % 16], kDigits[n / 16 % 16], kDigits[n / 256 % 16]};
        const int status = gateway.get("/x", "Authorization: Basic YWRh" + std::string("OnB3") + four + "\r\n").status;
        (status == 401 || status == 503 ? refused : other) += 1;
      }
    });
  }
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(gateway.get("/x", "Authorization: Basic Ym9iOnBsYWluIGhvcnNl\r\n").status, 200);
  }
  stop = true;
  for (std::thread& guesser : guessers) guesser.join();
  EXPECT_GT(refused, 0);
  EXPECT_EQ(other, 0);
}

TEST(BasicAuth, who_leaves_while_a_password_is_hashed_does_no_harm) {
  EchoService echo;
  Gateway gateway(config(echo.url()));
  for (int i = 0; i < 20; ++i) {
    RawClient client = gateway.connect();
    client.send("GET /x HTTP/1.1\r\nHost: test\r\n" + std::string(i % 2 == 0 ? kRight : kWrong) + "\r\n");
  }
  EXPECT_EQ(gateway.get("/x", kRight).status, 200);
  ASSERT_TRUE(gateway.reload(config(echo.url())));
  EXPECT_EQ(gateway.get("/x", kRight).status, 200);
  EXPECT_EQ(gateway.stop(), 0);
}

TEST(BasicAuth, ends_in_the_middle_of_its_work) {
  EchoService echo;
  Gateway gateway(config(echo.url()));
  std::vector<RawClient> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(gateway.connect());
    clients.back().send("GET /x HTTP/1.1\r\nHost: test\r\nAuthorization: Basic YWRhOnB3" +
                        std::string(4, static_cast<char>('A' + i)) + "\r\n\r\n");
  }
  EXPECT_EQ(gateway.stop(), 0);
}

TEST(BasicAuth, tells_nobody_a_password) {
  EchoService echo;
  Gateway gateway(config(echo.url()));
  std::string said = gateway.get("/x", kWrong).describe() + gateway.get("/x", kRight).describe();
  for (const std::string& line : gateway.access_log(2)) said += line;
  said += gateway.admin("GET", "/metrics").describe();
  for (const char* target : {"/config", "/routes"}) said += gateway.admin("GET", target).describe();
  said += run_gatehouse({"print", "--effective", gateway.config_file()}).out;
  for (const char* value : {kRight, kWrong}) {
    const std::string header = std::string(value).substr(0, std::string(value).find('\r'));
    for (const char* format : {"text", "json"}) {
      said += run_gatehouse({"explain", gateway.config_file(), "/x", "-H", header, "--format", format}).out;
    }
  }
  gateway.stop();
  said += gateway.process().err() + gateway.process().out();
  EXPECT_NE(said.find("***"), std::string::npos);
  for (const char* secret : {"correct horse", "wrong horse", "plain horse",
                             "YWRhOmNvcnJlY3QgaG9yc2U=", "YWRhOndyb25nIGhvcnNl", "$argon2id"}) {
    EXPECT_EQ(said.find(secret), std::string::npos)
        << secret << " in\n"
        << said.substr(std::max(said.find(secret), std::size_t{300}) - 300, 600);
  }
}

TEST(BasicAuth, explain_tells_who_would_be_let_in) {
  EchoService echo;
  Gateway gateway(config(echo.url()));
  const auto explained = [&](const std::string& header) {
    return run_gatehouse({"explain", gateway.config_file(), "/x", "-H", header}).out;
  };
  EXPECT_NE(explained("Authorization: Basic YWRhOmNvcnJlY3QgaG9yc2U=").find("ada"), std::string::npos);
  EXPECT_NE(explained("Authorization: Basic YWRhOndyb25nIGhvcnNl").find("401"), std::string::npos);
}

}  // namespace
}  // namespace gatehouse::test
