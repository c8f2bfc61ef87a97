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
         "request-line}}]}\n"
         "  - {path: \"/bodies/*\", service: orders, plugins: [{name: hmac-auth, config: {validate_body: true, "
         "body_limit: 100KiB}}]}\n"
         "  - {path: \"/old-bodies/*\", service: orders, plugins: [{name: hmac-auth, config: {scheme: kong, "
         "validate_body: true}}]}\n";
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

std::string sha256_base64(const std::string& text) {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), bytes, &size, EVP_sha256(), nullptr);
  char base64[EVP_MAX_MD_SIZE * 2];
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64), bytes, static_cast<int>(size));
  return base64;
}

/// The fields of a POST to /bodies/1 whose body is `body`.
std::string covering(const std::string& body) {
  const std::string digest = "sha-256=:" + sha256_base64(body) + ":";
  return "Content-Digest: " + digest + "\r\n" +
         signed_fields("\"@method\": POST\n\"@target-uri\": http://test/bodies/1\n\"content-digest\": " + digest + "\n",
                       "\"@method\" \"@target-uri\" \"content-digest\"");
}

TEST(HmacAuth, holds_a_body_back_until_it_is_the_one_that_was_signed) {
  EchoService echo;
  Gateway gateway(config(echo.url()));
  const Response good = gateway.send(request("POST", "/bodies/1", covering("hello"), "hello"));
  ASSERT_EQ(good.status, 200) << good.describe();
  EXPECT_EQ(Echo(good.body).body, "hello");
  const std::string large(90'000, 'x');
  EXPECT_EQ(Echo(gateway.send(request("POST", "/bodies/1", covering(large), large)).body).length, large.size());
  const std::uint64_t asked = echo.requests();
  expect_refusal(gateway.send(request("POST", "/bodies/1", covering("hello"), "hellp")), 401, "unauthenticated");
  expect_refusal(gateway.send(request("POST", "/bodies/1", covering("hello"), "hello ")), 401, "unauthenticated");
  expect_refusal(
      gateway.send(request("POST", "/bodies/1", covering(std::string(102'401, 'x')), std::string(102'401, 'x'))), 413,
      "body_too_large");
  const std::string uncovered =
      signed_fields("\"@method\": POST\n\"@target-uri\": http://test/bodies/1\n", "\"@method\" \"@target-uri\"");
  expect_refusal(gateway.send(request("POST", "/bodies/1", uncovered, "hello")), 401, "unauthenticated");
  EXPECT_EQ(echo.requests(), asked) << "no service was asked";
  EXPECT_EQ(gateway.send(request("POST", "/bodies/1", uncovered)).status, 200) << "there is no body to cover";
}

TEST(HmacAuth, puts_a_body_together_that_comes_in_parts) {
  EchoService echo;
  Gateway gateway(config(echo.url()));
  const std::string head = "POST /bodies/1 HTTP/1.1\r\nHost: test\r\n";
  RawClient chunked = gateway.connect();
  chunked.send(head + "Transfer-Encoding: chunked\r\n" + covering("hello, world") + "\r\n");
  for (const char* part : {"5\r\nhello\r\n", "2\r\n, \r\n", "5\r\nworld\r\n", "0\r\n\r\n"}) {
    gateway.process().pause(Millis(20));
    chunked.send(part);
  }
  const Response whole = chunked.read_response();
  ASSERT_EQ(whole.status, 200) << whole.describe();
  EXPECT_EQ(Echo(whole.body).body, "hello, world");
  RawClient endless = gateway.connect();
  endless.send(head + "Transfer-Encoding: chunked\r\n" + covering("") + "\r\n19001\r\n" + std::string(0x19001, 'x') +
               "\r\n");
  EXPECT_EQ(endless.read_response().status, 413);

  RawClient waits = gateway.connect();
  waits.send(head + "Content-Length: 5\r\nExpect: 100-continue\r\n" + covering("hello") + "\r\n");
  EXPECT_EQ(waits.read_head().status, 100);
  waits.send("hello");
  const Response after = waits.read_response();
  ASSERT_EQ(after.status, 200) << after.describe();
  EXPECT_EQ(Echo(after.body).body, "hello");
  // A refusal leaves the connection as it was.
  waits.send(request("POST", "/bodies/1", covering("hello"), "other"));
  EXPECT_EQ(waits.read_response().status, 401);
  waits.send(request("POST", "/bodies/1", covering("hello"), "hello"));
  EXPECT_EQ(waits.read_response().status, 200);
}

TEST(HmacAuth, checks_bodies_by_kongs_scheme) {
  EchoService echo;
  Gateway gateway(config(echo.url()));
  char date[64];
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  std::strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", ::gmtime_r(&now, &parts));
  const auto fields = [&](const std::string& body, const std::string& headers) {
    const std::string digest = "SHA-256=" + sha256_base64(body);
    std::string text = "date: " + std::string(date) + "\nPOST /old-bodies/1 HTTP/1.1";
    if (headers.ends_with("digest")) text += "\ndigest: " + digest;
    return "Date: " + std::string(date) + "\r\nDigest: " + digest +
           "\r\nAuthorization: hmac username=\"ada\", algorithm=\"hmac-sha256\", headers=\"" + headers +
           "\", signature=\"" + signature(text) + "\"\r\n";
  };
  const auto status = [&](const std::string& given, const std::string& body) {
    return gateway.send(request("POST", "/old-bodies/1", given, body)).status;
  };
  EXPECT_EQ(status(fields("hello", "date request-line digest"), "hello"), 200);
  EXPECT_EQ(status(fields("hello", "date request-line digest"), "hellp"), 401);
  EXPECT_EQ(status(fields("hello", "date request-line"), "hello"), 401) << "a digest that anybody could change";
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
