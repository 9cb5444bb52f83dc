// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents
internal import Yams

// The file's format: `policy`, one reference or a list of them, taken from the file's folder; `expect`, a list of expectations.
extension PolicyTest {
    package static let maximumExpectationCount = 1 << 16

    /// Reads a file of expectations as strictly as a policy.
    package init(path: String, bytes: [UInt8]) throws(PolicyError) {
        let decoder = try DocumentDecoder.ofFile(path)
        let yaml = decoder.yaml
        let root = try yaml.root(of: bytes)
        let members = try decoder.members(of: root, "a file of expectations", keys: ["policy", "expect"])
        label = path
        policies = []
        expectations = []
        if let node = members["policy"] {
            for element in try decoder.elements(node, "a policy file or preset:NAME") {
                policies.append(try decoder.reference(element))
            }
        }
        guard let expect = members["expect"] else {
            throw yaml.error(root.mark, "a file without `expect`; expected a list of destinations and actions")
        }
        let list = try decoder.list(expect, "expectations")
        guard !list.isEmpty, list.count <= Self.maximumExpectationCount else {
            throw yaml.error(expect.mark, "\(list.count) expectations; expected 1 to \(Self.maximumExpectationCount)")
        }
        for node in list { expectations.append(try decoder.expectation(node)) }
    }
}

extension DocumentDecoder {
    fileprivate enum Transport: String, CaseIterable {
        case tcp, udp
    }

    fileprivate enum Course: String, CaseIterable {
        case outbound, inbound
    }

    fileprivate static let expectationKeys = ["destination", "action", "rule", "process", "protocol", "direction"]

    fileprivate func expectation(_ node: Node) throws(PolicyError) -> PolicyTest.Expectation {
        let members = try members(of: node, "an expectation", keys: Self.expectationKeys)
        guard let destinationNode = members["destination"], let actionNode = members["action"] else {
            throw yaml.error(node.mark, "an expectation without `destination` or `action`; expected both")
        }
        let text = try text(destinationNode, "HOST, ADDRESS or HOST@ADDRESS, with :PORT or without")
        let destination: DestinationText
        do throws(ReferenceError) {
            destination = try DestinationText(text)
        } catch {
            throw yaml.error(destinationNode.mark, error.message)
        }
        var question = PolicyQuestion(address: destination.address, port: destination.port, name: destination.name)
        if let node = members["protocol"] {
            let transport: Transport = try word(node, "protocol")
            question.transport = transport == .udp ? .udp : .tcp
        }
        if let node = members["direction"] {
            let course: Course = try word(node, "direction")
            question.direction = course == .inbound ? .inbound : .outbound
        }
        if let node = members["process"] { question.executable = try executable(node) }
        let rule = try members["rule"].map { node throws(PolicyError) in try self.text(node, "a rule's id or `default`")
        }
        return PolicyTest.Expectation(
            destination: text, question: question, action: try action(actionNode), rule: rule,
            line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
    }

    private func executable(_ node: Node) throws(PolicyError) -> String {
        let path = try text(node, "an executable's path")
        guard path.hasPrefix("/") else {
            throw yaml.error(node.mark, "process `\(path)` is no whole path; expected one such as /usr/bin/curl")
        }
        return path
    }
}
