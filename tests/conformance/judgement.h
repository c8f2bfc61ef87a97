#pragma once
#include <string>
#include <vector>

namespace gatehouse::test {

/// One request as a parser understood it.
struct Understood {
  std::string method, target, body;
  friend bool operator==(const Understood&, const Understood&) = default;
};

/// What a parser made of all the bytes of a connection.
struct Judgement {
  std::vector<Understood> requests;  ///< the complete ones, in order
  std::string refusal;               ///< why it stopped: a parser's own words; "" if it took every byte
  bool accepted() const { return refusal.empty(); }
  /// For messages of tests.
  std::string text() const;
};

/// Our parser's: RequestParser and BodyDecoder, as the session drives them.
Judgement judged_by_gatehouse(const std::string& bytes);

/// Judgement::refusal of bytes that end inside a request.
inline constexpr const char* kIncomplete = "incomplete";

}  // namespace gatehouse::test
