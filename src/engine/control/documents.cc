#include "engine/control/documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/list.h"
#include "base/log.h"
#include "plugin/exchange.h"
#include "upstream/fetch.h"

namespace gatehouse::engine {
namespace {

using std::chrono::seconds;

constexpr Duration kFirstRetry = seconds(1), kLastRetry = seconds(30), kSoonest = seconds(10);
constexpr int kMostReferences = 2;  ///< documents that only name another one

/// max-age of Cache-Control (RFC 9111 section 5.2.2.1).
std::optional<Duration> max_age(std::string_view text) {
  constexpr std::string_view kName = "max-age=";
  const std::size_t at = text.find(kName);
  if (at == text.npos) return std::nullopt;
  text.remove_prefix(at + kName.size());
  std::uint32_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) return std::nullopt;
  return seconds(value);
}

/// One exchange that waits for a fetch.
struct Waiter {
  ListHook hook;
  Signal came;
  bool renewed = false;
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
    begin_in(Duration::zero());
  }
  ~Kept() override { std::erase(host_->all, this); }

  // ---- workers ----

  const std::shared_ptr<const void>& current(unsigned worker) const override { return (*slots_)[worker].value; }

  bool may_renew(const plugin::Exchange& x) const override {
    return x.scope != nullptr && x.scope->scheduler().now() >= (*slots_)[x.worker].not_before;
  }

  Task<bool> renew(plugin::Exchange& x) const override {
    Waiter waiter;
    (*slots_)[x.worker].waiters.push_back(waiter);
    host_->control.post([weak = weak_from_this(), worker = x.worker] {
      if (const std::shared_ptr<const Kept> self = weak.lock()) const_cast<Kept&>(*self).wanted_by(worker);
    });
    const TimePoint due = deadline_after(x.scope->scheduler().now(), source_.timeout + seconds(1));
    co_return co_await until(waiter.came, *x.scope, due) == Outcome::ready&& waiter.renewed;
  }

  // ---- control thread ----

  void scrape(telemetry::Samples& samples) const {
    const std::string_view help = "Fetches of a document that the gateway keeps a copy of.";
    samples.counter("gatehouse_document_fetches_total", help, {{"url", place_}, {"result", "ok"}},
                    static_cast<double>(fetched_));
    samples.counter("gatehouse_document_fetches_total", help, {{"url", place_}, {"result", "failed"}},
                    static_cast<double>(failed_));
    if (value_ == nullptr) return;
    const Duration age = host_->control.now() - read_at_;
    samples.gauge("gatehouse_document_age_seconds", "Time since the copy of a document was last found to be good.",
                  {{"url", place_}}, std::chrono::duration<double>(age).count());
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
      tell(worker, false);
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
    const TimePoint deadline = deadline_after(host_->control.now(), source_.timeout);
    for (int i = 0; i <= kMostReferences && value == nullptr && error.empty(); ++i) {
      std::expected<upstream::Fetched, std::string> got = co_await get(url, deadline);
      if (!got) {
        error = got.error();
        break;
      }
      plugin::DocumentContent content = source_.read(got->body);
      value = std::move(content.value);
      if (value != nullptr) body_ = std::move(got->body);
      error = std::move(content.error);
      good_for = max_age(got->cache_control);
      url = std::move(content.next);
      if (value == nullptr && error.empty() && url.empty()) error = "it says nothing";
    }
    if (value == nullptr && error.empty()) error = "it refers to others again and again";
    done(std::move(value), error, good_for);
  }

  Task<std::expected<upstream::Fetched, std::string>> get(const std::string& text, TimePoint deadline) {
    std::expected<config::HttpUrl, std::string> url = config::parse_http_url(text);
    if (!url) co_return std::unexpected("\"" + text + "\" " + url.error());
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
      ++fetched_;
      value_ = std::move(value);
      read_at_ = now;
      const Duration soonest = std::max(kSoonest, source_.min_refetch);
      // Before its time is over, not when it is.
      begin_in(good_for ? std::min(source_.refresh, std::max(soonest, *good_for * 4 / 5)) : source_.refresh);
      retry_ = kFirstRetry;
    } else {
      if (well_) {
        GH_LOG_WARN("{} cannot be fetched: {}{}", place_, error,
                    value_ != nullptr ? "; what was read last stays in use" : "");
      }
      ++failed_;
      begin_in(std::min(retry_, source_.refresh));
      retry_ = std::min(retry_ * 2, kLastRetry);
    }
    well_ = good;
    for (unsigned i = 0; i < host_->workers.size(); ++i) tell(i, good);
  }

  void tell(unsigned worker, bool renewed) {
    host_->workers[worker]->post([slots = slots_, value = value_, not_before = not_before_, worker, renewed] {
      Slot& slot = (*slots)[worker];
      slot.value = value;
      slot.not_before = not_before;
      while (!slot.waiters.empty()) {
        Waiter& waiter = slot.waiters.pop_front();
        waiter.renewed = renewed;
        waiter.came.notify();
      }
    });
  }

  const std::shared_ptr<Host> host_;
  const plugin::DocumentSource source_;
  const std::string place_ = source_.url.substr(0, source_.url.find('?'));  ///< for people: a query may hold a secret
  Scope scope_;
  const std::shared_ptr<Slots> slots_;  ///< each its worker's
  Due due_{*this};
  std::shared_ptr<const void> value_;
  std::string body_;  ///< what it was read from
  TimePoint read_at_{}, not_before_{};
  Duration retry_ = kFirstRetry;
  std::uint64_t fetched_ = 0, failed_ = 0;
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
  for (const Kept* const each : host_->all) each->scrape(samples);
}

}  // namespace gatehouse::engine
