// A PROXY protocol header, both versions, and what follows it.
#include "fuzz/fuzz.h"
#include "http/proxy_protocol.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::fuzz;
using http::Parse;

constexpr std::size_t kLongest1 = 107;
constexpr std::size_t kLongest2 = 16 + 4096;

/// Every prefix of a header is incomplete; every continuation of a refused start is refused.
void check_prefixes(std::string_view input, Parse verdict, std::size_t size) {
  Dice dice(input);
  const std::size_t step = input.size() < 300 ? 1 : 1 + dice.roll(input.size() / 100);
  bool refused = false;
  for (std::size_t length = 0; length < input.size(); length += step) {
    http::ProxyHeader header;
    const Parse parse = http::parse_proxy_header(input.substr(0, length), header);
    if (parse == Parse::failed) {
      refused = true;
    } else {
      require(!refused, "more bytes do not mend a header");
    }
    if (verdict == Parse::complete) {
      require((parse == Parse::complete) == (length >= size), "complete when the last byte is there, and not before");
      require(parse != Parse::complete || header.size == size, "what follows a header is not part of it");
    }
    if (verdict == Parse::incomplete) require(parse == Parse::incomplete, "the start of an incomplete header is");
  }
  require(!refused || verdict == Parse::failed, "a refused start refuses the whole");
}

void check_version1(std::string_view text, const http::ProxyHeader& header) {
  require(header.size <= kLongest1 && text.ends_with("\r\n"), "version 1 is one line of at most 107 bytes");
  require(text.substr(0, text.size() - 2).find_first_of("\r\n") == std::string_view::npos, "one line");
  if (header.local) {
    require(text.starts_with("PROXY UNKNOWN"), "only UNKNOWN is local");
    return;
  }
  const bool six = text.starts_with("PROXY TCP6 ");
  require(six || text.starts_with("PROXY TCP4 "), "a family that we know");
  const auto written = [six](const IpAddress& address) {
    return (six && address.is_v4() ? "::ffff:" : "") + address.text();
  };
  const std::string again = std::string(six ? "PROXY TCP6 " : "PROXY TCP4 ") + written(header.source) + " " +
                            written(header.destination) + " " + std::to_string(header.source_port) + " " +
                            std::to_string(header.destination_port) + "\r\n";
  http::ProxyHeader second;
  require(http::parse_proxy_header(again, second) == Parse::complete, "a header written from what it says is read");
  require(second.source == header.source && second.destination == header.destination &&
              second.source_port == header.source_port && second.destination_port == header.destination_port,
          "and says the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = as_text(data, size);
  http::ProxyHeader header;
  const Parse parse = http::parse_proxy_header(input, header);
  check_prefixes(input, parse, header.size);
  const bool version1 = input.starts_with('P');
  if (parse == Parse::incomplete) {
    require(input.size() < (version1 ? kLongest1 : kLongest2), "an endless header ends");
  } else if (parse == Parse::complete) {
    require(header.size <= input.size() && header.size <= kLongest2, "a size of what is there");
    require(!header.local || (header.source.unspecified() && header.source_port == 0), "local says nothing");
    if (version1) check_version1(input.substr(0, header.size), header);
  }
  return 0;
}
