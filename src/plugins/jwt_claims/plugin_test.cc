#include <map>

#include "plugin/claims.h"
#include "plugins/testing/fixture.h"

namespace gatehouse::plugins::jwt_claims {

extern const plugin::PluginType kType;

namespace {

using plugin::Verdict;
using testing::build;
using ::testing::ElementsAre;
using testing::faults;
using ::testing::HasSubstr;
using testing::Request;

class FakeClaims : public plugin::Claims {
 public:
  explicit FakeClaims(std::map<std::string, std::string, std::less<>> texts) : texts_(std::move(texts)) {}
  std::optional<std::string_view> text(std::string_view path, Arena&) const override {
    const auto found = texts_.find(path);
    return found == texts_.end() ? std::nullopt : std::optional<std::string_view>(found->second);
  }

 private:
  std::map<std::string, std::string, std::less<>> texts_;
};

constexpr const char* kConfig = "{claims: [sub, realm.roles], header_names: [X-User, X-Roles]}";

TEST(JwtClaims, sends_what_is_there_and_replaces_what_was) {
  const auto plugin = build(kType, kConfig);
  const FakeClaims claims({{"sub", "ada"}});
  Request request;
  request.exchange.claims = &claims;
  request.header("X-User", "eve");
  request.header("X-Roles", "root");
  EXPECT_EQ(plugin->on_request(request.exchange), Verdict::proceed);
  EXPECT_THAT(testing::lines(request.exchange.request.fields), ElementsAre("X-User: ada"));
}

TEST(JwtClaims, sends_nothing_where_there_is_no_token) {
  const auto plugin = build(kType, kConfig);
  Request request;
  request.header("X-User", "eve");
  EXPECT_EQ(plugin->on_request(request.exchange), Verdict::proceed);
  EXPECT_THAT(testing::lines(request.exchange.request.fields), ElementsAre());
}

TEST(JwtClaims, refuses_what_would_end_the_header) {
  const auto plugin = build(kType, kConfig);
  for (const std::string& text :
       {std::string("a\r\nX-Admin: 1"), std::string("a\nb"), std::string("a\0b", 3), std::string("\x7f")}) {
    const FakeClaims claims({{"sub", text}});
    Request request;
    request.exchange.claims = &claims;
    EXPECT_EQ(plugin->on_request(request.exchange), Verdict::reply);
    EXPECT_EQ(request.exchange.reason, Reason::bad_request);
  }
}

TEST(JwtClaims, wants_a_header_of_its_own_for_each_claim) {
  EXPECT_THAT(faults(kType, "{claims: [a, b], header_names: [X-A]}"), HasSubstr("as many header_names as claims"));
  EXPECT_THAT(faults(kType, "{claims: [a, b], header_names: [X-A, x-a]}"), HasSubstr("twice"));
  EXPECT_THAT(faults(kType, "{claims: a, header_names: Content-Length}"), HasSubstr("header_names"));
}

}  // namespace
}  // namespace gatehouse::plugins::jwt_claims
