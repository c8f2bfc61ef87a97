#include <atomic>
#include <thread>

#include "redis/client_test.h"

namespace gatehouse::redis {
namespace {

using namespace test;

/// One worker's loop on a thread of its own, in which exchanges ask again and again.
struct Asker {
  Asker(Client& to, io::Reactor& on) : client(to), reactor(on), scope(on.scheduler()) {}
  Task<void> run() {
    constexpr std::string_view kWords[] = {"INCR", "n"};
    for (int i = 0; i < 200; ++i) {
      Arena arena;
      const RedisResult result = co_await client.command(scope, arena, kWords);
      if (result) ++answered;
    }
    over = true;
  }
  Client& client;
  io::Reactor& reactor;
  Scope scope;
  int answered = 0;
  std::atomic<bool> over{false};
  Job job;
};

TEST(RedisThreads, a_client_is_made_scraped_and_destroyed_elsewhere_than_it_is_used) {
  if (!RedisServer::installed()) GTEST_SKIP() << "redis-server is not installed";
  const RedisServer server;
  auto options = std::make_shared<Options>();
  options->address = {"localhost", server.port()};  // with a resolver, which has sockets in the loop
  options->timeout = kLong;
  io::Reactor reactors[2];
  std::vector<std::unique_ptr<Client>> clients;
  std::vector<std::unique_ptr<Asker>> askers;
  std::vector<std::thread> threads;
  for (io::Reactor& reactor : reactors) {
    clients.push_back(std::make_unique<Client>(reactor, options));
    for (int i = 0; i < 4; ++i) askers.push_back(std::make_unique<Asker>(*clients.back(), reactor));
  }
  for (const auto& asker : askers) asker->reactor.post([&asker = *asker] { asker.job.start(asker.run()); });
  for (io::Reactor& reactor : reactors) threads.emplace_back([&reactor] { reactor.run(); });

  const auto all_over = [&] {
    return std::ranges::all_of(askers, [](const auto& asker) { return asker->over.load(); });
  };
  std::uint64_t before = 0;
  while (!all_over()) {
    std::uint64_t now = 0;
    for (const auto& client : clients) now += client->counters().commands[0].load(std::memory_order_relaxed);
    EXPECT_GE(now, before) << "a counter falls";
    before = now;
    std::this_thread::yield();
  }
  std::atomic<int> closed{0};
  for (std::size_t i = 0; i < clients.size(); ++i) {
    reactors[i].post([&client = *clients[i], &closed] {
      client.close();
      ++closed;
    });
  }
  while (closed != 2) std::this_thread::yield();
  clients.clear();  // while the loops run
  for (const auto& asker : askers) {
    EXPECT_EQ(asker->answered, 200);
    asker->reactor.post([&asker = *asker] { asker.job.stop(); });
  }
  for (io::Reactor& reactor : reactors) reactor.post([&reactor] { reactor.stop(); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(server.cli({"GET", "n"}), "1600");
}

}  // namespace
}  // namespace gatehouse::redis
