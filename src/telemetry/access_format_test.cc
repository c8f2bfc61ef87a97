#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/testing/counted_new.h"
#include "telemetry/access_log.h"
#include "telemetry/secret_names.h"

namespace gatehouse::telemetry {
namespace {

using counted_new::allocations;

using testing::HasSubstr;

AccessRecord sample() {
  AccessRecord r;
  r.time_us = 1'767'323'045'678'901;  // 2026-01-02T03:04:05.678901Z
  r.request_id = "4f1c";
  r.trace_id = "00aa";
  r.client_ip = *IpAddress::parse("203.0.113.9");
  r.method = "GET";
  r.host = "shop.example";
  r.path = "/orders/7?page=2";
  r.protocol = "HTTP/1.1";
  r.status = 200;
  r.route = "orders";
  r.service = "orders-svc";
  r.target = "10.0.0.7:8080";
  r.consumer = "alice";
  r.bytes_in = 0;
  r.bytes_out = 512;
  r.duration_us = 12'345;
  r.upstream_us = 11'007;
  r.tries = 1;
  return r;
}

std::string line(const AccessFormat& format, const AccessRecord& record) {
  std::string out(kAccessBlock, '?');
  out.resize(format.write(record, out.data(), out.size()));
  return out;
}
std::string line(std::string_view format, const AccessRecord& record) {
  std::string error;
  const auto made = make_access_format(format, error);
  EXPECT_NE(nullptr, made) << error;
  return made != nullptr ? line(*made, record) : "";
}
std::string refusal(std::string_view format) {
  std::string error;
  EXPECT_EQ(nullptr, make_access_format(format, error));
  return error;
}

/// Reads one JSON value by RFC 8259 and requires valid UTF-8 without control characters; a checker of its own, so that
/// the writer is not its own judge. Gives the members' raw texts.
class JsonObject {
 public:
  explicit JsonObject(std::string_view text) : rest_(text) { valid_ = object() && rest_ == "\n"; }
  bool valid() const { return valid_; }
  std::vector<std::string> names;
  std::vector<std::string> values;

 private:
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool string(std::string& out) {
    if (!take('"')) return false;
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\') {
        if (rest_.size() < 2) return false;
        const std::size_t size = rest_[1] == 'u' ? 6 : 2;
        if (std::string_view("\"\\/bfnrtu").find(rest_[1]) == std::string_view::npos || rest_.size() < size)
          return false;
        for (std::size_t i = 2; i < size; ++i) {
          if (!std::isxdigit(static_cast<unsigned char>(rest_[i]))) return false;
        }
        out += rest_.substr(0, size);
        rest_.remove_prefix(size);
        continue;
      }
      const auto byte = static_cast<unsigned char>(rest_.front());
      if (byte < 0x20 || byte == 0x7f) return false;
      const std::size_t size = byte < 0x80 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      if ((byte >= 0x80 && byte < 0xc2) || byte > 0xf4 || rest_.size() < size) return false;
      for (std::size_t i = 1; i < size; ++i) {
        if ((static_cast<unsigned char>(rest_[i]) & 0xc0) != 0x80) return false;
      }
      out += rest_.substr(0, size);
      rest_.remove_prefix(size);
    }
    return take('"');
  }
  bool value(std::string& out) {
    if (!rest_.empty() && rest_.front() == '"') return string(out);
    const std::size_t end = rest_.find_first_not_of("0123456789.nul");
    out = rest_.substr(0, end);
    rest_.remove_prefix(out.size());
    return !out.empty();
  }
  bool object() {
    if (!take('{')) return false;
    do {
      if (!string(names.emplace_back()) || !take(':') || !value(values.emplace_back())) return false;
    } while (take(','));
    return take('}');
  }
  std::string_view rest_;
  bool valid_ = false;
};

TEST(AccessFormat, has_the_claims_that_were_asked_for) {
  const LoggedClaim claims[] = {{"sub", "ada \"the\" first"}, {"realm.tenant", "acme"}};
  AccessRecord record = sample();
  record.claims = claims;
  EXPECT_THAT(line("json", record),
              ::testing::EndsWith(R"(,"claims":{"sub":"ada \"the\" first","realm.tenant":"acme"}})"
                                  "\n"));
  EXPECT_EQ(line("$status $claims", record), "200 sub=ada \\x22the\\x22 first,realm.tenant=acme\n");
  EXPECT_EQ(line("$claims", sample()), "-\n");
}

TEST(AccessJson, has_every_field_in_the_documented_order) {
  EXPECT_EQ(
      R"({"ts":"2026-01-02T03:04:05.678Z","request_id":"4f1c","trace_id":"00aa","client_ip":"203.0.113.9",)"
      R"("method":"GET","host":"shop.example","path":"/orders/7?page=2","protocol":"HTTP/1.1","status":200,"reason":"",)"
      R"("route":"orders","service":"orders-svc","target":"10.0.0.7:8080","consumer":"alice","bytes_in":0,)"
      R"("bytes_out":512,"duration_ms":12.345,"upstream_ms":11.007,"tries":1})"
      "\n",
      line("json", sample()));
}

TEST(AccessJson, keeps_the_fields_of_an_empty_record) {
  AccessRecord record;
  record.upstream_us = std::numeric_limits<std::uint64_t>::max();
  const std::string text = line("json", record);
  const JsonObject object(text);
  EXPECT_TRUE(object.valid()) << text;
  EXPECT_EQ(19u, object.names.size());
  EXPECT_THAT(text, HasSubstr("\"client_ip\":\"\""));
  EXPECT_THAT(text, HasSubstr("\"ts\":\"1970-01-01T00:00:00.000Z\""));
  EXPECT_THAT(text, HasSubstr("\"upstream_ms\":null"));
  EXPECT_THAT(text, HasSubstr("\"duration_ms\":0.000"));
}

TEST(AccessJson, writes_the_time_of_each_record_when_seconds_go_forth_and_back) {
  AccessRecord record = sample();
  std::string error;
  const auto format = make_access_format("json", error);
  record.time_us = 951'782'399'999'999;  // the second before 29 February 2000
  EXPECT_THAT(line(*format, record), HasSubstr("2000-02-28T23:59:59.999Z"));
  record.time_us += 1;
  EXPECT_THAT(line(*format, record), HasSubstr("2000-02-29T00:00:00.000Z"));
  record.time_us -= 1;
  EXPECT_THAT(line(*format, record), HasSubstr("2000-02-28T23:59:59.999Z"));
}

TEST(AccessJson, writes_addresses_of_both_families_as_they_are_written_everywhere) {
  AccessRecord record = sample();
  for (const char* text : {"0.0.0.1", "10.0.200.30", "255.255.255.255", "2001:db8::1", "::1"}) {
    record.client_ip = *IpAddress::parse(text);
    EXPECT_EQ(text, record.client_ip.text());
    EXPECT_THAT(line("json", record), HasSubstr("\"client_ip\":\"" + std::string(text) + "\""));
  }
}

TEST(AccessJson, escapes_what_would_break_the_string_or_the_line) {
  AccessRecord record = sample();
  record.host = "a\"b\\c\nd\re\tf\x01g\x7fh";
  EXPECT_THAT(line("json", record), HasSubstr(R"("host":"a\"b\\c\nd\re\tf\u0001g\u007fh")"));
  record.host = "\xc2\x85|\xe2\x80\xa8|\xe2\x80\xa9";
  EXPECT_THAT(line("json", record), HasSubstr(R"("host":"\u0085|\u2028|\u2029")"));
}

TEST(AccessJson, keeps_utf8_and_replaces_what_is_not) {
  AccessRecord record = sample();
  record.consumer = "J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x90\x8e";
  EXPECT_THAT(line("json", record), HasSubstr("\"consumer\":\"J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x90\x8e\""));
  // A lone continuation, an overlong slash, a surrogate, above U+10FFFF, a sequence cut off.
  for (const char* bad : {"\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xff"}) {
    record.consumer = bad;
    const std::string text = line("json", record);
    std::string expected = "\"consumer\":\"";
    for (std::size_t i = 0; i < std::string_view(bad).size(); ++i) expected += "\\ufffd";
    EXPECT_THAT(text, HasSubstr(expected + "\"")) << text;
  }
}

TEST(AccessJson, is_valid_for_any_bytes_and_any_length) {
  std::string error;
  const auto format = make_access_format("json", error);
  std::mt19937 random(7);
  for (int round = 0; round < 3000; ++round) {
    std::string text(random() % 40, '\0');
    for (char& c : text) c = static_cast<char>(round % 2 == 0 ? random() : 0x20 + random() % 0x60);
    AccessRecord record = sample();
    record.path = record.host = record.consumer = record.route = text;
    const std::string out = line(*format, record);
    ASSERT_TRUE(JsonObject(out).valid()) << testing::PrintToString(out);
  }
}

TEST(AccessJson, writes_all_or_nothing) {
  std::string error;
  const auto format = make_access_format("json", error);
  AccessRecord record = sample();
  record.host = "quote\" and \xff";
  const std::string whole = line(*format, record);
  for (std::size_t size = 0; size <= whole.size() + 1; ++size) {
    std::string to(size + 8, '#');
    const std::size_t written = format->write(record, to.data(), size);
    EXPECT_EQ(size < whole.size() ? 0 : whole.size(), written) << size;
    EXPECT_EQ("########", to.substr(size)) << "wrote past the end";
  }
}

TEST(AccessJson, masks_credentials_in_the_query) {
  AccessRecord record = sample();
  record.path = "/o?page=2&api_key=abc&x=1&Token=t;password=p&code=";
  EXPECT_THAT(line("json", record), HasSubstr("\"path\":\"/o?page=2&api_key=***&x=1&Token=***&code=\""));
  record.path = "/o?%61pi%5Fkey=abc&a=b";
  EXPECT_THAT(line("json", record), HasSubstr("\"path\":\"/o?%61pi%5Fkey=***&a=b\""));
  record.path = "/token/key=abc?keyboard=1&tokens=2&api_key";
  EXPECT_THAT(line("json", record), HasSubstr("\"path\":\"/token/key=abc?keyboard=1&tokens=2&api_key\""));
  record.path = "/o?user[password]=x&token[]=y&jwt=a=b=c";
  EXPECT_THAT(line("json", record), HasSubstr("\"path\":\"/o?user[password]=***&token[]=***&jwt=***\""));
  record.path = "http://alice:pw@shop.example/o?sig=1";
  EXPECT_THAT(line("json", record), HasSubstr("\"path\":\"http://***@shop.example/o?sig=***\""));
  record.path = "alice:pw@shop.example/?to=http://x";
  EXPECT_THAT(line("json", record), HasSubstr("\"path\":\"***@shop.example/?to=http://x\""));
}

TEST(AccessJson, masks_every_name_of_the_list_in_any_case) {
  const SecretNames secrets;
  for (const char* name :
       {"api_key", "apikey", "key", "access_token", "token", "password", "secret", "signature", "sig", "code",
        "client_secret", "refresh_token", "id_token", "auth", "jwt", "X-API-Key", "X-Amz-Signature"}) {
    EXPECT_TRUE(secrets.secret(name)) << name;
    std::string upper = name;
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    EXPECT_TRUE(secrets.secret(upper)) << upper;
  }
  for (const char* name : {"", "page", "monkey", "keys", "code2", "author", "%zz", "%", "[]"}) {
    EXPECT_FALSE(secrets.secret(name)) << name;
  }
  EXPECT_FALSE(secrets.secret(std::string(5000, 'k')));
}

TEST(AccessJson, masks_names_that_the_configuration_adds) {
  std::string error;
  const std::vector<std::string> names{"Partner-Id"};
  const auto format = make_access_format("json", error, names);
  AccessRecord record = sample();
  record.path = "/?partner-id=1&partner=2";
  EXPECT_THAT(line(*format, record), HasSubstr("\"/?partner-id=***&partner=2\""));
}

TEST(AccessTemplate, fills_fields_into_text) {
  EXPECT_EQ("203.0.113.9 - 4f1c [2026-01-02T03:04:05.678Z] \"GET /orders/7?page=2 HTTP/1.1\" 200\n",
            line("$client_ip - $request_id [$ts] \"$method $path $protocol\" $status", sample()));
  EXPECT_EQ("12.345ms 11.007 $5 GETs 1\n", line("${duration_ms}ms $upstream_ms $$5 ${method}s $tries", sample()));
}

TEST(AccessTemplate, knows_every_field_of_the_json_form) {
  for (const std::string& name : JsonObject(line("json", sample())).names) {
    EXPECT_NE("\n", line("$" + name, sample())) << name;
  }
}

TEST(AccessTemplate, writes_a_dash_where_there_is_nothing) {
  AccessRecord record;
  record.upstream_us = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ("- - - - - 0 0.000\n",
            line("$client_ip $reason $path $consumer $upstream_ms $bytes_in $duration_ms", record));
}

TEST(AccessTemplate, lets_no_value_forge_a_line_or_close_a_quote) {
  AccessRecord record = sample();
  record.consumer = "eve\" 200\n10.0.0.1 \\ \x1b[0m\x7f\xff\xc2\x9b\xc3\xbc";
  EXPECT_EQ("\"eve\\x22 200\\x0a10.0.0.1 \\x5c \\x1b[0m\\x7f\\xff\\xc2\\x9b\xc3\xbc\"\n",
            line("\"$consumer\"", record));
}

TEST(AccessTemplate, masks_credentials_too) {
  AccessRecord record = sample();
  record.path = "/?token=abc";
  EXPECT_EQ("/?token=***\n", line("$path", record));
}

TEST(AccessTemplate, refuses_an_unknown_field_and_suggests_the_nearest) {
  EXPECT_EQ("unknown field $clientip in the access log format, did you mean $client_ip?", refusal("$clientip $status"));
  EXPECT_THAT(refusal("$remote_addr_of_the_peer"), HasSubstr("there are $ts, $request_id,"));
}

TEST(AccessTemplate, refuses_what_cannot_be_meant) {
  EXPECT_EQ("the access log format must be json or a text with fields such as $status, got \"jsn\"", refusal("jsn"));
  EXPECT_THAT(refusal(""), HasSubstr("must be json or a text"));
  EXPECT_THAT(refusal("$status\n"), HasSubstr("one line without control characters, byte 7 is 0x0a"));
  EXPECT_THAT(refusal("100$ $status"), HasSubstr("$ at byte 3"));
  EXPECT_THAT(refusal("${status"), HasSubstr("$ at byte 0"));
}

TEST(AccessLog, formats_and_buffers_records_without_allocating) {
  if (!counted_new::kCounts) GTEST_SKIP() << "allocations are counted in plain builds only";
  std::string error;
  const auto sink = open_access_sink("/dev/null", error);
  ASSERT_NE(nullptr, sink) << error;
  for (const char* text : {"json", "$client_ip [$ts] \"$method $path\" $status $duration_ms"}) {
    AccessBuffer buffer;
    buffer.use(sink, make_access_format(text, error));
    AccessRecord record = sample();
    record.path = "/o?api_key=abc&%74oken=\xff";
    buffer.append(record, TimePoint{});
    const std::size_t before = allocations;
    for (int i = 0; i < 2000; ++i) {
      record.time_us += 1000;
      buffer.append(record, TimePoint{});
    }
    EXPECT_EQ(before, allocations) << text;
  }
}

}  // namespace
}  // namespace gatehouse::telemetry
