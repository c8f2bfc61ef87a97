#include "http/h1_parser.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace gatehouse::http {
namespace {

std::string show(const RequestHead& head) {
  std::string text;
  for (std::string_view part : {head.method_text, head.target, head.scheme, head.authority, head.path, head.query}) {
    text += std::string(part) + "|";
  }
  text += std::to_string(static_cast<int>(head.form)) + std::to_string(head.has_query) + std::to_string(head.minor) +
          std::to_string(head.keep_alive) + std::to_string(head.expect_continue) + "|" +
          std::to_string(static_cast<int>(head.framing.kind)) + ":" + std::to_string(head.framing.length);
  for (const Field& field : head.fields) text += "\n" + std::string(field.name) + "=" + std::string(field.value);
  return text;
}

std::string show(const ResponseHead& head) {
  std::string text = std::to_string(head.status) + "|" + std::string(head.reason) + "|" + std::to_string(head.minor) +
                     std::to_string(head.keep_alive) + "|" + std::to_string(static_cast<int>(head.framing.kind)) + ":" +
                     std::to_string(head.framing.length);
  for (const Field& field : head.fields) text += "\n" + std::string(field.name) + "=" + std::string(field.value);
  return text;
}

struct Outcome {
  Parse parse;
  std::string text;  ///< the head, or the reason and why
  bool operator==(const Outcome&) const = default;
};

struct Request {
  explicit Request(std::string text, const HeadLimits& limits = {}) : bytes(std::move(text)), parser(limits) {
    parse = parser.parse(bytes, head);
  }
  std::string bytes;
  Arena arena;
  RequestHead head{arena};
  RequestParser parser;
  Parse parse;
};

/// The verdict when the bytes arrive in the given steps, each time in another buffer of exactly that size, so that
/// AddressSanitizer sees a read beyond it.
Outcome in_steps(const std::string& bytes, const std::vector<std::size_t>& ends, const HeadLimits& limits = {}) {
  Arena arena;
  RequestHead head{arena};
  RequestParser parser(limits);
  Parse parse = Parse::incomplete;
  for (const std::size_t end : ends) {
    const std::vector<char> buffer(bytes.data(), bytes.data() + end);
    parse = parser.parse(std::string_view(buffer.data(), buffer.size()), head);
    if (parse == Parse::complete) return {parse, show(head) + "#" + std::to_string(parser.size())};
    if (parse == Parse::failed) {
      return {parse, std::string(to_string(parser.error().reason)) + ": " + parser.error().detail};
    }
  }
  return {parse, ""};
}

void expect_same_at_every_split(const std::string& bytes, const HeadLimits& limits = {}) {
  const Outcome whole = in_steps(bytes, {bytes.size()}, limits);
  for (std::size_t split = 0; split < bytes.size(); ++split) {
    ASSERT_EQ(in_steps(bytes, {split, bytes.size()}, limits), whole) << "split at " << split << " of:\n" << bytes;
  }
  std::vector<std::size_t> all;
  for (std::size_t end = 0; end <= bytes.size(); ++end) all.push_back(end);
  ASSERT_EQ(in_steps(bytes, all, limits), whole) << "byte by byte:\n" << bytes;
}

std::string get(const std::string& fields) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

TEST(RequestParser, reads_a_plain_request) {
  const Request request(
      "POST /a/b?x=1&y HTTP/1.1\r\nHost: shop.example:8080\r\nUser-Agent:curl\r\nX-A:  v 1 \t\r\nX-Empty:\r\n"
      "content-length: 5\r\n\r\nhello");
  ASSERT_EQ(request.parse, Parse::complete);
  const RequestHead& head = request.head;
  EXPECT_EQ(head.method, Method::post);
  EXPECT_EQ(head.target, "/a/b?x=1&y");
  EXPECT_EQ(head.path, "/a/b");
  EXPECT_EQ(head.query, "x=1&y");
  EXPECT_TRUE(head.has_query);
  EXPECT_EQ(head.authority, "shop.example:8080");
  EXPECT_EQ(head.fields.get(FieldId::user_agent), "curl");
  EXPECT_EQ(head.fields.get("x-a"), "v 1");
  EXPECT_TRUE(head.fields.has("X-EMPTY"));
  EXPECT_EQ(head.fields.get("X-EMPTY"), "");
  EXPECT_EQ(head.framing.kind, Framing::Kind::length);
  EXPECT_EQ(head.framing.length, 5u);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_EQ(request.parser.size(), request.bytes.size() - 5);
}

TEST(RequestParser, keeps_connections_alive_as_version_and_connection_say) {
  struct Case {
    const char* version;
    const char* connection;
    bool keep_alive;
  };
  for (const Case& c : {Case{"1.1", "", true}, Case{"1.1", "Connection: close\r\n", false},
                        Case{"1.1", "Connection: upgrade, CLOSE\r\n", false}, Case{"1.0", "", false},
                        Case{"1.0", "Connection: Keep-Alive\r\n", true}, Case{"1.2", "", true},
                        Case{"1.0", "Connection: keep-alive\r\nConnection: close\r\n", false}}) {
    const Request request(std::string("GET / HTTP/") + c.version + "\r\nHost: a\r\n" + c.connection + "\r\n");
    ASSERT_EQ(request.parse, Parse::complete);
    EXPECT_EQ(request.head.keep_alive, c.keep_alive) << c.version << c.connection;
  }
}

TEST(RequestParser, tells_the_forms_of_the_target) {
  struct Case {
    const char* line;
    TargetForm form;
    const char* authority;
    const char* path;
    const char* query;
  };
  for (const Case& c : {
           Case{"GET /x?", TargetForm::origin, "host", "/x", ""},
           Case{"GET //x//y", TargetForm::origin, "host", "//x//y", ""},
           Case{"OPTIONS *", TargetForm::asterisk, "host", "*", ""},
           Case{"GET http://other:81/p?q", TargetForm::absolute, "other:81", "/p", "q"},
           Case{"GET HTTPS://other", TargetForm::absolute, "other", "/", ""},
           Case{"GET http://[::1]?q", TargetForm::absolute, "[::1]", "/", "q"},
           Case{"OPTIONS http://other", TargetForm::asterisk, "other", "*", ""},
           Case{"OPTIONS http://other/", TargetForm::absolute, "other", "/", ""},
           Case{"CONNECT other:443", TargetForm::authority, "other:443", "", ""},
       }) {
    const Request request(std::string(c.line) + " HTTP/1.1\r\nHost: host\r\n\r\n");
    ASSERT_EQ(request.parse, Parse::complete) << c.line;
    EXPECT_EQ(request.head.form, c.form) << c.line;
    EXPECT_EQ(request.head.authority, c.authority) << c.line;
    EXPECT_EQ(request.head.path, c.path) << c.line;
    EXPECT_EQ(request.head.query, c.query) << c.line;
  }
}

TEST(RequestParser, takes_what_the_grammar_allows) {
  for (const std::string& bytes : {
           std::string("GET / HTTP/1.0\r\n\r\n"),
           std::string("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
           std::string("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
           std::string("GET / HTTP/1.7\r\nHost: a\r\n\r\n"),
           std::string("get / HTTP/1.1\r\nHost: a\r\n\r\n"),
           std::string(32, 'M') + " / HTTP/1.1\r\nHost: a\r\n\r\n",
           get("X: caf\xc3\xa9 \xff\x80\r\n"),
           get("X: a\tb\r\n"),
           get("!#$%&'*+-.^_`|~09azAZ: v\r\n"),
           get("Transfer-Encoding: Chunked\r\n"),
           get("Content-Length: 0\r\n"),
           get("Content-Length: 000000000000000005\r\n"),
           get("Content-Length: 999999999999999999\r\n"),
           get("Expect: something-else\r\n"),
           std::string("GET / HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n"),
           std::string("GET / HTTP/1.1\r\nHost: a:\r\n\r\n"),
           std::string("GET /a|b\"<>{}^`[] HTTP/1.1\r\nHost: a\r\n\r\n"),
       }) {
    const Request request(bytes);
    EXPECT_EQ(request.parse, Parse::complete) << bytes << request.parser.error().detail;
    expect_same_at_every_split(bytes);
  }
}

TEST(RequestParser, refuses_what_could_be_read_in_two_ways) {
  const std::string host = "Host: a\r\n";
  std::vector<std::string> bad{
      get("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
      get("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
      get("Content-Length: 5\r\nContent-Length: 5\r\n"),
      get("Content-Length: 5\r\nContent-Length: 6\r\n"),
      get("Transfer-Encoding: gzip\r\n"),
      get("Transfer-Encoding: gzip, chunked\r\n"),
      get("Transfer-Encoding: chunked, chunked\r\n"),
      get("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
      get("Transfer-Encoding: identity\r\n"),
      get("Transfer-Encoding:\r\n"),
      get("Transfer-Encoding: xchunked\r\n"),
      get("Transfer-Encoding: chunked;a=b\r\n"),
      get("Transfer-Encoding: \vchunked\r\n"),
      get("Transfer-Encoding\r\n : chunked\r\n"),
      "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
      get("X: a\r\n folded\r\n"),
      get("X: a\r\n\tfolded\r\n"),
      " GET / HTTP/1.1\r\n" + host + "\r\n",
      "GET / HTTP/1.1\r\n " + host + "\r\n",
      "GET / HTTP/1.1\n" + host + "\r\n",
      "GET / HTTP/1.1\r\nHost: a\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\n\n",
      "GET / HTTP/1.1\r" + host + "\r\n",
      "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n",
      get("X : a\r\n"),
      get("X\t: a\r\n"),
      get(": a\r\n"),
      get("NoColon\r\n"),
      get("Bad[Name: a\r\n"),
      get("B\xc3\xa4"
          "d: a\r\n"),
      get(std::string("X: a\0b\r\n", 8)),
      get("X: a\x01\r\n"),
      get("X: a\x7f\r\n"),
      get("Host: a\r\n"),
      get("Host: b\r\n"),
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost:\r\n\r\n",
      "GET / HTTP/1.0\r\nHost: \r\n\r\n",
      "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",
      "\r\n\r\n\r\nGET / HTTP/1.1\r\n" + host + "\r\n",
      std::string(33, 'M') + " / HTTP/1.1\r\n" + host + "\r\n",
      get("Content-Length: \r\n"),
  };
  for (const char* length :
       {"+5", "-5", "5,5", "5, 5", "0x5", "5 5", "5a", "\"5\"", "1e3", "5.0", "18446744073709551621"}) {
    bad.push_back(get(std::string("Content-Length: ") + length + "\r\n"));
  }
  for (const char* line : {"GET  / HTTP/1.1",
                           "GET /  HTTP/1.1",
                           "GET / HTTP/1.1 ",
                           "GET\t/ HTTP/1.1",
                           "GET / HTTP/2.0",
                           "GET / HTTP/0.9",
                           "GET / HTTP/9.9",
                           "GET / HTTP/1",
                           "GET / HTTP/1.",
                           "GET / HTTP/1.10",
                           "GET / HTTP/01.1",
                           "GET / http/1.1",
                           "GET / HTTP/ 1.1",
                           "GET / HTTPS/1.1",
                           "GET /",
                           "GET HTTP/1.1",
                           "GET",
                           "G@T / HTTP/1.1",
                           "GET x HTTP/1.1",
                           "GET /a#b HTTP/1.1",
                           "GET /a\x01 HTTP/1.1",
                           "GET /a\x7f HTTP/1.1",
                           "GET /caf\xc3\xa9 HTTP/1.1",
                           "GET * HTTP/1.1",
                           "POST * HTTP/1.1",
                           "OPTIONS ** HTTP/1.1",
                           "GET a:80 HTTP/1.1",
                           "CONNECT / HTTP/1.1",
                           "CONNECT a HTTP/1.1",
                           "CONNECT a: HTTP/1.1",
                           "CONNECT u@a:1 HTTP/1.1",
                           "CONNECT http://a:1/ HTTP/1.1",
                           "GET http:// HTTP/1.1",
                           "GET http:///x HTTP/1.1",
                           "GET http://u@a/ HTTP/1.1",
                           "GET ftp://a/ HTTP/1.1",
                           "GET http:/a HTTP/1.1",
                           "GET http://a:99999/ HTTP/1.1",
                           "GET ?x HTTP/1.1"}) {
    bad.push_back(std::string(line) + "\r\n" + host + "\r\n");
  }
  for (const std::string& bytes : bad) {
    const Request request(bytes);
    EXPECT_EQ(request.parse, Parse::failed) << bytes;
    if (request.parse != Parse::failed) continue;
    EXPECT_EQ(request.parser.error().reason, Reason::bad_request) << bytes;
    EXPECT_EQ(request.parser.error().source, Source::downstream);
    EXPECT_STRNE(request.parser.error().detail, "");
    expect_same_at_every_split(bytes);
  }
}

TEST(RequestParser, expects_continue_only_of_http_1_1) {
  EXPECT_TRUE(Request(get("Expect: 100-Continue\r\n")).head.expect_continue);
  EXPECT_FALSE(Request(get("Expect: 200-ok\r\n")).head.expect_continue);
  EXPECT_FALSE(Request("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").head.expect_continue);
}

TEST(RequestParser, the_request_line_may_be_as_long_as_its_limit) {
  const HeadLimits limits{.start_line = 40};
  const std::string line = "GET /" + std::string(40 - 5 - 9, 'a') + " HTTP/1.1";
  ASSERT_EQ(line.size(), 40u);
  const std::string rest = "\r\nHost: a\r\n\r\n";
  EXPECT_EQ(Request(line + rest, limits).parse, Parse::complete);
  EXPECT_EQ(Request("\r\n" + line + rest, limits).parse, Parse::complete);
  expect_same_at_every_split("\r\n" + line + rest, limits);
  const std::string longer = "GET /" + std::string(40 - 4 - 9, 'a') + " HTTP/1.1" + rest;
  const Request refused(longer, limits);
  ASSERT_EQ(refused.parse, Parse::failed);
  EXPECT_EQ(refused.parser.error().reason, Reason::uri_too_long);
  expect_same_at_every_split(longer, limits);
  expect_same_at_every_split("\r\n\r\n" + longer, limits);
}

TEST(RequestParser, refuses_a_long_target_before_its_line_has_ended) {
  const HeadLimits limits{.start_line = 40};
  EXPECT_EQ(Request("GET /" + std::string(35, 'a'), limits).parse, Parse::incomplete);
  EXPECT_EQ(Request("GET /" + std::string(35, 'a') + "\r", limits).parse, Parse::failed);
  const Request refused("GET /" + std::string(36, 'a'), limits);
  ASSERT_EQ(refused.parse, Parse::failed);
  EXPECT_EQ(refused.parser.error().reason, Reason::uri_too_long);
}

TEST(RequestParser, the_fields_may_be_as_large_as_their_limit) {
  const HeadLimits limits{.fields_bytes = 100};
  const std::string start = "GET / HTTP/1.1\r\n";
  const std::string host = "Host: a\r\n";
  auto with = [&](std::size_t size) {
    return start + host + "X: " + std::string(size - host.size() - 5, 'v') + "\r\n\r\n";
  };
  EXPECT_EQ(Request(with(100), limits).parse, Parse::complete);
  expect_same_at_every_split(with(100), limits);
  for (std::size_t size : {101u, 102u, 150u}) {
    const Request refused(with(size), limits);
    ASSERT_EQ(refused.parse, Parse::failed);
    EXPECT_EQ(refused.parser.error().reason, Reason::head_too_large);
    expect_same_at_every_split(with(size), limits);
  }
  const Request unfinished(start + host + std::string(95, 'n'), limits);
  EXPECT_EQ(unfinished.parse, Parse::failed) << "known before the line has ended";
}

TEST(RequestParser, there_may_be_as_many_fields_as_the_limit) {
  const HeadLimits limits{.fields_count = 3};
  EXPECT_EQ(Request(get("A: 1\r\nB: 2\r\n"), limits).parse, Parse::complete);
  expect_same_at_every_split(get("A: 1\r\nB: 2\r\n"), limits);
  const Request refused(get("A: 1\r\nB: 2\r\nC: 3\r\n"), limits);
  ASSERT_EQ(refused.parse, Parse::failed);
  EXPECT_EQ(refused.parser.error().reason, Reason::head_too_large);
  expect_same_at_every_split(get("A: 1\r\nB: 2\r\nC: 3\r\n"), limits);
}

TEST(RequestParser, of_two_passed_limits_the_same_is_told_however_the_bytes_arrive) {
  const HeadLimits limits{.fields_bytes = 30, .fields_count = 2};
  expect_same_at_every_split(get("A: 1\r\nB: 2, and so on beyond the limit\r\n"), limits);
}

TEST(RequestParser, an_error_before_a_limit_is_told_as_that_error) {
  const HeadLimits limits{.start_line = 40, .fields_bytes = 60};
  for (const std::string& bytes :
       {"GET\t/" + std::string(100, 'a') + " HTTP/1.1\r\n\r\n", "GET /" + std::string(31, 'a') + " FTTP/1.1\r\n\r\n",
        get("X : " + std::string(100, 'a') + "\r\n"), get("X: " + std::string(100, 'a') + "\x01\r\n")}) {
    expect_same_at_every_split(bytes, limits);
  }
}

TEST(RequestParser, leaves_the_next_request_alone) {
  const std::string first = get("X: y\r\n");
  const Request request(first + "GET /next HTTP/1.1\r\n");
  EXPECT_EQ(request.parse, Parse::complete);
  EXPECT_EQ(request.parser.size(), first.size());
}

TEST(RequestParser, can_be_used_again) {
  Arena arena;
  RequestHead head{arena};
  RequestParser parser({});
  const std::string first = get("X: y\r\n");
  ASSERT_EQ(parser.parse(first, head), Parse::complete);
  parser.reset();
  ASSERT_EQ(parser.parse("GET /z HTTP/1.0\r\n\r\n", head), Parse::complete);
  EXPECT_EQ(head.path, "/z");
  EXPECT_EQ(head.authority, "");
  EXPECT_EQ(head.fields.size(), 0u);
}

struct Response {
  explicit Response(std::string text, Method request = Method::get) : bytes(std::move(text)) {
    parse = parser.parse(bytes, request, head);
  }
  std::string bytes;
  Arena arena;
  ResponseHead head{arena};
  ResponseParser parser{kUpstreamHeadLimits};
  Parse parse;
};

void expect_same_response_at_every_split(const std::string& bytes) {
  const Response whole(bytes);
  for (std::size_t split = 0; split < bytes.size(); ++split) {
    Arena arena;
    ResponseHead head{arena};
    ResponseParser parser(kUpstreamHeadLimits);
    const std::vector<char> part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(split));
    Parse parse = parser.parse(std::string_view(part.data(), part.size()), Method::get, head);
    if (parse == Parse::incomplete) parse = parser.parse(bytes, Method::get, head);
    ASSERT_EQ(parse, whole.parse) << bytes << " at " << split;
    if (parse == Parse::complete) {
      ASSERT_EQ(show(head), show(whole.head)) << bytes;
    } else if (parse == Parse::failed) {
      ASSERT_STREQ(parser.error().detail, whole.parser.error().detail) << bytes;
    }
  }
}

TEST(ResponseParser, reads_a_plain_response) {
  const Response response("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nServer: x\r\n\r\nabc");
  ASSERT_EQ(response.parse, Parse::complete);
  EXPECT_EQ(response.head.status, 200);
  EXPECT_EQ(response.head.reason, "OK");
  EXPECT_EQ(response.head.framing.kind, Framing::Kind::length);
  EXPECT_EQ(response.head.framing.length, 3u);
  EXPECT_TRUE(response.head.keep_alive);
  EXPECT_EQ(response.parser.size(), response.bytes.size() - 3);
}

TEST(ResponseParser, takes_any_reason_phrase_and_none) {
  for (const auto& [line, reason] : {std::pair{"HTTP/1.1 200", ""}, std::pair{"HTTP/1.1 200 ", ""},
                                     std::pair{"HTTP/1.0 404 Not  Found\tat all \xe9", "Not  Found\tat all \xe9"},
                                     std::pair{"HTTP/1.1 999 x", "x"}}) {
    const Response response(std::string(line) + "\r\nContent-Length: 0\r\n\r\n");
    ASSERT_EQ(response.parse, Parse::complete) << line;
    EXPECT_EQ(response.head.reason, reason);
    expect_same_response_at_every_split(response.bytes);
  }
}

TEST(ResponseParser, finds_the_end_of_the_body) {
  using enum Framing::Kind;
  struct Case {
    const char* status;
    const char* fields;
    Method request;
    Framing::Kind kind;
    bool keep_alive;
  };
  for (const Case& c : {
           Case{"1.1 200", "", Method::get, until_close, false},
           Case{"1.1 200", "Transfer-Encoding: chunked\r\n", Method::get, chunked, true},
           Case{"1.1 200", "Content-Length: 9\r\n", Method::head, none, true},
           Case{"1.1 200", "Transfer-Encoding: chunked\r\n", Method::head, none, true},
           Case{"1.1 204", "", Method::get, none, true},
           Case{"1.1 304", "Content-Length: 9\r\n", Method::get, none, true},
           Case{"1.1 100", "", Method::post, none, true},
           Case{"1.1 101", "Connection: upgrade\r\n", Method::get, none, true},
           Case{"1.1 200", "", Method::connect, none, true},
           Case{"1.1 403", "Content-Length: 9\r\n", Method::connect, length, true},
           Case{"1.0 200", "Content-Length: 9\r\n", Method::get, length, false},
           Case{"1.0 200", "Content-Length: 9\r\nConnection: keep-alive\r\n", Method::get, length, true},
           Case{"1.1 200", "Content-Length: 9\r\nConnection: close\r\n", Method::get, length, false},
       }) {
    const Response response(std::string("HTTP/") + c.status + " x\r\n" + c.fields + "\r\n", c.request);
    ASSERT_EQ(response.parse, Parse::complete) << c.status << c.fields;
    EXPECT_EQ(response.head.framing.kind, c.kind) << c.status << c.fields;
    EXPECT_EQ(response.head.keep_alive, c.keep_alive) << c.status << c.fields;
  }
}

TEST(ResponseParser, refuses_what_could_be_read_in_two_ways) {
  std::vector<std::string> bad;
  for (const char* line : {"HTTP/1.1  200 OK", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 099 OK",
                           "HTTP/1.1 2x0 OK", "HTTP/1.1\t200 OK", "HTTP/2.0 200 OK", "http/1.1 200 OK",
                           "HTTP/1.1 200\tOK", "HTTP/1.1 200 O\x01K", "HTTP/1.1200 OK", " HTTP/1.1 200 OK", "HTTP/1.1",
                           "HTTP/1.1 ", "ICY 200 OK", "HTTP/1.1 +20 OK", "HTTP/1.1 200 O\rK"}) {
    bad.push_back(std::string(line) + "\r\n\r\n");
  }
  bad.push_back("\r\nHTTP/1.1 200 OK\r\n\r\n");
  bad.push_back("HTTP/1.1 200 OK\n\r\n");
  for (const char* fields :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length: 5, 5\r\n", "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: chunked, gzip\r\n", "Transfer-Encoding: gzip, chunked\r\n", "X: a\r\n b\r\n", "X : a\r\n",
        "X: a\nY: b\r\n", "Content-Length: -1\r\n"}) {
    bad.push_back(std::string("HTTP/1.1 200 OK\r\n") + fields + "\r\n");
  }
  bad.push_back("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (const std::string& bytes : bad) {
    const Response response(bytes);
    EXPECT_EQ(response.parse, Parse::failed) << bytes;
    EXPECT_EQ(response.parser.error().reason, Reason::upstream_protocol) << bytes;
    EXPECT_EQ(response.parser.error().source, Source::upstream);
    expect_same_response_at_every_split(bytes);
  }
}

}  // namespace
}  // namespace gatehouse::http
