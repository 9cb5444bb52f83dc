// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunPolicy

/// What each wrong document is told, with the line and column of it.
@Suite struct PolicyErrorTests {
    private static let noUnixPath =
        "is no path of a unix socket; expected an absolute one of at most 107 bytes such as /run/postgresql/.s.PGSQL.5432, or a folder with "
        + "a slash at its end such as /run/postgresql/"

    struct Case: CustomTestStringConvertible {
        let text: String
        let error: String

        init(_ text: String, _ error: String) {
            self.text = text
            self.error = error
        }

        var testDescription: String { error }
    }

    /// One rule that is as it should be, but for `line`.
    private static func rule(_ line: String) -> String {
        "rules:\n  - match: a.example\n    action: allow\n    \(line)\n"
    }

    private static func match(_ text: String) -> String {
        "rules:\n  - action: allow\n    match: \(text)\n"
    }

    static let documentCases = [
        Case("", "1:1: the document is empty; expected keys such as `name` and `rules`"),
        Case("# nothing\n", "1:1: the document is empty; expected keys such as `name` and `rules`"),
        Case(
            "- rules",
            """
            1:1: a list; expected a policy, a mapping with keys such as name, description, capture_level, inherit, rules, \
            resolvers, dns, ech, inbound, binding_grace, unix_sockets, content, defaults
            """),
        Case(
            "name: a\nrule: []\n",
            """
            2:1: unknown key `rule` in a policy; expected one of name, description, capture_level, inherit, rules, resolvers, dns, \
            ech, inbound, binding_grace, unix_sockets, content, defaults
            """),
        Case(
            "name: a\nparameters: {}\n",
            """
            2:1: unknown key `parameters` in a policy; expected one of name, description, capture_level, inherit, rules, resolvers, \
            dns, ech, inbound, binding_grace, unix_sockets, content, defaults
            """),
        Case(
            "\"\\e[31m\": a",
            """
            1:1: unknown key `\\u001b[31m` in a policy; expected one of name, description, capture_level, inherit, rules, resolvers, \
            dns, ech, inbound, binding_grace, unix_sockets, content, defaults
            """),
        Case("dns: \(String(repeating: "x", count: 2000))", "1:6: unknown dns `\(String(repeating: "x", count: 987))…"),
        Case("name: a\nrules: []\nname: b\n", "1:1: key `name` stands here and again further down; expected it once"),
        Case("name: [a]", "1:7: a list; expected the policy's name"),
        Case("name:", "1:6: nothing; expected the policy's name"),
        Case("name: ~", "1:7: nothing; expected the policy's name"),
        Case("name: \"\"", "1:7: nothing; expected the policy's name"),
        Case("name: \"a\\x07\"", "1:7: a control character; expected the policy's name"),
        Case("name: \(String(repeating: "n", count: 129))", "1:7: a text of 129 bytes; expected at most 128"),
        Case("name: a\nrules:\n  match: b\n", "3:3: a mapping; expected a list of rules"),
        Case("name: a\nrules: all\n", "2:8: a text; expected a list of rules"),
        Case("rules:\n", "1:7: nothing; expected a list of rules"),
        Case("capture_level: all", "1:16: unknown capture_level `all`; expected one of metadata, headers, full"),
        Case("dns: on", "1:6: unknown dns `on`; expected one of strict, open"),
        Case("inbound: [block]", "1:10: a list; expected inbound: block, allow"),
        Case("unix_sockets: /run/a", "1:15: a text; expected a list of paths of unix sockets"),
        Case("unix_sockets: [run/a]", "1:16: `run/a` \(noUnixPath)"),
        Case("unix_sockets: [/run/*]", "1:16: `/run/*` \(noUnixPath)"),
        Case("unix_sockets: [/run//a]", "1:16: `/run//a` \(noUnixPath)"),
        Case("unix_sockets: [/run/../a]", "1:16: `/run/../a` \(noUnixPath)"),
        Case(
            "unix_sockets: [/\(String(repeating: "a", count: 107))]",
            "1:16: `/\(String(repeating: "a", count: 107))` \(noUnixPath)"),
        Case(
            "unix_sockets: [\((0...64).map { number in "/\(number)" }.joined(separator: ", "))]",
            "1:15: 65 paths; expected at most 64: name folders"),
        Case("binding_grace: 30", "1:16: time `30`; expected a number with s, m or h such as 30s, 10m or 1h"),
        Case("binding_grace: 1.5h", "1:16: time `1.5h`; expected a number with s, m or h such as 30s, 10m or 1h"),
        Case(
            "binding_grace: 4294967296s",
            "1:16: time `4294967296s`; expected a number with s, m or h such as 30s, 10m or 1h"),
        Case("resolvers: []", "1:12: an empty list; expected addresses of resolvers"),
        Case(
            "resolvers: [10.0.0.53, dns.example]",
            "1:24: `dns.example` is no address; expected one such as 10.0.0.53 or fd00::53"),
        Case("defaults: block", "1:11: a text; expected defaults, a mapping with keys such as action"),
        Case("defaults: {}", "1:11: defaults without `action`; expected allow, alert, block or kill"),
        Case("defaults: { action: deny }", "1:21: unknown action `deny`; expected one of allow, alert, block, kill"),
        Case("defaults: { actoin: block }", "1:13: unknown key `actoin` in defaults; expected one of action"),
    ]

    static let ruleCases = [
        Case(
            "rules:\n  - any\n",
            """
            2:5: a text; expected a rule, a mapping with keys such as match, action, reason, ports, protocol, process, verify, \
            source, checked
            """),
        Case(
            "rules:\n  - action: allow\n",
            "2:5: a rule without `match`; expected a host name, glob, address, CIDR or `any`"),
        Case("rules:\n  - match: any\n", "2:5: a rule without `action`; expected allow, alert, block or kill"),
        Case(
            "rules: [{ match: any, action: Allow }]",
            "1:31: unknown action `Allow`; expected one of allow, alert, block, kill"),
        Case(
            rule("needs: [a]"),
            """
            4:5: unknown key `needs` in a rule; expected one of match, action, reason, ports, protocol, process, verify, source, checked
            """),
        Case(
            rule("<<: { reason: a }"),
            """
            4:5: unknown key `<<` in a rule; expected one of match, action, reason, ports, protocol, process, verify, source, checked
            """),
        Case(
            rule("[a]: b"),
            "4:5: a list as a key; expected one of match, action, reason, ports, protocol, process, verify, source, checked"
        ),
        Case(rule("ports: 0"), "4:12: port `0` is out of range; expected 1 to 65535"),
        Case(rule("ports: 65536"), "4:12: port `65536` is out of range; expected 1 to 65535"),
        Case(
            rule("ports: 99999999999999999999"),
            "4:12: port `99999999999999999999` is out of range; expected 1 to 65535"),
        Case(rule("ports: [443, 9-8]"), "4:18: range `9-8` is reversed; expected 8-9"),
        Case(rule("ports: [443, 1-2-3]"), "4:18: port `1-2-3`; expected a number or a range such as 8000-8999"),
        Case(rule("ports: -1"), "4:12: port `-1`; expected a number or a range such as 8000-8999"),
        Case(rule("ports: https"), "4:12: port `https`; expected a number or a range such as 8000-8999"),
        Case(rule("ports: 0x1bb"), "4:12: port `0x1bb`; expected a number or a range such as 8000-8999"),
        Case(rule("ports: []"), "4:12: an empty list; expected ports"),
        Case(rule("ports: [[443]]"), "4:13: a list; expected a port or a range such as 8000-8999"),
        Case(rule("ports: { from: 1 }"), "4:12: a mapping; expected a list of ports"),
        Case(rule("protocol: icmp"), "4:15: unknown protocol `icmp`; expected one of tcp, udp"),
        Case(
            rule("process: curl"), "4:14: process `curl` is no whole path; expected one such as /usr/bin/curl or */curl"
        ),
        Case(rule("verify: sni"), "4:13: unknown verification `sni`; expected one of name, address"),
        Case(rule("source: our wiki"), "4:13: source `our wiki` is no address of a page; expected https://..."),
        Case(rule("checked: 2026-02-30"), "4:14: date `2026-02-30`; expected YYYY-MM-DD"),
        Case(rule("checked: today"), "4:14: date `today`; expected YYYY-MM-DD"),
        Case(rule("reason: { a: b }"), "4:13: a mapping; expected a reason"),
    ]

    static let matchCases = [
        Case(match("[]"), "3:12: an empty list; expected a host name, glob, address, CIDR or `any`"),
        Case(match("[a.example, 10.0.0.0/33]"), "3:24: `10.0.0.0/33` has no good prefix length; expected 0 to 32"),
        Case(match("10.0.0.0/"), "3:12: `10.0.0.0/` has no good prefix length; expected 0 to 32"),
        Case(match("10.0.0.0/08"), "3:12: `10.0.0.0/08` has no good prefix length; expected 0 to 32"),
        Case(match("fd00::/129"), "3:12: `fd00::/129` has no good prefix length; expected 0 to 128"),
        Case(
            match("10.0.0.1/8"),
            "3:12: `10.0.0.1/8` sets bits behind its prefix; expected 10.0.0.0/8 or a single address"),
        Case(
            match("\"fd00::1/8\""),
            "3:12: `fd00::1/8` sets bits behind its prefix; expected fd00::/8 or a single address"),
        Case(
            match("\"::ffff:10.0.0.1/104\""),
            "3:12: `::ffff:10.0.0.1/104` sets bits behind its prefix; expected 10.0.0.0/8 or a single address"),
        Case(
            match("10.0.0/8"),
            "3:12: `10.0.0/8` is no network; expected a CIDR such as 10.0.0.0/8 or fd00::/8, or a host name without a path"
        ),
        Case(
            match("example.com/v1"),
            """
            3:12: `example.com/v1` is no network; expected a CIDR such as 10.0.0.0/8 or fd00::/8, or a host name without a path
            """),
        Case(
            match("https://example.com/"),
            "3:12: `https://example.com/` is a URL; expected the host name alone, and the port in `ports`"),
        Case(
            match("example.com:443"),
            "3:12: `example.com:443` names a port; expected `match: example.com` and `ports: 443`"),
        Case(match("10.1.2.3:443"), "3:12: `10.1.2.3:443` names a port; expected `match: 10.1.2.3` and `ports: 443`"),
        Case(
            match("\"[fd00::1]:443\""), "3:12: `[fd00::1]:443` names a port; expected `match: fd00::1` and `ports: 443`"
        ),
        Case(match("\"[fd00::1]\""), "3:12: `[fd00::1]` stands in brackets; expected `match: fd00::1`"),
        Case(match("fd00::1::2"), "3:12: `fd00::1::2` is no IPv6 address; expected one such as 2001:db8::1"),
        Case(
            match("fe80::1%eth0"),
            "3:12: `fe80::1%eth0` is no IPv6 address; expected one such as 2001:db8::1, without a zone"),
        Case(
            match("1.2.3.400"),
            """
            3:12: `1.2.3.400` is no address; expected one such as 10.1.2.3, a CIDR such as 10.1.2.0/24, or a host name
            """),
        Case(
            match("10.1.2"),
            "3:12: `10.1.2` is no address; expected one such as 10.1.2.3, a CIDR such as 10.1.2.0/24, or a host name"),
        Case(
            match("\"10.1.*\""),
            "3:12: `10.1.*` is no address; expected one such as 10.1.2.3, a CIDR such as 10.1.2.0/24, or a host name"),
        Case(
            match("a.example.7."),
            "3:12: `a.example.7.` is no address; expected one such as 10.1.2.3, a CIDR such as 10.1.2.0/24, or a host name"
        ),
        Case(
            match("0x7f000001"),
            "3:12: `0x7f000001` is no address; expected one such as 10.1.2.3, a CIDR such as 10.1.2.0/24, or a host name"
        ),
        Case(
            match("a b.example"),
            """
            3:12: `a b.example` is no host name; expected labels of at most 63 letters, digits, hyphens and underscores with dots \
            between, a leading `*.` or a `*` in a label
            """),
        Case(
            match("a..example"),
            """
            3:12: `a..example` is no host name; expected labels of at most 63 letters, digits, hyphens and underscores with dots \
            between, a leading `*.` or a `*` in a label
            """),
        Case(
            match("\"*.*\""),
            """
            3:12: `*.*` is no host name; expected labels of at most 63 letters, digits, hyphens and underscores with dots \
            between, a leading `*.` or a `*` in a label
            """),
        Case(
            match("\"*ü.example\""),
            "3:12: `*ü.example` is no host name: `*ü` has no form in ASCII; expected one (xn--...)"),
        Case(
            match("\"a\\u200b\\u2028.example\""),
            "3:12: `a\\u200b\\u2028.example` is no host name: `a\\u200b\\u2028` has no form in ASCII; expected one (xn--...)"
        ),
        Case(
            match(String(repeating: "a.", count: 127) + "example"),
            "3:12: a host name of 261 bytes; expected at most 253"),
    ]

    static let contentCases = [
        Case(
            "content:\n  - when: { finding: pii }\n    action: kill\n",
            "2:5: a content rule without capture; expected `capture_level: headers` or `capture_level: full`"),
        Case("content: [{ action: kill }]", "1:11: a content rule without `when` or `action`; expected both"),
        Case(
            "content: [{ when: {}, action: kill }]",
            "1:19: when without `finding`; expected kinds of findings such as pii"),
        Case(
            "content: [{ when: { finding: pii, destination: none }, action: kill }]",
            "1:48: unknown destination `none`; expected one of not-allowed, any"),
        Case(
            "content: [{ when: { finding: PII }, action: kill }]",
            "1:30: finding `PII`; expected lower-case letters, digits, hyphens and underscores"),
        Case(
            "content: [{ when: { finding: pii }, action: allow }]",
            "1:45: action `allow` for content; expected one of alert, block, kill"),
    ]

    static let textCases = [
        Case("name: a\n---\nname: b\n", "2:1: a second document begins; expected one document in a file"),
        Case("name: [a", "2:1: no YAML: while parsing a flow sequence, did not find expected ',' or ']'"),
        Case(
            "name: a\n\tb: c\n",
            "2:1: no YAML: while scanning a plain scalar, found a tab character that violates indentation"),
        Case("name: &n a\n", "1:7: an anchor (&name); expected none, anchors and aliases are not read"),
        Case(
            "name: &n a\ndescription: *n\n", "1:7: an anchor (&name); expected none, anchors and aliases are not read"),
        Case("name: *n\n", "1:7: an alias (*name); expected a text, in quotes if it begins with `*`"),
        Case(match("*.openai.com"), "3:12: an alias (*name); expected a text, in quotes if it begins with `*`"),
        Case("name: !secret a\n", "1:7: tag !secret; expected none, tags are not read"),
        Case("rules: !!set {}\n", "1:8: tag tag:yaml.org,2002:set; expected none, tags are not read"),
        Case("name: a\ndescription: b\u{7}c\n", "2:15: control character U+7; expected text"),
        Case(
            String(repeating: "[", count: 13) + String(repeating: "]", count: 13) + "\n",
            """
            1:1: a list; expected a policy, a mapping with keys such as name, description, capture_level, inherit, rules, \
            resolvers, dns, ech, inbound, binding_grace, unix_sockets, content, defaults
            """),
        Case(
            String(repeating: "[", count: 14) + String(repeating: "]", count: 14) + "\n",
            "1:14: nested too deeply; expected at most 12 levels"),
        Case(String(repeating: "[", count: 5000), "1:1: nested too deeply; expected at most 12 levels"),
        Case("name: \(String(repeating: "a", count: 1 << 20))\n", "1:1: 1048583 bytes; expected at most 1048576"),
    ]

    @Test(arguments: documentCases + ruleCases + matchCases + contentCases + textCases)
    func tellsWhatWhereAndWhatWasExpected(_ wrong: Case) {
        #expect(Documents(["site.yaml": wrong.text]).problem("site.yaml") == "site.yaml:" + wrong.error)
    }

    @Test func refusesBytesThatAreNotText() throws {
        func problem(_ bytes: [UInt8]) -> PolicyError? {
            do {
                _ = try PolicyLoader.load(["a.yaml"]) { _ throws(PolicyReadFailure) in bytes }
                return nil
            } catch {
                return error
            }
        }
        #expect(
            problem(Array("name: a\nü: ".utf8) + [0xc3, 0x28]).map { error in "\(error)" }
                == "a.yaml:2:4: bytes that are not UTF-8; expected UTF-8 text")
        #expect(problem([0xff, 0xfe, 0x6e, 0x00])?.line == 1)
        #expect(problem([0xef, 0xbb, 0xbf] + Array("name: a\n".utf8)) == nil)
    }

    /// Keys that are deep collections, of which each level would be hashed for each level above it: a minute, if they were read.
    @Test(.timeLimit(.minutes(1))) func neverReadsDeepKeys() {
        let flow = String(repeating: "{? ", count: 900) + "a" + String(repeating: "}", count: 900)
        let text = (0..<280).map { index in "? [\(index), \(flow)]\n: 1\n" }.joined()
        #expect(
            Documents(["site.yaml": text]).problem("site.yaml")
                == "site.yaml:1:3: nested too deeply; expected at most 12 levels")
        let block = String(repeating: "? ", count: 500_000)
        #expect(Documents(["site.yaml": block]).problem("site.yaml")?.contains("nested too deeply") == true)
    }

    /// Ten to the ninth power, if anything expanded it.
    @Test func neverExpandsAliases() {
        for (before, after) in [("", ""), ("? ", ""), ("[", "]: 1")] {
            var text = "a0: &a0 [x]\n"
            for level in 1...9 {
                let alias = String(repeating: "*a\(level - 1), ", count: 10)
                text += "\(before)&a\(level) [\(alias)]\(after)\n"
            }
            text += "? [*a9]\n: 1\n? [*a9, 1]\n: 1\n"
            let problem = Documents(["site.yaml": text]).problem("site.yaml")
            #expect(problem?.hasPrefix("site.yaml:") == true)
            #expect(problem?.contains("anchor") == true || problem?.contains("no YAML") == true)
        }
        // Marks of anchors and aliases that are none.
        let text = "description: \"R&D *all*\" # &a *b\n"
        #expect(Documents(["site.yaml": text]).problem("site.yaml") == nil)
    }
}
