// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunEnforcement

/// What an agent keeps of its instance in the kernel, for whoever comes after it.
package struct InstanceFacts: Sendable {
    package let policy: String
    /// The scope's path from the root of the cgroup v2 hierarchy.
    package let scope: String
    /// The inode number of the scope's directory.
    package let cgroup: UInt64
    /// Whether the scope was made for it, and goes with it.
    package let ownsScope: Bool
    /// Nanoseconds since 1970.
    package let began: UInt64
    /// When the gates were proven last, in nanoseconds since 1970; 0: the last proof failed.
    package var proven: UInt64
    /// What was counted when the agent looked last, and when.
    package private(set) var noted: (time: UInt64, totals: Gate.Totals)
    let canKill: Bool
    let layout: UInt64
    /// Whether a proof is under way: what is counted then may be its own.
    package var isProving = false
    /// What the proofs made the gates count.
    var proofs: ProofCounts

    package init(
        policy: String, scope: String, cgroup: UInt64, ownsScope: Bool, began: UInt64, canKill: Bool
    ) {
        self.policy = policy
        self.scope = scope
        self.cgroup = cgroup
        self.ownsScope = ownsScope
        self.began = began
        self.canKill = canKill
        proven = began
        noted = (began, .none)
        layout = tr_gate_layout()
        proofs = ProofCounts()
    }

    init(_ raw: tr_instance) {
        var raw = raw
        policy = unsafe withUnsafeBytes(of: &raw.policy) { bytes in unsafe Self.text(bytes) }
        scope = unsafe withUnsafeBytes(of: &raw.scope) { bytes in unsafe Self.text(bytes) }
        cgroup = raw.cgroup
        ownsScope = raw.owns_scope != 0
        began = raw.began
        proven = raw.proven
        canKill = raw.can_kill != 0
        isProving = raw.is_proving != 0
        layout = raw.layout
        proofs = ProofCounts(
            refusals: raw.proofs, count: UInt64(raw.proof_count), brought: UInt64(raw.proof_brought))
        let counts = unsafe withUnsafeBytes(of: &raw.totals) { bytes in
            unsafe Array(bytes.bindMemory(to: UInt64.self))
        }
        noted = (raw.noted, Gate.Totals(counts))
    }

    mutating func note(_ totals: Gate.Totals, at time: UInt64) { noted = (time, totals) }

    var raw: tr_instance {
        var raw = tr_instance()
        raw.format = UInt32(TR_INSTANCE_FORMAT)
        raw.layout = layout
        (raw.can_kill, raw.owns_scope) = (canKill ? 1 : 0, ownsScope ? 1 : 0)
        (raw.began, raw.proven, raw.noted) = (began, proven, noted.time)
        raw.cgroup = cgroup
        raw.is_proving = isProving ? 1 : 0
        (raw.proofs, raw.proof_count) = (proofs.refusals, UInt32(clamping: proofs.count))
        raw.proof_brought = UInt32(clamping: proofs.brought)
        unsafe withUnsafeMutableBytes(of: &raw.policy) { bytes in unsafe Self.store(policy, in: bytes) }
        unsafe withUnsafeMutableBytes(of: &raw.scope) { bytes in unsafe Self.store(scope, in: bytes) }
        unsafe withUnsafeMutableBytes(of: &raw.totals) { bytes in
            for (place, count) in noted.totals.counts.enumerated() {
                unsafe bytes.storeBytes(of: count, toByteOffset: place * 8, as: UInt64.self)
            }
        }
        return raw
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        unsafe String(decoding: bytes.prefix { byte in byte != 0 }, as: UTF8.self)
    }

    /// Cut where there is no room; the last byte stays 0.
    private static func store(_ text: String, in bytes: UnsafeMutableRawBufferPointer) {
        unsafe bytes.copyBytes(from: text.utf8.prefix(bytes.count - 1))
    }
}
