// SPDX-License-Identifier: Apache-2.0
import CRing
import Glibc

// pipeline-bench OBJECT ROUNDS [C-OUTPUT AGENT-OUTPUT]: the same bursts of records through the C consumer and through the
// agent's stages, in turns. Prints one JSON line a round: nanoseconds of thread CPU and allocations per line of output.

let arguments = CommandLine.arguments
require(arguments.count == 3 || arguments.count == 5, "understand the arguments")
require(ring_open(arguments[1]) == 0, "load \(arguments[1])")
let bench = try Bench(
    formatterOutput: open(arguments.count == 5 ? arguments[3] : "/dev/null"),
    agentOutput: open(arguments.count == 5 ? arguments[4] : "/dev/null")
)
for round in 0...(Int(arguments[2]) ?? 1) {
    let result = bench.round()
    // The first round fills the tables.
    if round > 0 { print("{\"c\":\(result.formatter.json),\"swift\":\(result.agent.json),\"judged\":\(result.judging.json)}") }
}
bench.finish()
