// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEvents
import TrustRunTestSupport

@testable import TrustRunEnrichment

@Suite struct ConnectionTableTests {
    private func process(_ tgid: UInt32) -> ProcessIdentity {
        ProcessIdentity(
            key: ProcessKey(tgid: tgid, startTime: 1), parent: nil, parentTgid: 0, user: 0, group: 0, name: [],
            executable: [], cgroup: nil)
    }

    private func state(_ cookie: UInt64, startTime: UInt64 = 0, owner: Owner? = nil) -> ConnectionState {
        var state = ConnectionState.void
        state.id = ConnectionID(cookie: cookie, generation: 1)
        state.startTime = startTime
        state.report.owner = owner
        return state
    }

    private func wait(_ cookie: UInt64, in table: inout ConnectionTable) {
        if let place = table.place(of: cookie) { table.wait(at: place) }
    }

    private func endWaiting(_ cookie: UInt64, in table: inout ConnectionTable) {
        if let place = table.place(of: cookie) { table.endWaiting(place) }
    }

    @Test func hasNoCookieZero() {
        var table = ConnectionTable()
        table[0] = state(0)
        let (found, made) = (table.place(of: 0), table.makePlace(for: 0))
        #expect(found == nil)
        #expect(made == nil)
    }

    @Test func letsGoOfTheOwner() {
        var table = ConnectionTable()
        weak var seen: Owner?
        do {
            let owner = Owner(process: process(1), cgroup: nil)
            seen = owner
            table[5] = state(5, owner: owner)
        }
        #expect(seen != nil)
        table.remove(5)
        #expect(seen == nil)
        let place = table.makePlace(for: 6)
        #expect(place != nil)
        let process = place.flatMap { place in table[place: place].process }
        #expect(process == nil)
    }

    @Test func keepsTheOrderOfThoseWhoWait() {
        var table = ConnectionTable()
        for cookie in UInt64(1)...200 {
            table[cookie] = state(cookie, startTime: cookie)
            wait(cookie, in: &table)
        }
        for cookie in stride(from: UInt64(1), through: 200, by: 3) { table.remove(cookie) }
        endWaiting(200, in: &table)
        endWaiting(2, in: &table)
        // The same socket anew comes last.
        table[3] = state(3, startTime: 300)
        wait(3, in: &table)
        var order: [UInt64] = []
        while let place = table.next(before: .max) { order.append(table[place: place].id.cookie) }
        #expect(order == (4...199).filter { $0 % 3 != 1 } + [3])
        let further = table.next(before: .max)
        #expect(further == nil)
    }

    @Test func waitsForTheTime() {
        var table = ConnectionTable()
        table[1] = state(1, startTime: 10)
        wait(1, in: &table)
        let (early, due) = (table.next(before: 10), table.next(before: 11))
        #expect(early == nil)
        let place = table.place(of: 1)
        #expect(due == place)
    }

    @Test(arguments: [(UInt64(1), UInt64(90)), (2, 5000)]) func agreesWithADictionary(seed: UInt64, largest: UInt64) {
        print("ConnectionTable seed \(seed), cookies to \(largest)")
        var generator = SeededGenerator(seed: seed)
        var table = ConnectionTable()
        var model: [UInt64: UInt64] = [:]
        for round in 0..<50_000 {
            let cookie = UInt64.random(in: 1...largest, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0, 1:
                table[cookie] = state(cookie, startTime: UInt64(round))
                if round.isMultiple(of: 2), let place = table.place(of: cookie) { table.wait(at: place) }
                model[cookie] = UInt64(round)
            case 2:
                table.remove(cookie)
                model[cookie] = nil
            default:
                let time = table[cookie]?.startTime
                #expect(time == model[cookie], "round \(round)")
            }
        }
        var last: UInt64 = 0
        while let place = table.next(before: .max) {
            let (cookie, time) = (table[place: place].id.cookie, table[place: place].startTime)
            #expect(time >= last)
            #expect(model[cookie] == time)
            last = time
        }
        for (cookie, time) in model {
            let found = table[cookie]?.startTime
            #expect(found == time)
        }
    }
}
