#include "telemetry/samples.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>
#include <map>
#include <sstream>
#include <vector>

namespace gatehouse::telemetry {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

struct Samples::Families {
  std::map<std::string, MetricFamily, std::less<>> by_name;

  /// Null if the name is taken by another type.
  ClientMetric* add(std::string_view name, std::string_view help, MetricType type, Labels labels) {
    auto found = by_name.find(name);
    if (found == by_name.end()) {
      found = by_name.emplace(std::string(name), MetricFamily{std::string(name), std::string(help), type, {}}).first;
    }
    if (found->second.type != type) return nullptr;
    ClientMetric& metric = found->second.metric.emplace_back();
    metric.label.reserve(labels.size());
    for (const auto& [label, value] : labels) metric.label.push_back({std::string(label), std::string(value)});
    return &metric;
  }
};

namespace {

void merge_into(ClientMetric& to, const ClientMetric& from) {
  to.counter.value += from.counter.value;
  to.gauge.value += from.gauge.value;
  to.histogram.sample_count += from.histogram.sample_count;
  to.histogram.sample_sum += from.histogram.sample_sum;
  for (std::size_t i = 0; i < std::min(to.histogram.bucket.size(), from.histogram.bucket.size()); ++i) {
    to.histogram.bucket[i].cumulative_count += from.histogram.bucket[i].cumulative_count;
  }
}

/// The family with its metrics by label and equal labels made one.
MetricFamily tidy(MetricFamily& family) {
  MetricFamily out{family.name, family.help, family.type, {}};
  std::vector<ClientMetric*> order;
  order.reserve(family.metric.size());
  for (ClientMetric& metric : family.metric) order.push_back(&metric);
  std::ranges::sort(order, [](const ClientMetric* a, const ClientMetric* b) { return a->label < b->label; });
  out.metric.reserve(order.size());
  for (ClientMetric* metric : order) {
    if (!out.metric.empty() && out.metric.back().label == metric->label) {
      merge_into(out.metric.back(), *metric);
    } else {
      out.metric.push_back(std::move(*metric));
    }
  }
  return out;
}

}  // namespace

Samples::Samples() : families_(std::make_unique<Families>()) {}
Samples::~Samples() = default;

void Samples::counter(std::string_view name, std::string_view help, Labels labels, double value) {
  if (ClientMetric* metric = families_->add(name, help, MetricType::Counter, labels)) metric->counter.value = value;
}

void Samples::gauge(std::string_view name, std::string_view help, Labels labels, double value) {
  if (ClientMetric* metric = families_->add(name, help, MetricType::Gauge, labels)) metric->gauge.value = value;
}

void Samples::histogram(std::string_view name, std::string_view help, Labels labels,
                        std::span<const std::uint32_t> bounds_us, std::span<const std::uint64_t> buckets,
                        std::uint64_t sum_us) {
  ClientMetric* metric = families_->add(name, help, MetricType::Histogram, labels);
  if (metric == nullptr) return;
  std::uint64_t count = 0;
  metric->histogram.bucket.reserve(buckets.size());
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    count += buckets[i];
    const double bound = i < bounds_us.size() ? bounds_us[i] / 1e6 : std::numeric_limits<double>::infinity();
    metric->histogram.bucket.push_back({count, bound});
  }
  metric->histogram.sample_count = count;
  metric->histogram.sample_sum = static_cast<double>(sum_us) / 1e6;
}

std::string Samples::take_text() {
  std::vector<MetricFamily> families;
  families.reserve(families_->by_name.size());
  for (auto& [name, family] : families_->by_name) families.push_back(tidy(family));
  families_->by_name.clear();
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return std::move(out).str();
}

}  // namespace gatehouse::telemetry
