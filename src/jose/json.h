#pragma once
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

#include "base/arena.h"

namespace gatehouse::jose {

enum class JsonKind : std::uint8_t { none, null, boolean, number, string, array, object };

/// One value of a document. Values within a value follow it, so a document is one array of nodes. Texts are places in
/// the document's bytes.
struct JsonNode {
  std::uint32_t name = 0, name_size = 0;
  std::uint32_t text = 0, text_size = 0;
  std::uint32_t span = 1;  ///< nodes of the value, its own among them
  JsonKind kind = JsonKind::null;
};

/// A value in a document, or none: asking a missing value for more gives another missing value.
class JsonValue {
 public:
  JsonValue() = default;
  JsonValue(const char* bytes, const JsonNode* node) : bytes_(bytes), node_(node) {}

  explicit operator bool() const { return node_ != nullptr; }
  JsonKind kind() const { return node_ == nullptr ? JsonKind::none : node_->kind; }
  bool is(JsonKind kind) const { return node_ != nullptr && node_->kind == kind; }
  /// Its name in the object that it stands in.
  std::string_view name() const { return {bytes_ + node_->name, node_->name_size}; }
  /// A string's characters, any other value as it is written in the document; "" where there is none.
  std::string_view text() const {
    return node_ == nullptr ? std::string_view() : std::string_view(bytes_ + node_->text, node_->text_size);
  }
  /// The member of an object.
  JsonValue member(std::string_view name) const;

  /// An array's items or an object's members, in order.
  class Iterator {
   public:
    Iterator(const char* bytes, const JsonNode* node) : bytes_(bytes), node_(node) {}
    JsonValue operator*() const { return {bytes_, node_}; }
    Iterator& operator++() {
      node_ += node_->span;
      return *this;
    }
    bool operator==(const Iterator& other) const { return node_ == other.node_; }

   private:
    const char* bytes_;
    const JsonNode* node_;
  };
  Iterator begin() const { return {bytes_, node_ == nullptr ? nullptr : node_ + 1}; }
  Iterator end() const { return {bytes_, node_ == nullptr ? nullptr : node_ + node_->span}; }

 private:
  const char* bytes_ = nullptr;
  const JsonNode* node_ = nullptr;
};

/// A parsed text: plain memory, which may be copied elsewhere as it is.
struct JsonDocument {
  const char* bytes = nullptr;
  const JsonNode* nodes = nullptr;
  std::size_t size = 0;   ///< of bytes
  std::size_t count = 0;  ///< of nodes

  JsonValue root() const { return {bytes, nodes}; }
};

struct JsonLimits {
  unsigned depth = 32;        ///< arrays and objects within each other
  std::size_t values = 4096;  ///< in the whole document
};

/// JSON (RFC 8259) as strictly as signed texts need it, since two readers must not see different things in them: UTF-8
/// without a mark in front, no name twice in an object, no lone surrogate, nothing after the value. Numbers may be of
/// any size. Calls no malloc but for the arena's blocks; what it returns lives as long as `arena` and `text`, which
/// must be shorter than 1 GiB. An error is a literal that says what is wrong.
std::expected<JsonDocument, const char*> parse_json(std::string_view text, Arena& arena, JsonLimits limits = {});

}  // namespace gatehouse::jose
