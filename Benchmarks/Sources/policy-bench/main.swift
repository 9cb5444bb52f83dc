// SPDX-License-Identifier: Apache-2.0
import Glibc
import TrustRunEvents
import TrustRunPolicy

// policy-bench ROUNDS [KIND]: asks policies of 1000 and of 100 000 rules, in random order. Prints one JSON line a kind, a size and a round:
// nanoseconds of thread CPU for each question, and for making the compiled form.

func threadTime() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// What came out, so that it is all needed.
nonisolated(unsafe) var checksum = 0

func count(_ decision: Decision) {
    checksum &+= (decision.rule ?? -1) &+ Int(decision.action.rawValue)
}

/// Nanoseconds a question, over enough passes to take some milliseconds.
func ask(_ policy: CompiledPolicy, _ asked: Case) -> Double {
    let passes = max(1, (1 << 19) / (asked.names.count + asked.addresses.count))
    let executable = ExecutableClass.unknown
    let begin = threadTime()
    for _ in 0..<passes {
        for name in asked.names {
            let name = asked.text.span.extracting(name)
            count(policy.decide(address: nil, port: 443, transport: .tcp, name: name, executable: executable))
        }
        for address in asked.addresses {
            count(policy.decide(address: address, port: 443, transport: .tcp, name: nil, executable: executable))
        }
    }
    return Double(threadTime() - begin) / Double(passes * (asked.names.count + asked.addresses.count))
}

let rounds = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 1 : 1
let wanted = CommandLine.arguments.count > 2 ? CommandLine.arguments[2] : nil
let kinds: [(String, (inout Numbers, Int, Int) -> Case)] = [
    ("name", { $0.names($1, asking: $2) }), ("ipv4", { $0.ipv4($1, asking: $2) }),
    ("ipv6", { $0.ipv6($1, asking: $2) }),
]
for (kind, make) in kinds where wanted == nil || kind == wanted {
    for (rules, questions) in [(1000, 4096), (100_000, 4096), (100_000, 65536)] {
        var numbers = Numbers(state: 7)
        let asked = make(&numbers, rules, questions)
        for round in 0...rounds {
            let begin = threadTime()
            let compiled = try CompiledPolicy(asked.policy)
            let seconds = Double(threadTime() - begin) / 1e9
            // The first pass brings what it needs into the caches.
            _ = ask(compiled, asked)
            let hits =
                asked.names.count {
                    compiled.decide(
                        PolicyQuestion(address: nil, port: 443, name: DomainName(ascii: asked.text.span.extracting($0)))
                    ).rule != nil
                }
                + asked.addresses.count { compiled.decide(PolicyQuestion(address: $0, port: 443)).rule != nil }
            guard round > 0 else { continue }
            print(
                """
                {"kind":"\(kind)","rules":\(rules),"questions":\(questions),"ns":\(ask(compiled, asked)),"compile":\(seconds),\
                "hits":\(Double(hits) / Double(questions))}
                """)
        }
    }
}
guard checksum != 0 else { exit(1) }
