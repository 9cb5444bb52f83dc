// SPDX-License-Identifier: Apache-2.0

/// Which names gave a process which addresses, by the answers that it received. Owned by the pipeline's thread.
package final class NameBindings {
    /// Addresses remembered for one process; beyond it the oldest go.
    package static let capacity = 4096

    private struct Binding {
        /// Newest first.
        var names: [HostName]
        var expiries: [UInt64]
    }

    private var bindings: [IPAddress: Binding] = [:]
    private var order: [IPAddress] = []

    package init() {}

    /// Remembers that `name` gave `address`, until `expiry` (nanoseconds since boot).
    package func bind(_ name: HostName, to address: IPAddress, until expiry: UInt64) {
        if bindings[address] == nil {
            if order.count == Self.capacity { forgetOldest() }
            order.append(address)
        }
        var binding = bindings[address] ?? Binding(names: [], expiries: [])
        if let index = binding.names.firstIndex(where: { known in known === name }) {
            binding.names.remove(at: index)
            binding.expiries.remove(at: index)
        }
        binding.names.insert(name, at: 0)
        binding.expiries.insert(expiry, at: 0)
        if binding.names.count > Self.namesPerAddress {
            binding.names.removeLast()
            binding.expiries.removeLast()
        }
        bindings[address] = binding
    }

    /// Names remembered for one address; beyond it the oldest go.
    package static let namesPerAddress = 16

    /// The names of an address that still hold, newest first.
    package func names(of address: IPAddress, at time: UInt64) -> [HostName] {
        guard let binding = bindings[address] else { return [] }
        if binding.expiries.allSatisfy({ expiry in expiry > time }) { return binding.names }
        return zip(binding.names, binding.expiries).filter { pair in pair.1 > time }.map(\.0)
    }

    private func forgetOldest() {
        let half = order.count / 2
        for address in order[..<half] { bindings[address] = nil }
        order.removeFirst(half)
    }
}
