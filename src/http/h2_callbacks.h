#pragma once
#include <nghttp2/nghttp2.h>

namespace gatehouse::http {

class H2Stream;

// What nghttp2 calls and uses. Private to the h2_*.cc files.

/// Each notes what happened on its session and stream, and starts nothing.
nghttp2_session_callbacks* h2_callbacks();
/// Where the DATA frames of a stream come from: what it has pending.
nghttp2_data_provider h2_body(H2Stream& stream);

/// nghttp2's memory comes from the thread's BlockPool, so that a stream costs no malloc. What it takes on a thread it
/// gives back there, as its sessions stay on theirs.
nghttp2_mem* h2_memory();

}  // namespace gatehouse::http
