// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import TrustRunPolicy
import TrustRunSinks

@testable import TrustRunAgent

@Suite struct PolicyCheckTests {
    @Test(arguments: PresetCatalog.shipped.names) func noPresetHasAWarningOfItsOwn(_ name: String) throws {
        let check = PolicyCheck(try PresetCatalog.shipped.description(of: name).example)
        #expect(check.error == nil)
        // What depends on the policy that inherits it: its default, and whether it allows anything.
        let ofTheRoot: [PolicyFinding.Code] = [.nameBlockUnderPermittingDefault, .alertIsNoAllow]
        let warnings = check.findings.filter { finding in finding.severity == .warning }
        #expect(warnings.allSatisfy { finding in ofTheRoot.contains(finding.code) }, "\(warnings)")
    }

    @Test(arguments: [
        // In the public suffix list alone.
        ("*.com.ac", true), ("*.bplaced.net", true), ("x*.blob.core.windows.net", true),
        ("*.contoso.com", false), ("*.raw.githubusercontent.com", false), ("*.githubusercontent.com", false),
    ])
    func knowsTheCarriedSuffixes(_ pattern: String, _ isRentable: Bool) throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "trustrun-check-\(UUID().uuidString).yaml")
        defer { try? FileManager.default.removeItem(at: file) }
        let text = "name: p\nrules:\n  - { match: \"\(pattern)\", action: allow }\ndefaults: { action: block }\n"
        try Data(text.utf8).write(to: file)
        let check = PolicyCheck(file.path)
        #expect(check.findings.map(\.code) == (isRentable ? [.rentableWildcard] : []))
        #expect(check.hasWarning == isRentable)
        let lines = check.text.split(separator: "\n")
        #expect(lines.first?.hasPrefix("\(file.path): ok: 1 rule (1 of its own) in 1 document, default block") == true)
        #expect(lines.count == (isRentable ? 2 : 1))
        var buffer = OutputBuffer(capacity: 1 << 16)
        PolicyCheck.writeJSON([check], to: &buffer)
        let data = buffer.bytes.withUnsafeBytes { bytes in Data(bytes) }
        let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let findings = (object["policies"] as? [[String: Any]])?.first?["findings"] as? [[String: Any]]
        #expect(findings?.map { finding in finding["code"] as? String } == (isRentable ? ["rentable-wildcard"] : []))
        #expect(findings?.first?["line"] as? Int == (isRentable ? 3 : nil))
    }
}
