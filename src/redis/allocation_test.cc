#ifndef GATEHOUSE_SANITIZED  // a sanitizer has a malloc of its own

#include <cstddef>
#include <cstdint>

#include "redis/client_test.h"

namespace {
thread_local std::uint64_t allocations = 0;
}

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);

void* malloc(std::size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
void* realloc(void* block, std::size_t size) {
  ++allocations;
  return __libc_realloc(block, size);
}
}

namespace gatehouse::redis {
namespace {

using namespace test;

class RedisMemory : public ClientTest {
 protected:
  static constexpr int kExchanges = 20, kWarm = 2000, kCounted = 4000;

  Task<void> ask_again_and_again(Scope& scope, const RedisScript& script) {
    constexpr std::string_view kKeys[] = {"{a}1", "{a}2"}, kArguments[] = {"1", "60"};
    while (answered_ < kWarm + kCounted) {
      Arena arena;
      const RedisResult result = co_await client_->eval(scope, arena, script, kKeys, kArguments);
      good_ = good_ && result && result->count == 3;
      if (++answered_ == kWarm) before_ = allocations;
      if (answered_ == kWarm + kCounted) after_ = allocations;
    }
  }

  int answered_ = 0;
  bool good_ = true;
  std::uint64_t before_ = 0, after_ = 0;
};

TEST_F(RedisMemory, a_command_in_steady_state_allocates_nothing) {
  const RedisServer server;
  use(server);
  Scope scope(reactor_.scheduler());
  const RedisScript script = make_script("return {KEYS[1], ARGV[2], redis.call('INCR', KEYS[2])}");
  Job jobs[kExchanges];
  for (Job& job : jobs) job.start(ask_again_and_again(scope, script));
  ASSERT_TRUE(until_true([&] { return std::ranges::none_of(jobs, [](const Job& job) { return job.running(); }); }));
  EXPECT_TRUE(good_);
  EXPECT_NE(before_, 0U) << "nothing is counted";
  EXPECT_EQ(after_ - before_, 0U);
}

}  // namespace
}  // namespace gatehouse::redis

#endif
