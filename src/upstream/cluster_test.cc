#include "upstream/cluster.h"

#include <poll.h>

#include "upstream/service_test.h"

namespace gatehouse::upstream {
namespace {

using test::dead_address;
using test::target_of;
using testing::ElementsAre;
using testing::ElementsAreArray;
using namespace std::chrono_literals;

class ClusterTest : public test::TwoWorkers {
 protected:
  /// Targets of these weights, all at the service's address: only the choice among them is looked at.
  void use_weights(const std::vector<std::uint32_t>& weights) {
    std::vector<TargetSet::Target> targets;
    for (const std::uint32_t weight : weights) targets.push_back(target_of(endpoint_, weight));
    set_ = std::make_shared<const TargetSet>(std::move(targets));
    for (unsigned worker : {0U, 1U}) cluster_.use(worker, set_);
  }
  /// The places in the list of the next `count` targets; -1: none.
  std::vector<int> next(int count, unsigned worker = 0) {
    std::vector<int> places;
    for (int i = 0; i < count; ++i) {
      Cluster::Choice choice;
      EXPECT_FALSE(cluster_.try_reuse(worker, choice));
      places.push_back(choice.target == nullptr ? -1 : static_cast<int>(choice.target - set_->targets.data()));
    }
    return places;
  }

  std::shared_ptr<const TargetSet> set_;
};

TEST_F(ClusterTest, targets_take_turns) {
  use_weights({1, 1, 1});
  EXPECT_THAT(next(7), ElementsAre(0, 1, 2, 0, 1, 2, 0));
}

TEST_F(ClusterTest, a_heavy_target_is_spread_over_the_round) {
  use_weights({5, 1, 1});
  EXPECT_THAT(next(14), ElementsAre(0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0, 2, 0, 0));
}

TEST_F(ClusterTest, each_round_gives_every_target_its_weight) {
  const std::vector<std::uint32_t> weights{3, 0, 7, 1, 4};
  use_weights(weights);
  for (int round = 0; round < 3; ++round) {
    std::vector<std::uint32_t> chosen(weights.size());
    for (const int place : next(15)) ++chosen.at(static_cast<std::size_t>(place));
    EXPECT_THAT(chosen, ElementsAreArray(weights));
  }
}

TEST_F(ClusterTest, each_worker_goes_round_by_itself) {
  use_weights({1, 1});
  EXPECT_THAT(next(1, 0), ElementsAre(0));
  EXPECT_THAT(next(3, 1), ElementsAre(0, 1, 0));
  EXPECT_THAT(next(2, 0), ElementsAre(1, 0));
}

TEST_F(ClusterTest, a_target_of_weight_0_is_never_chosen) {
  use_weights({0, 1, 0});
  EXPECT_THAT(next(3), ElementsAre(1, 1, 1));
}

TEST_F(ClusterTest, of_targets_of_weight_0_none_is_chosen) {
  for (const std::vector<std::uint32_t>& weights : {std::vector<std::uint32_t>{0}, {0, 0}}) {
    use_weights(weights);
    EXPECT_THAT(next(2), ElementsAre(-1, -1)) << weights.size();
    EXPECT_EQ(attempt()->reason(), Reason::no_healthy_target) << weights.size();
  }
}

TEST_F(ClusterTest, the_largest_weights_do_not_overflow) {
  use_weights({4294967295U, 4294967295U, 1});
  for (const int place : next(1000)) EXPECT_NE(place, 2);
}

TEST_F(ClusterTest, a_name_that_does_not_resolve_is_passed_over) {
  set_ = std::make_shared<const TargetSet>(
      TargetSet{{target_of(endpoint_, 2), {.weight = 5, .addresses = {}}, target_of(endpoint_, 1)}});
  cluster_.use(0, set_);
  EXPECT_THAT(next(6), ElementsAre(0, 2, 0, 0, 2, 0));
}

TEST_F(ClusterTest, without_any_address_there_is_no_target) {
  use({{.weight = 1, .addresses = {}}});
  EXPECT_EQ(attempt()->reason(), Reason::no_healthy_target);
  use({{.weight = 1, .addresses = {}}, {.weight = 1, .addresses = {}}});
  EXPECT_EQ(attempt()->reason(), Reason::no_healthy_target);
  use({});
  EXPECT_EQ(attempt()->reason(), Reason::no_healthy_target);
}

TEST_F(ClusterTest, before_its_first_targets_a_cluster_has_none) {
  Cluster fresh("shop", 2);
  EXPECT_EQ(fresh.service(), "shop");
  test::Attempt attempt(fresh, 1, reactors_[1]);
  settle();
  EXPECT_EQ(attempt.reason(), Reason::no_healthy_target);
}

TEST_F(ClusterTest, the_addresses_of_a_name_take_turns_and_workers_start_apart) {
  use({{.weight = 1, .addresses = {endpoint_, endpoint_, endpoint_}}});
  const auto addresses = [this](unsigned worker) {
    std::vector<std::size_t> all;
    for (int i = 0; i < 4; ++i) {
      Cluster::Choice choice;
      EXPECT_FALSE(cluster_.try_reuse(worker, choice));
      all.push_back(choice.address);
    }
    return all;
  };
  EXPECT_THAT(addresses(0), ElementsAre(0, 1, 2, 0));
  EXPECT_THAT(addresses(1), ElementsAre(1, 2, 0, 1));
}

TEST_F(ClusterTest, every_address_is_tried_before_a_connect_fails) {
  const auto dead = endpoint_at(dead_address()), dead_too = endpoint_at(dead_address());
  use({{.weight = 1, .addresses = {dead, dead_too, endpoint_}}});
  const auto found = attempt();
  ASSERT_TRUE(found->connected()) << to_string(found->reason());
  EXPECT_EQ(found->lease().endpoint().text(), endpoint_->text());
  EXPECT_EQ(dead->pool(0).opened, 1U);
  EXPECT_EQ(dead_too->pool(0).opened, 1U);
  EXPECT_EQ(dead->pool(0).open_count, 0U);
  EXPECT_EQ(free_permits(*dead), 1024);
}

TEST_F(ClusterTest, where_all_refuse_the_connect_fails_and_may_be_tried_again) {
  const auto dead = endpoint_at(dead_address()), dead_too = endpoint_at(dead_address());
  use({{.weight = 1, .addresses = {dead, dead_too}}});
  const auto failed = attempt();
  EXPECT_EQ(failed->reason(), Reason::upstream_connect);
  EXPECT_EQ(failed->error().sys, ECONNREFUSED);
  EXPECT_EQ(failed->error().retry, RetrySafety::yes);
  EXPECT_EQ(dead_too->pool(0).opened, 1U);
}

TEST_F(ClusterTest, an_idle_connection_comes_first_unless_a_fresh_one_is_asked_for) {
  serve(*attempt());
  serve(*attempt());
  EXPECT_EQ(service_.accepted(), 1);
  const auto fresh = attempt(0, {}, true);
  EXPECT_TRUE(fresh->connected());
  EXPECT_EQ(service_.accepted(), 2);
  EXPECT_EQ(pool().idle_count, 1U);
}

/// A listener whose queue is full: the kernel answers no further SYN.
class DeafTest : public ClusterTest {
 protected:
  DeafTest() {
    listening_ = io::listen_on(test::loopback(), 0).value();
    bool blocked = false;
    for (int i = 0; i < 16 && !blocked; ++i) {
      clients_.push_back(io::start_connect(io::local_endpoint(listening_)));
      pollfd asked{.fd = clients_.back(), .events = POLLOUT, .revents = 0};
      blocked = ::poll(&asked, 1, 20) == 0;
    }
    EXPECT_TRUE(blocked) << "the queue does not fill";
    deaf_ = endpoint_at(io::local_endpoint(listening_));
    use({target_of(deaf_)});
  }
  ~DeafTest() override {
    for (const int fd : clients_) ::close(fd);
    ::close(listening_);
  }
  int listening_ = -1;
  std::vector<int> clients_;
  std::shared_ptr<Endpoint> deaf_;
};

TEST_F(DeafTest, a_connect_ends_with_the_connect_timeout) {
  const auto waiting = attempt(0, {.connect = 2s});
  pass(1900ms);
  EXPECT_FALSE(waiting->done());
  pass(200ms);
  EXPECT_EQ(waiting->reason(), Reason::upstream_connect_timeout);
  EXPECT_EQ(waiting->error().retry, RetrySafety::yes);
  EXPECT_EQ(free_permits(*deaf_), 1024);
}

TEST_F(DeafTest, after_a_connect_timeout_the_next_address_is_tried) {
  use({{.weight = 1, .addresses = {deaf_, endpoint_}}});
  const auto waiting = attempt(0, {.connect = 2s});
  pass(2100ms);
  ASSERT_TRUE(waiting->connected()) << to_string(waiting->reason());
  EXPECT_EQ(waiting->lease().endpoint().text(), endpoint_->text());
}

TEST_F(DeafTest, the_exchanges_own_time_ends_a_connect_and_tries_nothing_more) {
  use({{.weight = 1, .addresses = {deaf_, endpoint_}}});
  const auto waiting = attempt(0, {.connect = 2s, .deadline = reactors_[0].now() + 1s});
  pass(1100ms);
  EXPECT_EQ(waiting->reason(), Reason::upstream_timeout);
  EXPECT_EQ(pool().opened, 0U);
}

TEST_F(DeafTest, cancelling_ends_a_connect_with_the_scopes_reason) {
  deaf_->configure(caps(1));
  const auto waiting = attempt();
  EXPECT_EQ(free_permits(*deaf_), 0);
  waiting->scope.cancel(Reason::client_closed);
  settle();
  EXPECT_EQ(waiting->reason(), Reason::client_closed);
  EXPECT_EQ(free_permits(*deaf_), 1);
}

TEST_F(DeafTest, targets_that_are_replaced_live_until_the_last_attempt_at_them_ends) {
  auto waiting = attempt(0, {.connect = 2s});
  const std::weak_ptr<Endpoint> old = std::exchange(deaf_, nullptr);
  use({target_of(endpoint_)});
  EXPECT_FALSE(old.expired());
  serve(*attempt());
  pass(2100ms);
  EXPECT_EQ(waiting->reason(), Reason::upstream_connect_timeout);
  EXPECT_TRUE(old.expired());
}

}  // namespace
}  // namespace gatehouse::upstream
