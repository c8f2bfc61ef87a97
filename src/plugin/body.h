#pragma once
#include <cstdint>
#include <string_view>

#include "http/field.h"

namespace gatehouse::plugin {

enum class Direction : std::uint8_t { request, response };

/// A part of a body on its way through the pump.
struct BodyChunk {
  Direction direction = Direction::request;
  std::string_view bytes;                  ///< valid during the call
  bool last = false;                       ///< the body is complete
  const http::Fields* trailers = nullptr;  ///< with `last`, where there are any
};

}  // namespace gatehouse::plugin
