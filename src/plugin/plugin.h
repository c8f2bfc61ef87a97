#pragma once
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>

#include "base/task.h"
#include "plugin/exchange.h"

namespace gatehouse::plugin {

/// What happens to an exchange. Immutable after it was built and shared by all workers. Hooks do not block and do not
/// throw.
///
/// The life of an exchange, as a plugin sees it: on_request (each plugin of the chain, by rank, the highest first) →
/// the action; for each try on_attempt → on_response (the same order) → on_body for the parts of the bodies, both
/// directions, as they pass → on_complete. A reply that the gateway makes itself passes on_response too, whether or not
/// the plugin's on_request ran.
class Plugin {
 public:
  virtual ~Plugin() = default;

  /// The route is known, nothing has been sent. Change the request, answer it, or let it pass.
  virtual Verdict on_request(Exchange&) const noexcept { return Verdict::proceed; }
  /// Goes on from where on_request said suspend; `suspend` is no answer here.
  virtual Task<Verdict> on_request_async(Exchange&) const;
  /// Before each try: the target is known, the head not yet sent.
  virtual void on_attempt(Exchange&, Attempt&) const noexcept {}
  /// The response's head is known, nothing of it has been sent to the client.
  virtual Verdict on_response(Exchange&) const noexcept { return Verdict::proceed; }
  virtual Task<Verdict> on_response_async(Exchange&) const;
  /// A part of a body passes; only where a head hook called Exchange::observe_body. Of a request's body that was to be
  /// buffered all at once, before a service is asked: then the hook may answer.
  virtual void on_body(Exchange&, const BodyChunk&) const noexcept {}
  /// Exactly once, also after errors.
  virtual void on_complete(const Exchange&) const noexcept {}
};

/// Which hooks a plugin has, so that an absent one costs nothing.
struct Hooks {
  bool request = false, attempt = false, response = false, body = false, complete = false;
};

/// The hooks that class P overrides, from the types of its members.
template <class P>
constexpr Hooks hooks_of() {
  return {
      .request = !std::is_same_v<decltype(&P::on_request), decltype(&Plugin::on_request)>,
      .attempt = !std::is_same_v<decltype(&P::on_attempt), decltype(&Plugin::on_attempt)>,
      .response = !std::is_same_v<decltype(&P::on_response), decltype(&Plugin::on_response)>,
      .body = !std::is_same_v<decltype(&P::on_body), decltype(&Plugin::on_body)>,
      .complete = !std::is_same_v<decltype(&P::on_complete), decltype(&Plugin::on_complete)>,
  };
}

/// What becomes of the request when the plugin itself cannot do its work.
enum class Posture : std::uint8_t {
  fail_open,    ///< the request goes on
  fail_closed,  ///< the request is refused
};

}  // namespace gatehouse::plugin
