#include "engine/control/documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/list.h"
#include "base/log.h"
#include "engine/control/freshness.h"
#include "plugin/exchange.h"
#include "upstream/fetch.h"

namespace gatehouse::engine {
namespace {

using std::chrono::seconds;

constexpr Duration kFirstRetry = seconds(1), kLastRetry = seconds(30), kSoonest = seconds(10);
constexpr int kMostReferences = 2;  ///< documents that only name another one

/// One exchange that waits for a fetch.
struct Waiter {
  ListHook hook;
  Signal came;
};

/// What one worker has of a document. Its thread.
struct alignas(64) Slot {
  std::shared_ptr<const void> value;
  TimePoint not_before{};  ///< no fetch begins earlier because a request asks for it
  List<Waiter, &Waiter::hook> waiters;
};

}  // namespace

struct Documents::Host {
  Host(io::Reactor& reactor, std::vector<io::Reactor*> reactors)
      : control(reactor), workers(std::move(reactors)), resolver(reactor) {}
  io::Reactor& control;
  const std::vector<io::Reactor*> workers;
  io::Resolver resolver;
  std::vector<const Kept*> all;
  /// Fetches, by the place as people see it: they go on when a reload brings other documents of one place.
  struct Counts {
    std::uint64_t good = 0, failed = 0;
  };
  std::map<std::string, Counts> counts;
};

class Documents::Kept final : public plugin::Document, public std::enable_shared_from_this<Kept> {
 public:
  Kept(std::shared_ptr<Host> host, plugin::DocumentSource source)
      : host_(std::move(host)),
        source_(std::move(source)),
        scope_(host_->control.scheduler()),
        slots_(std::make_shared<Slots>(host_->workers.size())) {
    take_over();
    host_->all.push_back(this);
    host_->counts.try_emplace(place_);
    begin_in(Duration::zero());
  }
  ~Kept() override { std::erase(host_->all, this); }

  // ---- workers ----

  const std::shared_ptr<const void>& current(unsigned worker) const override { return (*slots_)[worker].value; }

  bool may_renew(const plugin::Exchange& x) const override {
    return x.scope != nullptr && x.scope->scheduler().now() >= (*slots_)[x.worker].not_before;
  }

  Task<void> renew(plugin::Exchange& x) const override {
    Waiter waiter;
    (*slots_)[x.worker].waiters.push_back(waiter);
    host_->control.post([weak = weak_from_this(), worker = x.worker] {
      if (const std::shared_ptr<const Kept> self = weak.lock()) const_cast<Kept&>(*self).wanted_by(worker);
    });
    const TimePoint due = deadline_after(x.scope->scheduler().now(), source_.timeout + seconds(1));
    co_await until(waiter.came, *x.scope, due);
  }

  // ---- control thread ----

  const std::string& place() const { return place_; }
  /// Since what there is was last found to be good; nullopt: there is nothing yet.
  std::optional<Duration> age() const {
    return value_ != nullptr ? std::optional(host_->control.now() - read_at_) : std::nullopt;
  }

 private:
  using Slots = std::vector<Slot>;
  struct Due : Wait {
    explicit Due(Kept& kept) : Wait([](Wait& wait) { static_cast<Due&>(wait).of.begin(); }), of(kept) {}
    Kept& of;
  };

  /// Begins with what another document of the same place has read last: a changed option loses no keys.
  void take_over() {
    for (const Kept* const other : host_->all) {
      if (other->source_.url != source_.url || other->source_.ca != source_.ca || other->body_.empty()) continue;
      plugin::DocumentContent content = source_.read(other->body_);
      if (content.value == nullptr) continue;
      value_ = std::move(content.value);
      body_ = other->body_;
      read_at_ = other->read_at_;
      for (Slot& slot : *slots_) slot.value = value_;
      return;
    }
  }

  void begin_in(Duration after) {
    due_.attach(host_->control.scheduler(), nullptr, nullptr, deadline_after(host_->control.now(), after));
  }

  void wanted_by(unsigned worker) {
    if (fetching_) return;
    if (host_->control.now() < not_before_) {
      tell(worker);
    } else {
      begin();
    }
  }

  void begin() {
    if (fetching_) return;
    due_.detach();
    fetching_ = true;
    job_.emplace();
    job_->start(run());
  }

  Task<void> run() {
    std::string error;
    std::optional<Duration> good_for;
    std::shared_ptr<const void> value;
    std::string url = source_.url;
    bool secure = false;
    const TimePoint deadline = deadline_after(host_->control.now(), source_.timeout);
    for (int i = 0; i <= kMostReferences && value == nullptr && error.empty(); ++i) {
      std::expected<upstream::Fetched, std::string> got = co_await get(url, deadline, secure);
      if (!got) {
        error = got.error();
        break;
      }
      plugin::DocumentContent content = read(got->body);
      value = std::move(content.value);
      error = std::move(content.error);
      good_for = freshness(got->cache_control, got->age);
      url = std::move(content.next);
      if (value == nullptr && error.empty() && url.empty()) error = "it says nothing";
    }
    if (value == nullptr && error.empty()) error = "it refers to others again and again";
    done(std::move(value), error, good_for);
  }

  /// The same bytes are the same value, so that who remembers by it need not forget.
  plugin::DocumentContent read(std::string& body) {
    if (value_ != nullptr && body == body_) return {value_, "", ""};
    plugin::DocumentContent content = source_.read(body);
    if (content.value != nullptr) body_ = std::move(body);
    return content;
  }

  /// `secure`: https alone will do, since the document that refers to this one came by it. Becomes how this one comes.
  Task<std::expected<upstream::Fetched, std::string>> get(const std::string& text, TimePoint deadline, bool& secure) {
    std::expected<config::HttpUrl, std::string> url = config::parse_http_url(text);
    if (!url) co_return std::unexpected("\"" + config::shown_url(text) + "\" " + url.error());
    if (secure && !url->tls) co_return std::unexpected("it refers from https to " + config::shown_url(text));
    secure = url->tls;
    upstream::FetchRequest request{std::move(*url), nullptr, deadline, source_.max_size};
    if (request.url.tls) {
      std::vector<io::TlsFileFault> faults;
      request.tls = io::TlsClient::make({.ca = source_.ca, .cert = "", .key = ""}, faults);
      if (request.tls == nullptr) {
        co_return std::unexpected(faults.empty() ? "TLS cannot start" : source_.ca + ": " + faults.front().message);
      }
    }
    co_return co_await upstream::fetch(host_->control, host_->resolver, scope_, request);
  }

  void done(std::shared_ptr<const void> value, const std::string& error, std::optional<Duration> good_for) {
    const bool good = value != nullptr;
    const TimePoint now = host_->control.now();
    fetching_ = false;
    not_before_ = deadline_after(now, source_.min_refetch);
    if (good) {
      if (!well_) GH_LOG_INFO("{}: fetched", place_);
      ++host_->counts[place_].good;
      value_ = std::move(value);
      read_at_ = now;
      const Duration soonest = std::max(kSoonest, source_.min_refetch);
      // Before its time is over, not when it is.
      begin_in(good_for ? std::min(source_.refresh, std::max(soonest, *good_for / 5 * 4)) : source_.refresh);
      retry_ = kFirstRetry;
    } else {
      if (well_) {
        GH_LOG_WARN("{} cannot be fetched: {}{}", place_, error,
                    value_ != nullptr ? "; what was read last stays in use" : "");
      }
      ++host_->counts[place_].failed;
      begin_in(std::min(retry_, source_.refresh));
      retry_ = std::min(retry_ * 2, kLastRetry);
    }
    well_ = good;
    for (unsigned i = 0; i < host_->workers.size(); ++i) tell(i);
  }

  void tell(unsigned worker) {
    host_->workers[worker]->post([slots = slots_, value = value_, not_before = not_before_, worker] {
      Slot& slot = (*slots)[worker];
      slot.value = value;
      slot.not_before = not_before;
      while (!slot.waiters.empty()) slot.waiters.pop_front().came.notify();
    });
  }

  const std::shared_ptr<Host> host_;
  const plugin::DocumentSource source_;
  const std::string place_ = config::shown_url(source_.url);  ///< for people
  Scope scope_;
  const std::shared_ptr<Slots> slots_;  ///< each its worker's
  Due due_{*this};
  std::shared_ptr<const void> value_;
  std::string body_;  ///< what it was read from
  TimePoint read_at_{}, not_before_{};
  Duration retry_ = kFirstRetry;
  bool fetching_ = false;
  bool well_ = true;        ///< the last fetch was good, or none has ended
  std::optional<Job> job_;  ///< last: it uses the rest
};

Documents::Documents(io::Reactor& control, std::vector<io::Reactor*> workers)
    : host_(std::make_shared<Host>(control, std::move(workers))) {}
Documents::~Documents() = default;

std::shared_ptr<plugin::Document> Documents::open(plugin::DocumentSource source) {
  return std::make_shared<Kept>(host_, std::move(source));
}

void Documents::scrape(telemetry::Samples& samples) const {
  const std::string_view help = "Fetches of a document that the gateway keeps a copy of.";
  std::map<std::string_view, Duration> ages;  // several documents may be of one place
  for (const Kept* const each : host_->all) {
    const std::optional<Duration> age = each->age();
    if (!age) continue;
    const auto [first, fresh] = ages.emplace(each->place(), *age);
    if (!fresh) first->second = std::min(first->second, *age);
  }
  for (const auto& [place, counts] : host_->counts) {
    samples.counter("gatehouse_document_fetches_total", help, {{"url", place}, {"result", "ok"}},
                    static_cast<double>(counts.good));
    samples.counter("gatehouse_document_fetches_total", help, {{"url", place}, {"result", "failed"}},
                    static_cast<double>(counts.failed));
  }
  for (const auto& [place, age] : ages) {
    samples.gauge("gatehouse_document_age_seconds", "Time since the copy of a document was last found to be good.",
                  {{"url", place}}, std::chrono::duration<double>(age).count());
  }
}

}  // namespace gatehouse::engine
