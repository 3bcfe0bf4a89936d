// Objects that exist once per process.
#pragma once

#include "core/at_fork.h"

namespace day33 {

// Returns the only T of the process, which is created on first use. T must have a member `mutex`. The object is never
// destroyed, since threads may outlive main(), and its mutex is held during fork(), so that the child gets it in a
// consistent state.
template <typename T>
T& process_wide() {
  static T* the_one = nullptr;
  static const bool made = [] {
    the_one = new T;
    at_fork([] { the_one->mutex.lock(); }, [] { the_one->mutex.unlock(); }, [] { the_one->mutex.unlock(); });
    return true;
  }();
  static_cast<void>(made);
  return *the_one;
}

}  // namespace day33
