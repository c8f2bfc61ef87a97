#include "plugins/hmac_auth/kong_signature.h"

#include "base/base64.h"
#include "plugins/testing/fixture.h"

namespace gatehouse::plugins::hmac_auth {
namespace {

using ::testing::HasSubstr;
using testing::Request;

constexpr std::int64_t kNow = 1'498'143'154;  // Thu, 22 Jun 2017 14:52:34 GMT
constexpr std::string_view kDate = "Thu, 22 Jun 2017 14:52:34 GMT";
constexpr std::string_view kSecret = "a secret of 24 bytes, or so";

struct Signed : Request {
  Signed() {
    exchange.request.path = exchange.request.target = "/requests";
    exchange.request.authority = "hmac.com";
    exchange.request.query = {};
    header("Date", kDate);
  }
  void sign(const std::string& headers, const std::string& text, const std::string& algorithm = "hmac-sha256",
            HashKind kind = HashKind::sha256, const std::string& place = "Authorization") {
    const HashValue value = HmacKey(kind, kSecret).sign(text);
    header(exchange.arena.copy(place),
           exchange.arena.copy("hmac username=\"alice123\", algorithm=\"" + algorithm + "\", headers=\"" + headers +
                               "\", signature=\"" + base64_encode(value.view()) + "\""));
  }
};

std::string check(const Signed& request, std::vector<std::string> required = {}, std::int64_t now = kNow) {
  plugin::Credential credential;
  SecretTable secrets;
  secrets.add("alice123", kSecret, credential);
  const KongRules rules{.algorithms = {false, true, true, true}, .required = std::move(required), .skew_s = 300};
  const Checked checked = check_kong_signature(request.exchange, secrets, rules, now);
  if (checked.missing) return "none";
  EXPECT_EQ(checked.credential != nullptr, checked.fault.empty());
  return std::string(checked.fault);
}

const std::string kText = "date: Thu, 22 Jun 2017 14:52:34 GMT\nGET /requests HTTP/1.1";

TEST(KongSignature, is_good_as_kongs_documents_make_it) {
  Signed request;
  request.sign("date request-line", kText);
  EXPECT_EQ(check(request), "");
  EXPECT_EQ(check(request, {"date", "request-line"}), "");
  EXPECT_EQ(check(request, {"host"}), "the signature must cover \"host\"");
  Signed target;
  target.sign("date @request-target host",
              "date: Thu, 22 Jun 2017 14:52:34 GMT\n@request-target: get /requests\nhost: hmac.com");
  EXPECT_EQ(check(target), "");
  Signed proxy;
  proxy.sign("date request-line", kText, "hmac-sha256", HashKind::sha256, "Proxy-Authorization");
  EXPECT_EQ(check(proxy), "");
  EXPECT_EQ(check(Signed()), "none");
}

TEST(KongSignature, takes_the_algorithms_that_are_allowed) {
  for (const auto& [name, kind] : {std::pair("hmac-sha384", HashKind::sha384), {"hmac-sha512", HashKind::sha512}}) {
    Signed request;
    request.sign("date request-line", kText, name, kind);
    EXPECT_EQ(check(request), "") << name;
  }
  Signed weak;
  weak.sign("date request-line", kText, "hmac-sha1", HashKind::sha1);
  EXPECT_EQ(check(weak), "the signature's algorithm is not allowed");
  Signed other;
  other.sign("date request-line", kText, "hmac-sha384");
  EXPECT_EQ(check(other), "the signature is wrong");
}

TEST(KongSignature, is_wrong_where_anything_is_changed) {
  Signed path;
  path.sign("date request-line", kText);
  path.exchange.request.target = "/request";
  EXPECT_EQ(check(path), "the signature is wrong");
  Signed other;
  other.header("Authorization",
               "hmac username=\"bob\", algorithm=\"hmac-sha256\", headers=\"date\", signature=\"AAAA\"");
  EXPECT_EQ(check(other), "the signature is wrong");
}

TEST(KongSignature, must_cover_a_date_near_now) {
  Signed request;
  request.sign("date request-line", kText);
  EXPECT_EQ(check(request, {}, kNow + 300), "");
  EXPECT_EQ(check(request, {}, kNow - 300), "");
  EXPECT_EQ(check(request, {}, kNow + 301), "the date is too far from now");
  EXPECT_EQ(check(request, {}, kNow - 301), "the date is too far from now");
  Signed uncovered;
  uncovered.sign("request-line", "GET /requests HTTP/1.1");
  EXPECT_EQ(check(uncovered), "the signature must cover the date");
  Signed two;
  two.header("X-Date", "Thu, 22 Jun 2017 14:52:34 GMT");
  two.sign("date request-line", kText);
  EXPECT_EQ(check(two), "the signature must cover the date") << "x-date counts before date";
  Signed none;
  none.exchange.request.fields.clear();
  none.sign("request-line", "GET /requests HTTP/1.1");
  EXPECT_EQ(check(none), "a date or x-date header is needed");
}

TEST(KongSignature, is_read_strictly) {
  const auto with = [](std::string_view value) {
    Signed request;
    request.header("Authorization", value);
    return check(request);
  };
  EXPECT_EQ(with("Basic YTpi"), "none");
  EXPECT_EQ(with("hmacs username=\"a\""), "none");
  const std::string good = "username=\"a\", algorithm=\"hmac-sha256\", headers=\"date\", signature=\"AAAA\"";
  EXPECT_EQ(with("HMAC  " + good), "the signature is wrong");
  for (const std::string& value :
       {std::string("hmac"), std::string("hmac "), "hmac " + good + ",", "hmac " + good + " x",
        good.substr(0, 0) + "hmac username=a",
        std::string("hmac username=\"a\", headers=\"date\", algorithm=\"hmac-sha256\", signature=\"AAAA\""),
        std::string("hmac username=\"a\", algorithm=\"hmac-sha256\", headers=\"date\", signature=\"AAA\""),
        std::string("hmac username=\"\", algorithm=\"hmac-sha256\", headers=\"date\", signature=\"AAAA\"")}) {
    EXPECT_EQ(with(value), "the signature's header is not well-formed") << value;
  }
  Signed absent;
  absent.sign("date x-absent", "date: Thu, 22 Jun 2017 14:52:34 GMT\nx-absent:");
  EXPECT_EQ(check(absent), "a header that the signature covers is not there");
  Signed twice;
  twice.sign("date request-line", kText);
  twice.sign("date request-line", kText, "hmac-sha256", HashKind::sha256, "Proxy-Authorization");
  EXPECT_EQ(check(twice), "there is more than one signature");
}

TEST(HttpDate, is_read_in_its_one_form) {
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), 784'111'777);
  EXPECT_EQ(parse_http_date(kDate), kNow);
  EXPECT_EQ(parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
  EXPECT_EQ(parse_http_date("Thu, 29 Feb 2024 00:00:00 GMT"), 1'709'164'800);
  for (const char* text :
       {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 nov 1994 08:49:37 GMT",
        "Wed, 29 Feb 2023 00:00:00 GMT", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT "}) {
    EXPECT_EQ(parse_http_date(text), std::nullopt) << text;
  }
}

TEST(KongSignature, covers_as_host_where_the_request_goes) {
  Signed other;
  other.header("Host", "bank.test");
  other.sign("date host", "date: Thu, 22 Jun 2017 14:52:34 GMT\nhost: bank.test");
  EXPECT_NE(check(other), "");
  Signed same;
  same.header("Host", "bank.test");
  same.sign("date host", "date: Thu, 22 Jun 2017 14:52:34 GMT\nhost: hmac.com");
  EXPECT_EQ(check(same), "");
}

}  // namespace
}  // namespace gatehouse::plugins::hmac_auth
