#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "conformance/judgement.h"
#include "conformance/request_corpus.h"

namespace gatehouse::test {

/// Samples that we take and the other parser does not, or not to their end.
struct OtherRefuses {
  const char* refusal;  ///< how the other's words start; "" where it says nothing and leaves out requests
  bool (*when)(const Sample&, const Judgement& mine);
  const char* why;
};

/// Samples that we refuse and the other parser takes, by our own words.
struct WeRefuse {
  const char* refusal;
  const char* why;
};

/// Holds two rules over the whole corpus: what we take the other takes, and understands as the same requests, or the
/// table says why not; what only we refuse is in the other table. An entry of a table that no sample needs fails too.
inline void compare(const std::function<Judgement(const Sample&, std::size_t)>& judged_by_other,
                    const std::vector<OtherRefuses>& others, const std::vector<WeRefuse>& ours) {
  std::vector<int> others_used(others.size()), ours_used(ours.size());
  const std::vector<Sample> corpus = request_corpus();
  std::size_t taken_by_both = 0, refused_by_both = 0;
  for (std::size_t i = 0; i < corpus.size(); ++i) {
    const Sample& sample = corpus[i];
    const Judgement mine = judged_by_gatehouse(sample.bytes);
    const Judgement other = judged_by_other(sample, i);
    SCOPED_TRACE(sample.name + "\n" + testing::PrintToString(sample.bytes) + "\n  we: " + mine.text() +
                 "\n  other: " + other.text());
    const std::size_t common = std::min(mine.requests.size(), other.requests.size());
    EXPECT_TRUE(std::equal(mine.requests.begin(), mine.requests.begin() + static_cast<std::ptrdiff_t>(common),
                           other.requests.begin()))
        << "not understood as the same requests";
    if (mine.accepted() && other.accepted() && other.requests.size() >= mine.requests.size()) {
      EXPECT_EQ(mine.requests.size(), other.requests.size()) << "the other sees more requests";
      ++taken_by_both;
    } else if (mine.accepted()) {
      EXPECT_LE(other.requests.size(), mine.requests.size()) << "the other sees more requests";
      const auto found = std::find_if(others.begin(), others.end(), [&](const OtherRefuses& entry) {
        const bool same = *entry.refusal == '\0' ? other.accepted() : other.refusal.starts_with(entry.refusal);
        return same && entry.when(sample, mine);
      });
      if (found == others.end()) {
        ADD_FAILURE() << "only we take all of it";
      } else {
        ++others_used[static_cast<std::size_t>(found - others.begin())];
      }
    } else if (other.accepted() || other.requests.size() > mine.requests.size()) {
      const auto found =
          std::find_if(ours.begin(), ours.end(), [&](const WeRefuse& entry) { return mine.refusal == entry.refusal; });
      if (found == ours.end()) {
        ADD_FAILURE() << "only we refuse it";
      } else {
        ++ours_used[static_cast<std::size_t>(found - ours.begin())];
      }
    } else {
      ++refused_by_both;
    }
  }
  for (std::size_t i = 0; i < others.size(); ++i) {
    EXPECT_NE(others_used[i], 0) << "no sample needs: " << others[i].refusal << ", " << others[i].why;
    std::printf("only we take      %4d  %s: %s\n", others_used[i], others[i].refusal, others[i].why);
  }
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_NE(ours_used[i], 0) << "no sample needs: " << ours[i].refusal << ", " << ours[i].why;
    std::printf("only we refuse    %4d  %s: %s\n", ours_used[i], ours[i].refusal, ours[i].why);
  }
  std::printf("both take %zu, both refuse %zu, of %zu\n", taken_by_both, refused_by_both, corpus.size());
  EXPECT_GT(taken_by_both, 100u);
  EXPECT_GT(refused_by_both, 100u);
}

}  // namespace gatehouse::test
