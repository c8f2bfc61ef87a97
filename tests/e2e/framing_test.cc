#include "e2e/fixtures.h"

namespace gatehouse::test {
namespace {

struct Shape {
  const char* what;
  std::string bytes;
};

std::string post(std::string_view fields, std::string_view rest) {
  return "POST / HTTP/1.1\r\nHost: test\r\n" + std::string(fields) + "\r\n" + std::string(rest);
}

/// Messages whose length or end two readers could see differently.
const std::vector<Shape>& smuggling_shapes() {
  static const std::string inner = "GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n";
  static const std::vector<Shape> shapes{
      {"both length and chunked", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + inner)},
      {"chunked and length", post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n" + inner)},
      {"two different lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello" + inner)},
      {"a list of different lengths", post("Content-Length: 5, 6\r\n", "hello" + inner)},
      {"a length with a sign", post("Content-Length: +5\r\n", "hello" + inner)},
      {"a negative length", post("Content-Length: -1\r\n", inner)},
      {"a hexadecimal length", post("Content-Length: 0x5\r\n", "hello" + inner)},
      {"a length with a space inside", post("Content-Length: 1 0\r\n", "helloworld")},
      {"a length beyond 64 bits", post("Content-Length: 18446744073709551621\r\n", "hello" + inner)},
      {"an empty length", post("Content-Length: \r\n", "hello" + inner)},
      {"a space before the colon of the length", post("Content-Length : 5\r\n", "hello" + inner)},
      {"a space before the colon of chunked", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n" + inner)},
      {"chunked twice", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n" + inner)},
      {"chunked in two fields",
       post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + inner)},
      {"chunked not last", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n" + inner)},
      {"an unknown coding", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n" + inner)},
      {"a coding with a vertical tab", post("Transfer-Encoding: \x0b"
                                            "chunked\r\n",
                                            "0\r\n\r\n" + inner)},
      {"a quoted coding", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n" + inner)},
      {"a folded coding", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n" + inner)},
      {"a folded length", post("Content-Length:\r\n 5\r\n", "hello" + inner)},
      {"chunked in HTTP/1.0",
       "POST / HTTP/1.0\r\nHost: test\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
           inner},
      {"a NUL in a value", post(std::string("X-A: a\0b\r\n", 10), inner)},
      {"a bare CR in a value", post("X-A: a\rTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + inner)},
      {"a bare LF ends a field", post("X-A: a\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + inner)},
      {"a name with a NUL", post(std::string("X\0A: a\r\n", 8), inner)},
      {"a name with high bytes", post("X-\xc3\xa9: a\r\n", inner)},
      {"a field without a colon", post("Content-Length 5\r\n", "hello" + inner)},
      {"a folded first field", "POST / HTTP/1.1\r\n Host: test\r\n\r\n" + inner},
      {"two hosts", "GET / HTTP/1.1\r\nHost: test\r\nHost: other\r\n\r\n" + inner},
      {"no host", "GET / HTTP/1.1\r\n\r\n" + inner},
      {"a space in the target", "GET /a b HTTP/1.1\r\nHost: test\r\n\r\n" + inner},
      {"a tab between method and target", "GET\t/ HTTP/1.1\r\nHost: test\r\n\r\n" + inner},
      {"a control character in the target", "GET /\x01 HTTP/1.1\r\nHost: test\r\n\r\n" + inner},
      {"a NUL in the target", std::string("GET /\0 HTTP/1.1\r\nHost: test\r\n\r\n", 31) + inner},
      {"an escaped NUL in the path", "GET /%00 HTTP/1.1\r\nHost: test\r\n\r\n" + inner},
      {"a bad escape in the path", "GET /%zz HTTP/1.1\r\nHost: test\r\n\r\n" + inner},
      {"a raw backslash in the path", "GET /a\\b HTTP/1.1\r\nHost: test\r\n\r\n" + inner},
      {"a path above the root", "GET /../etc/passwd HTTP/1.1\r\nHost: test\r\n\r\n" + inner},
      {"an escaped path above the root", "GET /a/%2e%2e/%2e%2e/x HTTP/1.1\r\nHost: test\r\n\r\n" + inner},
  };
  return shapes;
}

TEST(Framing, refuses_what_could_be_read_two_ways_and_shows_the_service_nothing) {
  EchoGateway peer;
  for (const Shape& shape : smuggling_shapes()) {
    SCOPED_TRACE(shape.what);
    RawClient client = peer.gateway.connect();
    client.send(shape.bytes);
    Response response = client.read_response();
    expect_refusal(response, response.status == 501 ? 501 : 400, "bad_request");
    End end = client.wait_end();
    EXPECT_TRUE(end == End::eof || end == End::reset) << name(end);
    EXPECT_TRUE(client.buffered().empty()) << "a second answer on the connection: " << client.buffered();
  }
  EXPECT_EQ(peer.echo.requests(), 0U);
}

/// Bodies that go wrong after a good head. The service may have seen the beginning, never a whole message, and never
/// the request behind it.
const std::vector<Shape>& broken_bodies() {
  static const std::string inner = "GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n";
  static const std::string fields = "Transfer-Encoding: chunked\r\n";
  static const std::vector<Shape> shapes{
      {"a size that is no number", post(fields, "zz\r\nhello\r\n0\r\n\r\n" + inner)},
      {"an empty size", post(fields, "\r\nhello\r\n0\r\n\r\n" + inner)},
      {"a size with a sign", post(fields, "+5\r\nhello\r\n0\r\n\r\n" + inner)},
      {"a negative size", post(fields, "-5\r\nhello\r\n0\r\n\r\n" + inner)},
      {"a size with 0x", post(fields, "0x5\r\nhello\r\n0\r\n\r\n" + inner)},
      {"a size beyond 64 bits", post(fields, "10000000000000005\r\nhello\r\n0\r\n\r\n" + inner)},
      {"a bare LF after the size", post(fields, "5\nhello\r\n0\r\n\r\n" + inner)},
      {"a bare CR after the size", post(fields, "5\rhello\r\n0\r\n\r\n" + inner)},
      {"a bare LF in an extension", post(fields, "5;a\nb\r\nhello\r\n0\r\n\r\n" + inner)},
      {"data longer than its size", post(fields, "5\r\nhelloX\r\n0\r\n\r\n" + inner)},
      {"no CRLF after the data", post(fields, "5\r\nhello0\r\n\r\n" + inner)},
      {"a bare LF after the data", post(fields, "5\r\nhello\n0\r\n\r\n" + inner)},
      {"a trailer without a colon", post(fields, "0\r\nbroken\r\n\r\n" + inner)},
      {"a folded trailer", post(fields, "0\r\nX-A: b\r\n c\r\n\r\n" + inner)},
      {"a trailer with a bare LF", post(fields, "0\r\nX-A: b\n\r\n" + inner)},
  };
  return shapes;
}

TEST(Framing, refuses_broken_chunks_and_never_completes_the_message) {
  std::atomic<int> whole = 0, smuggled = 0;
  HttpService service([&](ServiceExchange& exchange) {
    if (exchange.head().target != "/") ++smuggled;
    exchange.read_whole_body();
    if (!exchange.body_complete()) return;
    ++whole;
    exchange.respond(200, "whole");
  });
  Gateway gateway(forward_all(service.url()));
  for (const Shape& shape : broken_bodies()) {
    SCOPED_TRACE(shape.what);
    RawClient client = gateway.connect();
    client.send(shape.bytes);
    Response response = client.read_response();
    EXPECT_TRUE(response.status == 400 || response.status == 0) << response.describe();
    End end = client.wait_end();
    EXPECT_TRUE(end == End::eof || end == End::reset) << name(end);
    EXPECT_TRUE(client.buffered().empty()) << client.buffered();
  }
  EXPECT_EQ(whole, 0);
  EXPECT_EQ(smuggled, 0);
}

TEST(Framing, takes_equal_lengths_given_twice_as_one_or_refuses_them) {
  EchoGateway peer;
  for (const char* fields : {"Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length: 5, 5\r\n"}) {
    Response response = peer.gateway.send(post(fields, "hello"));
    if (response.status == 400) continue;  // both are right (RFC 9112, 6.3)
    ASSERT_EQ(response.status, 200) << response.describe();
    EXPECT_EQ(Echo(response.body).fields.all("content-length"), std::vector<std::string>{"5"});
  }
}

TEST(Framing, does_not_let_an_upgrade_that_the_service_refuses_hide_a_request) {
  EchoGateway peer;
  RawClient client = peer.gateway.connect();
  client.send(request("GET", "/first",
                      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n") +
              request("GET", "/second"));
  EXPECT_EQ(client.read_response().status, 200);
  Response second = client.read_response();
  if (second.status == 200)
    EXPECT_EQ(Echo(second.body).target, "/second");
  else
    EXPECT_EQ(client.end(), End::eof);
}

}  // namespace
}  // namespace gatehouse::test
