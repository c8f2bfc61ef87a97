#include "plugins/mtls_auth/certificate_table.h"
#include "plugins/testing/consumers.h"

namespace gatehouse::plugins::mtls_auth {

extern const plugin::PluginType kType;

namespace {

using plugin::Verdict;
using ::testing::HasSubstr;
using testing::Request;

const std::string kPrint(64, 'a');

struct Fixture {
  explicit Fixture(const std::string& consumers, const std::string& config = "{}") {
    context.begin(testing::consumers(kType, consumers));
    plugin = testing::build(kType, config, context);
  }
  /// The username of the consumer, or the message of the refusal.
  std::string who(const PeerCertificate& certificate) const {
    Request request;
    request.exchange.certificate = &certificate;
    if (plugin->on_request(request.exchange) != Verdict::proceed)
      return std::string(request.exchange.refusal_message());
    return request.exchange.consumer->username;
  }
  testing::FakeContext context;
  std::shared_ptr<const plugin::Plugin> plugin;
};

std::string faults(const std::string& credential) {
  config::Diagnostics out;
  const config::Node node = testing::parse(credential, out);
  kType.info().credential->check(node, "credential", out);
  return out.text();
}

TEST(MtlsAuth, knows_a_certificate_by_each_of_its_marks) {
  const Fixture fixture(
      "[{username: print, credentials: [{type: mtls-auth, fingerprint: \"" + kPrint +
      "\"}]},"
      "{username: dns, credentials: [{type: mtls-auth, san_dns: Ada.test}, {type: mtls-auth, san_dns: "
      "\"*.shop.test\"}]},"
      "{username: email, credentials: [{type: mtls-auth, san_email: Ada@Shop.test}]},"
      "{username: uri, credentials: [{type: mtls-auth, san_uri: \"spiffe://shop/ada\"}]},"
      "{username: subject, credentials: [{type: mtls-auth, subject: \"cn = ada, O=The \\\\, Shop\"}]}]");
  const std::string other(64, 'b');
  EXPECT_EQ(fixture.who({"CN=x", kPrint, ""}), "print");
  EXPECT_EQ(fixture.who({"CN=x", other, "URI:a:b,DNS:ada.TEST"}), "dns");
  EXPECT_EQ(fixture.who({"CN=x", other, "DNS:*.shop.test"}), "dns");
  EXPECT_EQ(fixture.who({"CN=x", other, "email:Ada@SHOP.TEST"}), "email");
  EXPECT_EQ(fixture.who({"CN=x", other, "URI:spiffe://shop/ada"}), "uri");
  EXPECT_EQ(fixture.who({"CN=ada,O=The \\, Shop", other, ""}), "subject");
  for (const PeerCertificate& unknown :
       {PeerCertificate{"CN=x", other, ""}, PeerCertificate{"CN=ada", other, "email:ada@shop.test,DNS:a.shop.test"},
        PeerCertificate{"CN=ADA,O=The \\, Shop", other, "DNS:spiffe://shop/ada,URI:spiffe://shop/Ada"},
        PeerCertificate{"O=The \\, Shop,CN=ada", other, "email:ada.test,URI:ada.test"}, PeerCertificate{"", "", ""}}) {
    EXPECT_EQ(fixture.who(unknown), "the certificate is not known") << unknown.subject;
  }
}

TEST(MtlsAuth, takes_the_fingerprint_before_names_before_the_subject) {
  const Fixture fixture(
      "[{username: subject, credentials: [{type: mtls-auth, subject: \"CN=ada\"}]},"
      "{username: name, credentials: [{type: mtls-auth, san_dns: ada.test}, {type: mtls-auth, san_uri: \"a:b\"}]},"
      "{username: print, credentials: [{type: mtls-auth, fingerprint: \"" +
      kPrint +
      "\"}]},"
      "{username: other, credentials: [{type: mtls-auth, san_email: a@b}]}]");
  EXPECT_EQ(fixture.who({"CN=ada", kPrint, "DNS:ada.test"}), "print");
  EXPECT_EQ(fixture.who({"CN=ada", "", "DNS:ada.test,URI:a:b"}), "name");
  EXPECT_EQ(fixture.who({"CN=ada", "", "DNS:x.test"}), "subject");
  EXPECT_EQ(fixture.who({"CN=ada", "", "DNS:ada.test,email:a@b"}), "the certificate's names are of several consumers");
}

TEST(MtlsAuth, refuses_who_shows_none) {
  const Fixture fixture("[{username: ada, credentials: [{type: mtls-auth, subject: \"CN=ada\"}]}]");
  Request request;
  EXPECT_EQ(fixture.plugin->on_request(request.exchange), Verdict::reply);
  EXPECT_EQ(request.exchange.response.status, 401);
  EXPECT_FALSE(request.exchange.response.fields.has("WWW-Authenticate"));
}

TEST(MtlsAuth, names_credentials_by_one_form) {
  const auto name = [](const std::string& credential) {
    config::Diagnostics out;
    return kType.info().credential->name(testing::parse(credential, out));
  };
  std::string colons;
  for (int i = 0; i < 32; ++i) colons += i == 0 ? "AA" : ":AA";
  EXPECT_EQ(name("{fingerprint: \"" + colons + "\"}").unique, name("{fingerprint: " + kPrint + "}").unique);
  EXPECT_EQ(name("{fingerprint: " + kPrint + "}").shown, "aaaaaaaaaaaa");
  EXPECT_EQ(name("{subject: \"cn=ada, o=Shop\"}").shown, "CN=ada,O=Shop");
  EXPECT_EQ(name("{san_dns: ADA.test}").unique, name("{san_dns: ada.test}").unique);
  EXPECT_NE(name("{san_dns: \"a:b\"}").unique, name("{san_uri: \"a:b\"}").unique);
}

TEST(MtlsAuth, refuses_what_no_certificate_has) {
  EXPECT_THAT(faults("{}"), HasSubstr("needs one of \"fingerprint\""));
  EXPECT_THAT(faults("{subject: CN=a, san_dns: a.test}"), HasSubstr("needs one of"));
  EXPECT_THAT(faults("{fingerprint: abc}"), HasSubstr("credential.fingerprint: must be the 64 hex digits"));
  EXPECT_THAT(faults("{subject: ada}"), HasSubstr("must be a name such as"));
  EXPECT_THAT(faults("{san_email: ada}"), HasSubstr("must be an address"));
  EXPECT_THAT(faults("{san_uri: ada}"), HasSubstr("must be a URI"));
  EXPECT_THAT(faults("{san_dns: \"a,b\"}"), HasSubstr("must not contain"));
  EXPECT_THAT(faults("{subject: \"CN=é\"}"), HasSubstr("must be of visible ASCII"));
}

}  // namespace
}  // namespace gatehouse::plugins::mtls_auth
