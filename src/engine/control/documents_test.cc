#include "engine/control/documents.h"

#include <gmock/gmock.h>

#include <atomic>
#include <mutex>

#include "io/loop_test.h"
#include "support/http_service.h"

namespace gatehouse::engine {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// A place whose document changes, and a control thread with one worker, driven in turn by the test's own.
class DocumentsTest : public testing::Test {
 protected:
  void publish(std::string body) {
    const std::lock_guard lock(mutex_);
    body_ = std::move(body);
  }
  plugin::DocumentSource source(Duration refresh) {
    return {
        .url = service_.url() + "/keys?secret=1", .ca = "", .refresh = refresh, .read = [this](std::string_view body) {
          ++reads_;
          return plugin::DocumentContent{std::make_shared<const std::string>(body), "", ""};
        }};
  }
  static const std::string* text_of(const plugin::Document& document) {
    return static_cast<const std::string*>(document.current(0).get());
  }
  bool until_true(const std::function<bool()>& holds) {
    const TimePoint end = deadline_after(steady_now(), 20s);
    while (!holds()) {
      if (steady_now() >= end) return false;
      io::test::run_for(control_, 1ms);
      io::test::run_for(worker_, 1ms);
    }
    return true;
  }
  std::string metrics() {
    telemetry::Samples samples;
    documents_.scrape(samples);
    return samples.take_text();
  }
  std::string fetches(int count) {
    return "gatehouse_document_fetches_total{url=\"" + service_.url() + "/keys\",result=\"ok\"} " +
           std::to_string(count) + "\n";
  }

  std::mutex mutex_;
  std::string body_ = "one";
  std::atomic<int> asked_ = 0;
  int reads_ = 0;
  test::HttpService service_{[this](test::ServiceExchange& exchange) {
    ++asked_;
    const std::lock_guard lock(mutex_);
    exchange.respond(200, body_);
  }};
  io::Reactor control_, worker_;
  Documents documents_{control_, {&worker_}};
};

TEST_F(DocumentsTest, the_same_bytes_stay_the_same_value) {
  const auto document = documents_.open(source(1ms));
  ASSERT_TRUE(until_true([&] { return text_of(*document) != nullptr; }));
  const std::string* const first = text_of(*document);
  const int asked = asked_;
  ASSERT_TRUE(until_true([&] { return asked_ > asked + 3; }));
  EXPECT_EQ(text_of(*document), first);
  EXPECT_EQ(reads_, 1);
  publish("two");
  ASSERT_TRUE(until_true([&] { return text_of(*document) != first; }));
  EXPECT_EQ(*text_of(*document), "two");
}

TEST_F(DocumentsTest, of_one_place_are_counted_together_and_for_ever) {
  auto first = documents_.open(source(1h));
  ASSERT_TRUE(until_true([&] { return text_of(*first) != nullptr; }));
  EXPECT_THAT(metrics(), HasSubstr(fetches(1)));
  auto second = documents_.open(source(2h));
  ASSERT_TRUE(until_true([&] { return metrics().contains(fetches(2)); })) << metrics();
  first.reset();
  EXPECT_THAT(metrics(), HasSubstr(fetches(2)));
  second.reset();
  EXPECT_THAT(metrics(), HasSubstr(fetches(2)));
}

TEST_F(DocumentsTest, of_one_place_have_one_age) {
  const auto first = documents_.open(source(1h));
  ASSERT_TRUE(until_true([&] { return text_of(*first) != nullptr; }));
  io::test::run_for(control_, 5ms);
  const std::string alone = metrics();
  ASSERT_THAT(alone, HasSubstr("gatehouse_document_age_seconds"));
  ASSERT_THAT(alone, testing::Not(HasSubstr("/keys\"} 0\n")));
  const auto second = documents_.open(source(2h));  // takes over what the first has read
  EXPECT_EQ(metrics(), alone);
}

}  // namespace
}  // namespace gatehouse::engine
