#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "routing/router.h"

namespace gatehouse::routing {

enum class PathKind : std::uint8_t { exact, regex, segments };  // in the order of semantics.md

/// One segment of a pattern that is neither exact nor a regex.
struct Segment {
  enum class Kind : std::uint8_t { literal, capture, rest };  // in the order of semantics.md
  Kind kind = Kind::literal;
  std::string text;  ///< of a literal; "" is what follows a final slash
};

/// A path pattern, taken apart.
struct PathShape {
  PathKind kind = PathKind::exact;
  std::string text;                ///< the pattern as written; of a regex without its "~"
  std::vector<Segment> segments;   ///< of kind segments; `rest` only as the last
  std::vector<std::string> names;  ///< of the captures of kind segments
};

inline constexpr std::size_t kMaxSegments = 256;

/// Takes apart a pattern that has passed check_path.
PathShape parse_path(std::string_view pattern);

/// Sorts patterns as semantics.md does: of two patterns for one path the one with the smaller text goes first.
std::string path_rank(const PathShape& shape);

/// Whether a pattern of kind exact or segments matches; on success the captures and the bytes before "/*" (0 without).
bool match_segments(const PathShape& shape, std::string_view path, Captures& captures, std::uint32_t& prefix_length);

}  // namespace gatehouse::routing
