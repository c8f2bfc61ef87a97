#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "telemetry/access_log.h"
#include "telemetry/block_ring.h"

namespace gatehouse::telemetry {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;

constexpr Duration kLong = 20s;

class Sinks : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/access_sink_test.XXXXXX";
    ASSERT_NE(nullptr, mkdtemp(name));
    directory_ = name;
  }
  void TearDown() override {
    for (const char* file : {"log", "old", "fifo"}) unlink(path(file).c_str());
    rmdir(directory_.c_str());
  }
  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  static std::string read_file(const std::string& name) {
    std::ifstream file(name);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  std::shared_ptr<AccessSink> open(const std::string& name) {
    std::string error;
    auto sink = open_access_sink(path(name), error);
    EXPECT_NE(nullptr, sink) << error;
    return sink;
  }
  /// A FIFO named "fifo" and its reading end, which does not block.
  int make_fifo() {
    EXPECT_EQ(0, mkfifo(path("fifo").c_str(), 0600));
    return ::open(path("fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  }
  static bool submit(AccessSink& sink, const std::string& text, std::uint32_t lines = 1) {
    return sink.submit(text.data(), text.size(), lines);
  }
  static std::string drain(int fd) {
    std::string out;
    char buffer[65536];
    for (ssize_t got; (got = read(fd, buffer, sizeof buffer)) > 0;) out.append(buffer, static_cast<std::size_t>(got));
    return out;
  }
  std::string directory_;
};

/// Writes the record's path and a newline.
class PathFormat final : public AccessFormat {
 public:
  std::size_t write(const AccessRecord& record, char* to, std::size_t size) const override {
    if (size < record.path.size() + 1) return 0;
    record.path.copy(to, record.path.size());
    to[record.path.size()] = '\n';
    return record.path.size() + 1;
  }
};

AccessRecord with_path(std::string_view path) {
  AccessRecord record;
  record.path = path;
  return record;
}

TEST_F(Sinks, append_to_a_file_that_only_the_owner_writes) {
  std::ofstream(path("log")) << "before\n";
  const auto sink = open("log");
  EXPECT_TRUE(submit(*sink, "one\n"));
  EXPECT_TRUE(submit(*sink, "two\n"));
  sink->flush(kLong);
  EXPECT_EQ("before\none\ntwo\n", read_file(path("log")));
  unlink(path("log").c_str());
  umask(022);
  open("log");
  struct stat info{};
  ASSERT_EQ(0, stat(path("log").c_str(), &info));
  EXPECT_EQ(0640u, info.st_mode & 0777);
}

TEST_F(Sinks, write_what_is_queued_before_they_end) {
  auto sink = open("log");
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(submit(*sink, std::to_string(i) + "\n"));
  sink.reset();
  EXPECT_THAT(read_file(path("log")), EndsWith("\n98\n99\n"));
}

TEST_F(Sinks, say_what_is_wrong_with_a_path) {
  std::string error;
  EXPECT_EQ(nullptr, open_access_sink(path("missing/log"), error));
  EXPECT_THAT(error, HasSubstr("cannot open access log"));
  EXPECT_THAT(error, HasSubstr("missing/log: No such file or directory"));
  EXPECT_EQ(nullptr, open_access_sink(directory_, error));
  EXPECT_THAT(error, HasSubstr("Is a directory"));
  ASSERT_EQ(0, mkfifo(path("fifo").c_str(), 0600));
  EXPECT_EQ(nullptr, open_access_sink(path("fifo"), error));
  EXPECT_THAT(error, HasSubstr("a FIFO needs a reader first"));
}

TEST_F(Sinks, go_on_in_a_new_file_after_rotation) {
  const auto sink = open("log");
  submit(*sink, "one\n");
  sink->flush(kLong);
  ASSERT_EQ(0, rename(path("log").c_str(), path("old").c_str()));
  sink->reopen();
  submit(*sink, "two\n");
  sink->flush(kLong);
  EXPECT_EQ("one\n", read_file(path("old")));
  EXPECT_EQ("two\n", read_file(path("log")));
}

TEST_F(Sinks, keep_the_old_file_when_the_new_one_cannot_be_opened) {
  const auto sink = open("log");
  const int kept = ::open(path("log").c_str(), O_RDONLY | O_CLOEXEC);
  unlink(path("log").c_str());
  ASSERT_EQ(0, mkdir(path("log").c_str(), 0700));
  testing::internal::CaptureStderr();
  sink->reopen();
  submit(*sink, "one\n");
  sink->flush(kLong);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("access log goes on in the old file"));
  EXPECT_EQ("one\n", drain(kept));
  EXPECT_EQ(0u, sink->dropped());
  close(kept);
  rmdir(path("log").c_str());
}

TEST_F(Sinks, drop_and_count_while_the_reader_stands_still_and_never_wait) {
  const int reader = make_fifo();
  const auto sink = open("fifo");
  const std::string block = std::string(kAccessBlock - 1, 'x') + "\n";
  const std::uint64_t before = access_log_dropped_total();
  std::uint64_t refused = 0;
  std::uint64_t taken = 0;
  for (int i = 0; i < 400; ++i) (submit(*sink, block, 1) ? taken : refused) += 1;
  EXPECT_GT(refused, 200u);  // 128 blocks in the ring, one or two in the pipe
  EXPECT_EQ(refused, sink->dropped());
  EXPECT_EQ(refused, access_log_dropped_total() - before);
  sink->flush(10ms);  // gives up
  std::string out;
  while (out.size() < taken * kAccessBlock) {
    out += drain(reader);
    sink->flush(1ms);
  }
  EXPECT_EQ(taken, static_cast<std::uint64_t>(std::ranges::count(out, '\n')));
  EXPECT_EQ(refused, sink->dropped());
  close(reader);
}

TEST_F(Sinks, end_soon_though_the_reader_stands_still) {
  const int reader = make_fifo();
  auto sink = open("fifo");
  const std::string block = std::string(99, 'x') + "\n";
  std::string many;
  for (int i = 0; i < 600; ++i) many += block;
  for (int i = 0; i < 10; ++i) submit(*sink, many, 600);
  const std::uint64_t before = access_log_dropped_total();
  const TimePoint start = steady_now();
  sink.reset();
  EXPECT_LT(steady_now() - start, 10s);
  const std::string out = drain(reader);
  EXPECT_THAT(out, EndsWith("x\n"));  // a write to a pipe ends with a line
  EXPECT_EQ(6000u, static_cast<std::uint64_t>(std::ranges::count(out, '\n')) + access_log_dropped_total() - before);
  close(reader);
}

TEST_F(Sinks, count_what_a_broken_pipe_takes_and_live_on) {
  const int reader = make_fifo();
  const auto sink = open("fifo");
  close(reader);
  testing::internal::CaptureStderr();
  submit(*sink, "one\ntwo\n", 2);
  sink->flush(kLong);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("cannot write access log"));
  EXPECT_EQ(2u, sink->dropped());
  const int again = ::open(path("fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  submit(*sink, "three\n");
  sink->flush(kLong);
  EXPECT_EQ("three\n", drain(again));
  close(again);
}

TEST_F(Sinks, let_a_reopen_through_while_the_reader_stands_still) {
  const int reader = make_fifo();
  const auto sink = open("fifo");
  const std::string block = std::string(kAccessBlock - 1, 'x') + "\n";
  for (int i = 0; i < 8; ++i) submit(*sink, block);
  ASSERT_EQ(0, unlink(path("fifo").c_str()));
  sink->reopen();
  submit(*sink, "after\n");
  sink->flush(kLong);
  EXPECT_THAT(read_file(path("fifo")), EndsWith("after\n"));
  close(reader);
}

TEST_F(Sinks, count_lines_that_a_full_disk_takes) {
  std::string error;
  const auto sink = open_access_sink("/dev/full", error);
  if (sink == nullptr) GTEST_SKIP() << error;
  submit(*sink, "one\ntwo\nthree\n", 3);
  sink->flush(kLong);
  EXPECT_EQ(3u, sink->dropped());
}

TEST_F(Sinks, leave_stdout_open) {
  std::string error;
  open_access_sink("stdout", error).reset();
  const auto sink = open_access_sink("stderr", error);
  ASSERT_NE(nullptr, sink) << error;
  sink->reopen();
  EXPECT_NE(-1, fcntl(STDOUT_FILENO, F_GETFD));
  EXPECT_NE(-1, fcntl(STDERR_FILENO, F_GETFD));
}

TEST_F(Sinks, keep_blocks_of_many_threads_whole) {
  const auto sink = open("log");
  std::vector<std::thread> threads;
  constexpr int kThreads = 4, kBlocksEach = 300;
  std::atomic<std::uint64_t> taken{0};
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const std::string text = std::string(1000, static_cast<char>('a' + t)) + "\n";
      for (int i = 0; i < kBlocksEach; ++i) taken += submit(*sink, text) ? 1 : 0;
    });
  }
  for (auto& thread : threads) thread.join();
  sink->flush(kLong);
  std::istringstream lines(read_file(path("log")));
  std::uint64_t whole = 0;
  for (std::string each; std::getline(lines, each); ++whole) ASSERT_EQ(std::string(1000, each[0]), each);
  EXPECT_EQ(taken.load(), whole);
  EXPECT_EQ(static_cast<std::uint64_t>(kThreads * kBlocksEach), taken.load() + sink->dropped());
}

TEST(BlockRing, refuses_when_full_and_when_a_block_is_too_large) {
  BlockRing ring(2, 4);
  EXPECT_FALSE(ring.push("12345", 5, 1));
  EXPECT_TRUE(ring.push("a", 1, 1));
  EXPECT_TRUE(ring.push("b", 1, 1));
  EXPECT_FALSE(ring.push("c", 1, 1));
  BlockRing::Block block;
  ASSERT_TRUE(ring.peek(1, block));
  EXPECT_EQ('b', *block.data);
  EXPECT_FALSE(ring.peek(2, block));
  ring.pop();
  EXPECT_TRUE(ring.push("c", 1, 7));
  ring.pop();
  ASSERT_TRUE(ring.peek(0, block));
  EXPECT_EQ('c', *block.data);
  EXPECT_EQ(7u, block.lines);
  EXPECT_EQ(3u, ring.pushed());
}

class Buffers : public Sinks {};

TEST_F(Buffers, hand_over_when_half_a_second_old) {
  const auto sink = open("log");
  AccessBuffer buffer;
  EXPECT_FALSE(buffer.on());
  buffer.use(sink, std::make_shared<PathFormat>());
  EXPECT_TRUE(buffer.on());
  EXPECT_EQ(kNever, buffer.flush_at());
  const TimePoint start{100s};
  buffer.append(with_path("/a"), start);
  buffer.append(with_path("/b"), start + 400ms);
  EXPECT_EQ(start + 500ms, buffer.flush_at());
  buffer.flush(start + 499ms);
  sink->flush(kLong);
  EXPECT_EQ("", read_file(path("log")));
  buffer.flush(start + 500ms);
  sink->flush(kLong);
  EXPECT_EQ("/a\n/b\n", read_file(path("log")));
  EXPECT_EQ(kNever, buffer.flush_at());
}

TEST_F(Buffers, hand_over_when_full_and_when_told_and_at_their_end) {
  const auto sink = open("log");
  const std::string long_path(40'000, 'x');
  {
    AccessBuffer buffer;
    buffer.use(sink, std::make_shared<PathFormat>());
    buffer.append(with_path(long_path), TimePoint{});
    buffer.append(with_path(long_path), TimePoint{});
    sink->flush(kLong);
    EXPECT_EQ(40'001u, read_file(path("log")).size());
    buffer.flush(TimePoint{}, true);
    sink->flush(kLong);
    EXPECT_EQ(80'002u, read_file(path("log")).size());
    buffer.append(with_path("/last"), TimePoint{});
  }
  sink->flush(kLong);
  EXPECT_THAT(read_file(path("log")), EndsWith("\n/last\n"));
}

TEST_F(Buffers, send_what_they_hold_to_the_old_sink_when_they_get_a_new_one) {
  const auto old_sink = open("old");
  const auto sink = open("log");
  AccessBuffer buffer;
  buffer.use(old_sink, std::make_shared<PathFormat>());
  buffer.append(with_path("/1"), TimePoint{});
  buffer.use(sink, std::make_shared<PathFormat>());
  buffer.append(with_path("/2"), TimePoint{});
  buffer.use(nullptr, nullptr);
  buffer.append(with_path("/3"), TimePoint{});
  EXPECT_FALSE(buffer.on());
  old_sink->flush(kLong);
  sink->flush(kLong);
  EXPECT_EQ("/1\n", read_file(path("old")));
  EXPECT_EQ("/2\n", read_file(path("log")));
}

TEST_F(Buffers, cut_a_path_that_no_block_holds) {
  const auto sink = open("log");
  std::string error;
  AccessBuffer buffer;
  buffer.use(sink, make_access_format("json", error));
  const std::string huge = "/" + std::string(30'000, '\x01') + "?token=secret";  // six bytes each once escaped
  AccessRecord record = with_path(huge);
  record.request_id = "id-of-the-huge-one";
  buffer.append(with_path("/before"), TimePoint{});
  buffer.append(record, TimePoint{});
  buffer.append(with_path("/after"), TimePoint{});
  buffer.flush(TimePoint{}, true);
  sink->flush(kLong);
  std::istringstream lines(read_file(path("log")));
  std::string first, cut, last, none;
  std::getline(lines, first);
  std::getline(lines, cut);
  std::getline(lines, last);
  EXPECT_THAT(first, HasSubstr("/before"));
  EXPECT_THAT(cut, HasSubstr("\"request_id\":\"id-of-the-huge-one\""));
  EXPECT_THAT(cut, HasSubstr("\\u0001\\u0001\",\"protocol\":\"\""));
  EXPECT_THAT(cut, EndsWith("\"tries\":0}"));
  EXPECT_THAT(last, HasSubstr("/after"));
  EXPECT_FALSE(std::getline(lines, none));
}

TEST_F(Buffers, cut_the_other_texts_where_the_path_is_not_to_blame) {
  const auto sink = open("log");
  std::string error;
  AccessBuffer buffer;
  buffer.use(sink, make_access_format("json", error));
  const std::string huge(70'000, 'h');
  AccessRecord record = with_path("/x");
  record.host = huge;
  buffer.append(record, TimePoint{});
  buffer.flush(TimePoint{}, true);
  sink->flush(kLong);
  EXPECT_THAT(read_file(path("log")), HasSubstr("\"host\":\"" + std::string(256, 'h') + "\",\"path\":\"/x\""));
}

TEST_F(Buffers, count_a_record_that_cannot_be_written_at_all) {
  class Never final : public AccessFormat {
    std::size_t write(const AccessRecord&, char*, std::size_t) const override { return 0; }
  };
  const auto sink = open("log");
  AccessBuffer buffer;
  buffer.use(sink, std::make_shared<Never>());
  const std::uint64_t before = access_log_dropped_total();
  buffer.append(with_path("/"), TimePoint{});
  EXPECT_EQ(1u, access_log_dropped_total() - before);
  EXPECT_EQ(kNever, buffer.flush_at());
}

}  // namespace
}  // namespace gatehouse::telemetry
