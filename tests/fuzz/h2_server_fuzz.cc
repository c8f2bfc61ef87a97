// Frames of a client: whatever comes, requests that are passed on could be written as HTTP/1.1, bodies stay within
// their windows, and everything ends.
#include "fuzz/h2_fuzz.h"
#include "http/chars.h"
#include "http/h2_server_stream.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::fuzz;

constexpr http::HeadLimits kLimits{.start_line = 200, .fields_bytes = 600, .fields_count = 12};

struct Memory {
  Memory() : head(arena) {}
  Arena arena;
  http::RequestHead head;
};

struct Exchange final : Memory, http::H2ServerStream {
  explicit Exchange(http::H2Session& session) : http::H2ServerStream(session, arena, head) {}
  bool arrived = false, answered_head = false, over = false;
  http::ResponseHead response{arena};
  std::uint64_t read = 0;
};

void check_request(const http::RequestHead& head) {
  check_h2_fields(head.fields, kLimits);
  require(http::is_token(head.method_text) && head.method_text.size() <= 32, "a method is a short token");
  require(http::is_valid_authority(head.authority), "an authority is a host and a port");
  require(head.fields.has(http::FieldId::host), "there is a Host");
  const char* const end = head.target.data() + head.target.size();
  require(head.method == http::Method::connect || http::chars::skip_target(head.target.data(), end) == end,
          "a target has no spaces and controls");
  require(head.target.size() <= kLimits.start_line, "a target is within its limit");
  require(head.form == http::TargetForm::authority || head.target.starts_with('/') || head.target == "*", "its form");
  int lengths = 0, cookies = 0;
  for (const http::Field& field : head.fields) {
    if (field.removed) continue;
    lengths += field.id == http::FieldId::content_length;
    cookies += field.id == http::FieldId::cookie;
  }
  require(lengths <= 1 && cookies <= 1, "one length, one cookie");
}

class Server final : public http::H2Owner {
 public:
  explicit Server(Dice& dice)
      : dice_(dice), sink_(dice), session_(http::H2Session::Role::server, settings(), *this, sink_) {
    sink_.attach(session_);
  }
  ~Server() override { exchanges_.clear(); }

  void run(std::string_view input) {
    TimePoint now{std::chrono::seconds(1)};
    for (const std::string_view piece : pieces_of(input, dice_)) {
      now += std::chrono::milliseconds(dice_.roll(50));
      const bool good = session_.receive(piece, now);
      for (Exchange& exchange : exchanges_) serve(exchange);
      if (dice_.roll(3) != 0) sink_.drain();
      exchanges_.remove_if([](const Exchange& exchange) { return exchange.over && exchange.closed(); });
      if (!good) break;
    }
    if (dice_.roll(2) == 0) session_.announce_end();
    if (dice_.roll(2) == 0) session_.end_with_streams();
    sink_.drain();
  }

 private:
  static http::H2Settings settings() {
    http::H2Settings made;
    made.head = kLimits;
    made.max_streams = 8;
    made.stream_window = 2000;
    made.connection_window = 70'000;
    made.cheap_frames = 50;
    return made;
  }

  http::H2Stream* open_stream() override {
    require(exchanges_.size() < 200, "streams are few at a time");
    return dice_.roll(20) == 0 ? nullptr : &exchanges_.emplace_back(session_);
  }
  void head_complete(http::H2Stream& stream) override { static_cast<Exchange&>(stream).arrived = true; }
  void stream_closed(http::H2Stream& stream) override {
    auto& exchange = static_cast<Exchange&>(stream);
    if (!exchange.arrived) exchange.over = true;
  }
  void giving_up(std::uint32_t error) override { require(error != 0, "an end with a fault has a code"); }

  void serve(Exchange& exchange) {
    if (!exchange.arrived || exchange.over) return;
    if (exchange.refusal().reason == Reason::none && !exchange.answered_head) check_request(exchange.head);
    http::BodyPiece piece;
    for (int i = 0; i < 4 && exchange.refusal().reason == Reason::none; ++i) {
      if (exchange.read_body(piece) != http::Io::done) break;
      exchange.read += piece.data.size();
      if (piece.last) break;
    }
    if (piece.last) check_trailers(exchange);
    if (exchange.head.framing.kind == http::Framing::Kind::length) {
      require(exchange.read <= exchange.head.framing.length, "no more than the length says");
    }
    if (dice_.roll(2) == 0) answer(exchange);
  }

  static void check_trailers(const Exchange& exchange) {
    for (const http::Field& field : exchange.trailers()) {
      require(http::is_token(field.name) && http::is_field_value(field.value), "trailers can be sent on");
    }
  }

  void answer(Exchange& exchange) {
    if (exchange.cut()) return finish(exchange);
    if (!exchange.answered_head) {
      exchange.answered_head = true;
      exchange.response.status = 200;
      exchange.response.framing.kind = http::Framing::Kind::chunked;
      exchange.response.fields.append("X-Answer", "yes");
      if (dice_.roll(4) == 0) exchange.reset();
      const http::Io io = exchange.write_head(exchange.response, kBody.substr(0, dice_.roll(3000)), dice_.roll(2) == 0,
                                              exchange.head.method == http::Method::head);
      if (io == http::Io::failed || exchange.answered()) finish(exchange);
      return;
    }
    if (exchange.flush() == http::Io::blocked) return;
    if (dice_.roll(3) == 0) exchange.finish(exchange.trailers());
    finish(exchange);
  }

  static void finish(Exchange& exchange) {
    exchange.finish_exchange();
    exchange.over = true;
  }

  inline static const std::string kText = std::string(4000, 'b');
  inline static const std::string_view kBody = kText;

  Dice& dice_;
  Sink sink_;
  http::H2Session session_;
  std::list<Exchange> exchanges_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = as_text(data, size);
  Dice dice(input);
  // With the preface in front, so that what is tried out are frames.
  const std::string whole = std::string(kPreface) + std::string(input);
  Server(dice).run(dice.roll(10) == 0 ? input : whole);
  return 0;
}
