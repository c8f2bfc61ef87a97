#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/task.h"

namespace gatehouse::plugin {

class Exchange;

/// What the bytes of a document were turned into.
struct DocumentContent {
  std::shared_ptr<const void> value;  ///< null: `error` says why, or `next` is to be fetched instead
  std::string error;
  std::string next;  ///< a URL that the document refers to (OpenID Connect's discovery)
};

/// A document on the web that the gateway keeps a fresh copy of: the keys of a token issuer.
struct DocumentSource {
  std::string url;                                 ///< http or https
  std::string ca;                                  ///< PEM file: whom to believe; "" for the system's authorities
  Duration refresh = std::chrono::minutes(10);     ///< it is fetched anew so often, or as Cache-Control says, sooner
  Duration min_refetch = std::chrono::seconds(5);  ///< between two fetches that requests ask for
  Duration timeout = std::chrono::seconds(5);      ///< for one fetch as a whole
  std::size_t max_size = 1024 * 1024;              ///< bytes
  /// Reads a body: the same one is the same value, and is not read again. Control thread.
  std::function<DocumentContent(std::string_view body)> read;
};

/// Its copy. Made by BuildContext::document(); what was read last stays for ever if it cannot be fetched again.
class Document {
 public:
  virtual ~Document() = default;
  /// What was read last, null before the first. Worker's thread; good until the exchange next waits.
  virtual const std::shared_ptr<const void>& current(unsigned worker) const = 0;
  /// Whether renew() might bring another one: not if a fetch ended less than min_refetch ago.
  virtual bool may_renew(const Exchange& exchange) const = 0;
  /// Waits until a fetch that begins now, or is under way, has ended, well or not; not at all where none may begin yet,
  /// and no longer than one takes. Afterwards the exchange may have been cancelled.
  virtual Task<void> renew(Exchange& exchange) const = 0;
};

}  // namespace gatehouse::plugin
