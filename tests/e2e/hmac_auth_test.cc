#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <ctime>

#include "e2e/fixtures.h"

// The plugin hmac-auth, with requests signed here by OpenSSL, and with curl and openssl as its README says.
namespace gatehouse::test {
namespace {

constexpr const char* kSecret = "hs_only-an-example-of-a-secret";

std::string config(std::string_view url) {
  return "services: [{name: orders, url: \"" + std::string(url) +
         "\"}]\nconsumers:\n  - {username: ada, credentials: [{type: hmac-auth, username: ada, secret: \"" + kSecret +
         "\"}]}\nroutes:\n"
         "  - {path: \"/orders/*\", service: orders, strip_path: true, plugins: [{name: hmac-auth}]}\n"
         "  - {path: \"/old/*\", service: orders, plugins: [{name: hmac-auth, config: {scheme: kong, enforce_headers: "
         "request-line}}]}\n";
}

std::string signature(const std::string& text) {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  const std::string secret = kSecret;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), bytes, &size);
  char base64[EVP_MAX_MD_SIZE * 2];
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64), bytes, static_cast<int>(size));
  return base64;
}

/// The fields of a signature by RFC 9421; `lines` is the base without its last line.
std::string signed_fields(const std::string& lines, const std::string& components, const std::string& keyid = "ada") {
  const std::string input = "(" + components + ");created=" + std::to_string(std::time(nullptr)) + ";keyid=\"" + keyid +
                            "\";alg=\"hmac-sha256\"";
  return "Signature-Input: sig=" + input +
         "\r\nSignature: sig=:" + signature(lines + "\"@signature-params\": " + input) + ":\r\n";
}

TEST(HmacAuth, takes_what_rfc_9421_signs_and_nothing_else) {
  EchoService echo;
  Gateway gateway(config(echo.url()));
  const std::string lines =
      "\"@method\": POST\n\"@target-uri\": http://test/orders/a%20b?x=1&y=%2F\n\"content-type\": text/plain\n";
  const std::string fields =
      "Content-Type: text/plain\r\n" + signed_fields(lines, "\"@method\" \"@target-uri\" \"content-type\"");
  const Response good = gateway.send(request("POST", "/orders/a%20b?x=1&y=%2F", fields, "hello"));
  ASSERT_EQ(good.status, 200) << good.describe();
  const Echo seen(good.body);
  EXPECT_EQ(seen.fields.get("x-consumer-username"), "ada");
  EXPECT_EQ(seen.fields.get("signature"), "");
  EXPECT_EQ(seen.target, "/a%20b?x=1&y=%2F") << "it is what the client sent that was signed";
  expect_refusal(gateway.send(request("PUT", "/orders/a%20b?x=1&y=%2F", fields, "hello")), 401, "unauthenticated");
  expect_refusal(gateway.send(request("POST", "/orders/a%20b?x=2&y=%2F", fields, "hello")), 401, "unauthenticated");
  expect_refusal(gateway.send(request("POST", "/orders/a b?x=1", "", "hello")), 400, "bad_request");
}

TEST(HmacAuth, takes_what_its_readme_signs) {
  EchoService echo;
  Gateway gateway(config(echo.url()));
  const std::string script =
      "date=$(LC_ALL=C date -u +\"%a, %d %b %Y %H:%M:%S GMT\")\n"
      "signature=$(printf 'date: %s\\nGET /old/1 HTTP/1.1' \"$date\" | openssl dgst -sha256 -hmac \"" +
      std::string(kSecret) +
      "\" -binary | base64)\n"
      "curl --silent --write-out '%{http_code}' --output /dev/null -H \"Date: $date\" "
      "-H \"Authorization: hmac username=\\\"ada\\\", algorithm=\\\"hmac-sha256\\\", headers=\\\"date "
      "request-line\\\", signature=\\\"$signature\\\"\" "
      "http://127.0.0.1:" +
      std::to_string(gateway.port()) + "/old/";
  EXPECT_EQ(run_program({"bash", "-c", script + "1"}).out, "200");
  EXPECT_EQ(run_program({"bash", "-c", script + "2"}).out, "401");
}

TEST(HmacAuth, tells_nobody_a_secret) {
  EchoService echo;
  Gateway gateway(config(echo.url()));
  const std::string lines = "\"@method\": GET\n\"@target-uri\": http://test/orders/1\n";
  const std::string fields = signed_fields(lines, "\"@method\" \"@target-uri\"", "eve");
  std::string said = gateway.get("/orders/1", fields).describe();
  for (const std::string& line : gateway.access_log(1)) said += line;
  said += gateway.admin("GET", "/metrics").describe();
  said += run_gatehouse({"print", "--effective", gateway.config_file()}).out;
  said += run_gatehouse({"explain", gateway.config_file(), "/orders/1", "-H", "Signature: sig=:AAAA:"}).out;
  gateway.stop();
  said += gateway.process().err() + gateway.process().out();
  EXPECT_NE(said.find("secret: \"***\""), std::string::npos) << said;
  EXPECT_EQ(said.find(kSecret), std::string::npos);
}

}  // namespace
}  // namespace gatehouse::test
