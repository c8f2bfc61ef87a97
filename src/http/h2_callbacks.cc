#include "http/h2_callbacks.h"

#include <algorithm>
#include <cstring>

#include "http/h2_session.h"
#include "http/h2_stream.h"

namespace gatehouse::http {

/// The callbacks, as members of one friend of session and stream.
struct H2Callbacks {
  using Session = nghttp2_session;
  using Frame = nghttp2_frame;

  static constexpr std::size_t kFrameHead = 9;

  static H2Session& session_of(void* user) { return *static_cast<H2Session*>(user); }
  static H2Stream* stream_of(Session* session, std::int32_t id) {
    return static_cast<H2Stream*>(nghttp2_session_get_stream_user_data(session, id));
  }
  static std::string_view text(const std::uint8_t* bytes, std::size_t size) {
    return {reinterpret_cast<const char*>(bytes), size};
  }

  // ---- incoming ----

  static int begin_frame(Session*, const nghttp2_frame_hd* head, void* user) {
    H2Session& self = session_of(user);
    if (head->type != NGHTTP2_HEADERS) return 0;
    // RFC 9113 section 5.1.1: a stream that was passed over is closed, and may not be opened any more.
    if (head->stream_id <= self.skipped_from_ || head->stream_id >= self.skipped_to_) return 0;
    self.fault_ = H2Error::protocol_error;
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }

  static int begin_headers(Session* session, const Frame* frame, void* user) {
    H2Session& self = session_of(user);
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    const std::int32_t id = frame->hd.stream_id;
    H2Stream* stream = stream_of(session, id);
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
      if (id > self.last_id_ + 2) {
        self.skipped_from_ = self.last_id_;
        self.skipped_to_ = id;
      }
      self.last_id_ = id;
      stream = self.owner_.open_stream();
      if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
      stream->id_ = id;
      nghttp2_session_set_stream_user_data(session, id, stream);
    }
    if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    if (stream->given_up_) return 0;  // its arena may be gone
    stream->block_.begin(stream->final_head_ ? stream->incoming_trailers_ : stream->head_fields());
    return 0;
  }

  static int field(Session* session, const Frame* frame, const std::uint8_t* name, std::size_t name_size,
                   const std::uint8_t* value, std::size_t value_size, std::uint8_t, void*) {
    H2Stream* const stream = stream_of(session, frame->hd.stream_id);
    if (stream == nullptr || stream->given_up_ || frame->hd.type != NGHTTP2_HEADERS) return 0;
    if (stream->final_head_) {
      stream->block_.add_trailer(text(name, name_size), text(value, value_size));
    } else {
      stream->block_.add(text(name, name_size), text(value, value_size));
    }
    return 0;
  }

  /// nghttp2 would drop a field that is not valid without a word; here the message is refused.
  static int invalid_field(Session* session, const Frame* frame, const std::uint8_t*, std::size_t, const std::uint8_t*,
                           std::size_t, std::uint8_t, void*) {
    if (H2Stream* const stream = stream_of(session, frame->hd.stream_id)) stream->violated_ = true;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static int data(Session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes, std::size_t size, void* user) {
    H2Session& self = session_of(user);
    H2Stream* const stream = stream_of(self.session_, id);
    if (stream == nullptr || stream->given_up_) {
      nghttp2_session_consume(self.session_, id, size);
      return 0;
    }
    stream->received_.push(text(bytes, size));
    self.unread_ += size;
    self.credit(size);
    stream->readable_.notify();
    return 0;
  }

  static int frame_received(Session* session, const Frame* frame, void* user) {
    H2Session& self = session_of(user);
    H2Stream* const stream = frame->hd.stream_id != 0 ? stream_of(session, frame->hd.stream_id) : nullptr;
    const bool ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        return stream != nullptr ? block_received(self, *stream, ended) : 0;
      case NGHTTP2_DATA:
        if (stream != nullptr && ended) {
          stream->ended_ = true;
          stream->readable_.notify();
        }
        if (frame->hd.length == frame->data.padlen && !ended) return cheap(self);
        return 0;
      case NGHTTP2_SETTINGS:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) return 0;
        self.greeted_ = true;
        return cheap(self);
      case NGHTTP2_PING:
        return (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0 ? 0 : cheap(self);
      case NGHTTP2_PRIORITY:
      case NGHTTP2_RST_STREAM:
        return cheap(self);
      case NGHTTP2_WINDOW_UPDATE:
        if (self.updates_ < 1) return cheap(self);
        self.updates_ -= 1;
        return 0;
      default:
        return 0;
    }
  }

  static int block_received(H2Session& self, H2Stream& stream, bool ended) {
    if (stream.final_head_ && !stream.given_up_ && stream.block_.too_large()) {
      // Trailers that cannot be kept whole are not kept in part: the message has no end.
      stream.violated_ = true;
      self.reset(stream, H2Error::protocol_error);
      return 0;
    }
    stream.ended_ = ended;
    stream.readable_.notify();
    if (stream.final_head_ || stream.given_up_) return 0;  // these were trailers
    if (!stream.head_complete(ended)) {
      stream.violated_ = true;
      self.reset(stream, H2Error::protocol_error);
      return 0;
    }
    if (stream.final_head_ && self.role_ == H2Session::Role::server) self.owner_.head_complete(stream);
    return 0;
  }

  static int cheap(H2Session& self) {
    if (self.cheap_ < 1 && !self.afford_cheap_frame()) return NGHTTP2_ERR_CALLBACK_FAILURE;
    self.cheap_ -= 1;
    return 0;
  }

  static int invalid_frame(Session* session, const Frame* frame, int, void*) {
    H2Stream* const stream = frame->hd.stream_id != 0 ? stream_of(session, frame->hd.stream_id) : nullptr;
    if (stream != nullptr) stream->violated_ = true;
    return 0;
  }

  static int stream_closed(Session* session, std::int32_t id, std::uint32_t code, void* user) {
    H2Stream* const stream = stream_of(session, id);
    if (stream == nullptr) return 0;
    stream->closed_ = true;
    stream->reset_code_ = code;
    stream->cut_ = code != 0 || !stream->end_sent_;
    stream->pending_ = {};
    stream->readable_.notify();
    stream->writable_.notify();
    session_of(user).owner_.stream_closed(*stream);
    return 0;
  }

  // ---- outgoing ----

  static ssize_t offer(Session* session, std::int32_t id, std::uint8_t*, std::size_t most, std::uint32_t* flags,
                       nghttp2_data_source* source, void*) {
    auto& stream = *static_cast<H2Stream*>(source->ptr);
    if (stream.given_up_) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    const std::size_t size = std::min(most, stream.pending_.size());
    if (size == 0 && !stream.last_) {
      stream.waiting_ = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (stream.last_ && size == stream.pending_.size()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (stream.trailers_ != nullptr) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        stream.session_.submit_trailers(stream);
      } else {
        stream.end_sent_ = true;
      }
      stream.writable_.notify();
    }
    (void)session;
    (void)id;
    return static_cast<ssize_t>(size);
  }

  /// Frames that fill a TLS record with their own head.
  static ssize_t frame_size(Session*, std::uint8_t, std::int32_t, std::int32_t connection_window,
                            std::int32_t stream_window, std::uint32_t most, void*) {
    constexpr std::int32_t kRecord = 16 * 1024 - static_cast<std::int32_t>(kFrameHead);
    return std::max(1, std::min({connection_window, stream_window, static_cast<std::int32_t>(most), kRecord}));
  }

  static int send_data(Session*, Frame*, const std::uint8_t* head, std::size_t size, nghttp2_data_source* source,
                       void* user) {
    H2Session& self = session_of(user);
    auto& stream = *static_cast<H2Stream*>(source->ptr);
    if (stream.given_up_) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    self.make_room();
    if (self.room() < kFrameHead + size) {
      self.full_ = true;
      return NGHTTP2_ERR_WOULDBLOCK;
    }
    char* const to = self.out_.data() + self.out_end_;
    std::memcpy(to, head, kFrameHead);
    if (size != 0) std::memcpy(to + kFrameHead, stream.pending_.data(), size);
    self.out_end_ += kFrameHead + size;
    stream.pending_.remove_prefix(size);
    self.earn(size);
    stream.writable_.notify();  // a piece that goes out slowly is no standstill
    return 0;
  }

  static int frame_sent(Session* session, const Frame* frame, void* user) {
    H2Session& self = session_of(user);
    if (frame->hd.type == NGHTTP2_HEADERS) self.earn(0);
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) {
      self.owner_.giving_up(frame->goaway.error_code);
    }
    if (self.role_ != H2Session::Role::server || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    if (H2Stream* const stream = stream_of(session, frame->hd.stream_id)) {
      stream->end_written_ = true;
      stream->dismiss();
    }
    return 0;
  }

  /// A head too large for HTTP/2 to carry, or the like: the stream cannot go on.
  static int frame_not_sent(Session* session, const Frame* frame, int, void* user) {
    H2Session& self = session_of(user);
    if (self.role_ == H2Session::Role::client) return 0;  // the stream was never opened: nghttp2 closes it by itself
    H2Stream* const stream = frame->hd.type == NGHTTP2_HEADERS ? stream_of(session, frame->hd.stream_id) : nullptr;
    if (stream != nullptr && !stream->closed_) self.reset(*stream, H2Error::internal_error);
    return 0;
  }
};

nghttp2_data_provider h2_body(H2Stream& stream) {
  nghttp2_data_provider provider;
  provider.source.ptr = &stream;
  provider.read_callback = H2Callbacks::offer;
  return provider;
}

nghttp2_session_callbacks* h2_callbacks() {
  static nghttp2_session_callbacks* const made = [] {
    nghttp2_session_callbacks* all = nullptr;
    nghttp2_session_callbacks_new(&all);
    nghttp2_session_callbacks_set_on_begin_frame_callback(all, H2Callbacks::begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(all, H2Callbacks::begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(all, H2Callbacks::field);
    nghttp2_session_callbacks_set_on_invalid_header_callback(all, H2Callbacks::invalid_field);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(all, H2Callbacks::data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(all, H2Callbacks::frame_received);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(all, H2Callbacks::invalid_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(all, H2Callbacks::stream_closed);
    nghttp2_session_callbacks_set_send_data_callback(all, H2Callbacks::send_data);
    nghttp2_session_callbacks_set_data_source_read_length_callback(all, H2Callbacks::frame_size);
    nghttp2_session_callbacks_set_on_frame_send_callback(all, H2Callbacks::frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(all, H2Callbacks::frame_not_sent);
    return all;
  }();
  return made;
}

}  // namespace gatehouse::http
