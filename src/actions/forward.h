#pragma once
#include <string_view>

#include "base/scheduler.h"
#include "http/stream.h"
#include "plugin/chain.h"
#include "upstream/cluster.h"

namespace gatehouse::actions {

/// How long each step of forwarding may take; kOff where a step may take for ever.
struct ForwardTimeouts {
  Duration connect, send, read, total, stream_idle;
  Duration body;  ///< between two reads of the client's body, or two writes to it
};

/// What became of it, for the log and the metrics.
struct ForwardReport {
  std::string_view target;  ///< address of the last try, "" if none was reached
  std::uint32_t tries = 0;
  TimePoint started = kNever;  ///< when the last try began
  TimePoint headed = kNever;   ///< when its response head was there
  const char* detail = "";     ///< what went wrong, a literal
  int sys = 0;
};

/// Sends an exchange's request to a service and its response to the client, streaming both bodies at once: each part is
/// read when the part before it has been written. One per exchange, in its driver's frame.
///
/// Ends in one of three ways: the response went out whole; `exchange.replied` is set (an error before anything was
/// sent, or a plugin's reply) and the caller sends that; or the client's stream was reset, since the service's body
/// broke off, and `exchange.reason` says why.
class Forward {
 public:
  Forward(plugin::Exchange& exchange, http::ServerStream& client, const plugin::Chain& chain,
          upstream::Cluster& cluster, const ForwardTimeouts& timeouts, Scope& scope)
      : x_(exchange), client_(client), chain_(chain), cluster_(cluster), timeouts_(timeouts), scope_(scope) {}

  /// Adds a Set-Cookie line of that value to the response ("" for none).
  void set_cookie(std::string_view cookie) { cookie_ = cookie; }
  /// `target` is the request target to send.
  Task<void> run(std::string_view target);
  const ForwardReport& report() const { return report_; }
  /// The fourth way: both sides have changed to another protocol, and the caller carries its bytes between the client
  /// and service(). Nothing of the configuration is used any more.
  bool upgraded() const { return service_ != nullptr; }
  http::ClientStream& service() const { return *service_; }

 private:
  enum class Step : std::uint8_t { go_on, retry, ended };

  /// All of the request's body, for plugins that must have seen it. False: `exchange.replied` is set.
  Task<bool> collect_request();
  /// One try up to the final response head.
  Task<Step> exchange_heads(http::ClientStream& service, std::string_view target);
  Task<void> pump_response(http::ClientStream& service);
  Task<bool> taken(http::ClientStream& service, http::Io io);
  Task<void> pump_request(http::ClientStream& service, http::Io begun);

  /// The service has agreed to change the protocol: so does the client's side.
  Task<void> upgrade(http::ClientStream& service);
  const char* fault_of_switch() const;

  Step on_error(const Error& error, const http::ClientStream& service);
  Step give_up(const Error& error);
  void break_off(const Error& error);
  bool may_retry(const Error& error, const http::ClientStream& service) const;
  void prepare_response_head(const http::ClientStream& service);
  void observe(plugin::Direction direction, const http::BodyPiece& piece, const http::Fields& trailers);
  TimePoint until_after(Duration after) const;
  /// Between two reads from the service, and between two steps of the client's; a stream may be silent for longer.
  Duration read_patience() const { return streaming_ ? timeouts_.stream_idle : timeouts_.read; }
  Duration client_patience() const { return streaming_ ? timeouts_.stream_idle : timeouts_.body; }
  Duration grpc_timeout() const;
  void fail_upload(http::ClientStream& service, const Error& error);

  plugin::Exchange& x_;
  http::ServerStream& client_;
  const plugin::Chain& chain_;
  upstream::Cluster& cluster_;
  const ForwardTimeouts& timeouts_;
  Scope& scope_;
  ForwardReport report_;
  upstream::Lease lease_;                  ///< of an upgraded exchange
  http::ClientStream* service_ = nullptr;  ///< the same
  TimePoint total_ = kNever;
  std::string_view cookie_;

  http::BodyPiece first_;  ///< of the request's body: kept for a second try until more is read
  bool has_first_ = false;
  bool first_used_up_ = false;
  std::uint64_t request_bytes_ = 0;
  TimePoint progress_{};  ///< when the last part of the request was written
  bool upload_failed_ = false;
  Error upload_error_;
  bool streaming_ = false;  ///< an endless stream: stream_idle stands in for read, body and total
  Job upload_;              ///< last: ends before what it uses
};

}  // namespace gatehouse::actions
