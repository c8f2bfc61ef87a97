#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "fuzz/fuzz.h"
#include "http/h1_body.h"
#include "http/h1_parser.h"
#include "http/h1_writer.h"

namespace gatehouse::fuzz {

inline bool within(std::string_view part, std::string_view whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

/// What holds for the fields of every head that a parser accepted. `block` is what was parsed.
inline void check_fields(const http::Fields& fields, const http::HeadLimits& limits, const http::Framing& framing,
                         std::string_view block) {
  int lengths = 0, codings = 0;
  std::size_t bytes = 0;
  for (const http::Field& field : fields) {
    require(http::is_token(field.name), "a field name is a token");
    require(http::is_field_value(field.value), "a field value can be sent on");
    require(field.id == http::field_id(field.name), "a field's id is its name's");
    require(within(field.name, block) && within(field.value, block), "fields are views into the block");
    require(!field.removed, "a new field is not removed");
    lengths += field.id == http::FieldId::content_length;
    codings += field.id == http::FieldId::transfer_encoding;
    bytes += field.name.size() + field.value.size() + 3;  // colon, CR, LF
  }
  require(fields.size() <= limits.fields_count, "no more fields than the limit");
  require(bytes <= limits.fields_bytes, "no more bytes of fields than the limit");
  require(lengths <= 1 && codings <= 1 && lengths + codings <= 1, "one reading of the length");
  using Kind = http::Framing::Kind;
  require(framing.kind != Kind::chunked || codings == 1, "chunked is said by Transfer-Encoding");
  require(framing.kind != Kind::length || lengths == 1, "a length is said by Content-Length");
}

/// A text of all that was parsed, to compare two runs.
inline void print_fields(std::string& out, const http::Fields& fields) {
  for (const http::Field& field : fields) {
    out.append(field.name).append("=[").append(field.value).append("]\n");
  }
}
inline void print_framing(std::string& out, const http::Framing& framing) {
  out += "framing " + std::to_string(static_cast<int>(framing.kind)) + " " + std::to_string(framing.length) + "\n";
}

/// Takes what `pieces` bring, message after message, as a connection does: bytes are kept until a head is complete, and
/// the kept ones move every time. `Head` says how one kind of head is parsed.
template <class Head>
class Stream {
 public:
  Stream(const http::HeadLimits& limits, Head rules) : limits_(limits), rules_(rules) { next_message(); }

  /// The transcript of the whole: every head, body and trailer, and how it ended.
  std::string run(const std::vector<std::string_view>& pieces) {
    for (const std::string_view piece : pieces) {
      if (ended_) break;
      take(piece);
    }
    if (!ended_) finish();
    return std::move(out_);
  }

 private:
  void next_message() {
    arena_ = std::make_unique<Arena>();
    head_ = std::make_unique<typename Head::Type>(*arena_);
    parser_ = std::make_unique<typename Head::Parser>(limits_);
    trailers_ = std::make_unique<http::Fields>(*arena_);
    decoder_ = std::make_unique<http::BodyDecoder>();
    in_body_ = false;
  }

  void take(std::string_view piece) {
    // Two buffers in turn: what is kept moves, and old views show.
    other_.assign(kept_).append(piece);
    kept_.swap(other_);
    other_.assign(other_.size(), '?');
    while (!ended_ && (in_body_ ? take_body() : take_head())) {
    }
  }

  bool take_head() {
    if (kept_.empty()) return false;
    const http::Parse parse = rules_.parse(*parser_, kept_, *head_);
    if (parse == http::Parse::incomplete) {
      require(kept_.size() <= limits_.start_line + limits_.fields_bytes + 8, "limits end an endless head");
      return false;
    }
    if (parse == http::Parse::failed) {
      refused(parser_->error());
      return false;
    }
    require(parser_->size() <= kept_.size() && parser_->size() != 0, "a head's size is of its bytes");
    rules_.check(*head_, limits_, std::string_view(kept_).substr(0, parser_->size()));
    rules_.print(out_, *head_);
    decoder_->start(head_->framing, trailers_.get());
    body_.clear();
    in_body_ = true;
    kept_.erase(0, parser_->size());
    return true;
  }

  bool take_body() {
    if (kept_.empty() && !decoder_->complete()) return false;
    std::string work = kept_;
    const http::BodyDecoder::Step step = decoder_->decode(work.data(), work.size());
    require(step.consumed <= work.size() && step.data.size() <= work.size(), "a step stays in its bytes");
    if (step.failed) {
      out_ += std::string("body refused: ") + decoder_->error() + "\n";
      ended_ = true;
      return false;
    }
    require(step.last || step.consumed == work.size(), "all is consumed until the body is complete");
    require(step.last == decoder_->complete(), "the last step completes");
    body_.append(step.data);
    kept_.erase(0, step.consumed);
    if (!step.last) return false;
    end_body();
    return true;
  }

  void end_body() {
    const http::Framing& framing = head_->framing;
    if (framing.kind == http::Framing::Kind::length) require(body_.size() == framing.length, "a body has its length");
    if (framing.kind == http::Framing::Kind::none) require(body_.empty(), "no body has no bytes");
    out_ += "body [" + body_ + "]\n";
    for (const http::Field& field : *trailers_) {
      require(http::is_token(field.name) && http::is_field_value(field.value), "a trailer can be sent on");
    }
    require(trailers_->size() <= http::BodyDecoder::kMaxTrailers, "no more trailers than the limit");
    print_fields(out_, *trailers_);
    if (rules_.ends_connection(*head_)) {
      out_ += "end\n";
      ended_ = true;
    }
    next_message();
  }

  void finish() {
    if (in_body_) {
      const bool whole = decoder_->finish();
      require(whole == (head_->framing.kind == http::Framing::Kind::until_close), "only the end of these is the close");
      out_ += "body [" + body_ + (whole ? "]\n" : "] cut\n");
      return;
    }
    // A parser waits for a line's end before it looks again: a fresh one says what it will say.
    typename Head::Parser fresh(limits_);
    const http::Parse parse = kept_.empty() ? http::Parse::incomplete : rules_.parse(fresh, kept_, *head_);
    require(parse != http::Parse::complete, "a complete head is noticed");
    if (parse == http::Parse::failed) {
      refused(fresh.error());
    } else {
      out_ += "head of " + std::to_string(kept_.size()) + " bytes is incomplete\n";
    }
  }

  void refused(const Error& error) {
    require(rules_.may_refuse_with(error.reason), "a refusal has a reason that the contract names");
    require(error.detail != nullptr && *error.detail != '\0', "a refusal says why");
    out_ += "refused: " + std::to_string(static_cast<int>(error.reason)) + " " + error.detail + "\n";
    ended_ = true;
  }

  http::HeadLimits limits_;
  Head rules_;
  std::string out_, kept_, other_, body_;
  bool in_body_ = false;
  bool ended_ = false;
  std::unique_ptr<Arena> arena_;
  std::unique_ptr<typename Head::Type> head_;
  std::unique_ptr<typename Head::Parser> parser_;
  std::unique_ptr<http::Fields> trailers_;
  std::unique_ptr<http::BodyDecoder> decoder_;
};

/// Small enough for a fuzzer to reach.
inline constexpr http::HeadLimits kSmallLimits{.start_line = 64, .fields_bytes = 160, .fields_count = 6};

/// The invariant of both parsers: however the bytes arrive, the result is the same.
template <class Head>
void check_stream(std::string_view input, const http::HeadLimits& usual, Head rules) {
  Dice dice(input);
  for (const http::HeadLimits& limits : {kSmallLimits, usual}) {
    const std::string whole = Stream<Head>(limits, rules).run({input});
    const auto pieces = dice.roll(2) == 0 ? bytes_of(input) : pieces_of(input, dice);
    require_equal(whole, Stream<Head>(limits, rules).run(pieces), "in pieces the same bytes give the same");
  }
}

}  // namespace gatehouse::fuzz
