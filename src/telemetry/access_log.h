#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ip_address.h"

namespace gatehouse::telemetry {

/// A claim of the caller's token.
struct LoggedClaim {
  std::string_view name, value;
};

/// One finished exchange, as views that live until append() returns.
struct AccessRecord {
  std::int64_t time_us = 0;  ///< wall clock at the start of the request, microseconds since 1970
  std::string_view request_id, trace_id;
  IpAddress client_ip;
  std::string_view method, host, path;  ///< path with its query as the client sent it
  std::string_view protocol;            ///< "HTTP/1.1"
  int status = 0;
  std::string_view reason;  ///< "" where nothing went wrong
  std::string_view route, service, target, consumer;
  std::uint64_t bytes_in = 0, bytes_out = 0;  ///< body bytes from and to the client
  std::uint64_t duration_us = 0;
  std::uint64_t upstream_us = 0;  ///< until the response head, the last try; UINT64_MAX: no upstream was asked
  std::uint32_t tries = 0;
  std::string_view grpc_status;  ///< digits; "" where the exchange was no gRPC call or ended without one
  std::span<const LoggedClaim> claims;
  std::string_view client_subject, client_fingerprint;  ///< of the client's certificate; "" where it showed none
};

/// How a line is made of a record: JSON, or a template of `$field` and text. Immutable, any thread.
class AccessFormat {
 public:
  virtual ~AccessFormat() = default;
  /// Appends one line (newline included) at `to`, which has `size` bytes; gives the bytes written, 0 if it does not
  /// fit.
  virtual std::size_t write(const AccessRecord& record, char* to, std::size_t size) const = 0;
};
/// `format` is "json" or a template; "" in `error` on success, else what is wrong and null is returned.
/// Values of query parameters that usually hold credentials are written as ***; `secret_names` are further such names
/// (the query names of key-auth), compared without case.
std::unique_ptr<AccessFormat> make_access_format(std::string_view format, std::string& error,
                                                 std::span<const std::string> secret_names = {});

/// Bytes of a block: what a worker collects before it hands it over.
inline constexpr std::size_t kAccessBlock = 64 * 1024;

/// The sink that all workers share: one thread that writes blocks to a file, stdout or stderr. A blocked sink makes
/// blocks be dropped and counted, never a worker wait.
///
/// Destroying it writes what is queued and waits for that, a second at most where the sink is blocked: the control
/// thread keeps the last reference.
class AccessSink {
 public:
  virtual ~AccessSink() = default;
  /// Takes a full block (a worker's; lines are whole). Any thread. False: the ring was full, it was dropped.
  virtual bool submit(const char* data, std::size_t size, std::uint32_t lines) = 0;
  /// Closes and opens the file again (log rotation, USR1). Any thread; takes effect within a second.
  virtual void reopen() = 0;
  /// Lines lost: ring full or write failed.
  virtual std::uint64_t dropped() const = 0;
  /// Writes out what is queued, waiting at most `wait`.
  virtual void flush(Duration wait) = 0;
};
/// `path`: a file (opened for append, created with mode 0640), "stdout" or "stderr". Null and `error` set if it can't
/// be opened.
std::shared_ptr<AccessSink> open_access_sink(const std::string& path, std::string& error);
/// Lines lost by all sinks and buffers since the process started; never falls, whatever sinks come and go. Any thread.
std::uint64_t access_log_dropped_total();

/// One worker's end: formats into a 64 KiB block, hands it over when full or when it is a second old.
/// Owner: the worker; one thread. No allocation per record.
class AccessBuffer {
 public:
  AccessBuffer() = default;
  /// Sends what is buffered to the old sink and goes on with these. Null sink: records are ignored.
  void use(std::shared_ptr<AccessSink> sink, std::shared_ptr<const AccessFormat> format);
  /// A record that is larger than a block is written with its path cut short (then the other texts too).
  void append(const AccessRecord& record, TimePoint now);
  /// Hands over the block if its first line is half a second old (so that it is written within a second), or `always`.
  void flush(TimePoint now, bool always = false);
  /// When flush() wants to be called next; kNever if nothing is buffered.
  TimePoint flush_at() const { return used_ == 0 ? kNever : first_at_ + std::chrono::milliseconds(500); }
  bool on() const { return sink_ != nullptr; }
  ~AccessBuffer();

 private:
  void submit();
  std::size_t write_shortened(const AccessRecord& record);

  std::shared_ptr<AccessSink> sink_;
  std::shared_ptr<const AccessFormat> format_;
  std::unique_ptr<char[]> block_;
  std::size_t used_ = 0;
  std::uint32_t lines_ = 0;
  TimePoint first_at_{};
};

}  // namespace gatehouse::telemetry
