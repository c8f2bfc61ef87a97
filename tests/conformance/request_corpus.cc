#include "conformance/request_corpus.h"

#include <cstdint>
#include <string_view>

namespace gatehouse::test {
namespace {

using namespace std::string_literals;

const std::string kHost = "Host: shop.test\r\n";
const std::string kNext = "GET /next HTTP/1.1\r\nHost: shop.test\r\n\r\n";

std::string get(const std::string& fields) {
  return "GET / HTTP/1.1\r\n" + kHost + fields + "\r\n";
}
std::string post(const std::string& fields, const std::string& body = "") {
  return "POST /in HTTP/1.1\r\n" + kHost + fields + "\r\n" + body;
}
std::string chunked(const std::string& body) {
  return post("Transfer-Encoding: chunked\r\n", body);
}
std::string line(const std::string& start) {
  return start + "\r\n" + kHost + "\r\n";
}
std::string with_length(const std::string& value) {
  return post("Content-Length: " + value + "\r\n", "hello");
}
std::string with_coding(const std::string& field) {
  return post(field + "\r\n", "5\r\nhello\r\n0\r\n\r\n");
}
std::string with_host(const std::string& host) {
  return "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
}

/// What every parser must take: the mutations start from these.
std::vector<Sample> well_formed() {
  return {
      {"get", get("")},
      {"get with a query", line("GET /a/b?c=d&e=%20 HTTP/1.1")},
      {"head", line("HEAD /a HTTP/1.1")},
      {"delete", line("DELETE /a HTTP/1.1")},
      {"options for all", line("OPTIONS * HTTP/1.1")},
      {"absolute form", line("GET http://shop.test/a?b HTTP/1.1")},
      {"one point zero", "GET /old HTTP/1.0\r\n\r\n"},
      {"post", post("Content-Length: 5\r\n", "hello")},
      {"post of nothing", post("Content-Length: 0\r\n")},
      {"post without a body", post("")},
      {"chunked", chunked("5\r\nhello\r\n0\r\n\r\n")},
      {"chunked, two chunks", chunked("3\r\nhel\r\nA\r\nlo, world!\r\n0\r\n\r\n")},
      {"chunked, nothing", chunked("0\r\n\r\n")},
      {"chunk extension", chunked("5;name=value\r\nhello\r\n0;last\r\n\r\n")},
      {"trailer", chunked("5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n")},
      {"two gets", get("") + kNext},
      {"post, get", post("Content-Length: 5\r\n", "hello") + kNext},
      {"chunked, get", chunked("5\r\nhello\r\n0\r\n\r\n") + kNext},
      {"many fields",
       get("Accept: */*\r\nUser-Agent: a (b; c)\r\nCookie: a=b; c=d\r\nX-Empty:\r\nX-Space: \t a b \t\r\n")},
      {"keep alive", get("Connection: keep-alive\r\n")},
      {"close", get("Connection: close\r\n")},
      {"expect", post("Expect: 100-continue\r\nContent-Length: 5\r\n", "hello")},
  };
}

void add_start_lines(std::vector<Sample>& to) {
  to.insert(to.end(), {
                          {"no version", line("GET /")},
                          {"version 1.2", line("GET / HTTP/1.2")},
                          {"version 1.9", line("GET / HTTP/1.9")},
                          {"version 2.0", line("GET / HTTP/2.0")},
                          {"version 0.9", line("GET / HTTP/0.9")},
                          {"version 1.10", line("GET / HTTP/1.10")},
                          {"version with zeros", line("GET / HTTP/01.1")},
                          {"version in lower case", line("GET / http/1.1")},
                          {"version of another protocol", line("GET / HTTPS/1.1")},
                          {"version with a tail", line("GET / HTTP/1.1x")},
                          {"space behind the version", line("GET / HTTP/1.1 ")},
                          {"two spaces before the target", line("GET  / HTTP/1.1")},
                          {"two spaces before the version", line("GET /  HTTP/1.1")},
                          {"tab before the target", line("GET\t/ HTTP/1.1")},
                          {"tab before the version", line("GET /\tHTTP/1.1")},
                          {"form feed before the version", line("GET /\fHTTP/1.1")},
                          {"space before the method", line(" GET / HTTP/1.1")},
                          {"space in the target", line("GET /a b HTTP/1.1")},
                          {"no target", line("GET HTTP/1.1")},
                          {"no method", line("/ HTTP/1.1")},
                          {"method in lower case", line("get / HTTP/1.1")},
                          {"method that nobody knows", line("FROBNICATE / HTTP/1.1")},
                          {"method with a slash", line("GE/T / HTTP/1.1")},
                          {"method with a colon", line("GET: / HTTP/1.1")},
                          {"method with a high byte", line("G\xc3\x8bT / HTTP/1.1")},
                          {"target without a slash", line("GET a HTTP/1.1")},
                          {"target that is a star", line("GET * HTTP/1.1")},
                          {"target with a fragment", line("GET /a#b HTTP/1.1")},
                          {"target with a high byte", line("GET /\xc3\xab HTTP/1.1")},
                          {"target with a control", line("GET /\x01 HTTP/1.1")},
                          {"target with NUL", line("GET /\0 HTTP/1.1"s)},
                          {"target with DEL", line("GET /\x7f HTTP/1.1")},
                          {"target with a quote", line("GET /\"<>^`{|} HTTP/1.1")},
                          {"target with a backslash", line("GET /a\\b HTTP/1.1")},
                          {"absolute with a user", line("GET http://user@shop.test/ HTTP/1.1")},
                          {"absolute without a host", line("GET http:///a HTTP/1.1")},
                          {"absolute of another scheme", line("GET ftp://shop.test/ HTTP/1.1")},
                          {"absolute with a bad port", line("GET http://shop.test:x/ HTTP/1.1")},
                          {"network path", line("GET //shop.test/a HTTP/1.1")},
                          {"empty line in front", "\r\n" + get("")},
                          {"two empty lines in front", "\r\n\r\n" + get("")},
                          {"bare LF in front", "\n" + get("")},
                          {"bare CR in front", "\r" + get("")},
                          {"bare LF behind the start line", "GET / HTTP/1.1\n" + kHost + "\r\n"},
                          {"bare CR behind the start line", "GET / HTTP/1.1\r" + kHost + "\r\n"},
                          {"a response", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
                          {"preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
                      });
}

void add_fields(std::vector<Sample>& to) {
  const std::vector<Sample> fields{
      {"space before the colon", "X : a\r\n"},
      {"tab before the colon", "X\t: a\r\n"},
      {"space in a name", "X Y: a\r\n"},
      {"no colon", "nothing\r\n"},
      {"empty name", ": a\r\n"},
      {"high byte in a name", "X\xc3: a\r\n"},
      {"quote in a name", "\"X\": a\r\n"},
      {"NUL in a name", "X\0: a\r\n"s},
      {"NUL in a value", "X: a\0b\r\n"s},
      {"control in a value",
       "X: a\x01"
       "b\r\n"},
      {"vertical tab in a value", "X: a\vb\r\n"},
      {"DEL in a value",
       "X: a\x7f"
       "b\r\n"},
      {"high bytes in a value", "X: \xc3\xab\xff\r\n"},
      {"bare CR in a value", "X: a\rb\r\n"},
      {"CR CR LF", "X: a\r\r\n"},
      {"bare LF", "X: a\nY: b\r\n"},
      {"folded value", "X: a\r\n b\r\n"},
      {"folded with a tab", "X: a\r\n\tb\r\n"},
      {"folded, empty", "X: a\r\n \r\n"},
      {"no space behind the colon", "X:a\r\n"},
      {"many spaces", "X:   \t a   \t\r\n"},
      {"two colons", "X:: a\r\n"},
  };
  for (const Sample& field : fields) {
    to.push_back({field.name, get(field.bytes)});
    to.push_back({field.name + ", as the first", "GET / HTTP/1.1\r\n" + field.bytes + kHost + "\r\n"});
    to.push_back({field.name + ", before the length", post(field.bytes + "Content-Length: 5\r\n", "hello") + kNext});
  }
  to.insert(to.end(), {
                          {"space before the first field", "GET / HTTP/1.1\r\n X: a\r\n" + kHost + "\r\n"},
                          {"no Host", "GET / HTTP/1.1\r\n\r\n"},
                          {"two Hosts", get("Host: other.test\r\n")},
                          {"the same Host twice", get(kHost)},
                          {"two Hosts in one", with_host("a.test, b.test")},
                          {"empty Host", with_host("")},
                          {"Host with a user", with_host("user@shop.test")},
                          {"Host with a path", with_host("shop.test/a")},
                          {"Host with a space", with_host("shop.test other")},
                          {"Host with a bad port", with_host("shop.test:abc")},
                          {"Host with two ports", with_host("shop.test:80:80")},
                          {"Host that is IPv6", with_host("[2001:db8::1]:80")},
                          {"Host that is half IPv6", with_host("[2001:db8::1")},
                          {"Host with a space before the colon", "GET / HTTP/1.1\r\nHost : shop.test\r\n\r\n"},
                          {"bytes behind a close", get("Connection: close\r\n") + kNext},
                          {"close in a list", get("Connection: foo, close\r\n") + kNext},
                          {"close in another case", get("Connection: CLOSE\r\n") + kNext},
                          {"close and keep-alive", get("Connection: close, keep-alive\r\n") + kNext},
                          {"two of 1.0", "GET / HTTP/1.0\r\n\r\n" + kNext},
                          {"two of 1.0, kept alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + kNext},
                          {"upgrade, then a request", get("Connection: upgrade\r\nUpgrade: other\r\n") + kNext},
                          {"expectation that nobody knows", post("Expect: tea\r\nContent-Length: 5\r\n", "hello")},
                      });
}

void add_lengths(std::vector<Sample>& to) {
  const std::vector<std::string> values{"5, 5",
                                        "5,6",
                                        "5,",
                                        ",5",
                                        "+5",
                                        "-5",
                                        "5.0",
                                        "0x5",
                                        "5x",
                                        "5 5",
                                        "",
                                        "05",
                                        "0005",
                                        "\"5\"",
                                        "5;a",
                                        "5e0",
                                        "five",
                                        "5\t",
                                        " 5",
                                        "5\v",
                                        "\xd9\xa5",
                                        "18446744073709551621",
                                        "9223372036854775808",
                                        "99999999999999999999999",
                                        "00000000000000000000005"};
  for (const std::string& value : values) to.push_back({"length [" + value + "]", with_length(value) + kNext});
  to.insert(to.end(),
            {
                {"length twice, the same", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello") + kNext},
                {"length twice, another", post("Content-Length: 5\r\nContent-Length: 0\r\n", "hello") + kNext},
                {"length with a space before the colon", post("Content-Length : 5\r\n", "hello") + kNext},
                {"length with an underscore", post("Content_Length: 5\r\n") + kNext},
                {"length folded", post("Content-Length:\r\n 5\r\n", "hello") + kNext},
                {"length in 1.0", "POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello"},
                {"length of a get", get("Content-Length: 5\r\n") + "hello" + kNext},
                {"body shorter than its length", post("Content-Length: 9\r\n", "hello")},
                {"body longer than its length", post("Content-Length: 3\r\n", "hello")},
                {"length before chunked", with_coding("Content-Length: 5\r\nTransfer-Encoding: chunked")},
                {"length behind chunked", with_coding("Transfer-Encoding: chunked\r\nContent-Length: 5")},
                {"length of nothing and chunked", with_coding("Content-Length: 0\r\nTransfer-Encoding: chunked")},
            });
}

void add_codings(std::vector<Sample>& to) {
  const std::vector<std::string> values{"CHUNKED",
                                        "chunked, chunked",
                                        "gzip, chunked",
                                        "chunked, gzip",
                                        "identity",
                                        "gzip",
                                        "xchunked",
                                        "chunkedx",
                                        "\"chunked\"",
                                        "chunked;q=1",
                                        "chunked,",
                                        ",chunked",
                                        "identity, chunked",
                                        "chunked, identity",
                                        "chunked\v",
                                        "\vchunked",
                                        "",
                                        "chunk\xc3\xa9"
                                        "d",
                                        "chunked \t",
                                        "chu nked"};
  for (const std::string& value : values) {
    to.push_back({"coding [" + value + "]", with_coding("Transfer-Encoding: " + value) + kNext});
  }
  to.insert(
      to.end(),
      {
          {"coding twice", with_coding("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked") + kNext},
          {"coding twice, one other", with_coding("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked") + kNext},
          {"coding twice, chunked first", with_coding("Transfer-Encoding: chunked\r\nTransfer-Encoding: x") + kNext},
          {"coding with a space before the colon", with_coding("Transfer-Encoding : chunked") + kNext},
          {"coding with an underscore", with_coding("Transfer_Encoding: chunked")},
          {"coding without a space", with_coding("Transfer-Encoding:chunked") + kNext},
          {"coding folded", with_coding("Transfer-Encoding:\r\n chunked") + kNext},
          {"coding in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
          {"coding of a get", get("Transfer-Encoding: chunked\r\n") + "5\r\nhello\r\n0\r\n\r\n" + kNext},
      });
}

void add_chunks(std::vector<Sample>& to) {
  const std::vector<std::string> sizes{"05",
                                       "0000000000000005",
                                       "00000000000000000005",
                                       "0x5",
                                       "+5",
                                       "-5",
                                       " 5",
                                       "5 ",
                                       "5\t",
                                       "5 ;a",
                                       "5;",
                                       "5;a=\"b\"",
                                       "5; a = b",
                                       "5;\"a",
                                       "5;a\tb",
                                       "5;\x01",
                                       "5;a\nb",
                                       "5;a\rb",
                                       "g",
                                       "",
                                       "5_0",
                                       "5.0",
                                       "5,5",
                                       "5\v",
                                       "FFFFFFFFFFFFFFFF",
                                       "10000000000000005",
                                       "fffffffffffffffff"};
  for (const std::string& size : sizes) {
    to.push_back({"chunk size [" + size + "]", chunked(size + "\r\nhello\r\n0\r\n\r\n") + kNext});
  }
  to.insert(to.end(),
            {
                {"chunk size, bare LF", chunked("5\nhello\r\n0\r\n\r\n") + kNext},
                {"chunk size, bare CR", chunked("5\rhello\r\n0\r\n\r\n") + kNext},
                {"chunk size, CR CR LF", chunked("5\r\r\nhello\r\n0\r\n\r\n") + kNext},
                {"chunk, bare LF behind", chunked("5\r\nhello\n0\r\n\r\n") + kNext},
                {"chunk, nothing behind", chunked("5\r\nhello0\r\n\r\n") + kNext},
                {"chunk, bare CR behind", chunked("5\r\nhello\r0\r\n\r\n") + kNext},
                {"chunk longer than its size", chunked("3\r\nhello\r\n0\r\n\r\n") + kNext},
                {"chunk shorter than its size", chunked("7\r\nhello\r\n0\r\n\r\n") + kNext},
                {"last chunk of many zeros", chunked("5\r\nhello\r\n000\r\n\r\n") + kNext},
                {"no last chunk", chunked("5\r\nhello\r\n")},
                {"bare LF at the end", chunked("5\r\nhello\r\n0\r\n\n") + kNext},
                {"bare LF behind the last chunk", chunked("5\r\nhello\r\n0\n\r\n") + kNext},
                {"bare LFs at the end", chunked("5\r\nhello\r\n0\n\n") + kNext},
                {"no empty line at the end", chunked("5\r\nhello\r\n0\r\n") + kNext},
                {"trailer with a length", chunked("5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n") + kNext},
                {"trailer with a coding", chunked("5\r\nhello\r\n0\r\nTransfer-Encoding: x\r\n\r\n") + kNext},
                {"trailer with a Host", chunked("5\r\nhello\r\n0\r\nHost: b\r\n\r\n") + kNext},
                {"trailer without a colon", chunked("5\r\nhello\r\n0\r\nnothing\r\n\r\n") + kNext},
                {"trailer with a space before the colon", chunked("5\r\nhello\r\n0\r\nX : a\r\n\r\n") + kNext},
                {"trailer folded", chunked("5\r\nhello\r\n0\r\nX: a\r\n b\r\n\r\n") + kNext},
                {"trailer with a bare LF", chunked("5\r\nhello\r\n0\r\nX: a\n\r\n") + kNext},
                {"trailer with NUL", chunked("5\r\nhello\r\n0\r\nX: \0\r\n\r\n"s) + kNext},
                {"trailers, two", chunked("5\r\nhello\r\n0\r\nX: a\r\nY: b\r\n\r\n") + kNext},
            });
}

/// The same numbers on every machine.
class Random {
 public:
  std::size_t below(std::size_t limit) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<std::size_t>(state_ % limit);
  }

 private:
  std::uint64_t state_ = 0x67617465686f7573;
};

constexpr std::string_view kTelling("\r\n\t \0:;,/09afgX\x0b\x7f\x80+-.\"%#", 24);

Sample mutate(const Sample& sample, Random& random) {
  std::string bytes = sample.bytes;
  const std::size_t at = random.below(bytes.size());
  const char byte = kTelling[random.below(kTelling.size())];
  const char* what = "";
  switch (random.below(7)) {
    case 0:
      what = "delete a byte";
      bytes.erase(at, 1);
      break;
    case 1:
      what = "double a byte";
      bytes.insert(at, 1, bytes[at]);
      break;
    case 2:
      what = "replace a byte";
      bytes[at] = byte;
      break;
    case 3:
      what = "insert a byte";
      bytes.insert(at, 1, byte);
      break;
    case 4:
      what = "change the case";
      bytes[at] = static_cast<char>(bytes[at] ^ 0x20);
      break;
    case 5: {
      what = "double a line";
      const std::size_t from = bytes.rfind('\n', at) == std::string::npos ? 0 : bytes.rfind('\n', at) + 1;
      bytes.insert(from, bytes.substr(from, bytes.find('\n', from) - from + 1));
      break;
    }
    default: {
      what = "delete a line's CR";
      const std::size_t cr = bytes.find('\r', at);
      if (cr != std::string::npos) bytes.erase(cr, 1);
      break;
    }
  }
  return {sample.name + "/" + what + " at " + std::to_string(at), bytes};
}

}  // namespace

std::vector<Sample> request_corpus() {
  std::vector<Sample> corpus = well_formed();
  add_start_lines(corpus);
  add_fields(corpus);
  add_lengths(corpus);
  add_codings(corpus);
  add_chunks(corpus);
  Random random;
  for (const Sample& sample : well_formed()) {
    for (int i = 0; i < 25; ++i) corpus.push_back(mutate(sample, random));
  }
  for (Sample& sample : public_vectors()) corpus.push_back(std::move(sample));
  return corpus;
}

}  // namespace gatehouse::test
