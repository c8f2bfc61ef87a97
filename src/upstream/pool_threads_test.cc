#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

#include "upstream/service_test.h"

namespace gatehouse::upstream {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kWorkers = 3;
constexpr int kJobs = 6, kExchanges = 400;
constexpr std::uint32_t kCap = 2;

/// What the workers' jobs share and count.
struct Load {
  Cluster cluster{"shop", kWorkers};
  std::atomic<std::uint32_t> lent{0}, most_lent{0};
  std::atomic<int> served{0}, refused{0}, running{0};
};

Task<bool> exchange(client::H1Client& stream, Scope& scope) {
  Arena arena;
  http::RequestHead request(arena);
  request.method = http::Method::get;
  request.method_text = "GET";
  stream.begin(arena, request.method);
  http::Io io = stream.write_head(request, "/", "", true);
  http::ResponseHead head(arena);
  if (io == http::Io::done) io = stream.read_head(head);
  while (io == http::Io::blocked) {
    co_await until(stream.readable(), scope, kNever);
    io = stream.read_head(head);
  }
  stream.end();  // before the arena goes; the pool asks again
  co_return io == http::Io::done;
}

/// A client that asks over and over; every seventh connection is not fit to be kept.
class Client {
 public:
  Client(Load& run, unsigned worker, io::Reactor& reactor) : run_(run), worker_(worker), scope_(reactor.scheduler()) {
    job_.start(ask());
  }

 private:
  Task<void> ask() {
    for (int i = 0; i < kExchanges; ++i) {
      Cluster::Choice choice;
      Lease lease = run_.cluster.try_reuse(worker_, choice);
      if (!lease) {
        Result<Lease> acquired = co_await run_.cluster.acquire(worker_, choice, {}, scope_, false);
        if (!acquired) {
          ++run_.refused;
          continue;
        }
        lease = std::move(*acquired);
      }
      const std::uint32_t now = ++run_.lent;
      for (std::uint32_t most = run_.most_lent; now > most && !run_.most_lent.compare_exchange_weak(most, now);) {
      }
      if (co_await exchange(lease.stream(), scope_)) ++run_.served;
      if (i % 7 == 6) lease.stream().reset();
      --run_.lent;
    }
    --run_.running;
  }

  Load& run_;
  unsigned worker_;
  Scope scope_;
  Job job_;
};

/// A worker's thread, which ends when nobody asks any more.
void work(Load& run, unsigned worker, io::Reactor& reactor) {
  struct Look : Wait {
    Look(Load& of, io::Reactor& on) : Wait([](Wait& wait) { static_cast<Look&>(wait).look(); }), run(of), reactor(on) {
      look();
    }
    void look() {
      if (run.running == 0) reactor.stop();
      attach(reactor.scheduler(), nullptr, nullptr, deadline_after(reactor.now(), 4ms));
    }
    Load& run;
    io::Reactor& reactor;
  };
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < kJobs; ++i) clients.push_back(std::make_unique<Client>(run, worker, reactor));
  Look look(run, reactor);
  reactor.run();
}

TEST(PoolThreads, caps_hold_and_no_wake_up_is_lost_between_workers) {
  io::Reactor service_reactor, reactors[kWorkers];
  test::Service service(service_reactor);
  std::vector<io::Reactor*> workers;
  for (io::Reactor& reactor : reactors) workers.push_back(&reactor);
  auto endpoint = std::make_shared<Endpoint>("shop", service.address(), false, io::TlsPeer{}, workers);
  endpoint->configure({.max_connections = kCap, .queue_timeout = 20s});
  Load run;
  run.running = static_cast<int>(kWorkers) * kJobs;
  const auto set = std::make_shared<const TargetSet>(TargetSet{{test::target_of(endpoint)}});
  for (unsigned worker = 0; worker < kWorkers; ++worker) run.cluster.use(worker, set);

  std::thread serving([&] { service_reactor.run(); });
  std::vector<std::thread> threads;
  for (unsigned worker = 0; worker < kWorkers; ++worker) {
    threads.emplace_back([&, worker] { work(run, worker, reactors[worker]); });
  }
  for (std::thread& thread : threads) thread.join();
  service_reactor.post([&] { service_reactor.stop(); });
  serving.join();

  EXPECT_EQ(run.refused, 0) << "a request waited for a connection that was free";
  EXPECT_EQ(run.served, static_cast<int>(kWorkers) * kJobs * kExchanges);
  EXPECT_LE(run.most_lent, kCap);
  int retired = 0;
  for (unsigned worker = 0; worker < kWorkers; ++worker) endpoint->pool(worker).retire([&] { ++retired; });
  EXPECT_EQ(retired, static_cast<int>(kWorkers));
  std::uint32_t free = 0;
  while (endpoint->take_permit()) ++free;
  EXPECT_EQ(free, kCap) << "every permit came back once";
}

}  // namespace
}  // namespace gatehouse::upstream
