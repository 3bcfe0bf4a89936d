// Runs a request: takes the tiles through each pass, depth first, in fixed groups, and then reduces their partial
// results in a fixed order.
#pragma once

#include "engine/program.h"
#include "engine/request.h"

namespace day33 {

void execute(const Program& program, Request& request);

// A request without samples: nothing runs, sums and gradients are zero.
void execute_empty(const Graph& graph, Request& request);

}  // namespace day33
