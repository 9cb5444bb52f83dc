// SPDX-License-Identifier: Apache-2.0
internal import Synchronization
internal import TrustRunEvents
internal import TrustRunPolicy

/// The policies that were in force, by the number that the kernel's records have: whoever changes the policy adds the next one before it is in
/// force. Any thread.
final class PolicyGenerations: Sendable {
    struct Entry: Sendable {
        let generation: UInt32
        let compiled: CompiledPolicy
        let resolvers: [IPAddress]
    }

    /// A record may come a little later than its policy went.
    private static let kept = 4

    private let entries = Mutex<[Entry]>([])

    @discardableResult
    func add(_ compiled: CompiledPolicy, resolvers: [IPAddress], generation: UInt32) -> Entry {
        let entry = Entry(generation: generation, compiled: compiled, resolvers: resolvers)
        entries.withLock { entries in
            entries.append(entry)
            if entries.count > Self.kept { entries.removeFirst() }
        }
        return entry
    }

    /// nil: never added, or forgotten.
    func entry(of generation: UInt32) -> Entry? {
        entries.withLock { entries in entries.last { entry in entry.generation == generation } }
    }

    /// The last one.
    var newest: Entry? { entries.withLock { entries in entries.last } }
}
