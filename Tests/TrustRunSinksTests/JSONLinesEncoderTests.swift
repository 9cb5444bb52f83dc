// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEvents
import TrustRunSinks

@Suite struct JSONLinesEncoderTests {
    private static let head = #"{"schema":"trustrun.event.v1","time":"2026-01-31T23:59:59.000000007Z","type":"#
    private static let process =
        #","process":{"pid":100,"start_time":"2026-01-31T22:53:25.000000000Z","ppid":50,"#
        + #""name":"curl","executable":"/usr/bin/curl","uid":1000,"gid":100,"ancestors":["bash","systemd"]"#
    private static let container = #"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"#
    private static let parties =
        #","connection":"1f0a.1","direction":"outbound","protocol":"tcp","#
        + #""source":{"address":"10.0.0.2","port":40000},"destination":{"address":"93.184.216.34","port":443"#
    private static let namespace = #","network_namespace":4026531840"#

    @Test func writesConnect() throws {
        var connection = Samples.connection(DestinationNames(name: try Samples.host("example.test"), source: .dns))
        connection.outcome = .established
        connection.durationNanoseconds = 1_234_567
        let event = Samples.event(
            .connect(connection), hook: .connect, process: Samples.process(), cgroup: Samples.cgroup())
        #expect(
            try Samples.line(event) == Self.head + #""connect","host":"box""# + Self.process
                + #"},"cgroup":{"id":42,"path":"/docker/\#(Self.container)"},"#
                + #""container":{"id":"\#(Self.container)","runtime":"docker"}"# + Self.parties
                + #","name":"example.test","name_source":"dns"}"# + Self.namespace
                + #","outcome":"established","duration_ns":1234567,"sensor":{"hook":"fentry/tcp_connect"}}"#)
    }

    @Test(
        arguments: [
            (ConnectionOutcome.failed, 101, #""outcome":"failed","errno":"ENETUNREACH""#),
            (.unreachable, 113, #""outcome":"unreachable","errno":"EHOSTUNREACH""#),
            (.reset, 104, #""outcome":"reset","errno":"ECONNRESET""#),
            (.failed, 4000, #""outcome":"failed","errno":"ERRNO4000""#),
            (.failed, 58, #""outcome":"failed","errno":"ERRNO58""#),
            (.refused, 111, #""outcome":"refused""#),
            (.timedOut, 110, #""outcome":"timed_out""#),
            (.pending, 0, #""outcome":"pending""#),
            (.aborted, 103, #""outcome":"aborted""#),
        ] as [(ConnectionOutcome, UInt32, String)])
    func writesFailedConnect(outcome: ConnectionOutcome, number: UInt32, text: String) throws {
        var connection = Samples.connection()
        connection.outcome = outcome
        connection.errorNumber = number
        #expect(
            try Samples.line(Samples.event(.connect(connection), hook: .connect)) == Self.head
                + #""connect","host":"box""# + Self.parties + #","name_source":"none"}"# + Self.namespace
                + ",\(text)" + #","sensor":{"hook":"fentry/tcp_connect"}}"#)
    }

    @Test func writesAccept() throws {
        var connection = Samples.connection()
        connection.direction = .inbound
        connection.transport = .udp
        connection.source = Endpoint(address: IPAddress(high: 0xfe80_0000_0000_0000, low: 1), port: 0)
        connection.isExisting = true
        connection.isQUIC = true
        connection.networkNamespace = 0
        #expect(
            try Samples.line(Samples.event(.accept(connection), hook: .none)) == Self.head
                + #""accept","host":"box","connection":"1f0a.1","direction":"inbound","protocol":"udp","#
                + #""source":{"address":"fe80::1"},"destination":{"address":"93.184.216.34","port":443},"#
                + #""existing":true,"quic":true}"#)
    }

    @Test func writesClose() throws {
        var connection = Samples.connection(
            DestinationNames(
                candidates: [try Samples.host("b.test"), try Samples.host("a.test")], source: .dns))
        connection.durationNanoseconds = UInt64.max
        connection.bytes = .tcp(acknowledged: 10, unacknowledged: 0, received: 99_999)
        let names = #","names":["b.test","a.test"],"name_source":"dns"}"#
        let end = #","sensor":{"hook":"fentry/tcp_close"}}"#
        #expect(
            try Samples.line(Samples.event(.close(connection), hook: .close)) == Self.head
                + #""close","host":"box""# + Self.parties + names + Self.namespace
                + #","duration_ns":18446744073709551615,"#
                + #""bytes":{"acknowledged":10,"unacknowledged":0,"received":99999}"# + end)
        connection.bytes = .udp(sent: 1, received: 0)
        connection.errorNumber = 32
        #expect(
            try Samples.line(Samples.event(.close(connection), hook: .close)).hasSuffix(
                #""errno":"EPIPE","duration_ns":18446744073709551615,"bytes":{"sent":1,"received":0}"# + end))
    }

    @Test func writesOnlyCandidateAsName() throws {
        let connection = Samples.connection(DestinationNames(candidates: [try Samples.host("a.test")], source: .sni))
        let line = try Samples.line(Samples.event(.connect(connection), hook: .connect))
        #expect(line.contains(#""port":443,"name":"a.test","name_source":"sni"}"#))
    }

    @Test func writesExec() throws {
        let process = Samples.process(arguments: "curl\0\0-H\0a \"b\"\0")
        process.areArgumentsTruncated = true
        #expect(
            try Samples.line(Samples.event(.exec, hook: .exec, process: process)) == Self.head
                + #""exec","host":"box""# + Self.process
                + #","arguments":["curl","","-H","a \"b\""],"arguments_truncated":true},"#
                + #""sensor":{"hook":"tp_btf/sched_process_exec"}}"#)
    }

    @Test func keepsArgumentsOutOfOtherEvents() throws {
        let encoder = Samples.encoder()
        let process = Samples.process(arguments: "curl\0secret\0")
        let exit = Samples.event(.exit(ExitEvent(waitStatus: 9, durationNanoseconds: 1)), hook: .exit, process: process)
        let exec = Samples.event(.exec, hook: .exec, process: process)
        let first = try Samples.checked { encoder.encode(exec, into: &$0) }
        let second = try Samples.checked { encoder.encode(exit, into: &$0) }
        let third = try Samples.checked { encoder.encode(exec, into: &$0) }
        let fourth = try Samples.checked { encoder.encode(exit, into: &$0) }
        #expect(first.contains("secret") && third == first)
        #expect(!second.contains("arguments") && fourth == second)
        #expect(!String(decoding: process.encoded, as: UTF8.self).contains("secret"))
    }

    @Test func writesChangedProcessAfterItsFormWasEmptied() throws {
        let encoder = Samples.encoder()
        let process = Samples.process()
        let exit = Samples.event(.exit(ExitEvent(waitStatus: 0, durationNanoseconds: 1)), hook: .exit, process: process)
        _ = try Samples.checked { encoder.encode(exit, into: &$0) }
        process.user = 0
        process.encoded = []
        #expect(try Samples.checked { encoder.encode(exit, into: &$0) }.contains(#""uid":0,"#))
    }

    @Test(
        arguments: [
            (0, #"{"code":0}"#), (0x0300, #"{"code":3}"#), (0xff00, #"{"code":255}"#), (9, #"{"signal":"SIGKILL"}"#),
            (0x8b, #"{"signal":"SIGSEGV"}"#), (31, #"{"signal":"SIGSYS"}"#), (32, #"{"signal":"SIG32"}"#),
            (34, #"{"signal":"SIGRTMIN"}"#), (64, #"{"signal":"SIGRTMIN+30"}"#),
        ] as [(UInt32, String)])
    func writesExit(status: UInt32, text: String) throws {
        let exit = ExitEvent(waitStatus: status, durationNanoseconds: 5)
        #expect(
            try Samples.line(Samples.event(.exit(exit), hook: .exit, process: Samples.process())) == Self.head
                + #""exit","host":"box""# + Self.process + #"},"exit":"# + text
                + #","duration_ns":5,"sensor":{"hook":"tp_btf/sched_process_exit"}}"#)
    }

    @Test func limitsAncestorsToSixteen() throws {
        var process = Samples.identity(1, "p0")
        for number in 1...20 { process = Samples.identity(2, "p\(number)", parent: process) }
        let event = Samples.event(.exec, hook: .exec, process: process)
        let names = (4...19).reversed().map { "\"p\($0)\"" }.joined(separator: ",")
        #expect(try Samples.line(event).contains(#""ancestors":[\#(names)],"arguments":[],"existing":true}"#))
    }
}
