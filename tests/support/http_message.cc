#include "support/http_message.h"

#include <algorithm>
#include <charconv>

namespace gatehouse::test {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool parse_fields(std::string_view lines, Fields& into) {
  while (!lines.empty()) {
    std::size_t end = lines.find("\r\n");
    if (end == std::string_view::npos) return false;
    std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 2);
    if (line.empty()) return lines.empty();
    std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return false;
    into.add(std::string(line.substr(0, colon)), std::string(trim(line.substr(colon + 1))));
  }
  return true;
}

std::optional<std::uint64_t> number(std::string_view text, int base) {
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::size_t Fields::count(std::string_view key) const {
  return all(key).size();
}

std::string Fields::get(std::string_view key) const {
  for (const auto& [field, value] : items_) {
    if (equal_ignoring_case(field, key)) return value;
  }
  return {};
}

std::vector<std::string> Fields::all(std::string_view key) const {
  std::vector<std::string> values;
  for (const auto& [field, value] : items_) {
    if (equal_ignoring_case(field, key)) values.push_back(value);
  }
  return values;
}

bool has_token(const Fields& fields, std::string_view key, std::string_view token) {
  for (const std::string& value : fields.all(key)) {
    std::string_view rest = value;
    while (!rest.empty()) {
      std::size_t comma = std::min(rest.find(','), rest.size());
      if (equal_ignoring_case(trim(rest.substr(0, comma)), token)) return true;
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return false;
}

std::string Response::describe() const {
  std::string text = "status " + std::to_string(status) + ", " + (complete ? "complete" : "not complete") +
                     ", connection: " + std::string(name(end)) + (problem.empty() ? "" : ", problem: " + problem) +
                     "\n";
  text += raw_head + body.substr(0, 2000);
  if (body.size() > 2000) text += "… (" + std::to_string(body.size()) + " bytes)";
  return text;
}

std::size_t head_length(std::string_view bytes) {
  std::size_t end = bytes.find("\r\n\r\n");
  return end == std::string_view::npos ? std::string_view::npos : end + 4;
}

bool parse_request_head(std::string_view bytes, RequestHead& into) {
  std::size_t end = bytes.find("\r\n");
  if (end == std::string_view::npos) return false;
  std::string_view line = bytes.substr(0, end);
  std::size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return false;
  into.method = line.substr(0, first);
  into.target = line.substr(first + 1, last - first - 1);
  into.version = line.substr(last + 1);
  return parse_fields(bytes.substr(end + 2), into.fields);
}

bool parse_response_head(std::string_view bytes, Response& into) {
  std::size_t end = bytes.find("\r\n");
  if (end == std::string_view::npos || !bytes.starts_with("HTTP/1.") || end < 12) return false;
  std::string_view line = bytes.substr(0, end);
  auto status = number(line.substr(9, 3), 10);
  if (!status || line[8] != ' ') return false;
  into.version = line.substr(0, 8);
  into.status = static_cast<int>(*status);
  into.reason = trim(line.substr(12));
  into.raw_head = bytes;
  return parse_fields(bytes.substr(end + 2), into.fields);
}

BodyDecoder::BodyDecoder(Framing framing, std::uint64_t length) : framing_(framing), left_(length) {
  done_ = framing == Framing::none || (framing == Framing::length && length == 0);
}

BodyDecoder BodyDecoder::for_request(const Fields& fields) {
  if (has_token(fields, "transfer-encoding", "chunked")) return BodyDecoder(Framing::chunked);
  return BodyDecoder(Framing::length, number(fields.get("content-length"), 10).value_or(0));
}

BodyDecoder BodyDecoder::for_response(const Response& response, bool to_head_request) {
  if (to_head_request || response.status < 200 || response.status == 204 || response.status == 304) {
    return BodyDecoder(Framing::none);
  }
  if (has_token(response.fields, "transfer-encoding", "chunked")) return BodyDecoder(Framing::chunked);
  if (auto length = number(response.fields.get("content-length"), 10)) return BodyDecoder(Framing::length, *length);
  return BodyDecoder(Framing::until_close);
}

std::size_t BodyDecoder::decode(std::string_view in, std::string& out) {
  if (done_ || bad_) return 0;
  if (framing_ == Framing::chunked) return decode_chunked(in, out);
  std::size_t take = in.size();
  if (framing_ == Framing::length) {
    take = static_cast<std::size_t>(std::min<std::uint64_t>(take, left_));
    left_ -= take;
    done_ = left_ == 0;
  }
  out.append(in.substr(0, take));
  return take;
}

std::size_t BodyDecoder::decode_chunked(std::string_view in, std::string& out) {
  std::size_t used = 0;
  while (used < in.size() && !done_ && !bad_) {
    if (state_ == State::data) {
      auto take = static_cast<std::size_t>(std::min<std::uint64_t>(in.size() - used, left_));
      out.append(in.substr(used, take));
      used += take;
      left_ -= take;
      if (left_ == 0) state_ = State::data_end;
      continue;
    }
    line_ += in[used++];
    if (line_.ends_with("\r\n")) {
      line_.resize(line_.size() - 2);
      bad_ = !take_line();
      line_.clear();
    }
  }
  return used;
}

bool BodyDecoder::take_line() {
  switch (state_) {
    case State::size: {
      auto size = number(trim(std::string_view(line_).substr(0, line_.find(';'))), 16);
      if (!size) return false;
      left_ = *size;
      state_ = left_ == 0 ? State::trailers : State::data;
      return true;
    }
    case State::data_end:
      state_ = State::size;
      return line_.empty();
    case State::trailers:
      if (line_.empty()) {
        done_ = true;
        return true;
      }
      return parse_fields(line_ + "\r\n", trailers_);
    case State::data:
      break;
  }
  return false;
}

std::uint64_t checksum(std::string_view bytes, std::uint64_t sum) {
  for (unsigned char c : bytes) sum = (sum ^ c) * 1099511628211ULL;
  return sum;
}

std::string hex(std::uint64_t value) {
  char text[17];
  auto end = std::to_chars(text, text + sizeof text, value, 16).ptr;
  return std::string(text, end);
}

std::string pattern(std::size_t size, std::uint64_t offset) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>('a' + (offset + i) % 23);
  return bytes;
}

std::string chunk(std::string_view data) {
  return data.empty() ? std::string() : hex(data.size()) + "\r\n" + std::string(data) + "\r\n";
}

}  // namespace gatehouse::test
