#include "http/h2_session.h"

#include <algorithm>
#include <cstring>

#include "http/h2_callbacks.h"
#include "http/h2_stream.h"

namespace gatehouse::http {

namespace {

nghttp2_option* session_options() {
  static nghttp2_option* const made = [] {
    nghttp2_option* options = nullptr;
    nghttp2_option_new(&options);
    nghttp2_option_set_no_auto_window_update(options, 1);
    nghttp2_option_set_stream_reset_rate_limit(options, 1000, 100);  // as the budget of cheap frames
    nghttp2_option_set_max_send_header_block_length(options, 256 * 1024);
    return options;
  }();
  return made;
}

}  // namespace

H2Session::H2Session(Role role, const H2Settings& settings, H2Owner& owner, H2Output& output)
    : settings_(settings),
      scanner_(role == Role::server ? NGHTTP2_CLIENT_MAGIC_LEN : 0),
      owner_(owner),
      to_(output),
      role_(role),
      cheap_(settings.cheap_frames) {
  if (role == Role::server) {
    nghttp2_session_server_new3(&session_, h2_callbacks(), this, session_options(), h2_memory());
  } else {
    nghttp2_session_client_new3(&session_, h2_callbacks(), this, session_options(), h2_memory());
  }
  const bool server = role == Role::server;
  nghttp2_settings_entry entries[4] = {
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, settings_.stream_window},
      // RFC 9113 section 6.5.2 counts 32 bytes for each field besides.
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
       settings_.head.start_line + settings_.head.fields_bytes + 32 * settings_.head.fields_count},
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, settings_.max_streams},
      // Servers take CONNECT for other protocols (RFC 8441); clients no pushed streams.
      {server ? NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL : NGHTTP2_SETTINGS_ENABLE_PUSH, server ? 1U : 0U},
  };
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries, 4);
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                        static_cast<std::int32_t>(settings_.connection_window));
}

H2Session::~H2Session() {
  nghttp2_session_del(session_);
}

bool H2Session::receive(std::string_view bytes, TimePoint now) {
  now_ = now;
  if (cheap_since_ == TimePoint{}) cheap_since_ = now;
  scanner_.take(bytes);
  const ssize_t taken =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (taken >= 0) return true;
  failed_ = true;
  const bool known = taken == NGHTTP2_ERR_CALLBACK_FAILURE || taken == NGHTTP2_ERR_FLOODED;
  terminate(known ? fault_ : H2Error::protocol_error);
  return false;
}

/// Whether one more frame that brings nothing fits into what the time since the last refill allows.
bool H2Session::afford_cheap_frame() {
  const double seconds = std::chrono::duration<double>(now_ - cheap_since_).count();
  cheap_since_ = now_;
  cheap_ = std::min(cheap_ + seconds * settings_.cheap_frames_per_second, double(settings_.cheap_frames));
  return cheap_ >= 1;
}

// ---- output ----

void H2Session::make_room() {
  if (!out_) out_ = PooledBuffer(BlockPool::kLarge);
}

/// Takes what found no room before; false if it still does not.
bool H2Session::take_rest() {
  if (rest_.empty()) return true;
  make_room();
  const std::size_t count = std::min(rest_.size(), room());
  std::memcpy(out_.data() + out_end_, rest_.data(), count);
  out_end_ += count;
  rest_.remove_prefix(count);
  return rest_.empty();
}

void H2Session::fill() {
  full_ = false;
  while (!full_) {
    if (!take_rest()) {
      full_ = true;
      return;
    }
    const std::uint8_t* frames = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &frames);
    if (size < 0) failed_ = true;
    if (size <= 0) return;
    rest_ = {reinterpret_cast<const char*>(frames), static_cast<std::size_t>(size)};
  }
}

void H2Session::written(std::size_t bytes) {
  out_begin_ += bytes;
  if (out_begin_ != out_end_) return;
  out_begin_ = out_end_ = 0;
  out_.reset();
}

// ---- the connection ----

bool H2Session::over() const {
  const bool nothing_left = nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
  return output().empty() && rest_.empty() && (failed_ || nothing_left);
}

std::uint32_t H2Session::streams_allowed() const {
  if (failed_ || nghttp2_session_check_request_allowed(session_) == 0) return 0;
  return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

bool H2Session::takes_protocols() const {
  return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

void H2Session::announce_end() {
  ending_ = true;
  nghttp2_submit_shutdown_notice(session_);
}

void H2Session::end_with_streams() {
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                        NGHTTP2_NO_ERROR, nullptr, 0);
}

void H2Session::terminate(H2Error error) {
  nghttp2_session_terminate_session(session_, static_cast<std::uint32_t>(error));
}

// ---- streams ----

void H2Session::resume(H2Stream& stream) {
  if (!stream.waiting_) return;
  stream.waiting_ = false;
  nghttp2_session_resume_data(session_, stream.id_);
}

/// Sends as much of what the stream has pending as the windows, the output and the socket take.
Io H2Session::push(H2Stream& stream) {
  for (;;) {
    fill();
    if (stream.cut_) return Io::failed;
    if (!full_) break;
    if (!to_.write_now()) return stream.flush_body();
  }
  to_.write_soon();
  return stream.flush_body();
}

void H2Session::reset(H2Stream& stream, H2Error error) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id_, static_cast<std::uint32_t>(error));
  to_.write_soon();
}

// ---- flow control ----

/// Gives the connection's window back for bytes that came, unless too many of one client's lie here unread.
void H2Session::credit(std::size_t bytes) {
  if (role_ == Role::server && unread_ > settings_.connection_window) {
    owed_ += bytes;
    return;
  }
  nghttp2_session_consume_connection(session_, bytes);
}

void H2Session::consumed(H2Stream& stream, std::size_t bytes) {
  if (bytes == 0) return;
  unread_ -= bytes;
  if (!stream.closed_) nghttp2_session_consume_stream(session_, stream.id_, bytes);
  if (const std::size_t due = std::min(owed_, bytes); due != 0) {
    owed_ -= due;
    nghttp2_session_consume_connection(session_, due);
  }
  to_.write_soon();
}

void H2Session::forget(H2Stream& stream, std::size_t unread) {
  consumed(stream, unread);
}

}  // namespace gatehouse::http
