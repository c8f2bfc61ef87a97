#pragma once
#include <list>
#include <memory>
#include <string>

#include "fuzz/fuzz.h"
#include "http/field.h"
#include "http/h2_session.h"

namespace gatehouse::fuzz {

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Where frames go: a socket that takes them all at once, or now and then none.
class Sink final : public http::H2Output {
 public:
  explicit Sink(Dice& dice) : dice_(dice) {}
  void attach(http::H2Session& session) { session_ = &session; }
  void write_soon() override {}
  bool write_now() override {
    if (dice_.roll(8) == 0) return false;
    session_->written(session_->output().size());
    return true;
  }
  /// Takes whatever there is.
  void drain() {
    for (int i = 0; i < 100; ++i) {
      session_->fill();
      session_->written(session_->output().size());
      if (!session_->output_full()) return;
    }
  }

 private:
  Dice& dice_;
  http::H2Session* session_ = nullptr;
};

/// What holds for the fields of every head that HTTP/2 brought: HTTP/1.1 could send them on.
inline void check_h2_fields(const http::Fields& fields, const http::HeadLimits& limits) {
  for (const http::Field& field : fields) {
    if (field.removed) continue;
    require(http::is_token(field.name), "a field name is a token");
    require(http::is_field_value(field.value), "a field value can be sent on");
    require(field.id == http::field_id(field.name), "a field's id is its name's");
    require(field.id != http::FieldId::connection && field.id != http::FieldId::transfer_encoding &&
                field.id != http::FieldId::upgrade && field.id != http::FieldId::keep_alive,
            "nothing of a connection's");
  }
  require(fields.size() <= limits.fields_count + 1, "no more fields than the limit, and Host");
}

}  // namespace gatehouse::fuzz
