#include "engine/control/file_watch.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace gatehouse::engine {
namespace {

namespace fs = std::filesystem;

/// A folder with a watched file, and a reactor that runs until a change was told or time is over.
class Watched : public testing::Test {
 protected:
  Watched() {
    char name[] = "/tmp/gatehouse-watch-XXXXXX";
    folder_ = ::mkdtemp(name);
    write("shop.yaml", "one");
    watch_.watch({(folder_ / "shop.yaml").string()});
  }
  ~Watched() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }

  /// How many changes were told until `limit` has passed or the first came.
  int wait(Duration limit) {
    struct Limit : Wait {
      explicit Limit(io::Reactor& of)
          : Wait([](Wait& wait) { static_cast<Limit&>(wait).reactor.stop(); }), reactor(of) {}
      io::Reactor& reactor;
    } timer(reactor_);
    timer.attach(reactor_.scheduler(), nullptr, nullptr, deadline_after(steady_now(), limit));
    told_ = 0;
    reactor_.run();
    return told_;
  }

  fs::path folder_;
  io::Reactor reactor_;
  int told_ = 0;
  FileWatch watch_{reactor_, [this] {
                     ++told_;
                     reactor_.stop();
                   }};
};

TEST_F(Watched, tells_once_after_a_row_of_writes) {
  for (int i = 0; i < 5; ++i) write("shop.yaml", std::to_string(i));
  EXPECT_EQ(wait(std::chrono::seconds(5)), 1);
}

TEST_F(Watched, tells_of_a_file_that_took_the_place_of_another) {
  write("fresh.tmp", "two");
  fs::rename(folder_ / "fresh.tmp", folder_ / "shop.yaml");
  EXPECT_EQ(wait(std::chrono::seconds(5)), 1);
}

TEST_F(Watched, tells_of_a_new_file_that_an_include_may_take) {
  write("more.yaml", "two");
  EXPECT_EQ(wait(std::chrono::seconds(5)), 1);
}

TEST_F(Watched, tells_of_a_link_that_was_turned_as_kubernetes_does) {
  fs::create_directory(folder_ / "v2");
  fs::create_directory_symlink("v2", folder_ / "..data_tmp");
  fs::rename(folder_ / "..data_tmp", folder_ / "..data");
  EXPECT_EQ(wait(std::chrono::seconds(5)), 1);
}

TEST_F(Watched, is_silent_about_other_files) {
  write("notes.txt", "nothing to do with it");
  EXPECT_EQ(wait(FileWatch::kQuiet + std::chrono::milliseconds(100)), 0);
}

}  // namespace
}  // namespace gatehouse::engine
