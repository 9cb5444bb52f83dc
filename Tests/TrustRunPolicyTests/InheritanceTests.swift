// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunEvents
import TrustRunPolicy

@Suite struct InheritanceTests {
    @Test func takesSettingsFromTheFirstThatStatesThem() throws {
        let policy = try Documents([
            "a.yaml": "inherit: [b.yaml, c.yaml]\ndns: open\n",
            "b.yaml": "inherit: d.yaml\ninbound: allow\ndns: strict\nunix_sockets: []\n",
            "c.yaml": "defaults: { action: kill }\nbinding_grace: 2h\nunix_sockets: [/a]\n",
            "d.yaml": "defaults: { action: block }\n",
        ]).load("a.yaml")
        #expect(policy.settings.dns.value == .open)
        #expect(policy.settings.dns.origin == Origin(document: 0, line: 2, column: 6))
        #expect(policy.settings.inbound.value == .allow)
        #expect(policy.settings.inbound.origin?.document == 1)
        #expect(policy.settings.defaultAction.value == .block)
        #expect(policy.settings.defaultAction.origin == Origin(document: 2, line: 1, column: 21))
        #expect(policy.settings.bindingGraceSeconds.value == 7200)
        #expect(policy.settings.unixSockets.value == [])
        #expect(policy.settings.captureLevel.value == .metadata)
        #expect(policy.settings.captureLevel.origin == nil)
        #expect(policy.documents.map(\.label) == ["a.yaml", "b.yaml", "d.yaml", "c.yaml"])
    }

    @Test func readsDiamonds() throws {
        let policy = try Documents([
            "a.yaml": "inherit: [b.yaml, c.yaml]\n", "b.yaml": "inherit: d.yaml\n",
            "c.yaml": "inherit: ./x/../d.yaml\n",
            "d.yaml": "rules: [{ match: any, action: allow }]\n",
        ]).load("a.yaml")
        #expect(policy.rules.count == 1)
        #expect(policy.documents.count == 4)
    }

    @Test func namesTheChainOfACircle() {
        let documents = Documents([
            "top.yaml": "inherit: sub/a.yaml\n",
            "sub/a.yaml": "name: a\ninherit:\n  - b.yaml\n",
            "sub/b.yaml": "inherit: [./../sub/a.yaml]\n",
            "self.yaml": "inherit: [./self.yaml]\n",
        ])
        #expect(
            documents.problem("top.yaml")
                == """
                sub/b.yaml:1:11: circular inheritance: sub/a.yaml -> sub/b.yaml -> sub/a.yaml; \
                expected documents that do not lead back
                """)
        #expect(
            documents.problem("self.yaml")
                == """
                self.yaml:1:11: circular inheritance: self.yaml -> self.yaml; expected documents that do not lead back
                """)
        #expect(
            documents.problem("sub/b.yaml", "top.yaml")
                == "sub/a.yaml:3:5: circular inheritance: sub/b.yaml -> sub/a.yaml -> sub/b.yaml; expected documents that do not lead back"
        )
    }

    @Test func tellsWhoNamedAFileThatCannotBeRead() throws {
        let documents = Documents(["a.yaml": "inherit:\n  - preset:loopback\n  - ../b.yaml\n"])
        #expect(documents.problem("a.yaml") == "a.yaml:3:5: ../b.yaml cannot be read: No such file or directory")
        #expect(documents.problem("c.yaml") == "c.yaml: cannot be read: No such file or directory")
        #expect(documents.problem("") == "policy: an empty name; expected a file or preset:NAME")
        #expect(documents.problem("a/") == "policy: a/ is a folder; expected a file or preset:NAME")
        #expect(documents.problem() == "policy: no policy is named; expected a file or preset:NAME")
        let error = #expect(throws: PolicyError.self) { try documents.load("a.yaml") }
        #expect(error?.kind == .unreadable)
    }

    @Test func stopsAtTheCaps() {
        var chain: [String: String] = [:]
        for index in 0..<40 { chain["\(index).yaml"] = "inherit: \(index + 1).yaml\n" }
        #expect(
            Documents(chain).problem("0.yaml")
                == "31.yaml:1:10: too many documents; expected at most 256, 32 of them in a row")
        var wide: [String: String] = [:]
        for index in 0..<300 { wide["\(index).yaml"] = "name: a\n" }
        wide["all.yaml"] = "inherit:\n" + (0..<300).map { index in "  - \(index).yaml\n" }.joined()
        #expect(
            Documents(wide).problem("all.yaml")
                == "all.yaml:257:5: too many documents; expected at most 256, 32 of them in a row")
    }

    @Test func keepsLabelsApart() throws {
        let rule = "rules: [{ match: any, action: allow }]\n"
        let policy = try Documents(
            ["/etc/a.yaml": rule, "x/a.yaml": rule, "a.yaml": rule, "preset:p": rule, "b.yaml": rule],
            presets: ["p": rule]
        ).load("b.yaml", "x/a.yaml", "./preset:p", "/etc//./a.yaml", "a.yaml", "preset:p", "x/../a.yaml")
        #expect(
            policy.rules.map(\.id) == [
                "b.yaml#1", "x/a.yaml#1", "preset:p#1", "/etc/a.yaml#1", "a.yaml#1", "./preset:p#1",
            ])
    }
}

/// Names in other letters than ASCII.
@Suite struct InternationalNameTests {
    @Test(arguments: [
        ("bücher.example", "xn--bcher-kva.example"), ("*.BÜCHER.example.", "*.xn--bcher-kva.example"),
        ("faß.example", "xn--fa-hia.example"), ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("api-*.bücher.example", "api-*.xn--bcher-kva.example"), ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("bu\u{308}cher.example", "xn--bcher-kva.example"), ("_srv.a_b.example", "_srv.a_b.example"),
    ])
    func becomesALabels(_ text: String, _ ascii: String) throws {
        let policy = try Documents(["a.yaml": "rules: [{ match: \"\(text)\", action: allow }]"]).load("a.yaml")
        #expect(policy.rules.first?.patterns == [.name(try #require(NamePattern(ascii)))])
        #expect(NamePattern(ascii)?.text == ascii)
    }
}
