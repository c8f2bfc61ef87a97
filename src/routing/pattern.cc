#include "routing/pattern.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/percent.h"
#include "routing/regex.h"

namespace gatehouse::routing {
namespace {

bool is_name(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (text.empty() || !letter(text.front())) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

bool is_capture(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

/// Calls visit(segment, is_last) for what stands between the slashes until it gives false.
template <class Visit>
void each_segment(std::string_view pattern, Visit&& visit) {
  std::size_t at = 1;
  while (true) {
    const std::size_t slash = pattern.find('/', at);
    const bool last = slash == std::string_view::npos;
    if (!visit(pattern.substr(at, last ? std::string_view::npos : slash - at), last) || last) return;
    at = slash + 1;
  }
}

bool decodes_to_unreserved(std::string_view escape) {
  const int c = percent_decoded(escape);
  return c >= 0 && is_unreserved(static_cast<char>(c));
}

/// What would keep a literal segment from ever matching a normalised path.
std::string check_literal(std::string_view segment, bool last) {
  if (segment.find_first_of("{}") != std::string_view::npos) {
    return fmt::format("\"{}\": a capture is one whole segment, such as /{{id}}/", segment);
  }
  if (segment.find('*') != std::string_view::npos) return "\"*\" can only be the last segment, as in /users/*";
  if (segment.empty() && !last) return "has an empty segment, but paths are matched after slashes are merged";
  if (segment == "." || segment == "..") return "has a dot segment, but paths are matched after these are removed";
  const std::size_t bad = segment.find_first_of(std::string_view("?#\\\0", 4));
  if (bad != std::string_view::npos) return fmt::format("\"{}\" cannot be part of a path", segment[bad]);
  for (const char c : segment) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte >= 0x7f)
      return fmt::format("the byte 0x{:02x} cannot be part of a path; it is sent and matched as %{:02X}", byte, byte);
  }
  for (std::size_t at = segment.find('%'); at != std::string_view::npos; at = segment.find('%', at + 1)) {
    if (percent_decoded(segment.substr(at)) < 0)
      return fmt::format("\"{}\" is no escape of two hexadecimal digits", segment.substr(at, 3));
    if (std::ranges::any_of(segment.substr(at, 3), [](char c) { return c >= 'a' && c <= 'f'; }))
      return fmt::format("\"{}\" is matched with upper-case digits; write it so", segment.substr(at, 3));
    if (decodes_to_unreserved(segment.substr(at, 3))) {
      return fmt::format("\"{}\" is decoded before paths are matched; write the character itself",
                         segment.substr(at, 3));
    }
  }
  return {};
}

std::string check_regex_path(std::string_view pattern, std::vector<std::string>* captures) {
  if (std::string message = check_regex(pattern); !message.empty()) return message;
  const Regex regex(pattern);
  if (pattern.empty() || (!regex.prefix().empty() && regex.prefix().front() != '/'))
    return "can never match: it must match the whole path, which starts with \"/\"";
  if (regex.names().size() > kMaxCaptures) {
    return fmt::format("captures {} names, at most {} are possible", regex.names().size(), kMaxCaptures);
  }
  if (captures != nullptr) *captures = regex.names();
  return {};
}

}  // namespace

std::string check_path(std::string_view pattern, std::vector<std::string>* captures) {
  if (captures != nullptr) captures->clear();
  if (pattern.starts_with('~')) return check_regex_path(pattern.substr(1), captures);
  if (!pattern.starts_with('/')) return "must start with \"/\", or with \"~\" for a regular expression";
  std::vector<std::string> names;
  std::size_t count = 0;
  std::string message;
  each_segment(pattern, [&](std::string_view segment, bool last) {
    ++count;
    if (segment == "*" && last) return true;
    if (!is_capture(segment)) {
      message = check_literal(segment, last);
      return message.empty();
    }
    const std::string_view name = segment.substr(1, segment.size() - 2);
    if (!is_name(name)) {
      message = fmt::format("\"{}\": a capture's name is letters, digits and \"_\"", segment);
    } else if (std::find(names.begin(), names.end(), name) != names.end()) {
      message = fmt::format("captures \"{}\" twice", name);
    }
    names.emplace_back(name);
    return message.empty();
  });
  if (!message.empty()) return message;
  if (names.size() > kMaxCaptures) {
    return fmt::format("captures {} names, at most {} are possible", names.size(), kMaxCaptures);
  }
  if (count > kMaxSegments) return fmt::format("has {} segments, at most {} are possible", count, kMaxSegments);
  if (captures != nullptr) *captures = std::move(names);
  return {};
}

PathShape parse_path(std::string_view pattern) {
  PathShape shape;
  if (pattern.starts_with('~')) {
    shape.kind = PathKind::regex;
    shape.text = pattern.substr(1);
    return shape;
  }
  shape.text = pattern;
  each_segment(pattern, [&](std::string_view segment, bool last) {
    if (segment == "*" && last) {
      shape.segments.push_back({Segment::Kind::rest, {}});
    } else if (is_capture(segment)) {
      shape.names.emplace_back(segment.substr(1, segment.size() - 2));
      shape.segments.push_back({Segment::Kind::capture, {}});
    } else {
      shape.segments.push_back({Segment::Kind::literal, std::string(segment)});
    }
    return true;
  });
  const bool plain = std::all_of(shape.segments.begin(), shape.segments.end(),
                                 [](const Segment& segment) { return segment.kind == Segment::Kind::literal; });
  if (plain) {
    shape.segments.clear();
  } else {
    shape.kind = PathKind::segments;
  }
  return shape;
}

std::string path_rank(const PathShape& shape) {
  switch (shape.kind) {
    case PathKind::exact:
      return "0";
    case PathKind::regex:
      return "1";
    case PathKind::segments:
      break;
  }
  std::string rank = "2";
  for (const Segment& segment : shape.segments) {
    rank += segment.kind == Segment::Kind::literal ? 'a' : segment.kind == Segment::Kind::capture ? 'b' : 'd';
  }
  // The end of a pattern stands before "/*", which matches the same path: /a/{x} before /a/{x}/*.
  if (shape.segments.back().kind != Segment::Kind::rest) rank += 'c';
  return rank;
}

bool match_segments(const PathShape& shape, std::string_view path, Captures& captures, std::uint32_t& prefix_length) {
  captures.count = 0;
  prefix_length = 0;
  if (shape.kind == PathKind::exact) return path == shape.text;
  std::size_t at = 0;  // of the slash before the next segment
  for (const Segment& segment : shape.segments) {
    if (segment.kind == Segment::Kind::rest) {
      prefix_length = static_cast<std::uint32_t>(at);
      return true;
    }
    if (at == path.size()) return false;
    const std::size_t end = std::min(path.find('/', at + 1), path.size());
    const std::string_view text = path.substr(at + 1, end - at - 1);
    if (segment.kind == Segment::Kind::literal) {
      if (text != segment.text) return false;
    } else {
      if (text.empty()) return false;
      captures.values[captures.count++] = text;
    }
    at = end;
  }
  return at == path.size();
}

}  // namespace gatehouse::routing
