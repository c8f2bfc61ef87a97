// Frames of a service: whatever comes, answers that are passed on could be written as HTTP/1.1, and no part looks
// whole.
#include "fuzz/h2_fuzz.h"
#include "http/h2_client_stream.h"

namespace {

using namespace gatehouse;
using namespace gatehouse::fuzz;

struct Call {
  Call(http::H2Session& session, http::Method method)
      : request(arena), response(arena), stream(session, arena, method, "http", false) {}
  Arena arena;
  http::RequestHead request;
  http::ResponseHead response;
  http::H2ClientStream stream;
  bool headed = false, over = false;
  std::uint64_t read = 0;
  int heads = 0;
};

class Client final : public http::H2Owner {
 public:
  explicit Client(Dice& dice)
      : dice_(dice), sink_(dice), session_(http::H2Session::Role::client, settings(), *this, sink_) {
    sink_.attach(session_);
    for (int i = 0; i < 3; ++i) call(i);
    sink_.drain();
  }
  ~Client() override {
    for (Call& each : calls_) each.stream.finish_exchange();
    sink_.drain();
    calls_.clear();
  }

  void run(std::string_view input) {
    TimePoint now{std::chrono::seconds(1)};
    for (const std::string_view piece : pieces_of(input, dice_)) {
      now += std::chrono::milliseconds(dice_.roll(50));
      const bool good = session_.receive(piece, now);
      for (Call& each : calls_) read(each);
      if (dice_.roll(3) != 0) sink_.drain();
      if (!good) break;
    }
    for (Call& each : calls_) {
      if (dice_.roll(2) == 0) each.stream.fail_connection(0);
      read(each);
      require(each.over || each.stream.closed() || !each.stream.detached(), "a stream that is cut says so");
    }
  }

 private:
  static http::H2Settings settings() {
    http::H2Settings made;
    made.head = http::kUpstreamHeadLimits;
    made.stream_window = 2000;
    made.connection_window = 70'000;
    made.cheap_frames = 50;
    return made;
  }
  void call(int index) {
    Call& made = calls_.emplace_back(session_, index == 1 ? http::Method::head : http::Method::post);
    made.request.method_text = index == 1 ? "HEAD" : "POST";
    made.request.fields.append("Host", "service");
    made.request.fields.append("X-Number", "1");
    if (index == 2) made.request.framing = {http::Framing::Kind::chunked, 0};
    made.stream.write_head(made.request, "/path", index == 2 ? "body" : "", index != 2);
  }
  void read(Call& call) {
    if (call.over) return;
    while (!call.headed) {
      const http::Io io = call.stream.read_head(call.response);
      if (io == http::Io::blocked) return;
      if (io == http::Io::failed) {
        call.over = true;
        return;
      }
      require(++call.heads <= 64, "interim heads are few");
      require(call.response.status >= 100 && call.response.status <= 999 && call.response.status != 101, "a status");
      check_h2_fields(call.response.fields, http::kUpstreamHeadLimits);
      call.headed = call.response.status >= 200;
    }
    http::BodyPiece piece;
    for (int i = 0; i < 4; ++i) {
      const http::Io io = call.stream.read_body(piece);
      if (io == http::Io::blocked) return;
      if (io == http::Io::failed) {
        call.over = true;
        return;
      }
      call.read += piece.data.size();
      if (piece.last) {
        call.over = true;
        if (call.response.framing.kind == http::Framing::Kind::length) {
          require(call.read == call.response.framing.length, "what is whole has the length that it said");
        }
        for (const http::Field& field : call.stream.trailers()) {
          require(http::is_token(field.name) && http::is_field_value(field.value), "trailers can be sent on");
        }
        return;
      }
    }
  }

  http::H2Stream* open_stream() override { return nullptr; }
  void head_complete(http::H2Stream&) override {}
  void stream_closed(http::H2Stream&) override {}
  void giving_up(std::uint32_t) override {}

  Dice& dice_;
  Sink sink_;
  http::H2Session session_;
  std::list<Call> calls_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = as_text(data, size);
  Dice dice(input);
  Client(dice).run(input);
  return 0;
}
