// SPDX-License-Identifier: Apache-2.0
package import TrustRunEvents

extension CompiledPolicy {
    /// What the policy says of a destination with at most one name; the most specific rule that fits decides:
    ///
    /// 1. The longest address prefix, if it says block or kill and is longer than /0.
    /// 2. Else the best name rule: exact first, then more literal labels from the right, then more literal bytes.
    /// 3. Else that longest prefix; then `any`; then the default action.
    ///
    /// Ties go to the earlier rule. A rule whose ports, protocol or process do not fit takes no part, and the next best does.
    ///
    /// A name rule that permits (allow, alert) takes part for UDP only with `protocol: udp` and `verify: address`, since nothing later
    /// checks what a datagram's peer is. Without them it is passed over as any other rule that does not fit: a less specific name rule
    /// that blocks then decides, else step 3. So a destination that only a name would have allowed gets the default action, which refuses
    /// it in a policy that refuses what it does not know, and lets it through in one that lets through what it does not know.
    ///
    /// - Parameters:
    ///   - address: In any form; nil: not known, and address rules take no part.
    ///   - port: nil: not known, and rules with ports take no part.
    ///   - name: Lower case, no trailing dot.
    ///   - executable: From this policy's `executableClass(of:)`.
    package func decide(
        address: IPAddress?, port: UInt16?, transport: TransportProtocol, name: Span<UInt8>?,
        executable: ExecutableClass
    ) -> Decision {
        guard name == nil, any == CandidateLists.empty, let address else {
            return decide(address, name, Approach(transport: transport, port: port, executable: executable))
        }
        let value = addresses.value(for: address)
        // Most often nothing else has to be looked up, nor anything made ready for it.
        if let answer = Answer(value: value), isMet(answer, by: Approach.number(transport, port)) {
            return answer.decision
        }
        return decide(byValue: value, port, transport, executable)
    }

    @inline(never) private func decide(
        byValue value: UInt32, _ port: UInt16?, _ transport: TransportProtocol, _ executable: ExecutableClass
    ) -> Decision {
        answer(value, Approach(transport: transport, port: port, executable: executable)).decision
    }

    /// Apart, so that a destination without a name does not pay for what a name needs.
    @inline(never) private func decide(_ address: IPAddress?, _ name: Span<UInt8>?, _ approach: Approach) -> Decision {
        let byAddress = address.map { address in answer(addresses.value(for: address), approach) } ?? byNothing
        if let name, !byAddress.precedesNames {
            let byName = first(in: names.list(for: name), approach, name)
            if byName != 0 { return decision(byName, .name) }
        }
        return decision(byAddress, approach)
    }

    /// What the policy says of who connects in: only address rules and `any` rules without ports and `process`, and the default action, take
    /// part, and the longest prefix decides: at the SYN nobody knows who will accept. Whether it is asked at all is the setting `inbound`.
    package func decideInbound(address: IPAddress?, transport: TransportProtocol) -> Decision {
        let approach = Approach(transport: transport, port: nil, executable: .unknown, isInbound: true)
        let byAddress = address.map { address in answer(addresses.value(for: address), approach) } ?? byNothing
        return decision(byAddress, approach)
    }

    package func decide(_ question: PolicyQuestion) -> Decision {
        let path = question.executable ?? ""
        let executable = executableClass(of: path.utf8.span)
        switch question.direction {
        case .inbound:
            return decideInbound(address: question.address, transport: question.transport)
        case .outbound:
            let (address, port, transport) = (question.address, question.port, question.transport)
            guard let name = question.name else {
                return decide(address: address, port: port, transport: transport, name: nil, executable: executable)
            }
            return decide(address: address, port: port, transport: transport, name: name.span, executable: executable)
        }
    }

    /// Step 3. Without a rule for `any`, it makes no difference to the branches taken whether an address rule was found.
    @inline(__always) private func decision(_ byAddress: Answer, _ approach: Approach) -> Decision {
        if any != CandidateLists.empty, byAddress.isDefault { return decisionOfAny(approach) }
        return byAddress.decision
    }

    @inline(never) private func decisionOfAny(_ approach: Approach) -> Decision {
        let found = first(in: any, approach)
        return decision(found, found == 0 ? .defaults : .any)
    }

    /// What the value of an address says: an answer, or a list.
    @inline(__always) private func answer(_ value: UInt32, _ approach: Approach) -> Answer {
        guard let answer = Answer(value: value) else { return answer(ofList: value, approach) }
        if isMet(answer, by: approach.number) { return answer }
        return self.answer(ofList: lists.listOfRule[answer.rule], approach)
    }

    /// Whether what an answer requires is met. That most require nothing takes no branch: which do cannot be foreseen.
    @inline(__always) private func isMet(_ answer: Answer, by number: UInt32) -> Bool {
        lists.requirements[answer.requirement].isMet(by: number)
    }

    @inline(never) private func answer(ofList list: UInt32, _ approach: Approach) -> Answer {
        let place = first(in: list, approach)
        return Answer(lists.all[place], at: place)
    }

    /// What the candidate at a place says; that at 0 stands for the default action.
    @inline(__always) private func decision(_ place: Int, _ basis: DecisionBasis) -> Decision {
        let candidate = lists.all[place]
        return Decision(action: candidate.action, basis: basis, rule: place == 0 ? nil : Int(candidate.rule))
    }

    /// The place of the first candidate of a list that fits; 0: none does.
    @inline(__always) private func first(in list: UInt32, _ approach: Approach, _ name: Span<UInt8>? = nil) -> Int {
        var place = Int(list)
        while true {
            let candidate = lists.all[place]
            var misfit = approach.misfit(candidate)
            if candidate.process | candidate.glob != 0, !fitsNarrowly(candidate, approach, name) { misfit = -1 }
            let isLast = Int(candidate.conditions.rawValue & Candidate.Conditions.isLast.rawValue)
            if ~misfit | isLast != 0 { return place & ~misfit }
            place += 1
        }
    }

    @inline(never) private func fitsNarrowly(_ candidate: Candidate, _ approach: Approach, _ name: Span<UInt8>?) -> Bool
    {
        guard approach.fitsProcess(candidate) else { return false }
        guard candidate.glob != 0 else { return true }
        guard let name else { return false }
        return nameGlobs[Int(candidate.glob) - 1].matches(name)
    }
}
