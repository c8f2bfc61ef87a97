#include "http/h1_writer.h"

namespace gatehouse::http {
namespace {

/// Whether the stream that sends the message writes a line of that name itself.
bool is_own(FieldId id) {
  return id == FieldId::content_length || id == FieldId::transfer_encoding || id == FieldId::connection;
}

}  // namespace

std::size_t fields_size(const Fields& fields) {
  std::size_t size = 0;
  for (const Field& field : fields) {
    if (!field.removed) size += field.name.size() + field.value.size() + 4;
  }
  return size;
}

char* write_fields(char* to, const Fields& fields) {
  for (const Field& field : fields) {
    if (field.removed || is_own(field.id)) continue;
    to = put(to, field.name);
    to = put(to, ": ");
    if (!field.value.empty()) to = put(to, field.value);
    to = put(to, "\r\n");
  }
  return to;
}

char* put_chunk_head(char* to, std::uint64_t size) {
  return put(std::to_chars(to, to + 16, size, 16).ptr, "\r\n");
}

}  // namespace gatehouse::http
