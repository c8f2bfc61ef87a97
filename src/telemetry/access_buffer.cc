#include <algorithm>
#include <atomic>

#include "telemetry/access_log.h"
#include "telemetry/dropped_lines.h"

namespace gatehouse::telemetry {
namespace {

std::atomic<std::uint64_t> dropped_lines{0};

constexpr std::size_t kShortText = 256;

void shorten(std::string_view& text, std::size_t size) {
  text = text.substr(0, size);
}

}  // namespace

void count_dropped_lines(std::uint64_t lines) {
  dropped_lines.fetch_add(lines, std::memory_order_relaxed);
}
std::uint64_t access_log_dropped_total() {
  return dropped_lines.load(std::memory_order_relaxed);
}

void AccessBuffer::use(std::shared_ptr<AccessSink> sink, std::shared_ptr<const AccessFormat> format) {
  submit();
  sink_ = format != nullptr ? std::move(sink) : nullptr;
  format_ = std::move(format);
  if (sink_ != nullptr && block_ == nullptr) block_ = std::make_unique_for_overwrite<char[]>(kAccessBlock);
}

void AccessBuffer::append(const AccessRecord& record, TimePoint now) {
  if (sink_ == nullptr) return;
  std::size_t size = format_->write(record, block_.get() + used_, kAccessBlock - used_);
  if (size == 0) {
    submit();
    size = format_->write(record, block_.get(), kAccessBlock);
    if (size == 0) size = write_shortened(record);
    if (size == 0) {
      count_dropped_lines(1);
      return;
    }
  }
  if (used_ == 0) first_at_ = now;
  used_ += size;
  ++lines_;
}

std::size_t AccessBuffer::write_shortened(const AccessRecord& record) {
  AccessRecord shorter = record;
  shorter.claims = {};
  std::size_t size = 0;
  // An escaped byte takes six: half of what did not fit may be too much as well.
  for (std::size_t keep = std::min(record.path.size(), kAccessBlock) / 2; size == 0 && keep >= kShortText; keep /= 2) {
    shorten(shorter.path, keep);
    size = format_->write(shorter, block_.get(), kAccessBlock);
  }
  if (size != 0) return size;
  for (std::string_view* text : {&shorter.request_id, &shorter.trace_id, &shorter.method, &shorter.host, &shorter.path,
                                 &shorter.protocol, &shorter.reason, &shorter.route, &shorter.service, &shorter.target,
                                 &shorter.consumer, &shorter.client_subject}) {
    shorten(*text, kShortText);
  }
  return format_->write(shorter, block_.get(), kAccessBlock);
}

void AccessBuffer::flush(TimePoint now, bool always) {
  if (used_ != 0 && (always || now - first_at_ >= std::chrono::milliseconds(500))) submit();
}

void AccessBuffer::submit() {
  if (used_ != 0) sink_->submit(block_.get(), used_, lines_);
  used_ = 0;
  lines_ = 0;
}

AccessBuffer::~AccessBuffer() {
  submit();
}

}  // namespace gatehouse::telemetry
