// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEnforcement
internal import TrustRunEvents
internal import TrustRunPolicy

/// The policy that scopes are held to, as its files have it now and had it before. One thread owns it.
final class EnforcedPolicies {
    /// As for `PolicyFiles.load`.
    let references: [String]
    /// The last ones, for whoever reads the gates' records.
    let generations = PolicyGenerations()
    /// All that were loaded, by generation.
    private(set) var all: [UInt32: Policy] = [:]
    private(set) var newest: PolicyGenerations.Entry?
    private var lastGeneration: UInt32 = 0

    init(_ references: [String]) { self.references = references }

    /// Every policy from now on has a higher number than one that is in force already.
    func begin(above generation: UInt32) { lastGeneration = max(lastGeneration, generation) }

    /// Loads the policy as its files have it now, to be put in force; throws if it cannot be enforced, and then nothing has changed.
    func load(canKill: Bool) throws(AgentError) -> PolicyGenerations.Entry {
        let policy: Policy
        let resolvers: [IPAddress]
        let compiled: CompiledPolicy
        do throws(PolicyError) {
            policy = try PolicyFiles.load(references)
            resolvers = policy.settings.resolvers.value ?? SystemFacts.resolvers
            try Enforceability.check(policy, resolvers: resolvers, canKill: canKill)
            compiled = try PolicyFiles.compile(policy)
        } catch {
            throw AgentError(error)
        }
        lastGeneration += 1
        let entry = generations.add(compiled, resolvers: resolvers, generation: lastGeneration)
        all[lastGeneration] = policy
        newest = entry
        return entry
    }

    /// The policy's files that are known, and those that were asked for.
    var names: [String] {
        Array(Set(references + (newest?.compiled.policy.documents.map(\.label) ?? []))).sorted()
    }
}
