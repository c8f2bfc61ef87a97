#pragma once
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace gatehouse::telemetry {

/// Label names and values, in the order in which they are to be written.
using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// Metric families of one scrape. Families come out by name and their metrics by label values, whatever the order of
/// adding; values added twice under one name and the same labels are summed. Owner: the scrape; one thread.
class Samples {
 public:
  Samples();
  Samples(const Samples&) = delete;
  Samples& operator=(const Samples&) = delete;
  ~Samples();

  /// A value that only grows while the process lives. The first use of a name decides its help and type; a later use as
  /// another type is ignored.
  void counter(std::string_view name, std::string_view help, Labels labels, double value);
  /// A value that goes up and down.
  void gauge(std::string_view name, std::string_view help, Labels labels, double value);
  /// `buckets` has one count a bucket (not cumulated), one more than `bounds_us`; both in microseconds, written in
  /// seconds.
  void histogram(std::string_view name, std::string_view help, Labels labels, std::span<const std::uint32_t> bounds_us,
                 std::span<const std::uint64_t> buckets, std::uint64_t sum_us);

  /// Everything in Prometheus' text format 0.0.4; the samples are empty afterwards.
  std::string take_text();

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace gatehouse::telemetry
