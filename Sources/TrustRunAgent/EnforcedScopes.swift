// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import TrustRunEnforcement
internal import TrustRunEvents
internal import TrustRunPolicy

/// Puts gates up over groups that are there already, or that others make: takes over what an agent before this one pinned, and finds what
/// is not held. One thread owns it.
final class EnforcedScopes {
    /// A group that is held.
    struct Held {
        let scope: EnforcedScope
        let group: ControlGroup
        let lock: InstanceLock
        /// Whether the group was made for it, and goes with it.
        let ownsScope: Bool
        /// Why the gates over it are degraded; empty: they are not.
        let weaknesses: [ScopeFindings.Weakness]
    }

    let policies: EnforcedPolicies
    /// Where all of them write their records; nil: there are no gates yet.
    private(set) var ring: Gate.Ring?
    /// Gates with the newest policy that wait for a group: putting them up takes little time.
    private var spare: EnforcedScope?
    private let hierarchy: CgroupHierarchy
    private let failsOpen: Bool
    private let tell: (String) -> Void
    private(set) var canKill = false
    /// Of all groups that were held so far.
    private(set) var refusesHandover = true

    init(
        _ policies: EnforcedPolicies, in hierarchy: CgroupHierarchy, failsOpen: Bool, tell: @escaping (String) -> Void
    ) {
        self.policies = policies
        self.hierarchy = hierarchy
        self.failsOpen = failsOpen
        self.tell = tell
    }

    deinit {
        if let ring { [ring.events, ring.drops].forEach { descriptor in close(descriptor) } }
    }

    /// What an instance on this group is called: every agent calls it the same.
    static func name(of path: String) -> String {
        guard path != "/" else { return "host" }
        let words = String(
            decoding: path.utf8.dropFirst().prefix(120).map { byte in
                InstancePins.isName(String(decoding: [byte], as: UTF8.self)) ? byte : UInt8(ascii: "-")
            }, as: UTF8.self)
        // FNV-1a: two groups whose words are the same have two names.
        let hash = path.utf8.reduce(UInt32(0x811c_9dc5)) { hash, byte in (hash ^ UInt32(byte)) &* 0x0100_0193 }
        return "scope-\(words)-" + String(hash, radix: 16)
    }

    /// Whether an agent lives that holds a group.
    static func hasAgent(_ path: String) -> Bool {
        (try? InstanceLock.holder(of: name(of: path))).flatMap { pid in pid } != nil
    }

    /// Holds a group to the newest policy. Throws if it is not held then (`unavailable`: another agent holds it), or if something that it has
    /// already escapes the gates and `allowsDegraded` is not said. nil: it is gone.
    func hold(_ path: String, ownsScope: Bool, allowsDegraded: Bool) throws(AgentError) -> Held? {
        guard let group = try? ControlGroup(path, in: hierarchy) else { return nil }
        let name = Self.name(of: path)
        let lock = try lock(name, path)
        let pins = try Self.unenforced { () throws(EnforcementError) in
            try InstancePins.all().first { pins in pins.name == name && pins.isBegun }
        }
        if let facts = try? pins?.facts(), facts.scope != path {
            throw AgentError(
                .notEnforced,
                "\(path): what is pinned as \(name) holds \(facts.scope); release it, or rename one of them")
        }
        let scope: EnforcedScope
        if let pins, let adopted = try adopt(pins, group) {
            scope = adopted
        } else {
            guard let made = try putUp(group) else { return nil }
            scope = made
        }
        noteHandover(of: scope, path)
        let namespaces = NetworkNamespaces(of: ScopeDirectory.processes(below: group.folder))
        let weaknesses = try inspect(group, namespaces, allowsDegraded: allowsDegraded)
        if failsOpen {
            try scope.unpin()
        } else if !scope.isPinned {
            try scope.pin(as: name, policy: policyName, ownsScope: ownsScope)
        }
        return Held(scope: scope, group: group, lock: lock, ownsScope: ownsScope, weaknesses: weaknesses)
    }

    /// Puts new gates up in the place of others, which hold no more. nil: the group is gone.
    func replace(_ lost: Held) throws(AgentError) -> Held? {
        guard let scope = try putUp(lost.group) else { return nil }
        noteHandover(of: scope, lost.group.path)
        if !failsOpen { try scope.pin(as: lost.lock.name, policy: policyName, ownsScope: lost.ownsScope) }
        return Held(
            scope: scope, group: lost.group, lock: lost.lock, ownsScope: lost.ownsScope, weaknesses: lost.weaknesses)
    }

    /// Tells of the first group whose processes are not kept from sockets of others, and what else handover.bpf.c refuses.
    private func noteHandover(of scope: EnforcedScope, _ path: String) {
        guard refusesHandover, !scope.refusesHandover else { return }
        refusesHandover = false
        tell(
            "\(path): \(EnforcedScope.openHandover); nor are its processes kept from sockets that are not internet ones, and from memory, abstract unix sockets, terminals and service managers of others"
        )
    }

    private var policyName: String { policies.newest?.compiled.policy.name ?? "" }

    private func putUp(_ group: ControlGroup) throws(AgentError) -> EnforcedScope? {
        let scope = try takeSpare()
        do {
            try scope.hold(group)
            return scope
        } catch {
            guard group.isThere else { return nil }
            throw AgentError(.notEnforced, "\(group.path): \(error.message)")
        }
    }

    /// Makes gates ready that can be put up at once.
    func makeSpare() throws(AgentError) {
        guard spare == nil else { return }
        spare = try makeGates()
    }

    /// Puts the newest policy in force in the gates that wait.
    func reloadSpare() {
        guard spare != nil else { return }
        spare = nil
        do { try makeSpare() } catch { tell(error.message) }
    }

    /// Loads the policy for the first time, for these groups and others: gates that are pinned there are taken over with their ring.
    func load(for paths: [String]) throws(AgentError) {
        let names = Set(paths.map(Self.name))
        let pinned = try Self.unenforced { () throws(EnforcementError) in
            try InstancePins.all().filter { pins in names.contains(pins.name) && pins.isBegun }
        }
        for pins in pinned {
            guard let gate = try? Gate(adopting: pins) else { continue }
            policies.begin(above: gate.generation)
            if ring == nil { try take(ring: gate.ring) }
        }
        let gates = try EnforcedScope(tells: true, into: ring, namespaces: Self.namespaces)
        if ring == nil { try take(ring: gates.ring) }
        canKill = gates.canKill
        let entry = try policies.load(canKill: canKill)
        try Self.unenforced { () throws(AgentError) in try gates.enforce(entry) }
        spare = gates
    }

    /// Only root of the machine makes network namespaces of its own user namespace: containers' are among them, and no command in a scope
    /// can make one.
    private static var namespaces: ResolverNamespaces {
        ResolverNamespaces(inodes: SystemFacts.networkNamespaces, includesRootOwned: true)
    }

    private func takeSpare() throws(AgentError) -> EnforcedScope {
        guard let waiting = spare else { return try makeGates() }
        spare = nil
        return waiting
    }

    private func makeGates() throws(AgentError) -> EnforcedScope {
        guard let entry = policies.newest else { throw AgentError(.software, "there is no policy to enforce") }
        let gates = try EnforcedScope(tells: true, into: ring, namespaces: Self.namespaces)
        try Self.unenforced { () throws(AgentError) in try gates.enforce(entry) }
        return gates
    }

    private func take(ring: Gate.Ring) throws(AgentError) {
        let copies = [ring.events, ring.drops].map { descriptor in fcntl(descriptor, F_DUPFD_CLOEXEC, 3) }
        guard copies.allSatisfy({ descriptor in descriptor >= 0 }) else {
            throw AgentError(.operatingSystem, "could not keep the ring of the gates: \(ErrorText.of(errno))")
        }
        self.ring = Gate.Ring(events: copies[0], drops: copies[1])
    }

    private func lock(_ name: String, _ path: String) throws(AgentError) -> InstanceLock {
        let lock = try Self.unenforced { () throws(EnforcementError) in try InstanceLock(name) }
        guard let lock else {
            let holder = (try? InstanceLock.holder(of: name)).flatMap { pid in pid }
            throw AgentError(
                .unavailable,
                "\(path) is held to a policy by another agent already"
                    + (holder.map { pid in ": process \(pid)" } ?? ""))
        }
        return lock
    }

    /// Takes over what is pinned with what it knows of names; nil: others have to be put up beside it first, which then take its place.
    private func adopt(_ pins: InstancePins, _ group: ControlGroup) throws(AgentError) -> EnforcedScope? {
        guard let entry = policies.newest, let facts = try? pins.facts(), facts.cgroup == group.identifier,
            let adopted = try? EnforcedScope(adopting: pins, of: group, namespaces: Self.namespaces),
            let ring, adopted.tells(into: ring)
        else { return nil }
        try Self.unenforced { () throws(AgentError) in try adopted.enforce(entry) }
        guard adopted.prove() == .proven else { return nil }
        tell("took over what was pinned as \(pins.name)")
        return adopted
    }

    /// What has come into a group since it was held, as far as it can be told from what every process has for a moment.
    func inspectAgain(_ held: Held) throws(AgentError) -> [ScopeFindings.Weakness] {
        let namespaces = NetworkNamespaces(of: ScopeDirectory.processes(below: held.group.folder))
        return try inspect(held.group, namespaces, allowsDegraded: true).filter { weakness in !weakness.isVague }
    }

    private func inspect(
        _ group: ControlGroup, _ namespaces: NetworkNamespaces, allowsDegraded: Bool
    ) throws(AgentError) -> [ScopeFindings.Weakness] {
        // All sockets were made in the root or below it.
        guard group.path != "/", let compiled = policies.newest?.compiled else { return [] }
        let findings = try Self.unenforced { () throws(EnforcementError) in
            try ScopeFindings(of: group, in: namespaces)
        }
        let result = findings.end(by: compiled, in: namespaces)
        for words in result.ended { tell("\(group.path): ended \(words): the policy does not allow it") }
        let escapes = findings.escapes + result.escapes
        guard escapes.isEmpty || allowsDegraded else {
            throw AgentError(
                .notEnforced,
                "\(group.path) has what no gate over it sees: \(escapes.map(\.text).joined(separator: "; ")); "
                    + "start these programs in the scope, or accept it with --allow-degraded")
        }
        return findings.weaknesses + escapes
    }

    private static func unenforced<Value: ~Copyable, Failure: CustomStringConvertible>(
        _ body: () throws(Failure) -> Value
    ) throws(AgentError) -> Value {
        do { return try body() } catch { throw AgentError(.notEnforced, error.description) }
    }
}
