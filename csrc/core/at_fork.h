// What happens around fork().
#pragma once

#if !defined(_WIN32)
#include <pthread.h>
#endif

namespace day33 {

using ForkHandler = void (*)();

// Calls `before` before every fork of this process, and then the others in the two processes. Each may be null. Windows
// has no fork().
inline void at_fork([[maybe_unused]] ForkHandler before, [[maybe_unused]] ForkHandler in_parent,
                    [[maybe_unused]] ForkHandler in_child) {
#if !defined(_WIN32)
  pthread_atfork(before, in_parent, in_child);
#endif
}

}  // namespace day33
