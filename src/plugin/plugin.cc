#include "plugin/plugin.h"

namespace gatehouse::plugin {

// A plugin that says suspend overrides the twin; one that does not is let pass by these.
Task<Verdict> Plugin::on_request_async(Exchange&) const {
  co_return Verdict::proceed;
}
Task<Verdict> Plugin::on_response_async(Exchange&) const {
  co_return Verdict::proceed;
}

}  // namespace gatehouse::plugin
