#pragma once
#include <cstddef>
#include <cstring>

namespace gatehouse {

/// A doubly linked intrusive hook. It unlinks itself when destroyed, so an object can leave whatever list it is in
/// just by ending. Not copyable, not movable while linked. One thread.
class ListHook {
 public:
  ListHook() = default;
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;
  ~ListHook() { unlink(); }

  bool linked() const { return next_ != nullptr; }
  void unlink() {
    if (next_ == nullptr) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
  }

 private:
  template <class T, ListHook T::*>
  friend class List;
  ListHook* next_ = nullptr;
  ListHook* previous_ = nullptr;
};

/// A list of objects through their member hook: `List<Wait, &Wait::ready_hook>`. Owns nothing.
template <class T, ListHook T::* Hook>
class List {
 public:
  List() { root_.next_ = root_.previous_ = &root_; }
  List(const List&) = delete;
  List& operator=(const List&) = delete;
  ~List() {
    while (!empty()) pop_front();
    root_.next_ = root_.previous_ = nullptr;
  }

  bool empty() const { return root_.next_ == &root_; }
  void push_back(T& item) { insert(item, root_.previous_, &root_); }
  void push_front(T& item) { insert(item, &root_, root_.next_); }
  T& front() const { return *owner(root_.next_); }
  T& back() const { return *owner(root_.previous_); }
  T& pop_front() {
    T& item = front();
    (item.*Hook).unlink();
    return item;
  }
  /// Moves every item of `other` to the end of this list.
  void splice(List& other) {
    if (other.empty()) return;
    ListHook* first = other.root_.next_;
    ListHook* last = other.root_.previous_;
    other.root_.next_ = other.root_.previous_ = &other.root_;
    first->previous_ = root_.previous_;
    root_.previous_->next_ = first;
    last->next_ = &root_;
    root_.previous_ = last;
  }
  /// Calls `visit(T&)` for each item; the visited item may unlink itself.
  template <class Visit>
  void each(Visit&& visit) const {
    for (ListHook* at = root_.next_; at != &root_;) {
      ListHook* next = at->next_;
      visit(*owner(at));
      at = next;
    }
  }

 private:
  static void insert(T& item, ListHook* before, ListHook* after) {
    ListHook& hook = item.*Hook;
    hook.previous_ = before;
    hook.next_ = after;
    before->next_ = &hook;
    after->previous_ = &hook;
  }
  static T* owner(ListHook* hook) {
    ListHook T::* const member = Hook;
    std::ptrdiff_t offset;  // in the Itanium C++ ABI a pointer to a data member is its offset
    static_assert(sizeof member == sizeof offset);
    std::memcpy(&offset, &member, sizeof offset);
    return reinterpret_cast<T*>(reinterpret_cast<char*>(hook) - offset);
  }
  mutable ListHook root_;
};

}  // namespace gatehouse
