#pragma once
#include "engine/explain/facts.h"
#include "plugin/exchange.h"

namespace gatehouse::engine::explaining {

/// Every field that is there, as it stands.
Lines lines_of(const http::Fields& fields);
/// The fields as the stream that sends the message writes them: with the lines that belong to its framing.
Lines sent_lines(const http::Fields& fields, const http::Framing& framing);

/// What hooks may change, as it is at one moment.
struct Moment {
  explicit Moment(const plugin::Exchange& x);

  Lines request, response;
  std::vector<std::pair<std::string, std::string>> values;
};
/// `response`: the fields of the response are looked at, not the request's.
Changes changes_between(const Moment& before, const Moment& after, bool response);

}  // namespace gatehouse::engine::explaining
