// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEvents
import TrustRunSinks

@Suite struct JSONLinesEncoderNamesTests {
    private static let head = #"{"schema":"trustrun.event.v1","time":"2026-01-31T23:59:59.000000007Z","type":"#

    @Test func writesQuery() throws {
        let query = DNSEvent(
            isAnswer: false, id: 7, name: try Samples.host("a.test"), queryType: 65, transport: .tcp,
            resolver: Samples.resolver)
        #expect(
            try Samples.line(Samples.event(.dns(query), hook: .dns)) == Self.head
                + #""dns","host":"box","dns":{"phase":"query","id":7,"name":"a.test","query_type":"HTTPS","#
                + #""transport":"tcp","resolver":{"address":"2001:db8::35","port":53}},"#
                + #""sensor":{"hook":"cgroup_skb/ingress"}}"#)
    }

    @Test func writesAnswer() throws {
        var answer = DNSEvent(
            isAnswer: true, id: 65535, name: try Samples.host("a.test"), queryType: 1, transport: .udp,
            resolver: Samples.resolver)
        answer.answers = [
            DNSEvent.Answer(address: IPAddress(ipv4: 0x7f00_0001), timeToLiveSeconds: 60),
            DNSEvent.Answer(address: IPAddress(high: 0, low: 1), timeToLiveSeconds: 0),
        ]
        answer.aliases = [try Samples.host("b.test"), try Samples.host("c.test")]
        answer.isTruncated = true
        answer.durationNanoseconds = 12
        #expect(
            try Samples.line(Samples.event(.dns(answer), hook: .dns)) == Self.head
                + #""dns","host":"box","dns":{"phase":"answer","id":65535,"name":"a.test","query_type":"A","#
                + #""transport":"udp","resolver":{"address":"2001:db8::35","port":53},"response_code":"NOERROR","#
                + #""answers":[{"address":"127.0.0.1","ttl":60},{"address":"::1","ttl":0}],"cnames":["b.test","c.test"],"#
                + #""truncated":true,"duration_ns":12},"sensor":{"hook":"cgroup_skb/ingress"}}"#)
    }

    @Test(
        arguments: [
            (1, 3, #""query_type":"A""#, "NXDOMAIN"), (28, 2, #""query_type":"AAAA""#, "SERVFAIL"),
            (64, 23, #""query_type":"SVCB""#, "BADCOOKIE"), (5, 17, #""query_type":"CNAME""#, "RCODE17"),
            (60000, 0, #""query_type":"TYPE60000""#, "NOERROR"), (0, 5, #""id":1,"transport""#, "REFUSED"),
        ] as [(UInt16, UInt16, String, String)])
    func writesNumbersAsNames(type: UInt16, code: UInt16, typeText: String, codeText: String) throws {
        var answer = DNSEvent(
            isAnswer: true, id: 1, name: nil, queryType: type, transport: .udp, resolver: Samples.resolver)
        answer.responseCode = code
        answer.isUnsolicited = true
        let line = try Samples.line(Samples.event(.dns(answer), hook: .dns))
        #expect(line.contains(typeText))
        #expect(line.contains(#""response_code":"\#(codeText)","answers":[],"unsolicited":true}"#))
    }

    @Test func writesServerName() throws {
        var name = ServerNameEvent(name: try Samples.host("a.test"), isOnWire: true, isFromLibrary: true)
        name.hasECH = true
        name.applicationProtocols = [Array("h2".utf8)]
        name.connection = Samples.connection()
        #expect(
            try Samples.line(Samples.event(.sni(name), hook: .clientHello)) == Self.head
                + #""sni","host":"box","connection":"1f0a.1","direction":"outbound","protocol":"tcp","#
                + #""source":{"address":"10.0.0.2","port":40000},"#
                + #""destination":{"address":"93.184.216.34","port":443,"name_source":"none"},"#
                + #""network_namespace":4026531840,"#
                + #""sni":{"name":"a.test","sources":["wire","ssl_ctrl"],"ech":true,"alpn":["h2"]},"#
                + #""sensor":{"hook":"cgroup_skb/egress"}}"#)
        let asked = ServerNameEvent(name: try Samples.host("a.test"), isOnWire: false, isFromLibrary: true)
        #expect(
            try Samples.line(Samples.event(.sni(asked), hook: .none)) == Self.head
                + #""sni","host":"box","sni":{"name":"a.test","sources":["ssl_ctrl"]}}"#)
    }

    @Test func writesSessionStart() throws {
        var start = SessionStart(
            time: Samples.time, version: "0.1.0", kernel: "6.18.0",
            capabilities: [
                SessionStart.Capability(name: "connect", hook: "fentry/tcp_connect", tried: ""),
                SessionStart.Capability(name: "sni", hook: nil, tried: "no \"BTF\""),
                SessionStart.Capability(name: "exec", hook: "tp_btf/sched_process_exec", tried: ""),
            ])
        #expect(
            try Samples.checked { Samples.encoder().encode(start, into: &$0) } == Self.head
                + #""session","host":"box","phase":"start","version":"0.1.0","kernel":"6.18.0","#
                + #""hooks":{"connect":"fentry/tcp_connect","exec":"tp_btf/sched_process_exec"},"#
                + #""missing":[{"capability":"sni","reason":"no \"BTF\""}],"resolvers":[]}"#)
        start.capabilities = []
        start.resolvers = [IPAddress(ipv4: 0x0a00_0035), IPAddress(high: 0, low: 1)]
        start.policy = SessionStart.PolicyFacts(
            name: "p", documents: ["p.yaml", "preset:doh"], ruleCount: 3, defaultAction: .block)
        #expect(
            try Samples.checked { Samples.encoder().encode(start, into: &$0) } == Self.head
                + #""session","host":"box","phase":"start","version":"0.1.0","kernel":"6.18.0","hooks":{},"#
                + #""resolvers":["10.0.0.53","::1"],"policy":{"name":"p","documents":["p.yaml","preset:doh"],"#
                + #""rules":3,"default":"block","enforced":false}}"#)
    }

    @Test func writesSessionSummary() throws {
        var summary = SessionSummary(
            time: Samples.time, durationNanoseconds: 9, reason: .signal, events: [2, 3, 0, 1, 0, 0, 0, 0, 0, 1], lost: 4
        )
        #expect(
            try Samples.checked { Samples.encoder().encode(summary, into: &$0) } == Self.head
                + #""session","host":"box","phase":"end","summary":{"events":{"session":2,"connect":3,"accept":0,"#
                + #""close":1,"dns":0,"sni":0,"exec":0,"exit":0,"violation":0,"loss":1,"total":7},"lost":4,"#
                + #""duration_ns":9,"reason":"signal"}}"#)
        summary.violations = [7, 1, 2, 3]
        #expect(
            try Samples.checked { Samples.encoder().encode(summary, into: &$0) }
                .contains(#""lost":4,"violations":{"alert":1,"block":2,"kill":3},"duration_ns":9"#))
    }

    @Test func writesLosses() throws {
        let losses = [
            LossEntry(stage: .kernel, record: "connect", count: 3), LossEntry(stage: .output, record: "dns", count: 1),
        ]
        #expect(
            try Samples.checked { Samples.encoder().encode(losses: losses, time: Samples.time, into: &$0) }
                == Self.head + #""loss","host":"box","lost":[{"stage":"kernel","record":"connect","count":3},"#
                + #"{"stage":"output","record":"dns","count":1}]}"#)
    }
}
