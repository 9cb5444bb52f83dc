// SPDX-License-Identifier: Apache-2.0
import CRing
import Glibc
import TrustRunEnrichment
import TrustRunSensor
import TrustRunSinks

/// Ends the program if something did not work.
func require(_ isDone: Bool, _ attempt: String) {
    guard !isDone else { return }
    perror("pipeline-bench: could not \(attempt)")
    exit(1)
}

func open(_ path: String) -> Int32 {
    let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    require(descriptor >= 0, "open \(path)")
    return descriptor
}

/// What one side used for what it wrote.
struct Cost {
    private var time: UInt64 = 0
    private var allocated: UInt64 = 0
    private var lines: UInt64 = 0

    mutating func add(_ countLines: () -> UInt64, _ work: () -> Void) {
        let (linesBefore, allocatedBefore, before) = (countLines(), allocations(), thread_time())
        work()
        time += thread_time() - before
        allocated += allocations() - allocatedBefore
        lines += countLines() - linesBefore
    }

    var json: String {
        let (time, allocated) = (Double(time) / Double(lines), Double(allocated) / Double(lines))
        return "{\"ns\":\(time),\"allocations\":\(allocated),\"lines\":\(lines)}"
    }
}

/// One ring and its consumers, which get the same bursts in turns: the C program, the agent, and the agent with a policy.
final class Bench {
    private static let connectionsPerBurst: UInt64 = 1024
    private static let burstsPerRound = 40
    /// As records.bpf.c has it.
    private static let firstTime: UInt64 = 5_000_000_000_000
    private static let nanosecondsApart: UInt64 = 20_000

    private let agent: Agent
    private let judging: Agent
    private let boxes: [Box]
    private let formatterSide: OpaquePointer?
    private let agentSide: OpaquePointer?
    private let judgingSide: OpaquePointer?
    private var first: UInt64 = 0

    init(formatterOutput: Int32, agentOutput: Int32) throws {
        agent = try Agent(output: agentOutput)
        judging = try Agent(output: open("/dev/null"), policy: Agent.thousandRules())
        boxes = [Box(agent.pipeline), Box(judging.pipeline)]
        formatter_open(formatterOutput)
        formatterSide = ring_add(formatter_record, nil)
        agentSide = ring_add(deliver, Unmanaged.passUnretained(boxes[0]).toOpaque())
        judgingSide = ring_add(deliver, Unmanaged.passUnretained(boxes[1]).toOpaque())
        require(formatterSide != nil && agentSide != nil && judgingSide != nil, "read the ring")
        for side in [formatterSide, agentSide, judgingSide] {
            require(ring_fill_processes() == 0, "fill the ring")
            consume(side)
        }
    }

    private func consume(_ side: OpaquePointer?) {
        if let side { ring_consume(side) }
    }

    func round() -> (formatter: Cost, agent: Cost, judging: Cost) {
        var (formatter, plain, judged) = (Cost(), Cost(), Cost())
        for burst in 0..<Self.burstsPerRound {
            if burst % 2 == 0 { formatterTurn(&formatter) }
            turn(of: burst % 4 < 2 ? agent : judging, &plain, &judged)
            turn(of: burst % 4 < 2 ? judging : agent, &plain, &judged)
            if burst % 2 == 1 { formatterTurn(&formatter) }
            first += Self.connectionsPerBurst
        }
        return (formatter, plain, judged)
    }

    private func turn(of side: Agent, _ plain: inout Cost, _ judged: inout Cost) {
        if side === agent { turn(agent, agentSide, &plain) } else { turn(judging, judgingSide, &judged) }
    }

    private func formatterTurn(_ cost: inout Cost) {
        require(ring_fill_connections(first, Self.connectionsPerBurst) == 0, "fill the ring")
        cost.add(formatter_lines) {
            consume(formatterSide)
            formatter_flush()
        }
    }

    private func turn(_ agent: Agent, _ side: OpaquePointer?, _ cost: inout Cost) {
        require(ring_fill_connections(first, Self.connectionsPerBurst) == 0, "fill the ring")
        let time = Self.firstTime + (first + Self.connectionsPerBurst) * Self.nanosecondsApart
        cost.add({ agent.lines }) {
            consume(side)
            // What the agent does once a second, and at each tick.
            agent.enricher.tick(at: time)
            agent.writer.flush()
        }
        // The thread that writes keeps up, so that nothing is dropped.
        while !agent.queue.isIdle { usleep(100) }
    }

    func finish() {
        for agent in [agent, judging] {
            agent.writer.flush()
            require(agent.queue.finish(timeoutMilliseconds: 5000), "write the output")
            require(agent.pipeline.undecodable == 0 && agent.writer.totalDrops == 0, "write every line")
        }
        require(agent.lines == judging.lines, "find a rule for each connection")
    }
}
