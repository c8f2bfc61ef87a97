#include "support/h2_client.h"

#include <nghttp2/nghttp2.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace gatehouse::test {

namespace {

nghttp2_session* session_of(void* pointer) {
  return static_cast<nghttp2_session*>(pointer);
}

std::vector<nghttp2_nv> list(const H2Fields& fields) {
  std::vector<nghttp2_nv> items;
  for (const auto& [name, value] : fields) {
    items.push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                     reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(), 0});
  }
  return items;
}

}  // namespace

struct H2Client::Callbacks {
  static H2Client& self(void* user) { return *static_cast<H2Client*>(user); }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                    const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
    Stream& stream = self(user).streams_[frame->hd.stream_id];
    std::string key(reinterpret_cast<const char*>(name), name_size);
    std::string text(reinterpret_cast<const char*>(value), value_size);
    if (stream.headed) {
      stream.answer.response.trailers.add(std::move(key), std::move(text));
    } else if (key == ":status") {
      stream.answer.response.status = std::stoi(text);
    } else {
      stream.answer.response.fields.add(std::move(key), std::move(text));
    }
    return 0;
  }

  static int frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    H2Client& client = self(user);
    if (frame->hd.type == NGHTTP2_GOAWAY) {
      client.goaway_ = frame->goaway.error_code;
      client.goaway_last_ = frame->goaway.last_stream_id;
    }
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) ++client.pongs_;
    if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
      client.max_streams_ =
          nghttp2_session_get_remote_settings(session_of(client.session_), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    }
    if (frame->hd.stream_id == 0) return 0;
    Stream& stream = client.streams_[frame->hd.stream_id];
    if (frame->hd.type == NGHTTP2_HEADERS && !stream.headed) {
      if (stream.answer.response.status < 200) {
        Response interim = std::move(stream.answer.response);
        std::vector<Response> before = std::move(interim.interim);
        stream.answer.response = {};
        stream.answer.response.interim = std::move(before);
        stream.answer.response.interim.push_back(std::move(interim));
      } else {
        stream.headed = true;
      }
    }
    if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      stream.answer.response.complete = true;
    }
    return 0;
  }

  static int data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes, std::size_t size,
                  void* user) {
    self(user).streams_[id].answer.response.body.append(reinterpret_cast<const char*>(bytes), size);
    return 0;
  }

  static int closed(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
    Stream& stream = self(user).streams_[id];
    stream.over = true;
    stream.answer.code = code;
    stream.answer.reset = code != 0 || !stream.answer.response.complete;
    return 0;
  }

  static ssize_t read(nghttp2_session* session, std::int32_t id, std::uint8_t* to, std::size_t most,
                      std::uint32_t* flags, nghttp2_data_source*, void* user) {
    Stream& stream = self(user).streams_[id];
    const std::size_t size = std::min(most, stream.body.size() - stream.sent);
    if (size == 0 && !stream.last) return NGHTTP2_ERR_DEFERRED;
    if (size != 0) std::memcpy(to, stream.body.data() + stream.sent, size);
    stream.sent += size;
    if (stream.last && stream.sent == stream.body.size()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!stream.trailers.empty()) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        const std::vector<nghttp2_nv> items = list(stream.trailers);
        nghttp2_submit_trailer(session, id, items.data(), items.size());
      }
    }
    return static_cast<ssize_t>(size);
  }
};

H2Client::H2Client(RawClient& connection, const Options& options) : connection_(connection) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::data);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::closed);
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_no_auto_window_update(option, options.auto_window ? 0 : 1);
  nghttp2_option_set_no_http_messaging(option, 1);  // also what a client should not say
  nghttp2_session* session = nullptr;
  nghttp2_session_client_new2(&session, callbacks, this, option);
  session_ = session;
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.window},
                                             {NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
  nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, 2);
  nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, static_cast<std::int32_t>(options.window));
}

H2Client::~H2Client() {
  nghttp2_session_del(session_of(session_));
}

H2Fields h2_request(std::string_view method, std::string_view path, const H2Fields& more) {
  H2Fields fields{
      {":method", std::string(method)}, {":scheme", "http"}, {":authority", "test"}, {":path", std::string(path)}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

std::int32_t H2Client::request_of(const H2Fields& fields, bool open) {
  const std::vector<nghttp2_nv> items = list(fields);
  nghttp2_data_provider provider{};
  provider.read_callback = Callbacks::read;
  const std::int32_t id = nghttp2_submit_request(session_of(session_), nullptr, items.data(), items.size(),
                                                 open ? &provider : nullptr, nullptr);
  streams_[id].last = !open;
  return id;
}

std::int32_t H2Client::request(std::string_view method, std::string_view path, const H2Fields& more,
                               std::string_view body, bool open) {
  const std::int32_t id = request_of(h2_request(method, path, more), open || !body.empty());
  streams_[id].body = body;
  streams_[id].last = !open;
  flush();
  return id;
}

void H2Client::send(std::int32_t id, std::string_view body, bool last, const H2Fields& trailers) {
  Stream& stream = streams_[id];
  stream.body.append(body);
  stream.last = last;
  stream.trailers = trailers;
  nghttp2_session_resume_data(session_of(session_), id);
  flush();
}

void H2Client::reset(std::int32_t stream, std::uint32_t code) {
  nghttp2_submit_rst_stream(session_of(session_), NGHTTP2_FLAG_NONE, stream, code);
  flush();
}

void H2Client::open_window(std::int32_t stream, std::uint32_t bytes) {
  nghttp2_submit_window_update(session_of(session_), NGHTTP2_FLAG_NONE, stream, static_cast<std::int32_t>(bytes));
  flush();
}

void H2Client::ping() {
  nghttp2_submit_ping(session_of(session_), NGHTTP2_FLAG_NONE, nullptr);
  flush();
}

void H2Client::flush() {
  for (;;) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_of(session_), &bytes);
    if (size <= 0) break;
    out_.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  }
  // No more than the socket takes: the peer may wait for us to read.
  while (!out_.empty()) {
    const ssize_t put = ::send(connection_.fd(), out_.data(), out_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put <= 0) break;
    out_.erase(0, static_cast<std::size_t>(put));
  }
}

bool H2Client::step(const Deadline& deadline) {
  flush();
  if (end_ != End::open) return false;
  const Deadline soon(out_.empty() ? Millis(deadline.left()) : std::min(Millis(deadline.left()), Millis(5)));
  if (wait_readable(connection_.fd(), soon) != Ready::yes) return !deadline.passed();
  char buffer[64 * 1024];
  const ssize_t got = ::recv(connection_.fd(), buffer, sizeof buffer, MSG_DONTWAIT);
  if (got == 0) end_ = End::eof;
  if (got < 0 && errno != EAGAIN) end_ = End::reset;
  if (got <= 0) return end_ == End::open;
  if (nghttp2_session_mem_recv(session_of(session_), reinterpret_cast<std::uint8_t*>(buffer),
                               static_cast<std::size_t>(got)) < 0) {
    end_ = End::reset;
  }
  flush();
  return true;
}

H2Answer& H2Client::wait(std::int32_t id, const Deadline& deadline) {
  while (!streams_[id].over && step(deadline)) {
  }
  return streams_[id].answer;
}

H2Answer& H2Client::wait_body(std::int32_t id, std::size_t size, const Deadline& deadline) {
  while (!streams_[id].over && streams_[id].answer.response.body.size() < size && step(deadline)) {
  }
  return streams_[id].answer;
}

H2Answer& H2Client::wait_head(std::int32_t id, const Deadline& deadline) {
  while (!streams_[id].over && !streams_[id].headed && step(deadline)) {
  }
  return streams_[id].answer;
}

void H2Client::read_for(Millis time) {
  const Deadline deadline(time);
  while (step(deadline)) {
  }
}

End H2Client::wait_end(const Deadline& deadline) {
  while (end_ == End::open && step(deadline)) {
  }
  return end_ == End::open ? End::timeout : end_;
}

std::string h2_number(std::uint32_t number) {
  return {static_cast<char>(number >> 24), static_cast<char>(number >> 16), static_cast<char>(number >> 8),
          static_cast<char>(number)};
}

std::string h2_frame(H2Frame type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
  return h2_number(static_cast<std::uint32_t>(payload.size())).substr(1) + static_cast<char>(type) +
         static_cast<char>(flags) + h2_number(stream) + std::string(payload);
}

std::string h2_fields(const H2Fields& fields) {
  std::string block;
  const auto text = [&block](std::string_view part) {
    std::size_t rest = part.size();
    if (rest < 127) {
      block += static_cast<char>(rest);
    } else {
      block += static_cast<char>(127);
      for (rest -= 127; rest >= 128; rest /= 128) block += static_cast<char>(rest % 128 + 128);
      block += static_cast<char>(rest);
    }
    block += part;
  };
  for (const auto& [name, value] : fields) {
    block += '\0';
    text(name);
    text(value);
  }
  return block;
}

}  // namespace gatehouse::test
