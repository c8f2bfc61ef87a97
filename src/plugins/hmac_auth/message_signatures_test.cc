#include "plugins/hmac_auth/message_signatures.h"

#include "base/base64.h"
#include "plugins/testing/fixture.h"

namespace gatehouse::plugins::hmac_auth {
namespace {

using ::testing::HasSubstr;
using testing::Request;

constexpr std::int64_t kNow = 1'618'884'473;
constexpr std::string_view kSecret = "a secret of 24 bytes, or so";

/// The request of RFC 9421's examples: POST https://example.com/foo?param=Value&Pet=dog
struct Signed : Request {
  explicit Signed(std::string_view method = "POST") : Request(method) {
    target("/foo", "param=Value&Pet=dog");
    exchange.request.authority = "example.com";
    exchange.https = true;
    header("Date", "Tue, 20 Apr 2021 02:07:55 GMT");
    header("Content-Type", "application/json");
    body(18);
  }
  void target(std::string_view path, std::string_view query_text) {
    query(query_text);
    exchange.request.path = path;
    exchange.request.target = query_text.empty() ? path : exchange.arena.concat(path, "?", query_text);
  }
  /// Signs `lines` (the base without its last line) as `input` says.
  void sign(const std::string& lines, const std::string& input, std::string_view secret = kSecret,
            const std::string& label = "sig") {
    const std::string base = lines + "\"@signature-params\": " + input;
    const HashValue value = HmacKey(HashKind::sha256, secret).sign(base);
    header("Signature-Input", exchange.arena.copy(label + "=" + input));
    header("Signature", exchange.arena.copy(label + "=:" + base64_encode(value.view()) + ":"));
  }
};

struct Keys {
  Keys() {
    credential.id = "ada-1";
    secrets.add("ada", kSecret, credential);
  }
  plugin::Credential credential;
  SecretTable secrets;
};

/// "" where the signature is good, else the fault; "none" where there is none.
std::string check(const Signed& request, const SignatureRules& rules = {}, std::int64_t now = kNow) {
  const Keys keys;
  const Checked checked = check_message_signature(request.exchange, keys.secrets, rules, now);
  if (checked.missing) return "none";
  EXPECT_EQ(checked.credential != nullptr, checked.fault.empty());
  EXPECT_TRUE(checked.credential == nullptr || checked.credential == &keys.credential);
  return std::string(checked.fault);
}

/// What a component's line is, or the fault.
std::string line_of(const Signed& request, const std::string& component) {
  std::span<const Member> members;
  Arena& arena = request.exchange.arena;
  if (!parse_dictionary(arena.copy("s=(" + component + ")"), arena, members)) return "not parsed";
  std::string_view fault;
  const std::string_view base = signature_base(request.exchange, members[0], fault);
  return std::string(fault.empty() ? base.substr(0, base.find('\n')) : fault);
}

const std::string kInput = "(\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"ada\"";
const std::string kLines =
    "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@authority\": example.com\n\"content-type\": application/json\n";

TEST(SignatureBase, is_that_of_rfc_9421_b_2_5) {
  Signed request;
  std::span<const Member> members;
  ASSERT_TRUE(parse_dictionary(
      "sig-b25=(\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test-shared-secret\"",
      request.arena, members));
  std::string_view fault;
  EXPECT_EQ(signature_base(request.exchange, members[0], fault),
            kLines +
                "\"@signature-params\": (\"date\" \"@authority\" \"content-type\");created=1618884473;"
                "keyid=\"test-shared-secret\"");
  EXPECT_EQ(fault, "");
}

TEST(SignatureBase, has_the_derived_components_of_rfc_9421_2_2) {
  Signed request;
  request.target("/path", "param=value");
  request.exchange.request.authority = "WWW.Example.com:443";
  EXPECT_EQ(line_of(request, "\"@method\""), "\"@method\": POST");
  EXPECT_EQ(line_of(request, "\"@target-uri\""), "\"@target-uri\": https://www.example.com/path?param=value");
  EXPECT_EQ(line_of(request, "\"@authority\""), "\"@authority\": www.example.com");
  EXPECT_EQ(line_of(request, "\"@scheme\""), "\"@scheme\": https");
  EXPECT_EQ(line_of(request, "\"@request-target\""), "\"@request-target\": /path?param=value");
  EXPECT_EQ(line_of(request, "\"@path\""), "\"@path\": /path");
  EXPECT_EQ(line_of(request, "\"@query\""), "\"@query\": ?param=value");
  request.exchange.https = false;
  EXPECT_EQ(line_of(request, "\"@authority\""), "\"@authority\": www.example.com:443");
  request.target("/path", "");
  EXPECT_EQ(line_of(request, "\"@query\""), "\"@query\": ?");
  EXPECT_EQ(line_of(request, "\"@target-uri\""), "\"@target-uri\": http://www.example.com:443/path");
}

TEST(SignatureBase, has_query_parameters_as_rfc_9421_2_2_8) {
  Signed request;
  request.target("/path", "param=value&foo=bar&baz=batman&qux=");
  EXPECT_EQ(line_of(request, "\"@query-param\";name=\"baz\""), "\"@query-param\";name=\"baz\": batman");
  EXPECT_EQ(line_of(request, "\"@query-param\";name=\"qux\""), "\"@query-param\";name=\"qux\": ");
  request.target("/parameters",
                 "var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something");
  EXPECT_EQ(line_of(request, "\"@query-param\";name=\"var\""),
            "\"@query-param\";name=\"var\": this%20is%20a%20big%0Amultiline%20value");
  EXPECT_EQ(line_of(request, "\"@query-param\";name=\"bar\""),
            "\"@query-param\";name=\"bar\": with%20plus%20whitespace");
  EXPECT_EQ(line_of(request, "\"@query-param\";name=\"fa%C3%A7ade%22%3A%20\""),
            "\"@query-param\";name=\"fa%C3%A7ade%22%3A%20\": something");
  request.target("/", "a=1&a=2");
  EXPECT_THAT(line_of(request, "\"@query-param\";name=\"a\""), HasSubstr("twice"));
  EXPECT_THAT(line_of(request, "\"@query-param\";name=\"b\""), HasSubstr("not there"));
  EXPECT_THAT(line_of(request, "\"@query-param\""), HasSubstr("needs the parameter"));
}

TEST(SignatureBase, joins_the_lines_of_a_field) {
  Signed request;
  request.header("Cache-Control", "max-age=60");
  request.header("cache-control", "must-revalidate");
  request.header("X-Empty-Header", "");
  EXPECT_EQ(line_of(request, "\"cache-control\""), "\"cache-control\": max-age=60, must-revalidate");
  EXPECT_EQ(line_of(request, "\"x-empty-header\""), "\"x-empty-header\": ");
  EXPECT_EQ(line_of(request, "\"content-length\""), "\"content-length\": 18");
  EXPECT_EQ(line_of(request, "\"host\""), "\"host\": example.com");
}

TEST(SignatureBase, says_what_it_cannot_cover) {
  const Signed request;
  for (const char* parameter : {"sf", "bs", "req", "tr", "key=\"a\""}) {
    const std::string name = std::string(parameter).substr(0, std::string(parameter).find('='));
    EXPECT_EQ(line_of(request, std::string("\"date\";") + parameter),
              "the component parameter \"" + name + "\" is not supported");
  }
  EXPECT_THAT(line_of(request, "\"@status\""), HasSubstr("is not supported"));
  EXPECT_THAT(line_of(request, "\"Date\""), HasSubstr("in lower case"));
  EXPECT_THAT(line_of(request, "\"a b\""), HasSubstr("in lower case"));
  EXPECT_THAT(line_of(request, "\"x-absent\""), HasSubstr("not there"));
  EXPECT_THAT(line_of(request, "\"date\" \"date\""), HasSubstr("twice"));
  EXPECT_THAT(line_of(request, "\"x-forwarded-for\""), HasSubstr("cannot be covered"));
}

TEST(MessageSignature, is_good_if_the_secret_made_it) {
  const SignatureRules rules{.required = {"date"}, .skew_s = 300};
  Signed good;
  good.sign(kLines, kInput);
  EXPECT_EQ(check(good, rules), "");
  Signed other;
  other.sign(kLines, kInput, "another secret");
  EXPECT_EQ(check(other, rules), "the signature is wrong");
  Signed unknown;
  unknown.sign(kLines, "(\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"eve\"", "");
  EXPECT_EQ(check(unknown, rules), "the signature is wrong") << "nobody has the stand-in's secret";
  Signed changed;
  changed.sign(kLines, kInput);
  changed.exchange.request.authority = "example.org";
  EXPECT_EQ(check(changed, rules), "the signature is wrong");
  EXPECT_EQ(check(Signed(), rules), "none");
}

TEST(MessageSignature, covers_what_is_required) {
  Signed request;
  request.sign(kLines, kInput);
  EXPECT_EQ(check(request, {.required = {"@method", "@target-uri"}, .skew_s = 300}),
            "the signature must cover \"@method\"");
  Signed parameter;
  parameter.sign("", "(\"@query-param\";name=\"Pet\");created=1618884473;keyid=\"ada\"");
  EXPECT_EQ(check(parameter, {.required = {"@query-param"}, .skew_s = 300}),
            "the signature must cover \"@query-param\"");
}

TEST(MessageSignature, counts_for_its_time) {
  const auto at = [](const std::string& parameters, std::int64_t now, bool require_created = true) {
    Signed request;
    request.sign("\"@method\": POST\n", "(\"@method\")" + parameters + ";keyid=\"ada\"");
    return check(request, {.required = {}, .skew_s = 300, .require_created = require_created}, now);
  };
  EXPECT_EQ(at(";created=1000", 1300), "");
  EXPECT_EQ(at(";created=1000", 1301), "the signature is too old");
  EXPECT_EQ(at(";created=1000", 700), "");
  EXPECT_EQ(at(";created=1000", 699), "the signature is from the future");
  EXPECT_EQ(at(";created=1000;expires=1000", 1300), "");
  EXPECT_EQ(at(";created=1001;expires=1000", 1301), "the signature has expired");
  EXPECT_EQ(at("", 1000), "the signature needs the time when it was created");
  EXPECT_EQ(at("", 1000, false), "");
  EXPECT_EQ(at(";created=\"1000\"", 1000), "the signature's times must be whole seconds");
  EXPECT_EQ(at(";created=1000;expires=1000.5", 1000), "Signature-Input is not well-formed");
}

TEST(MessageSignature, takes_hmac_sha256_alone) {
  const auto with = [](const std::string& parameters) {
    Signed request;
    request.sign("\"@method\": POST\n", "(\"@method\");created=1618884473" + parameters);
    return check(request);
  };
  EXPECT_EQ(with(";keyid=\"ada\";alg=\"hmac-sha256\";nonce=\"n\";tag=\"t\""), "");
  EXPECT_EQ(with(";keyid=\"ada\";alg=\"ed25519\""), "the signature's algorithm must be hmac-sha256");
  EXPECT_EQ(with(";keyid=\"ada\";alg=hmac-sha256"), "the signature's algorithm must be hmac-sha256");
  EXPECT_EQ(with(""), "the signature needs a keyid");
  EXPECT_EQ(with(";keyid=ada"), "the signature needs a keyid");
  EXPECT_EQ(with(";keyid=\"ada\";nonce=1"), "the signature's nonce and tag must be strings");
}

TEST(MessageSignature, is_the_first_good_one_of_several) {
  const SignatureRules rules{.required = {}, .skew_s = 300};
  const std::string input = "(\"@method\");created=1618884473;keyid=\"ada\"";
  Signed request;
  request.sign("\"@method\": POST\n", input, "another secret", "proxy");
  request.sign("\"@method\": POST\n", input, kSecret, "client");
  EXPECT_EQ(check(request, rules), "");
  Signed many;
  for (const char* label : {"a", "b", "c", "d", "e"}) many.sign("\"@method\": POST\n", input, kSecret, label);
  EXPECT_THAT(check(many, rules), HasSubstr("more than four"));
  Signed twice;
  twice.sign("\"@method\": POST\n", input);
  twice.sign("\"@method\": POST\n", input);
  EXPECT_THAT(check(twice, rules), HasSubstr("not well-formed"));
}

TEST(MessageSignature, needs_both_fields) {
  Signed input;
  input.header("Signature-Input", "a=(\"@method\");created=1618884473;keyid=\"ada\"");
  EXPECT_THAT(check(input), HasSubstr("belong together"));
  input.header("Signature", "b=:AAAA:");
  EXPECT_THAT(check(input), HasSubstr("has no input"));
  Signed bare;
  bare.header("Signature-Input", "a=:AAAA:");
  bare.header("Signature", "a=:AAAA:");
  EXPECT_THAT(check(bare), HasSubstr("has no input"));
  Signed empty;
  empty.header("Signature-Input", "");
  empty.header("Signature", "");
  EXPECT_THAT(check(empty), HasSubstr("not well-formed"));
}

// ---- structured fields ----

std::string parsed(std::string_view text) {
  Arena arena;
  std::span<const Member> members;
  if (!parse_dictionary(text, arena, members)) return "no";
  std::string all;
  for (const Member& member : members) {
    all += std::string(all.empty() ? "" : ", ") + std::string(member.key) + "=";
    all += member.is_list ? std::string(serialise_list(member, arena)) : ":" + base64_encode(member.bytes) + ":";
  }
  return all;
}

TEST(StructuredFields, are_read_and_written) {
  EXPECT_EQ(parsed(""), "");
  EXPECT_EQ(parsed("a=()"), "a=()");
  EXPECT_EQ(parsed("  a=( \"x\"   \"y\";b ),\t b=:AAE=:  "), "a=(\"x\" \"y\";b), b=:AAE=:");
  EXPECT_EQ(parsed("a=(\"q\\\"\\\\\");x=-5;y=?0;z=tok/en:1;b=:AA==:;*s=\"t\";t=?1"),
            "a=(\"q\\\"\\\\\");x=-5;y=?0;z=tok/en:1;b=:AA==:;*s=\"t\";t");
  EXPECT_EQ(parsed("a=(); x=1;  y=2"), "a=();x=1;y=2");
}

TEST(StructuredFields, are_refused_where_they_are_not_well_formed) {
  for (const char* text : {"a",
                           "A=()",
                           "a=",
                           "a=(",
                           "a=(\"x\"",
                           "a=(\"x\"\"y\")",
                           "a=(x)",
                           "a=(1)",
                           "a=\"x\"",
                           "a=1",
                           "a=(),",
                           "a=()b=()",
                           "a=() ;x=1",
                           "a=(),a=()",
                           "a=();x=1;x=2",
                           "a=();X=1",
                           "a=();x=",
                           "a=();x=1.5",
                           "a=();x=-",
                           "a=();x=1234567890123456",
                           "a=();x=?2",
                           "a=:AA:",
                           "a=:AA==",
                           "a=:A A=:",
                           "a=(\"\\a\")",
                           "a=(\"\x7f\")",
                           "a=(\"\xc3\xa9\")",
                           "a=(\"\t\")",
                           "a=(\"x\\",
                           "\ta=()",
                           "a=();x=@1",
                           "a =()"}) {
    EXPECT_EQ(parsed(text), "no") << text;
  }
}

TEST(StructuredFields, have_bounds) {
  const auto list = [](std::size_t items) {
    std::string text = "a=(";
    for (std::size_t i = 0; i < items; ++i) text += "\"x\" ";
    return text + ")";
  };
  EXPECT_NE(parsed(list(kMostItems)), "no");
  EXPECT_EQ(parsed(list(kMostItems + 1)), "no");
  const auto parameters = [](std::size_t count) {
    std::string text = "a=()";
    for (std::size_t i = 0; i < count; ++i) text += ";p" + std::to_string(i);
    return text;
  };
  EXPECT_NE(parsed(parameters(kMostParameters)), "no");
  EXPECT_EQ(parsed(parameters(kMostParameters + 1)), "no");
}

TEST(MessageSignatures, are_those_of_rfc_9421_appendix_b_2_5) {
  constexpr std::string_view kCoded =
      "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
  std::string secret(base64_room(kCoded.size()), '\0');
  secret.resize(base64_decode(kCoded, secret.data()));
  plugin::Credential credential;
  SecretTable secrets;
  secrets.add("test-shared-secret", secret, credential);
  Signed request;
  request.header("Signature-Input",
                 "sig-b25=(\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test-shared-secret\"");
  request.header("Signature", "sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:");
  const Checked checked = check_message_signature(request.exchange, secrets, {}, kNow);
  EXPECT_EQ(checked.credential, &credential) << checked.fault;
}

TEST(MessageSignatures, cover_as_host_where_the_request_goes) {
  Signed request;  // as POST https://example.com/foo would be, whatever its Host says
  request.header("Host", "bank.test");
  request.sign("\"host\": bank.test\n", "(\"host\");created=1618884473;keyid=\"ada\"");
  EXPECT_NE(check(request), "");
  EXPECT_EQ(line_of(request, "\"host\""), "\"host\": example.com");
}

}  // namespace
}  // namespace gatehouse::plugins::hmac_auth
