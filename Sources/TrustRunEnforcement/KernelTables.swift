// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunEnforcement
internal import TrustRunEvents
internal import TrustRunPolicy

/// A policy as the kernel's maps hold it. Making one does nothing to the kernel.
struct KernelTables {
    static let maximumResolvers = TR_MAX_RESOLVERS
    static let maximumNamespaces = TR_MAX_NAMESPACES

    /// Generation 0: the gate gives it one.
    private(set) var policy = tr_policy()
    /// As in `CompiledPolicy.allCandidates`, then those of the probe.
    private(set) var candidates: [tr_candidate]
    /// The cells, then the ranges.
    private(set) var ipv4: [tr_ipv4_range] = []
    private(set) var ipv6: [tr_ipv6_entry] = []
    let names: [tr_name_entry]
    let globs: [tr_glob]
    let states: PathGlobStates
    let unixPaths: [tr_unix_key]

    /// - Parameters:
    ///   - compiled: Of a policy that passed `Enforceability.check` with these resolvers.
    ///   - namespaces: The network namespaces whose resolvers those are.
    ///   - probe: What the gates refuse besides.
    init(_ compiled: CompiledPolicy, resolvers: [IPAddress], namespaces: ResolverNamespaces, probe: ProbeRange) {
        candidates = compiled.allCandidates.map(tr_candidate.init)
        states = PathGlobStates(compiled.processGlobs)
        names = compiled.nameKeys.map(tr_name_entry.init)
        globs = compiled.nameGlobs.map(tr_glob.init)
        let settings = compiled.policy.settings
        unixPaths = (settings.unixSockets.value ?? []).map(tr_unix_key.init)
        policy.lists_unix_sockets = settings.unixSockets.value == nil ? 0 : 1
        policy.any_list = compiled.anyList
        policy.glob_count = UInt32(globs.count)
        policy.judges_inbound = settings.inbound.value == .block ? 1 : 0
        policy.is_dns_strict = settings.nameLookup == .strict ? 1 : 0
        policy.is_permitting = settings.defaultAction.value.letsThrough ? 1 : 0
        policy.grace = UInt64(settings.bindingGraceSeconds.value) * 1_000_000_000
        policy.about_names = Self.aboutNames(compiled)
        policy.believes_root = namespaces.includesRootOwned ? 1 : 0
        policy.namespace_count = UInt32(min(namespaces.inodes.count, Self.maximumNamespaces))
        unsafe withUnsafeMutableBytes(of: &policy.namespaces) { bytes in
            for (index, namespace) in namespaces.inodes.prefix(Self.maximumNamespaces).enumerated() {
                unsafe bytes.storeBytes(of: namespace, toByteOffset: index * 4, as: UInt32.self)
            }
        }
        policy.resolver_count = UInt32(min(resolvers.count, Self.maximumResolvers))
        for (index, resolver) in resolvers.prefix(Self.maximumResolvers).enumerated() {
            unsafe withUnsafeMutableBytes(of: &policy.resolvers) { bytes in
                let slot = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[(index * 16)..<(index * 16 + 16)])
                unsafe resolver.canonical.store(in: slot)
            }
        }
        let refused = probe.networks
        var ranges = AddressRanges()
        for key in compiled.addressKeys where !refused.contains(key.network) {
            append(key.network, key.list, to: &ranges)
        }
        for network in refused {
            append(network, probeList(compiled, network, port: probe.port), to: &ranges)
        }
        ipv4 = ranges.table
    }

    private static func aboutNames(_ compiled: CompiledPolicy) -> UInt32 {
        let rules = compiled.policy.rules.filter { rule in !rule.names.isEmpty }
        let refuses = rules.contains { rule in !rule.action.letsThrough }
        let refusesECH = compiled.policy.settings.ech.value == .refuse
        return (rules.isEmpty ? 0 : TR_HAS_NAMES.rawValue) | (refuses ? TR_REFUSES_NAMES.rawValue : 0)
            | (refusesECH ? TR_REFUSES_ECH.rawValue : 0)
            | (compiled.processGlobs.isEmpty ? 0 : TR_HAS_PROCESSES.rawValue)
    }

    /// The list of a network where one port is refused first, and all else is as the policy says.
    private mutating func probeList(_ compiled: CompiledPolicy, _ network: IPNetwork, port: UInt16) -> UInt32 {
        let place = UInt32(candidates.count)
        var probe = tr_candidate()
        probe.rule = TR_RULE_PROBE
        (probe.first_port, probe.last_port) = (port, port)
        probe.action = UInt8(TR_ACTION_BLOCK.rawValue)
        probe.conditions = UInt8(TR_IF_TCP | TR_IF_UDP | TR_HAS_PORTS)
        let around = compiled.addressKeys.filter { key in
            key.network.length <= network.length && key.network.contains(network.address)
        }
        let longest = around.max { left, right in left.network.length < right.network.length }
        let others = longest.map { key in compiled.candidates(in: key.list) } ?? []
        if others.isEmpty { probe.conditions |= UInt8(TR_IS_LAST) }
        candidates.append(probe)
        candidates += others.map(tr_candidate.init)
        return place
    }

    private mutating func append(_ network: IPNetwork, _ list: UInt32, to ranges: inout AddressRanges) {
        if network.isIPv4 {
            ranges.add(network.address.ipv4 ?? 0, length: network.length, list: list)
        } else {
            var entry = tr_ipv6_entry()
            entry.key.length = UInt32(network.length)
            entry.list = list
            unsafe withUnsafeMutableBytes(of: &entry.key.address) { bytes in unsafe network.address.store(in: bytes) }
            ipv6.append(entry)
        }
    }
}

extension tr_candidate {
    fileprivate init(_ candidate: Candidate) {
        self.init()
        rule = candidate.rule
        first_port = candidate.firstPort
        last_port = candidate.lastPort
        process = candidate.process
        glob = candidate.glob
        action = candidate.action.rawValue
        conditions = candidate.conditions.rawValue | (process == 0 ? 0 : UInt8(TR_HAS_PROCESS))
    }
}

extension tr_unix_key {
    /// Without a slot.
    fileprivate init(_ path: UnixPath) {
        self.init()
        let size = path.text.utf8.count + (path.isFolder ? 0 : 1)
        length = UInt32((MemoryLayout<UInt32>.size + size) * 8)
        unsafe withUnsafeMutableBytes(of: &self.path) { bytes in unsafe bytes.copyBytes(from: path.text.utf8) }
    }
}

extension IPAddress {
    /// The 16 bytes in network order.
    func store(in bytes: UnsafeMutableRawBufferPointer) {
        unsafe bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
        unsafe bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
}

extension KernelTables {
    /// The tables as `tr_gate_set_policy` takes them, for as long as the closure runs.
    func withRaw(_ body: (inout tr_tables) -> Int32) -> Int32 {
        unsafe candidates.withUnsafeBufferPointer { candidates in
            unsafe ipv4.withUnsafeBufferPointer { ipv4 in
                unsafe ipv6.withUnsafeBufferPointer { ipv6 in
                    unsafe names.withUnsafeBufferPointer { names in
                        unsafe globs.withUnsafeBufferPointer { globs in
                            unsafe unixPaths.withUnsafeBufferPointer { paths in
                                unsafe states.words.withUnsafeBufferPointer { states in
                                    guard let first = candidates.baseAddress, let four = ipv4.baseAddress else {
                                        return Int32(-1)
                                    }
                                    var raw = unsafe tr_tables(
                                        policy: policy, candidates: first, candidate_count: candidates.count,
                                        ipv4: four, ipv4_count: ipv4.count, ipv6: ipv6.baseAddress,
                                        ipv6_count: ipv6.count, names: names.baseAddress, name_count: names.count,
                                        globs: globs.baseAddress, unix_paths: paths.baseAddress,
                                        unix_path_count: paths.count, states: states.isEmpty ? nil : states.baseAddress)
                                    return unsafe body(&raw)
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
