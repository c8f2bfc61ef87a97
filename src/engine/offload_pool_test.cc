#include "engine/offload_pool.h"

#include <gtest/gtest.h>

#include <functional>

namespace gatehouse::engine {
namespace {

/// Two workers that do nothing but run what is posted to them.
class Workers {
 public:
  Workers() {
    for (unsigned i = 0; i < 2; ++i)
      shared.workers.push_back(std::make_unique<Worker>(i, shared, metrics.add_worker()));
  }
  ~Workers() { stop(); }
  void start() {
    for (const auto& worker : shared.workers) {
      threads.emplace_back([&worker = *worker] {
        worker.reactor().run();
        worker.end();
      });
    }
  }
  void stop() {
    for (const auto& worker : shared.workers) worker->reactor().post([&worker = *worker] { worker.reactor().stop(); });
    for (std::thread& thread : threads) thread.join();
    threads.clear();
  }
  telemetry::Metrics metrics;
  Shared shared;
  std::vector<std::thread> threads;
};

/// Counts on the way; `each` is one worker's and is touched on its thread alone.
struct Counts {
  std::atomic<unsigned> run{0}, finished{0}, gone{0};
  unsigned each[2] = {};
};

class Counted final : public plugin::Work {
 public:
  Counted(Counts& of, unsigned of_worker, std::function<void()> behind = {})
      : counts(of), worker(of_worker), then(std::move(behind)) {}
  ~Counted() override { ++counts.gone; }
  void run() noexcept override {
    ran = true;
    ++counts.run;
  }
  void finish() noexcept override {
    EXPECT_TRUE(ran);
    ++counts.each[worker];
    ++counts.finished;
    counts.finished.notify_all();
    if (then) then();
  }
  Counts& counts;
  const unsigned worker;
  const std::function<void()> then;
  bool ran = false;
};

void wait_for(std::atomic<unsigned>& count, unsigned value) {
  for (unsigned seen = count; seen < value; seen = count) count.wait(seen);
}

TEST(OffloadPool, runs_the_work_of_all_workers_and_brings_it_back) {
  constexpr unsigned kRounds = 500;
  Workers workers;
  Counts counts;
  OffloadPool pool(workers.shared.workers, 2);
  workers.start();
  // Each worker has some under way, and the next follows from the thread to which the last came back.
  std::function<void(unsigned, unsigned)> go_on = [&](unsigned worker, unsigned left) {
    const bool taken = pool.submit(worker, std::make_unique<Counted>(counts, worker, [&, worker, left] {
                                     if (left > 1) go_on(worker, left - 1);
                                   }));
    EXPECT_TRUE(taken);
  };
  for (unsigned worker : {0u, 1u}) {
    for (int i = 0; i < 4; ++i)
      workers.shared.workers[worker]->reactor().post([&go_on, worker] { go_on(worker, kRounds); });
  }
  wait_for(counts.finished, 8 * kRounds);
  workers.stop();
  EXPECT_EQ(counts.run, 8 * kRounds);
  EXPECT_EQ(counts.each[0], 4 * kRounds);
  EXPECT_EQ(counts.each[1], 4 * kRounds);
}

TEST(OffloadPool, refuses_what_is_too_much) {
  Workers workers;
  Counts counts;
  std::atomic<bool> go{false};
  class Stuck final : public plugin::Work {
   public:
    explicit Stuck(std::atomic<bool>& of) : go(of) {}
    void run() noexcept override { go.wait(false); }
    void finish() noexcept override {}
    std::atomic<bool>& go;
  };
  OffloadPool pool(workers.shared.workers, 1);
  EXPECT_TRUE(pool.submit(0, std::make_unique<Stuck>(go)));
  for (unsigned i = 1; i < OffloadPool::kMost; ++i) EXPECT_TRUE(pool.submit(0, std::make_unique<Counted>(counts, 0)));
  EXPECT_FALSE(pool.submit(0, std::make_unique<Counted>(counts, 0)));
  EXPECT_EQ(counts.gone, 1u);
  go = true;
  go.notify_all();
  workers.start();
  wait_for(counts.finished, OffloadPool::kMost - 1);
  EXPECT_TRUE(pool.submit(0, std::make_unique<Counted>(counts, 0))) << "there is room again";
  wait_for(counts.finished, OffloadPool::kMost);
}

TEST(OffloadPool, ends_with_work_in_it) {
  Counts counts;
  {
    Workers workers;
    OffloadPool pool(workers.shared.workers, 2);
    workers.start();
    for (int i = 0; i < 50; ++i) pool.submit(0, std::make_unique<Counted>(counts, 0));
    workers.stop();
  }
  EXPECT_EQ(counts.gone, 50u) << "nothing is lost";
}

}  // namespace
}  // namespace gatehouse::engine
