// Things that a process has one of.
#pragma once

#include <pthread.h>

namespace day33 {

// The one T of the process, made when it is first asked for. T has a member `mutex`. It is never destroyed, since
// threads may outlive main, and its mutex is held over fork(), so that the child finds it whole.
template <typename T>
T& process_wide() {
  static T* the_one = nullptr;
  static const bool made = [] {
    the_one = new T;
    pthread_atfork([] { the_one->mutex.lock(); }, [] { the_one->mutex.unlock(); }, [] { the_one->mutex.unlock(); });
    return true;
  }();
  static_cast<void>(made);
  return *the_one;
}

}  // namespace day33
