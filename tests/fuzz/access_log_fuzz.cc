// The access log: any template, any record. The input is split at NUL: the format, a secret's name, then the texts of a
// record, the path last.
#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstring>
#include <limits>
#include <memory>

#include "fuzz/fuzz.h"
#include "telemetry/access_log.h"
#include "telemetry/secret_names.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::fuzz;
using telemetry::AccessRecord;

constexpr std::size_t kMost = 4096;

/// The JSON form's members that hold text as it is; the path is looked at apart.
struct Text {
  const char* name;
  std::string_view AccessRecord::* member;
};
constexpr std::array<Text, 10> kTexts{{{"request_id", &AccessRecord::request_id},
                                       {"trace_id", &AccessRecord::trace_id},
                                       {"method", &AccessRecord::method},
                                       {"host", &AccessRecord::host},
                                       {"protocol", &AccessRecord::protocol},
                                       {"reason", &AccessRecord::reason},
                                       {"route", &AccessRecord::route},
                                       {"service", &AccessRecord::service},
                                       {"target", &AccessRecord::target},
                                       {"consumer", &AccessRecord::consumer}}};

std::uint64_t some_number(Dice& dice) {
  constexpr std::array<std::uint64_t, 5> kEdges{0, 1, 999, 1000, std::numeric_limits<std::uint64_t>::max()};
  return dice.roll(2) == 0 ? kEdges[dice.roll(kEdges.size())] : dice.roll(std::numeric_limits<std::size_t>::max());
}

AccessRecord make_record(std::string_view& input, Dice& dice) {
  const auto take = [&input] {
    const std::size_t end = std::min(input.find('\0'), input.size());
    const std::string_view part = input.substr(0, end);
    input.remove_prefix(std::min(end + 1, input.size()));
    return part;
  };
  AccessRecord record;
  for (const Text& text : kTexts) record.*text.member = take();
  record.path = input;
  constexpr std::array<std::int64_t, 4> kTimes{0, -1, 1'767'323'045'678'901, 253'402'300'799'999'999};
  record.time_us = kTimes[dice.roll(kTimes.size())];
  std::array<std::uint8_t, 16> address{};
  for (std::uint8_t& byte : address) byte = static_cast<std::uint8_t>(dice.roll(256));
  if (dice.roll(4) != 0) record.client_ip = IpAddress(address);
  record.status = static_cast<int>(dice.roll(1100)) - 50;
  record.bytes_in = some_number(dice);
  record.bytes_out = some_number(dice);
  record.duration_us = some_number(dice);
  record.upstream_us = some_number(dice);
  record.tries = static_cast<std::uint32_t>(some_number(dice));
  return record;
}

/// The line, written into exactly as many bytes as it has, so that a sanitizer sees one too many.
std::string write(const telemetry::AccessFormat& format, const AccessRecord& record) {
  static std::string room(std::size_t{64} << 10, '?');
  std::size_t size = 0;
  while ((size = format.write(record, room.data(), room.size())) == 0) {
    require(room.size() < std::size_t{256} << 20, "a line has an end");
    room.resize(room.size() * 2);
  }
  const auto exact = std::make_unique<char[]>(size);
  require(format.write(record, exact.get(), size) == size, "a line fits into its own size");
  require(std::memcmp(exact.get(), room.data(), size) == 0, "and is the same there");
  const auto less = std::make_unique<char[]>(size - 1);
  require(format.write(record, less.get(), size - 1) == 0, "what does not fit is not written");
  return {exact.get(), size};
}

void check_line(std::string_view line) {
  require(line.ends_with('\n'), "a line ends");
  for (const char c : line.substr(0, line.size() - 1)) {
    const auto byte = static_cast<unsigned char>(c);
    require((byte >= 0x20 || c == '\t') && byte != 0x7f, "one line without control characters");
  }
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// No secret is left in what is shown, and what stands for them is no secret of its own.
void check_hidden(const telemetry::SecretNames& secrets, std::string_view path, std::string_view shown) {
  std::size_t hidden = 0;
  for (auto range = secrets.next(path, 0); range.found(); range = secrets.next(path, range.end)) {
    require(range.begin < range.end && range.end <= path.size(), "a secret is a part of the path");
    ++hidden;
  }
  require(hidden != 0 || shown == path, "a path without secrets is shown whole");
  for (auto range = secrets.next(shown, 0); range.found(); range = secrets.next(shown, range.end)) {
    require_equal(shown.substr(range.begin, range.end - range.begin), "***", "a secret is shown as ***");
    require(hidden-- != 0, "nothing becomes a secret");
  }
  require(hidden == 0, "each secret has its ***");
}

void check_json(const telemetry::AccessFormat& format, const AccessRecord& record, std::span<const std::string> names) {
  const std::string line = write(format, record);
  check_line(line);
  boost::json::error_code error;
  const boost::json::value value = boost::json::parse(line, error);
  require(!error, "a line of JSON is JSON");
  const boost::json::object& object = value.as_object();
  require(object.size() == 19, "every field is there, once");
  for (const Text& text : kTexts) {
    const std::string_view written = record.*text.member;
    if (is_ascii(written)) require_equal(object.at(text.name).as_string(), written, "a text is read as it was");
  }
  require(object.at("status").to_number<std::int64_t>() == std::max(record.status, 0), "the status");
  require(object.at("bytes_out").to_number<std::uint64_t>() == record.bytes_out, "a number is read as it was");
  require(object.at("tries").to_number<std::uint32_t>() == record.tries, "the tries");
  require(object.at("upstream_ms").is_null() == (record.upstream_us == std::numeric_limits<std::uint64_t>::max()),
          "null where no service was asked");
  const std::string_view shown = object.at("path").as_string();
  if (is_ascii(record.path)) check_hidden(telemetry::SecretNames(names), record.path, shown);
}

/// Keeps what a worker hands over.
class Sink final : public telemetry::AccessSink {
 public:
  bool submit(const char* data, std::size_t size, std::uint32_t lines) override {
    require(size <= telemetry::kAccessBlock && size != 0, "a block is not larger than a block");
    const std::string_view block(data, size);
    require(static_cast<std::size_t>(std::ranges::count(block, '\n')) == lines, "its lines are counted");
    require(block.ends_with('\n'), "lines are whole");
    text += block;
    return true;
  }
  void reopen() override {}
  std::uint64_t dropped() const override { return 0; }
  void flush(Duration) override {}
  std::string text;
};

/// Through a worker's buffer comes the same line, or a shorter one of a record that is larger than a block.
void check_buffer(std::shared_ptr<const telemetry::AccessFormat> format, const AccessRecord& record, bool json) {
  const auto sink = std::make_shared<Sink>();
  telemetry::AccessBuffer buffer;
  buffer.use(sink, format);
  const std::uint64_t lost = telemetry::access_log_dropped_total();
  constexpr int kLines = 2;
  for (int i = 0; i < kLines; ++i) buffer.append(record, TimePoint());
  buffer.flush(TimePoint(), true);
  if (record.path.size() <= kMost) {
    const std::string line = write(*format, record);
    if (line.size() <= telemetry::kAccessBlock) require_equal(sink->text, line + line, "every line, as it is");
  }
  const std::vector<std::string_view> lines = split(sink->text, '\n');
  require(lines.size() - 1 + telemetry::access_log_dropped_total() - lost == kLines, "a line is written or counted");
  require(lines.back().empty(), "the last line ends");
  for (const std::string_view each : lines) {
    boost::json::error_code error;
    if (json && !each.empty()) boost::json::parse(each, error);
    require(!error, "a line cut short is JSON");
  }
  require(!json || lines.size() == kLines + 1, "a line of JSON is never lost");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > kMost) return -1;
  std::string_view input = as_text(data, size);
  Dice dice(input);
  const std::vector<std::string_view> parts = split(input, '\0');
  const std::string_view written = parts[0];
  const std::vector<std::string> names{std::string(parts.size() > 1 ? parts[1] : "")};
  input.remove_prefix(std::min(input.size(), written.size() + names[0].size() + 2));
  AccessRecord record = make_record(input, dice);

  std::string error = "left over";
  const std::shared_ptr<const telemetry::AccessFormat> format = telemetry::make_access_format(written, error, names);
  require((format == nullptr) == !error.empty(), "a format, or what is wrong with it");
  const std::shared_ptr<const telemetry::AccessFormat> json = telemetry::make_access_format("json", error, names);
  if (format != nullptr) check_line(write(*format, record));
  check_json(*json, record, names);

  std::string longer;
  if (dice.roll(64) == 0 && !record.path.empty()) {
    while (longer.size() < telemetry::kAccessBlock) longer += record.path;
    record.path = longer;
  }
  check_buffer(json, record, true);
  if (format != nullptr) check_buffer(format, record, false);
  return 0;
}
