// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import TrustRunEvents
import TrustRunPolicy

@Suite struct PresetTests {
    private static let vendor = """
        name: vendor
        parameters:
          resource: { description: A resource, required: true, example: contoso }
          bucket: { description: Buckets, required: false, kind: label, example: one }
          host: { description: A host, required: false, kind: name, example: a.example }
          account: { description: A number, required: false, kind: digits, example: "12" }
        rules:
          - match: "{resource}.vendor.example"
            action: allow
            reason: "Resource {resource}"
          - match: ["{bucket}.s3.{resource}.example", "*.{bucket}.example"]
            needs: [bucket]
            action: allow
            reason: "{bucket}"
          - match: "{host}"
            needs: host
            action: block
          - match: "n{account}.vendor.example"
            needs: [account, host]
            action: block
        """

    private func load(_ reference: String) throws -> Policy {
        try Documents([:], presets: ["vendor": Self.vendor]).load(reference)
    }

    private func names(_ policy: Policy) -> [[String]] {
        policy.rules.map { rule in
            rule.patterns.map { pattern in
                guard case .name(let name) = pattern else { return "\(pattern)" }
                return name.text
            }
        }
    }

    @Test func putsValuesIntoPlaceholders() throws {
        let policy = try load("preset:vendor(resource=Contoso-1)")
        #expect(names(policy) == [["contoso-1.vendor.example"]])
        #expect(policy.rules.map(\.reason) == ["Resource contoso-1"])
        #expect(policy.rules.map(\.id) == ["preset:vendor#1"])
        #expect(policy.documents.map(\.label) == ["preset:vendor"])
        #expect(policy.documents.first?.preset?.parameters == ["resource": "Contoso-1"])
    }

    @Test func keepsRulesWhoseParametersAreSet() throws {
        let policy = try load("preset:vendor(resource=r, bucket=one|Two|one, host=API.a.example)")
        #expect(
            names(policy) == [
                ["r.vendor.example"],
                ["one.s3.r.example", "two.s3.r.example", "*.one.example", "*.two.example"],
                ["api.a.example"],
            ])
        #expect(policy.rules.map(\.reason) == ["Resource r", "one, two", nil])
        #expect(policy.rules.map(\.id) == ["preset:vendor#1", "preset:vendor#2", "preset:vendor#3"])
        #expect(try load("preset:vendor(resource=r,host=a.b,account=007)").rules.map(\.id.last) == ["1", "3", "4"])
    }

    @Test func tellsApartTwoUsesOfOnePreset() throws {
        let policy = try Documents(
            [
                "a.yaml": """
                inherit: ["preset:vendor(resource=b)", preset:vendor(resource=a), "preset:vendor( resource=b )"]
                """
            ], presets: ["vendor": Self.vendor]
        ).load("a.yaml")
        #expect(policy.rules.map(\.id) == ["preset:vendor(resource=b)#1", "preset:vendor(resource=a)#1"])
        #expect(policy.documents.map(\.label) == ["a.yaml", "preset:vendor(resource=b)", "preset:vendor(resource=a)"])
    }

    /// Whatever would make a rule wider than its preset says.
    @Test(arguments: [
        "", "*", "a.b", "-a", "a-", "a|", "|", "a b", "ü", "a/b", "{resource}", "a\u{0}",
        "x\(String(repeating: "a", count: 63))",
        "a_b", "a:1",
    ])
    func refusesValuesThatAreNoLabel(_ value: String) {
        let expected = "expected one label of a host name: letters, digits and inner hyphens"
        #expect(
            Documents([:], presets: ["vendor": Self.vendor]).problem("preset:vendor(resource=\(value))")
                == "preset:vendor: parameter resource of preset vendor is `\(value == "a\0" ? "a\\u0000" : value)`; \(expected)"
        )
    }

    @Test(arguments: ["a", "*.a.b", "1.2.3.4", "a.1", "a..b", "a.b."])
    func refusesValuesThatAreNoName(_ value: String) {
        #expect(
            Documents([:], presets: ["vendor": Self.vendor]).problem("preset:vendor(resource=a,host=\(value))")
                == "preset:vendor: parameter host of preset vendor is `\(value)`; expected a host name")
    }

    @Test(arguments: [
        ("preset:nothing", "there is no preset nothing; expected one of vendor"),
        ("preset:vendor", "preset vendor needs the parameter `resource`; expected preset:vendor(resource=contoso)"),
        (
            "preset:vendor(resource=a,size=2)",
            "preset vendor has no parameter `size`; expected one of resource, bucket, host, account"
        ),
        ("preset:vendor(account=a,resource=a)", "parameter account of preset vendor is `a`; expected digits"),
        (
            "preset:vendor(resource)",
            "\"resource\" is no parameter; expected preset:NAME or preset:NAME(parameter=value,...)"
        ),
        (
            "preset:vendor(resource=a",
            """
            "preset:vendor(resource=a" has no `)` at its end; expected preset:NAME or preset:NAME(parameter=value,...), \
            in quotes if it stands in [...]
            """
        ),
        ("preset:vendor(resource=a,resource=b)", "parameter resource is set twice; expected it once"),
        ("preset:Vendor", "\"preset:Vendor\" is no preset; expected preset:NAME or preset:NAME(parameter=value,...)"),
        ("preset:", "\"preset:\" is no preset; expected preset:NAME or preset:NAME(parameter=value,...)"),
    ])
    func pointsAtTheEntryOfInherit(_ entry: String, _ problem: String) {
        let documents = Documents(["a.yaml": "name: a\ninherit:\n  - \"\(entry)\"\n"], presets: ["vendor": Self.vendor])
        #expect(documents.problem("a.yaml") == "a.yaml:3:5: \(problem)")
    }

    @Test(arguments: [
        ("inherit: a.yaml", "1:10: a file; expected preset:NAME"),
        (
            "rules: [{ match: \"{a}.example\", action: allow }]",
            "1:18: placeholder {a} has no value; expected a required parameter, or one that `needs` names"
        ),
        ("rules: [{ match: \"{a.example\", action: allow }]", "1:18: a `{` without `}`; expected {parameter}"),
        (
            "rules: [{ match: a.b, needs: a, action: allow }]",
            "1:30: unknown parameter `a`; expected one that `parameters` declares"
        ),
        ("parameters: []", "1:13: a list; expected a mapping of parameters"),
        ("parameters: { A: {} }", "1:15: parameter `A`; expected lower-case letters, digits and underscores"),
        (
            "parameters: { a: {} }",
            "1:18: a parameter without `description`, `required` or `example`; expected all three"
        ),
        (
            "parameters: { a: { description: d, required: yes, example: e } }",
            "1:46: unknown required `yes`; expected one of true, false"
        ),
        (
            "parameters: { a: { description: d, required: true, kind: regex, example: e } }",
            "1:58: unknown kind `regex`; expected one of label, region, name, digits"
        ),
        (
            "parameters: { a: { description: d, required: true, kind: digits, example: e } }",
            "1:75: example `e`; expected digits"
        ),
        (
            "parameters: { a: { description: d, required: true, pattern: e } }",
            "1:52: unknown key `pattern` in a parameter; expected one of description, required, kind, example"
        ),
    ])
    func refusesPresetsThatAreWrong(_ text: String, _ problem: String) {
        #expect(Documents([:], presets: ["vendor": text]).problem("preset:vendor") == "preset:vendor:" + problem)
    }

    @Test func shipsEveryFileOfTheFolder() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Presets")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(files.sorted() == PresetCatalog.shipped.names.map { name in name + ".yaml" }.sorted())
        for name in PresetCatalog.shipped.names {
            let bytes = try Data(contentsOf: folder.appending(path: name + ".yaml"))
            #expect(PresetCatalog.shipped.documents[name] == Array(bytes), "\(name) is not what the folder holds")
        }
    }

    @Test(arguments: PresetCatalog.shipped.names)
    func everyPresetLoadsWithItsExamples(_ name: String) throws {
        let preset = try PresetCatalog.shipped.description(of: name)
        #expect(preset.text.name == name)
        #expect(preset.text.description != nil)
        let policy = try Documents([:]).load(preset.example)
        #expect(!policy.rules.isEmpty)
        for rule in policy.rules where rule.id.hasPrefix("preset:\(name)") {
            #expect(rule.source != nil, "\(rule.id) has no source")
        }
        #expect(preset.sources == policy.sources(of: 0))
    }
}

extension Policy {
    /// The pages that the rules of a document rest on, each once.
    fileprivate func sources(of document: Int) -> [String] {
        var sources: [String] = []
        for rule in rules where rule.origin.document == document {
            guard let source = rule.source, !sources.contains(source) else { continue }
            sources.append(source)
        }
        return sources
    }
}
