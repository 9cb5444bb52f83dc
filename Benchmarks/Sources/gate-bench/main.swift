// SPDX-License-Identifier: Apache-2.0
import Glibc
import TrustRunEnforcement
import TrustRunEvents
import TrustRunPolicy

// gate-bench CGROUP KIND RULES: makes a policy of as many rules for addresses or names, puts it in force in an open directory of the cgroup
// hierarchy, prints one JSON line (seconds for the compiled form and for the kernel's tables), and goes on until its input ends. Whatever
// the clients of the benchmarks connect to is allowed, so is DNS to 127.0.0.1 for names below bench.test; else the policy refuses what no rule names.

/// Numbers that repeat for the same seed (SplitMix64).
struct Numbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}

func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

func network(_ number: UInt32, _ length: Int) -> Pattern {
    IPNetwork(IPAddress(ipv4: length == 32 ? number : number & ~(UInt32.max >> UInt32(length))), length: length)
        .map(Pattern.network) ?? .any
}

/// Prefixes of /16 to /32, none in the clients' own networks; or names, one in four behind `*.`.
func pattern(_ index: Int, isName: Bool, _ numbers: inout Numbers) -> Pattern {
    guard isName else {
        return network(
            UInt32.random(in: 0x1000_0000...0x7eff_ffff, using: &numbers), [16, 20, 24, 24, 32, 32][index % 6])
    }
    let name = "s\(index).r\(numbers.next() % 1000).example\(numbers.next() % 5000).com"
    return NamePattern(index % 4 == 0 ? "*." + name : name).map(Pattern.name) ?? .any
}

let words = CommandLine.arguments
guard words.count == 4, let count = Int(words[3]) else { exit(64) }
var numbers = Numbers(state: 7)
var settings = PolicySettings()
settings.defaultAction.value = .block
var rules = [
    Rule(
        id: "bench#clients", patterns: [network(0x0a62_0000, 16), network(0x7f00_0000, 8)], ports: nil, transport: nil,
        process: nil, action: .allow),
    Rule(
        id: "bench#names", patterns: [NamePattern("*.bench.test").map(Pattern.name) ?? .any], ports: nil, transport: nil,
        process: nil, action: .allow),
]
for index in 0..<count {
    rules.append(
        Rule(
            id: "bench#\(index)", patterns: [pattern(index, isName: words[2] == "name", &numbers)],
            ports: index % 10 == 0 ? [443...443] : nil, transport: nil, process: nil,
            action: index % 5 == 0 ? .block : .allow))
}
let policy = Policy(name: "bench", description: nil, rules: rules, settings: settings, documents: [])
do {
    let begin = seconds()
    let compiled = try CompiledPolicy(policy)
    let compiledAt = seconds()
    var gate = try Gate()
    let openedAt = seconds()
    var namespace = stat()
    guard stat("/proc/self/ns/net", &namespace) == 0 else { exit(71) }
    try gate.setPolicy(
        compiled, generation: 1, resolvers: [IPAddress(ipv4: 0x7f00_0001)],
        namespaces: ResolverNamespaces(inodes: [UInt32(truncatingIfNeeded: namespace.st_ino)]))
    let loadedAt = seconds()
    let directory = open(words[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { exit(66) }
    try gate.attach(toDirectory: directory)
    print("{\"compile\":\(compiledAt - begin),\"programs\":\(openedAt - compiledAt),\"load\":\(loadedAt - openedAt)}")
    fflush(nil)
    while getchar() != EOF {}
} catch {
    let told = Array("gate-bench: \(error)\n".utf8)
    _ = write(STDERR_FILENO, told, told.count)
    exit(71)
}
