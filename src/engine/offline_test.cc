#include "engine/explain/test_shop.h"

namespace gatehouse::engine {
namespace {

using namespace explaining::testing;
using ::testing::HasSubstr;

TEST(Offline, tells_what_only_building_shows) {
  static constexpr plugin::PluginType kFaulty{
      "tags",
      plugin::Posture::fail_closed,
      {},
      TypeOf<Tags>::info,
      [](const Node*, plugin::BuildContext&) -> std::shared_ptr<const plugin::Plugin> {
        throw std::runtime_error("no such model");
      }};
  const plugin::PluginType* types[] = {&kFaulty};
  config::Catalogue catalogue;
  catalogue.plugins.push_back(kFaulty.info());
  config::Diagnostics faults;
  auto loaded =
      config::load_text({.name = "t.yaml", .text = kFront + std::string("plugins: [{name: tags}]\n")}, catalogue);
  EXPECT_EQ(build_offline(std::move(loaded), types, faults), nullptr);
  EXPECT_THAT(faults.text(), HasSubstr("no such model"));
}

}  // namespace
}  // namespace gatehouse::engine
