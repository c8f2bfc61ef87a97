#include <benchmark/benchmark.h>

#include <random>

#include "plugins/rate_limiting/store.h"

namespace gatehouse::plugins::rate_limiting {
namespace {

constexpr std::int64_t kStart = 1'709'210'100'000'000;

/// The key of the caller with this number, worked out as a request's is: it lies in no list that would have to be
/// fetched.
Hash128 key_number(std::uint64_t number) {
  const auto mixed = [](std::uint64_t x) {  // splitmix64
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  };
  return {mixed(2 * number + 1), mixed(~number)};
}

/// A decision over two windows, or one bucket, for random ones of so many keys. Budget: 200 ns with a million keys.
void decisions(benchmark::State& state, Algorithm algorithm) {
  static std::unique_ptr<LocalStore> store;
  constexpr std::uint64_t kMost = 1'000'000'000;
  const Limit windows[] = {{Period::hour, kMost}, {Period::day, kMost}};
  const Limit bucket[] = {{Period::hour, kMost, kMost, kNoDelay}};
  const bool by_window = algorithm == Algorithm::fixed_window || algorithm == Algorithm::sliding_window;
  const Rule rule{algorithm, by_window ? std::span<const Limit>(windows) : std::span<const Limit>(bucket)};
  const auto keys = static_cast<std::uint64_t>(state.range(0));
  if (state.thread_index() == 0) {
    store = std::make_unique<LocalStore>(4'000'000);
    for (std::uint64_t i = 0; i < keys; ++i) store->decide(key_number(i), rule, 1, Act::take, kStart);
  }
  std::mt19937_64 random(static_cast<std::uint64_t>(state.thread_index()));
  std::int64_t now = kStart;
  for (auto _ : state) {
    benchmark::DoNotOptimize(store->decide(key_number(random() % keys), rule, 1, Act::take, ++now));
  }
}

#define DECISIONS(algorithm)                                    \
  BENCHMARK_CAPTURE(decisions, algorithm, Algorithm::algorithm) \
      ->Arg(1)                                                  \
      ->Arg(1'000'000)                                          \
      ->ThreadRange(1, 2)                                       \
      ->UseRealTime()
DECISIONS(fixed_window);
DECISIONS(sliding_window);
DECISIONS(token_bucket);
DECISIONS(leaky_bucket);

/// What it takes to make a key of an identity.
void key_of_identity(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(keyed_hash("consumer:36:0195e2f8-3c5a-7d21-9b1e-5f0d6a7c8e9f"));
}
BENCHMARK(key_of_identity);

}  // namespace
}  // namespace gatehouse::plugins::rate_limiting
