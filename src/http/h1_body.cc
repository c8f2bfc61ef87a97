#include "http/h1_body.h"

#include <algorithm>
#include <cstring>

#include "base/block_pool.h"
#include "base/hex.h"
#include "http/field_line.h"
#include "http/reserved_names.h"

namespace gatehouse::http {
namespace {

constexpr std::uint16_t kMaxDigits = 16;
constexpr std::uint16_t kMaxExtension = 256;

}  // namespace

BodyDecoder::~BodyDecoder() {
  if (trailer_block_ != nullptr) BlockPool::give(trailer_block_, kMaxTrailerBytes);
}

void BodyDecoder::start(const Framing& framing, Fields* trailers) {
  trailers_ = trailers;
  remaining_ = 0;
  line_bytes_ = 0;
  any_digit_ = false;
  trailer_size_ = 0;
  error_ = "";
  switch (framing.kind) {
    case Framing::Kind::none:
      state_ = State::done;
      break;
    case Framing::Kind::length:
      remaining_ = framing.length;
      state_ = remaining_ == 0 ? State::done : State::length;
      break;
    case Framing::Kind::chunked:
      state_ = State::chunk_size;
      break;
    case Framing::Kind::until_close:
      state_ = State::until_close;
      break;
  }
}

BodyDecoder::Step BodyDecoder::fail(const char* why) {
  state_ = State::failed;
  error_ = why;
  Step step;
  step.failed = true;
  return step;
}

BodyDecoder::Step BodyDecoder::decode(char* data, std::size_t size) {
  Step step;
  switch (state_) {
    case State::done:
      step.last = true;
      return step;
    case State::failed:
      step.failed = true;
      return step;
    case State::until_close:
      step.data = std::string_view(data, size);
      step.consumed = size;
      return step;
    case State::length: {
      const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, size));
      remaining_ -= taken;
      if (remaining_ == 0) state_ = State::done;
      step.data = std::string_view(data, taken);
      step.consumed = taken;
      step.last = remaining_ == 0;
      return step;
    }
    default:
      return decode_chunked(data, size);
  }
}

BodyDecoder::Step BodyDecoder::decode_chunked(char* data, std::size_t size) {
  char* out = data;
  const char* at = data;
  const char* const end = data + size;
  while (at != end && state_ != State::done) {
    if (state_ == State::chunk_data) {
      const auto taken =
          static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, static_cast<std::size_t>(end - at)));
      if (out != at) std::memmove(out, at, taken);
      out += taken;
      at += taken;
      remaining_ -= taken;
      if (remaining_ == 0) state_ = State::chunk_data_cr;
      continue;
    }
    if (state_ == State::trailers) {
      if (!take_trailers(at, end)) return fail(error_);
      continue;
    }
    if (const char* why = take_framing(*at++); why != nullptr) return fail(why);
  }
  Step step;
  step.data = std::string_view(data, static_cast<std::size_t>(out - data));
  step.consumed = static_cast<std::size_t>(at - data);
  step.last = state_ == State::done;
  return step;
}

const char* BodyDecoder::take_framing(char c) {
  switch (state_) {
    case State::chunk_size: {
      const unsigned digit = hex_value(c);
      if (digit < 16) {
        if (line_bytes_ == kMaxDigits) return "chunk size with too many digits";
        remaining_ = remaining_ << 4 | digit;
        ++line_bytes_;
        any_digit_ = true;
        return nullptr;
      }
      if (!any_digit_) return "bad chunk size";
      if (c == ';') {
        line_bytes_ = 1;
        state_ = State::chunk_extension;
        return nullptr;
      }
      if (c != '\r') return "bad chunk size";
      state_ = State::chunk_size_lf;
      return nullptr;
    }
    case State::chunk_extension:
      if (c == '\r') {
        state_ = State::chunk_size_lf;
        return nullptr;
      }
      if (!chars::is_value_char(c)) return "bad character in a chunk extension";
      return ++line_bytes_ > kMaxExtension ? "chunk extension too long" : nullptr;
    case State::chunk_size_lf:
      if (c != '\n') return "CR without LF after a chunk size";
      line_bytes_ = 0;
      any_digit_ = false;
      state_ = remaining_ == 0 ? State::trailers : State::chunk_data;
      return nullptr;
    case State::chunk_data_cr:
      if (c != '\r') return "chunk longer than its size";
      state_ = State::chunk_data_lf;
      return nullptr;
    case State::chunk_data_lf:
      if (c != '\n') return "CR without LF after a chunk";
      state_ = State::chunk_size;
      return nullptr;
    default:
      return "bad state";
  }
}

bool BodyDecoder::take_trailers(const char*& at, const char* end) {
  if (trailer_size_ == 0 && end - at >= 2 && at[0] == '\r' && at[1] == '\n') {
    at += 2;
    state_ = State::done;
    return true;
  }
  if (trailer_block_ == nullptr) trailer_block_ = static_cast<char*>(BlockPool::take(kMaxTrailerBytes));
  while (at != end) {
    if (trailer_size_ == kMaxTrailerBytes) {
      error_ = "trailer section too large";
      return false;
    }
    const char c = *at++;
    trailer_block_[trailer_size_++] = c;
    if (c != '\n') continue;
    const std::string_view section(trailer_block_, trailer_size_);
    if (!section.ends_with("\r\n")) {
      error_ = "LF without CR in the trailer section";
      return false;
    }
    if (section != "\r\n" && !section.ends_with("\n\r\n")) continue;
    return parse_trailers();
  }
  return true;
}

bool BodyDecoder::parse_trailers() {
  const char* at = trailer_block_;
  const char* const end = trailer_block_ + trailer_size_;
  FieldLine line;
  for (std::uint32_t count = 0;; ++count) {
    switch (read_field_line(at, end, line)) {
      case Line::end:
        state_ = State::done;
        BlockPool::give(trailer_block_, kMaxTrailerBytes);
        trailer_block_ = nullptr;
        return true;
      case Line::field:
        break;
      case Line::failed:
        error_ = line.error;
        return false;
      case Line::incomplete:
        error_ = "bad trailer section";
        return false;
    }
    if (count == kMaxTrailers) {
      error_ = "too many trailer fields";
      return false;
    }
    if (trailers_ != nullptr && may_be_trailer(line.id, line.name)) {
      Arena& arena = trailers_->arena();
      trailers_->append(line.id, arena.copy(line.name), arena.copy(line.value));
    }
    at = line.at;
  }
}

bool BodyDecoder::finish() {
  if (state_ == State::until_close) state_ = State::done;
  if (state_ == State::done) return true;
  if (state_ != State::failed) fail("the connection ended inside the body");
  return false;
}

}  // namespace gatehouse::http
