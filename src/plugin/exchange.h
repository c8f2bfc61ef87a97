#pragma once
#include <cstdint>
#include <string_view>

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/ip_address.h"
#include "base/peer_certificate.h"
#include "http/head.h"
#include "plugin/body.h"

namespace gatehouse {
class Scope;
}

namespace gatehouse::plugin {

class Claims;
class Plugin;
struct AuthenticationRules;
struct Consumer;
struct Credential;
struct Refusal;

enum class Verdict : std::uint8_t {
  proceed,  ///< run the next plugin
  reply,  ///< the exchange's response is complete; skip the other request hooks and the action, run the response hooks
  suspend,  ///< call my *_async twin: the only verdict that pays for a coroutine frame
};

/// One request and its response, as plugins see them. Made by the engine when the request's head is complete, destroyed
/// after on_complete. Views given to it must be literals, views into its heads, or in its arena.
/// Owner: the exchange driver; its worker's thread.
class Exchange {
 public:
  explicit Exchange(Arena& memory) : arena(memory), request(memory), response(memory) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() {
    for (const End* end = ends_; end != nullptr; end = end->next) end->run(end->of);
  }

  Arena& arena;

  // ---- the request; what is changed here is what is forwarded ----

  http::RequestHead request;       ///< fields: without hop-by-hop ones, with the gateway's forwarding headers
  std::string_view method;         ///< as matched: for a CORS preflight the method that it asks for
  std::string_view host;           ///< lower case, without port
  std::string_view path;           ///< normalised; what routes were matched against. Not forwarded
  std::string_view forward_path;   ///< goes to the service, behind its base path; starts with "/"
  std::string_view forward_query;  ///< without "?"
  std::string_view forward_host;   ///< Host for the service; "" until the action decides it
  bool grpc = false;               ///< a gRPC call: errors are told in its own way
  std::string_view grpc_status;    ///< of the service, from its trailers; "" before they came
  bool preflight = false;          ///< OPTIONS with Origin and Access-Control-Request-Method
  bool https = false;              ///< the scheme under which the client sees the gateway

  // ---- who and where ----

  const PeerCertificate* certificate = nullptr;  ///< of the client, verified; null if it showed none
  IpAddress client_ip;                           ///< the rightmost address that is no trusted proxy's
  std::string_view client_ip_text;
  std::string_view request_id;  ///< X-Request-ID as forwarded
  std::string_view trace_id;    ///< 32 hex digits of traceparent
  std::string_view route;       ///< "" while none is known
  std::string_view service;     ///< the service that the request goes to, "" for none
  unsigned worker = 0;          ///< index of this worker, below BuildContext::workers()
  Scope* scope = nullptr;       ///< what waits for this exchange end with; null where nothing may wait (explain)
  TimePoint now{};              ///< when the request's head was complete

  // ---- who calls, once authentication is over (authentication.h) ----

  const Consumer* consumer = nullptr;      ///< null: nobody is known by name
  const Credential* credential = nullptr;  ///< null where nothing is known of it but its id
  std::string_view credential_id;          ///< what services and limits call it
  const Claims* claims = nullptr;          ///< of the verified token; null without one
  bool authenticated = false;              ///< a plugin has found who calls
  bool anonymous = false;                  ///< nobody has, and `consumer` stands in

  // ---- bodies ----

  std::uint64_t max_request_body = UINT64_MAX;   ///< bytes; a hook may lower it. Exceeding it is 413
  std::uint64_t max_response_body = UINT64_MAX;  ///< exceeding it is 502
  /// Asks for on_body of that direction, for the chain's plugins that have the hook. Call it in a head hook.
  void observe_body(Direction direction) { observed_[static_cast<int>(direction)] = true; }
  /// Asks for the whole body of the request before a service is asked: on_body gets it as one part, and may answer by
  /// refuse() or reply(). If it is longer than `limit` (of several the least) the answer is 413. Call it in on_request;
  /// without a body on_body is not called.
  void buffer_request_body(std::uint64_t limit) {
    observe_body(Direction::request);
    request_buffer_ = limit < request_buffer_ ? limit : request_buffer_;
  }
  bool buffers_request_body() const { return request_buffer_ != UINT64_MAX; }
  std::uint64_t request_buffer() const { return request_buffer_; }
  bool observes(Direction direction) const { return observed_[static_cast<int>(direction)]; }

  // ---- the response ----

  http::ResponseHead
      response;  ///< from on_response on; fields without hop-by-hop ones. In on_complete a service's fields are gone
  std::string_view reply_body;   ///< the body where the gateway answers itself
  bool replied = false;          ///< the gateway answers itself; `response` is its answer
  Reason reason = Reason::none;  ///< why the client does not get what it asked for

  /// Answers with `body` and no service is asked. Returns Verdict::reply, for `return exchange.reply(…)`. Fields may be
  /// added to `response` after it. A Content-Type is set unless `content_type` is empty.
  Verdict reply(int status, std::string_view body, std::string_view content_type);
  /// Answers with the gateway's own error document for `why`, in the configured error_format; `message` is what the
  /// client reads, "" for the usual sentence. `status` 0: the one that belongs to the reason.
  Verdict refuse(Reason why, std::string_view message = {}, int status = 0);
  /// The same, and `json` is the body instead of the gateway's own document.
  Verdict refuse_with(Reason why, std::string_view json, int status);
  /// Made by refuse(): the engine writes the document when the response hooks have run.
  std::string_view refusal_message() const { return refusal_message_; }
  std::string_view refusal_json() const { return refusal_json_; }  ///< "" for the gateway's own document
  bool refused() const { return refused_; }
  /// Takes back a reply, before nothing of it was sent.
  void clear_reply();

  /// Calls run(of) when the exchange is over, behind on_complete and whether or not the configuration is still there.
  void at_end(void (*run)(void*), void* of) { ends_ = arena.make<End>(run, of, ends_); }

  // ---- memory of one plugin for one request ----

  /// `owner`'s state in this exchange, value-initialised at the first call. T is trivially destructible.
  template <class T>
  T& state(const Plugin& owner) {
    for (State* at = states_; at != nullptr; at = at->next) {
      if (at->owner == &owner) return *static_cast<T*>(at->data);
    }
    states_ = arena.make<State>(&owner, arena.make<T>(), states_);
    return *static_cast<T*>(states_->data);
  }
  /// The same, or null where state() was never called.
  template <class T>
  const T* find_state(const Plugin& owner) const {
    for (const State* at = states_; at != nullptr; at = at->next) {
      if (at->owner == &owner) return static_cast<const T*>(at->data);
    }
    return nullptr;
  }

 private:
  struct State {
    const Plugin* owner;
    void* data;
    State* next;
  };
  friend Verdict accept(Exchange&, const struct Found&);
  friend Verdict reject(Exchange&, const Refusal&, const struct Otherwise&);
  friend bool is_settled(const Exchange&, const struct Otherwise&);
  friend void begin_authentication(Exchange&, const AuthenticationRules&);
  friend Verdict finish_authentication(Exchange&);

  struct End {
    void (*run)(void*);
    void* of;
    const End* next;
  };
  State* states_ = nullptr;
  const End* ends_ = nullptr;
  const AuthenticationRules* rules_ = nullptr;  ///< null: each plugin refuses by itself
  const Refusal* refusal_ = nullptr;            ///< the one that tells most, in the arena
  std::string_view challenges_;                 ///< of all that refused
  std::string_view refusal_message_, refusal_json_;
  bool refused_ = false;
  bool observed_[2] = {};
  std::uint64_t request_buffer_ = UINT64_MAX;  ///< UINT64_MAX: not asked for
};

/// One try of a forwarded request, before its head is sent.
struct Attempt {
  std::string_view target;  ///< "10.0.0.1:80"
  int number = 1;
};

}  // namespace gatehouse::plugin
