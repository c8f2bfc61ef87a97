#include "e2e/fixtures.h"
#include "support/certificates.h"

// The plugin mtls-auth with curl and certificates of real authorities.
namespace gatehouse::test {
namespace {

class MtlsAuth : public testing::Test {
 protected:
  MtlsAuth() {
    ca.issue("shop", {"shop.test"});
    for (const char* name : {"ada", "bob", "eve"}) ca.issue(name, {std::string(name) + ".test"});
    strangers.issue("fake", {"ada.test"});
  }
  std::string config(const std::string& mode, const std::string& plugin = "") const {
    return "listeners:\n  - {name: secure, address: \"@listen@\", tls: {certificates: [{cert: " +
           files.file("shop.pem") + ", key: " + files.file("shop.key") + "}], client_auth: {mode: " + mode +
           ", ca: " + ca.file() +
           "}}}\nconsumers:\n  - {username: ada, credentials: [{type: mtls-auth, san_dns: ada.test}]}\n"
           "  - {username: bob, credentials: [{type: mtls-auth, id: bobs, fingerprint: \"" +
           fingerprint("bob") + "\"}]}\n  - {username: guest}\n" +
           forward_all(echo.url(), "", "plugins: [{name: mtls-auth, config: {" + plugin + "}}]");
  }
  std::string fingerprint(const std::string& name) const {
    const std::string said =
        run_program({"openssl", "x509", "-in", files.file(name + ".pem"), "-noout", "-sha256", "-fingerprint"}).out;
    return said.substr(said.find('=') + 1, 95);
  }
  /// The status, and the consumer that the service was told; "" where curl got no answer.
  std::string ask(const Gateway& gateway, const std::string& name) const {
    std::vector<std::string> line = {"curl",        "--silent",
                                     "--cacert",    ca.file(),
                                     "--resolve",   "shop.test:" + std::to_string(gateway.port()) + ":127.0.0.1",
                                     "--write-out", "\n%{http_code}"};
    if (!name.empty())
      line.insert(line.end(), {"--cert", files.file(name + ".pem"), "--key", files.file(name + ".key")});
    line.push_back("https://shop.test:" + std::to_string(gateway.port()) + "/x");
    const Finished result = run_program(line);
    if (result.exit_code != 0) return "";
    const std::size_t end = result.out.rfind('\n');
    const std::string status = result.out.substr(end + 1);
    return status == "200" ? Echo(result.out.substr(0, end)).fields.get("x-consumer-username") : status;
  }

  TempDir files;
  TestCa ca{files.path()};
  TestCa strangers{files.path(), "strangers"};
  EchoService echo;
};

TEST_F(MtlsAuth, knows_clients_by_their_certificates) {
  Gateway gateway(config("optional"));
  EXPECT_EQ(ask(gateway, "ada"), "ada");
  EXPECT_EQ(ask(gateway, "bob"), "bob");
  EXPECT_EQ(ask(gateway, "eve"), "401") << "it is verified, and of nobody";
  EXPECT_EQ(ask(gateway, ""), "401");
}

TEST_F(MtlsAuth, a_certificate_of_another_authority_counts_for_nothing) {
  Gateway gateway(config("optional"));
  EXPECT_NE(ask(gateway, "fake"), "ada");
  Gateway open(config("optional", "anonymous: guest"));
  EXPECT_NE(ask(open, "fake"), "ada");
  EXPECT_EQ(ask(open, ""), "guest");
  EXPECT_EQ(ask(open, "eve"), "guest");
  EXPECT_EQ(ask(open, "ada"), "ada");
}

TEST_F(MtlsAuth, explain_takes_a_certificate) {
  Gateway gateway(config("required"));
  const Finished told =
      run_gatehouse({"explain", gateway.config_file(), "https://shop.test/x", "--client-cert", files.file("bob.pem")});
  EXPECT_NE(told.out.find("bobs"), std::string::npos) << told.out;
}

}  // namespace
}  // namespace gatehouse::test
