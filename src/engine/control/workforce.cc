#include "engine/control/workforce.h"

#include <pthread.h>

#include <string>

#include "base/block_pool.h"

namespace gatehouse::engine {

Workforce::Workforce(io::Reactor& control, unsigned count, telemetry::Metrics& metrics) : control_(control) {
  for (unsigned i = 0; i < count; ++i) {
    shared_.workers.push_back(std::make_unique<Worker>(i, shared_, metrics.add_worker()));
  }
}

void Workforce::start() {
  for (const auto& worker : shared_.workers) {
    threads_.emplace_back([&worker = *worker] {
      ::pthread_setname_np(::pthread_self(), ("worker-" + std::to_string(worker.index())).c_str());
      worker.reactor().run();
      worker.end();
      BlockPool::trim();
    });
  }
}

void Workforce::stop() {
  if (threads_.empty()) return;
  each([](Worker& worker) { worker.reactor().stop(); });
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Workforce::each(const std::function<void(Worker&)>& work, std::move_only_function<void()> then) {
  struct Round {
    std::size_t left;
    std::move_only_function<void()> then;
  };
  auto round = std::make_shared<Round>(shared_.workers.size(), std::move(then));
  for (const auto& worker : shared_.workers) {
    worker->reactor().post([this, &worker = *worker, work, round] {
      work(worker);
      if (!round->then) return;
      control_.post([round] {
        if (--round->left == 0) round->then();
      });
    });
  }
}

std::vector<io::Reactor*> Workforce::reactors() const {
  std::vector<io::Reactor*> all;
  for (const auto& worker : shared_.workers) all.push_back(&worker->reactor());
  return all;
}

}  // namespace gatehouse::engine
