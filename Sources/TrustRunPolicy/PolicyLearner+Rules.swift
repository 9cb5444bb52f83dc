// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents

extension PolicyLearner {
    /// The smallest policy that allows what was seen: exact names and addresses, exact ports, and a `process` where only some of the processes
    /// went there.
    package func policy(named name: String, defaultAction: PolicyAction) -> LearnedPolicy {
        var learned = LearnedPolicy(name: name, defaultAction: defaultAction, leftOut: leftOut)
        learned.resolvers = queries.filter { resolver, _ in resolvers.contains(resolver) }
            .map { resolver, sightings in LearnedPolicy.Resolver(address: resolver, sightings: sightings) }
            .sorted { left, right in (left.address.high, left.address.low) < (right.address.high, right.address.low) }
        learned.inbound = inbound
        let locals = inbound == nil ? locals : [:]
        for (peer, sightings) in locals {
            let rule = LearnedPolicy.Shape(process: nil, transport: peer.transport, verify: .name, ports: nil)
            learned.add(.address(peer.address), sightings, to: rule)
        }
        addDestinations(without: Set(locals.keys), to: &learned)
        return learned
    }

    /// `covered`: whose rules allow every port.
    private func addDestinations(without covered: Set<ObservedPeer>, to learned: inout LearnedPolicy) {
        let wanted = destinations.filter { destination, _ in !isQuery(destination) && !covers(covered, destination) }
        let everybody = wanted.values.reduce(into: Set<String?>()) { all, sightings in
            all.formUnion(sightings.executables)
        }
        let isTooMany = everybody.count > CompiledPolicy.maximumProcessGlobs
        /// What one rule may hold together: everything but the ports is the same.
        struct Part: Hashable {
            var target: ObservedDestination.Target
            var transport: TransportProtocol
            var verify: Rule.Verification
            var process: String?
        }
        var parts: [Part: (ports: Set<UInt16>, sightings: Sightings)] = [:]
        for (destination, sightings) in wanted {
            let isCommon = isTooMany || sightings.executables == everybody || sightings.executables.contains(nil)
            for process in isCommon ? [nil] : sightings.executables {
                let part = Part(
                    target: destination.target, transport: destination.transport,
                    verify: destination.isName && sightings.needsAddressVerification ? .address : .name,
                    process: process
                )
                parts[part, default: ([], Sightings(at: sightings.first))].ports.insert(destination.port)
                parts[part]?.sightings.add(sightings)
            }
        }
        for (part, held) in parts {
            let shape = LearnedPolicy.Shape(
                process: part.process, transport: part.transport, verify: part.verify,
                ports: Self.ranges(of: held.ports)
            )
            learned.add(part.target, held.sightings, to: shape)
        }
    }

    private func isQuery(_ destination: ObservedDestination) -> Bool {
        guard destination.port == 53, case .address(let address) = destination.target else { return false }
        return resolvers.contains(address)
    }

    private func covers(_ peers: Set<ObservedPeer>, _ destination: ObservedDestination) -> Bool {
        guard case .address(let address) = destination.target else { return false }
        return peers.contains(ObservedPeer(address: address, transport: destination.transport))
    }

    /// nil: one of them is not known, and only a rule without ports fits it.
    private static func ranges(of ports: Set<UInt16>) -> [ClosedRange<UInt16>]? {
        guard !ports.contains(0) else { return nil }
        var ranges: [ClosedRange<UInt16>] = []
        for port in ports.sorted() {
            if let last = ranges.last, last.upperBound + 1 == port {
                ranges[ranges.count - 1] = last.lowerBound...port
            } else {
                ranges.append(port...port)
            }
        }
        return ranges
    }
}

extension ObservedDestination {
    fileprivate var isName: Bool {
        switch target {
        case .name: true
        case .address: false
        }
    }
}

extension IPAddress {
    /// 127.0.0.0/8 and ::1, of a canonical address.
    var isLoopback: Bool {
        if let ipv4 { return ipv4 >> 24 == 127 }
        return high == 0 && low == 1
    }
}
