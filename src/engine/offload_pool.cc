#include "engine/offload_pool.h"

#include <pthread.h>

#include <algorithm>
#include <string>

#include "base/block_pool.h"

namespace gatehouse::engine {

OffloadPool::OffloadPool(const std::vector<std::unique_ptr<Worker>>& workers, unsigned threads) : workers_(workers) {
  for (unsigned i = 0; i < threads; ++i) {
    Lane& lane = *lanes_.emplace_back(std::make_unique<Lane>());
    lane.thread = std::thread([&lane, i] {
      ::pthread_setname_np(::pthread_self(), ("offload-" + std::to_string(i)).c_str());
      lane.reactor.run();
      BlockPool::trim();
    });
  }
}

OffloadPool::~OffloadPool() {
  stopping_.store(true, std::memory_order_relaxed);
  for (const auto& lane : lanes_) lane->reactor.post([&reactor = lane->reactor] { reactor.stop(); });
  for (const auto& lane : lanes_) lane->thread.join();
}

bool OffloadPool::submit(unsigned worker, std::unique_ptr<plugin::Work> work) const {
  if (count_.fetch_add(1, std::memory_order_relaxed) >= kMost) {
    count_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  Lane& lane = **std::ranges::min_element(
      lanes_, {}, [](const auto& each) { return each->waiting.load(std::memory_order_relaxed); });
  lane.waiting.fetch_add(1, std::memory_order_relaxed);
  lane.reactor.post([this, &lane, worker, work = std::move(work)]() mutable { run(lane, worker, std::move(work)); });
  return true;
}

void OffloadPool::run(Lane& lane, unsigned worker, std::unique_ptr<plugin::Work> work) const {
  if (stopping_.load(std::memory_order_relaxed)) return;
  work->run();
  lane.waiting.fetch_sub(1, std::memory_order_relaxed);
  count_.fetch_sub(1, std::memory_order_relaxed);
  workers_[worker]->reactor().post([work = std::move(work)] { work->finish(); });
}

}  // namespace gatehouse::engine
