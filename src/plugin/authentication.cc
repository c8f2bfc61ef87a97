#include "plugin/authentication.h"

#include <algorithm>

#include "plugin/consumer.h"

namespace gatehouse::plugin {
namespace {

Verdict refuse(Exchange& x, const Refusal& refusal, std::string_view challenges) {
  if (refusal.body.empty()) {
    x.refuse(refusal.reason, refusal.message, refusal.status);
  } else {
    x.refuse_with(refusal.reason, refusal.body, refusal.status);
  }
  if (refusal.status == 401 && !challenges.empty()) x.response.fields.append("WWW-Authenticate", challenges);
  if (refusal.status == 503) x.response.fields.append(http::FieldId::retry_after, "Retry-After", "1");
  return Verdict::reply;
}

void become(Exchange& x, const Consumer& anonymous) {
  x.consumer = &anonymous;
  x.credential = nullptr;
  x.credential_id = {};
  x.anonymous = true;
}

/// Whether what each plugin says waits for finish_authentication().
bool is_deferred(const AuthenticationRules* rules) {
  return rules != nullptr && (rules->any || rules->anonymous != nullptr);
}

/// Who stands in by the plugin's own options; null for nobody.
const Consumer* stand_in(const AuthenticationRules* rules, const Otherwise& otherwise) {
  return rules != nullptr && rules->written ? nullptr : otherwise.anonymous;
}

bool may_use(const Credential* credential, std::string_view service) {
  if (credential == nullptr || credential->services.empty() || service.empty()) return true;
  return std::ranges::find(credential->services, service) != credential->services.end();
}

void tell_service(Exchange& x) {
  http::Fields& fields = x.request.fields;
  if (const Consumer* const consumer = x.consumer) {
    fields.append(http::FieldId::other, "X-Consumer-ID", consumer->id);
    fields.append(http::FieldId::other, "X-Consumer-Username", consumer->username);
    if (!consumer->custom_id.empty()) fields.append(http::FieldId::other, "X-Consumer-Custom-ID", consumer->custom_id);
    if (!consumer->groups_text.empty()) fields.append(http::FieldId::other, "X-Consumer-Groups", consumer->groups_text);
  }
  if (!x.credential_id.empty()) fields.append(http::FieldId::other, "X-Credential-Identifier", x.credential_id);
  if (x.anonymous) fields.append(http::FieldId::other, "X-Anonymous-Consumer", "true");
}

}  // namespace

bool is_settled(const Exchange& x, const Otherwise& otherwise) {
  if (!x.authenticated) return false;
  return (x.rules_ != nullptr && x.rules_->any) || stand_in(x.rules_, otherwise) != nullptr;
}

Verdict accept(Exchange& x, const Found& found) {
  // It is known who calls, so no challenge would help, and nobody stands in.
  const auto forbid = [&x](std::string_view message) {
    return reject(
        x,
        {.challenge = {}, .message = message, .status = 403, .shown = true, .final = true, .reason = Reason::forbidden},
        {});
  };
  if (!may_use(found.credential, x.service)) return forbid("this credential is not for this service");
  if (x.anonymous) {  // whoever stood in so far goes
    x.consumer = nullptr;
    x.credential = nullptr;
    x.credential_id = {};
  }
  const bool others = x.authenticated && x.consumer != nullptr && found.consumer != nullptr;
  if (others && x.consumer->id != found.consumer->id) return forbid("the credentials are not of one consumer");
  x.authenticated = true;
  x.anonymous = false;
  if (found.claims != nullptr) x.claims = found.claims;
  if (found.consumer != nullptr) x.consumer = found.consumer;
  if (x.credential == nullptr) {
    x.credential = found.credential;
    x.credential_id = found.credential_id;
  }
  return Verdict::proceed;
}

Verdict reject(Exchange& x, const Refusal& refusal, const Otherwise& otherwise) {
  const Consumer* const anonymous = refusal.final ? nullptr : stand_in(x.rules_, otherwise);
  if (anonymous != nullptr) {
    if (!x.authenticated) become(x, *anonymous);
    return Verdict::proceed;
  }
  if (!is_deferred(x.rules_)) return refuse(x, refusal, refusal.challenge);
  const auto weight = [](const Refusal& each) { return each.final ? 2 : each.shown ? 1 : 0; };
  if (x.refusal_ == nullptr || weight(refusal) > weight(*x.refusal_)) x.refusal_ = x.arena.make<Refusal>(refusal);
  if (!refusal.challenge.empty()) {
    x.challenges_ = x.challenges_.empty() ? refusal.challenge : x.arena.concat(x.challenges_, ", ", refusal.challenge);
  }
  return Verdict::proceed;
}

void begin_authentication(Exchange& x, const AuthenticationRules& rules) {
  x.rules_ = &rules;
}

Verdict finish_authentication(Exchange& x) {
  // All that ask let preflights pass, and there is no other.
  if (x.preflight && !x.authenticated && !x.anonymous && x.refusal_ == nullptr) return Verdict::proceed;
  const bool failed = x.refusal_ != nullptr && !(x.rules_->any && x.authenticated);
  if (failed || (!x.authenticated && !x.anonymous)) {
    if (x.rules_->anonymous == nullptr || (x.refusal_ != nullptr && x.refusal_->final)) {
      // Where no plugin said anything, none was there: that must not let anybody in.
      static constexpr Refusal kNobody{.challenge = {}, .message = {}};
      return refuse(x, x.refusal_ != nullptr ? *x.refusal_ : kNobody, x.challenges_);
    }
    x.authenticated = false;
    x.claims = nullptr;
    become(x, *x.rules_->anonymous);
  }
  tell_service(x);
  return Verdict::proceed;
}

}  // namespace gatehouse::plugin
